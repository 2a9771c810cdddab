/** level-read-stream: Node streams over iterators, with the ranges, back-pressure and early ends that streams bring. */
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Kvarium } from 'kvarium'
import { EntryStream, KeyStream, ValueStream } from 'level-read-stream'
import { describe, expect, it } from 'vitest'
import { ENGINES, levelOf, paddedKey, useDirectory } from './support/client-place.js'

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of stream) all.push(item)
  return all
}

const KEYS = Array.from({ length: 1500 }, (_, i) => paddedKey(i))

describe.each(ENGINES)('level-read-stream on %s', engine => {
  const place = useDirectory()
  const Level = levelOf(engine)

  async function openFilled(): Promise<Kvarium> {
    const filling = new Level(place('db'))
    await filling.batch(KEYS.map(key => ({ type: 'put', key, value: `${key}!`.repeat(10) })))
    await filling.close()
    const db = new Level(place('db'))
    await db.open()
    return db
  }

  it('a stream of a range, in either direction, with a limit, has what an array of the range has', async () => {
    const db = await openFilled()
    const ranges = [
      [{}, KEYS],
      [{ gte: '000100', lt: '000200' }, KEYS.slice(100, 200)],
      [{ gt: '000100', lte: '000200', reverse: true }, KEYS.slice(101, 201).reverse()],
      [{ reverse: true, limit: 3 }, KEYS.slice(-3).reverse()],
      [{ gt: '9' }, []],
      [{ limit: 0 }, []],
    ] as const
    for (const [range, keys] of ranges) {
      const values = keys.map(key => `${key}!`.repeat(10))
      for (const highWaterMark of [1, 7, 1000]) {
        expect(await collect(new KeyStream<string, Kvarium>(db, { ...range, highWaterMark }))).toEqual(keys)
        expect(await collect(new ValueStream<string, string, Kvarium>(db, { ...range, highWaterMark }))).toEqual(values)
        const entries = await collect(new EntryStream<string, string, Kvarium>(db, { ...range, highWaterMark }))
        expect(entries).toEqual(keys.map((key, i) => ({ key, value: values[i] })))
      }
    }
    await db.close()
  })

  it('a slow reader gets the moment at which its stream was made, although all is deleted meanwhile', async () => {
    const db = await openFilled()
    const seen: string[] = []
    const stream = new KeyStream<string, Kvarium>(db, { highWaterMark: 10, highWaterMarkBytes: 100, fillCache: false })
    await pipeline(
      stream,
      new Writable({
        objectMode: true,
        highWaterMark: 1,
        write(key: string, _encoding, done) {
          seen.push(key)
          if (seen.length === 5) db.clear().then(() => done(), done)
          else setImmediate(done)
        },
      }),
    )
    expect(seen).toEqual(KEYS)
    expect(await collect(new KeyStream<string, Kvarium>(db))).toEqual([])
    await db.close()
  })

  it('a stream that is left early, or still open, does not keep the store from closing', async () => {
    const db = await openFilled()
    for await (const key of new KeyStream<string, Kvarium>(db, { highWaterMark: 5 })) if (key === '000020') break
    const open = new EntryStream<string, string, Kvarium>(db)
    open.read()
    const failed = new Promise(resolve => open.once('error', resolve))
    open.resume()
    const destroyed = new ValueStream<string, string, Kvarium>(db)
    destroyed.destroy()
    await db.close()
    expect(await failed).toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' })
    await db.open()
    expect(await collect(new KeyStream<string, Kvarium>(db, { limit: 2 }))).toEqual(KEYS.slice(0, 2))
    await db.close()
  })

  it('a stream of a sublevel has its keys alone, decoded', async () => {
    const db = await openFilled()
    const sublevel = db.sublevel<string, { n: number }>('0001', { valueEncoding: 'json' })
    await sublevel.batch([1, 2, 3].map(n => ({ type: 'put', key: `k${n}`, value: { n } })))
    expect(await collect(new EntryStream<string, { n: number }, typeof sublevel>(sublevel, { gt: 'k1' }))).toEqual([
      { key: 'k2', value: { n: 2 } },
      { key: 'k3', value: { n: 3 } },
    ])
    await db.close()
  })
})
