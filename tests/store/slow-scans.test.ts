/** Iterators on a slow disk: what they wait for, what they see, what they read ahead, and what does not stop meanwhile. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FileSystemError } from '../../src/vfs/index.js'
import { ENGINES, ENTRIES, keyOf, openSlowStore, slowDown, valueOf, type SlowStore, type Store } from './support/slow-store.js'
import { slice } from '../support/thoroughness.js'

type Entry = [string, string]

const ALL: Entry[] = Array.from({ length: ENTRIES }, (_, i) => [keyOf(i), valueOf(i)])
const REVERSED = ALL.toReversed()
const later = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))

async function byNext<T>(iterator: { next(): Promise<T | undefined>; close(): Promise<void> }): Promise<T[]> {
  const items: T[] = []
  for (let item = await iterator.next(); item !== undefined; item = await iterator.next()) items.push(item)
  await iterator.close()
  return items
}

async function byNextv<T>(iterator: { nextv(size: number): Promise<T[]>; close(): Promise<void> }): Promise<T[]> {
  const items: T[] = []
  for (let some = await iterator.nextv(150); some.length > 0; some = await iterator.nextv(150)) items.push(...some)
  await iterator.close()
  return items
}

async function byLoop<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of iterable) items.push(item)
  return items
}

const WAYS: readonly (readonly [name: string, read: (db: Store) => Promise<unknown[]>, expected: unknown[]])[] = [
  ['next', db => byNext(db.iterator()), ALL],
  ['nextv', db => byNextv(db.iterator()), ALL],
  ['all', db => db.iterator().all(), ALL],
  ['for await', db => byLoop(db.iterator()), ALL],
  ['for await backward', db => byLoop(db.iterator({ reverse: true })), REVERSED],
  ['next backward', db => byNext(db.iterator({ reverse: true })), REVERSED],
  ['keys', db => byLoop(db.keys({ reverse: true })), REVERSED.map(([key]) => key)],
  ['values', db => byNextv(db.values()), ALL.map(([, value]) => value)],
  ['a sublevel', db => byLoop(db.sublevel('none').iterator()), []],
]

/** Every n-th key is written anew, and some are deleted, so that several tables and levels, or many places of the file, are in a scan. */
async function rewrite({ db }: SlowStore, steps: readonly number[]): Promise<Map<string, string>> {
  const model = new Map(ALL)
  for (const step of steps) {
    const keys = Array.from({ length: Math.floor(ENTRIES / step) }, (_, i) => keyOf(i * step))
    await db.batch(
      keys.map((key, i) => (i % 5 === 0 ? ({ type: 'del', key } as const) : ({ type: 'put', key, value: `${key} by ${step}` } as const))),
    )
    keys.forEach((key, i) => (i % 5 === 0 ? model.delete(key) : model.set(key, `${key} by ${step}`)))
    await db.flush()
  }
  return model
}

describe.each(ENGINES)('iterators of %s on a slow disk', engine => {
  it.each([0, 4 << 20])(
    'with a cache of %i bytes read everything in every way, and hold up the event loop a few times',
    async cacheSize => {
      const opened = await openSlowStore(engine, cacheSize)
      const { db, disk } = opened
      await slowDown(opened)
      for (const [name, read, expected] of WAYS) expect(await read(db), name).toEqual(expected)
      expect(disk.offThread).toBeGreaterThan(5)
      expect(disk.blocking).toBeLessThan(3 + disk.offThread / 20)
      await db.close()
    },
  )

  it('see what is there when they are made, whatever is written, flushed and compacted away before they end', async () => {
    const opened = await openSlowStore(engine)
    await slowDown(opened)
    const { db, disk } = opened
    const iterators = [db.iterator(), db.iterator({ reverse: true })]
    const second = await Promise.all(iterators.map(iterator => iterator.next()))
    const resume = disk.hold()
    const target = new TextEncoder().encode(keyOf(1000))
    const sought = db.iterator<Uint8Array, string>({ keyEncoding: 'view' })
    sought.seek(target)
    target.fill(0)
    const rest = Promise.all([...iterators.map(iterator => iterator.all()), sought.nextv(30)])
    await db.clear()
    await db.put(keyOf(5), 'later')
    await db.flush()
    await db.compactRange()
    resume()
    const [forward, backward, fromTarget] = await rest
    expect([second[0], ...forward]).toEqual(ALL)
    expect([second[1], ...backward]).toEqual(REVERSED)
    expect(fromTarget.map(([key]) => new TextDecoder().decode(key as Uint8Array))).toEqual(ALL.slice(1000, 1030).map(([key]) => key))
    await sought.close()
    expect(await db.iterator().all()).toEqual([[keyOf(5), 'later']])
    await db.close()
  })

  it('give what a list gives, over versions and deletions in several places, with steps, batches and seeks in any order', async () => {
    const opened = await openSlowStore(engine, 16 << 10)
    const model = [...(await rewrite(opened, [3, 7, 11]))].sort(([a], [b]) => (a < b ? -1 : 1))
    await slowDown(opened)
    const { db } = opened
    const number = fc.integer({ min: 0, max: ENTRIES })
    const step = fc.oneof(
      fc.constant({ call: 'next' } as const),
      fc.integer({ min: 1, max: 120 }).map(size => ({ call: 'nextv', size }) as const),
      number.map(target => ({ call: 'seek', target }) as const),
    )
    await fc.assert(
      fc.asyncProperty(fc.boolean(), number, number, fc.array(step, { maxLength: 8 }), async (reverse, from, to, steps) => {
        const range = { gte: keyOf(from), lt: keyOf(to) }
        const within = model.filter(([key]) => key >= range.gte && key < range.lt)
        if (reverse) within.reverse()
        const iterator = db.iterator({ ...range, reverse })
        let at = 0
        for (const one of steps) {
          if (one.call === 'next') {
            expect(await iterator.next()).toEqual(within[at++])
          } else if (one.call === 'nextv') {
            expect(await iterator.nextv(one.size)).toEqual(within.slice(at, at + one.size))
            at += one.size
          } else {
            const target = keyOf(one.target)
            iterator.seek(target)
            const isInRange = target >= range.gte && target < range.lt
            at = isInRange ? within.findIndex(([key]) => (reverse ? key <= target : key >= target)) : -1
            if (at < 0) at = within.length
          }
        }
        await iterator.close()
      }),
      { seed: 9, numRuns: slice(20, 300) },
    )
    await db.close()
  })

  it('read ahead while the caller is busy with an entry, and count every byte that was read', async () => {
    const opened = await openSlowStore(engine, 4 << 20)
    await slowDown(opened)
    const { db, disk } = opened
    const before = db.stats()
    disk.bytesRead = 0
    const iterator = db.iterator()
    let ahead = 0
    let at = 0
    for (const start of [200, 400, 600]) {
      while (at < start) expect(await iterator.next()).toEqual(ALL[at++])
      // What was begun before ends before.
      await later()
      const resume = disk.hold()
      let entry = iterator.next()
      for (let inMemory = 0; (await Promise.race([entry, later()])) !== undefined; entry = iterator.next(), at++) {
        ahead = Math.max(ahead, ++inMemory)
      }
      resume()
      disk.pause = () => Promise.resolve()
      expect(await entry).toEqual(ALL[at++])
    }
    expect(ahead).toBeGreaterThan(20)
    await iterator.close()
    const after = db.stats()
    expect(after.ledger.read.scan - before.ledger.read.scan).toBe(disk.bytesRead)
    expect(after.ledger.read.compaction).toBe(before.ledger.read.compaction)
    await db.close()
  })

  it('that cannot read fail at this place until they seek, with the file', async () => {
    const opened = await openSlowStore(engine)
    await slowDown(opened)
    const { db, disk } = opened
    const iterator = db.iterator()
    expect(await iterator.nextv(40)).toEqual(ALL.slice(0, 40))
    let failures = 1000
    disk.beforeRead = path => {
      if (failures-- > 0) throw new FileSystemError('EIO', { operation: 'read', path })
    }
    const failure = { code: 'LEVEL_IO_ERROR', file: expect.stringMatching(/\.(sst|btree)$/) as string }
    await expect(iterator.nextv(ENTRIES)).rejects.toMatchObject(failure)
    failures = 0
    await expect(iterator.next()).rejects.toMatchObject(failure)
    iterator.seek(keyOf(7))
    expect(await iterator.nextv(200)).toEqual(ALL.slice(7, 207))
    await iterator.close()
    await db.close()
  })

  it('that read damaged bytes fail with the file and the offset', async () => {
    const opened = await openSlowStore(engine)
    await slowDown(opened)
    const { db, disk } = opened
    const iterator = db.iterator()
    expect(await iterator.nextv(40)).toEqual(ALL.slice(0, 40))
    disk.afterRead = bytes => bytes.fill(7)
    await expect(iterator.all()).rejects.toMatchObject({
      code: 'LEVEL_CORRUPTION',
      file: expect.stringMatching(/\.(sst|btree)$/) as string,
      offset: expect.any(Number) as number,
    })
    await db.close()
  })

  it('are closed once the read under way has ended: by a close, a loop that is left, an abort, and the close of the store', async () => {
    const opened = await openSlowStore(engine)
    await slowDown(opened)
    const { db, disk } = opened
    const abort = new AbortController()
    const [closed, aborted, left, open] = [db.iterator(), db.iterator({ signal: abort.signal }), db.iterator(), db.iterator()]
    for (const iterator of [closed, aborted, left, open]) await iterator.next()
    let resume = disk.hold()
    let ended = 0
    const first = closed.nextv(500)
    const second = aborted.all()
    const closing = closed.close().then(() => ended++)
    const failed = expect(second).rejects.toMatchObject({ code: 'LEVEL_ABORTED' })
    abort.abort()
    await later()
    expect(ended).toBe(0)
    resume()
    expect(await first).toEqual(ALL.slice(1, 501))
    await failed
    await closing
    disk.pause = () => Promise.resolve()
    for await (const [key] of left) if (key === keyOf(700)) break
    await expect(left.next()).rejects.toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' })
    resume = disk.hold()
    const last = open.nextv(500)
    const storeClosing = db.close().then(() => ended++)
    await later()
    expect(ended).toBe(1)
    resume()
    expect(await last).toEqual(ALL.slice(1, 501))
    await storeClosing
  })

  it('of a transaction show its own writes, and what they have read conflicts with others', async () => {
    const opened = await openSlowStore(engine)
    await slowDown(opened)
    const { db } = opened
    let runs = 0
    const readThenWrite = (other: number): Promise<void> =>
      db.transaction(
        async transaction => {
          runs++
          await transaction.put(keyOf(50), 'own')
          await transaction.del(keyOf(60))
          const seen = await transaction.iterator({ gte: keyOf(20), lt: keyOf(400) }).all()
          const expected = ALL.slice(20, 400).filter(([key]) => key !== keyOf(60))
          expected[30] = [keyOf(50), 'own']
          expect(seen).toEqual(expected)
          if (runs === 1) await db.put(keyOf(other), valueOf(other))
        },
        { retries: 1 },
      )
    await readThenWrite(399)
    expect(runs).toBe(2)
    await db.batch([50, 60].map(i => ({ type: 'put', key: keyOf(i), value: valueOf(i) })))
    runs = 0
    await readThenWrite(400)
    expect(runs).toBe(1)
    await db.close()
  })

  it('run in place again once the disk is quick', async () => {
    const opened = await openSlowStore(engine)
    await slowDown(opened)
    const { db, disk } = opened
    disk.readMs = 0
    for (let i = 0; i < 40 && disk.offload!.isOn; i++) expect(await byLoop(db.iterator())).toEqual(ALL)
    expect(disk.offload!.isOn).toBe(false)
    disk.offThread = 0
    expect(await byLoop(db.iterator())).toEqual(ALL)
    expect(disk.offThread).toBe(0)
    await db.close()
  })
})
