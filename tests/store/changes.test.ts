import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { builtInEngines, Kvarium, type Change, type StoreOptions } from '../../src/index.js'
import { MemoryFileSystem, simulatedEnvironment } from '../../src/vfs/index.js'
import { Trace } from '../../src/trace/span.js'
import type { TraceEvent } from '../../src/trace/events.js'

const ENGINES = ['lsm', 'btree', 'memory'] as const

function open<V = string>(
  engine: string,
  options: StoreOptions<string, V> & Record<string, unknown> = {},
  fileSystem = new MemoryFileSystem(),
): Kvarium<string, V> {
  return new Kvarium<string, V>('/store', {
    engine: builtInEngines.resolve(engine),
    environment: simulatedEnvironment({ seed: 1, fileSystem }),
    ...options,
  })
}

async function all<K, V>(changes: AsyncIterable<Change<K, V>>): Promise<Change<K, V>[]> {
  const found = []
  for await (const change of changes) found.push(change)
  return found
}

const failure = (work: Promise<unknown>): Promise<unknown> => work.then(() => undefined).catch((error: unknown) => error)

describe.each(ENGINES)('changes of a store on %s', engine => {
  it('come in the encodings of the store, and of the call', async () => {
    const db = open<object>(engine, { valueEncoding: 'json', changesRetainBytes: 1e6 })
    await db.put('a', { n: 1 })
    await db.batch().put('b', { n: 2 }).del('a').write()
    expect(await all(db.changes())).toEqual([
      { sequence: 1, operations: [{ type: 'put', key: 'a', value: { n: 1 } }] },
      {
        sequence: 3,
        operations: [
          { type: 'put', key: 'b', value: { n: 2 } },
          { type: 'del', key: 'a' },
        ],
      },
    ])
    const [change] = await all(db.changes({ since: 1, keyEncoding: 'hex', valueEncoding: 'utf8' }))
    expect(change?.operations[0]).toEqual({ type: 'put', key: '62', value: '{"n":2}' })
    await db.close()
  })

  it.skipIf(engine === 'btree')('an entry that expires says when, and its expiry itself is no change', async () => {
    const db = open(engine, { changesRetainBytes: 1e6 })
    await db.put('a', '1', { ttl: 1000 })
    const expiresAt = await db.expiresAt('a')
    expect(expiresAt).toBeGreaterThan(0)
    expect(await all(db.changes())).toEqual([{ sequence: 1, operations: [{ type: 'put', key: 'a', value: '1', expiresAt }] }])
    await db.close()
  })

  it('a clear has its range, which the clear of another store takes', async () => {
    const db = open(engine, { changesRetainBytes: 1e6 })
    const other = open('memory')
    await db.batch(Array.from({ length: 50 }, (_, i) => ({ type: 'put', key: `k${10 + i}`, value: 'v' }) as const))
    await db.clear({ gt: 'k15', lt: 'k58' })
    for await (const { operations } of db.changes()) {
      for (const operation of operations) {
        if (operation.type === 'clear') await other.clear(operation)
        else await other.batch([operation])
      }
    }
    expect(await other.keys().all()).toEqual(await db.keys().all())
    expect((await all(db.changes({ since: 50 })))[0]?.operations).toEqual([{ type: 'clear', gte: 'k16', lte: 'k57' }])
    await db.close()
    await other.close()
  })

  it('those of a sublevel have its own keys only, in its encodings', async () => {
    const db = open(engine, { changesRetainBytes: 1e6 })
    await db.open()
    const users = db.sublevel<string, { name: string }>('users', { valueEncoding: 'json' })
    const nested = users.sublevel<number, string>('n', { keyEncoding: 'json' })
    await db
      .batch()
      .put('x', 'root')
      .put('ada', { name: 'Ada' } as never, { sublevel: users } as object)
      .write()
    await db.put(' ', 'root')
    await nested.put(7, 'seven')
    for (let i = 0; i < 40; i++) await users.put(`u${i}`, { name: 'u' })
    await users.clear({ gte: 'u' })
    await db.batch(Array.from({ length: 40 }, (_, i) => ({ type: 'put', key: `${i}`, value: '' }) as const))
    await db.clear()
    const changes = await all(db.changes({ sublevel: users, valueEncoding: 'utf8' }))
    expect(changes[0]).toEqual({ sequence: 2, operations: [{ type: 'put', key: 'ada', value: '{"name":"Ada"}' }] })
    expect(changes[1]?.operations).toEqual([{ type: 'put', key: '!n!7', value: 'seven' }])
    expect(changes.at(-2)?.operations).toEqual([{ type: 'clear', gte: 'u0', lte: 'u9' }])
    expect(changes.at(-1)?.operations).toEqual([{ type: 'clear' }])
    const ofNested = await all(db.changes({ sublevel: nested }))
    expect(ofNested.map(({ operations }) => operations)).toEqual([[{ type: 'put', key: 7, value: 'seven' }], [{ type: 'clear' }]])
    await db.close()
  })

  it('a follower that starts over from a snapshot misses nothing and sees nothing twice', async () => {
    const db = open(engine, { changesRetainBytes: 1e6 })
    for (let i = 0; i < 10; i++) await db.put(`${i % 3}`, `${i}`)
    const snapshot = db.snapshot()
    await db.put('1', 'later')
    const copy = new Map(await db.iterator({ snapshot }).all())
    expect(copy.get('1')).toBe('7')
    const changes = await all(db.changes({ since: snapshot.sequence }))
    expect(changes).toEqual([{ sequence: 11, operations: [{ type: 'put', key: '1', value: 'later' }] }])
    await snapshot.close()
    await db.close()
  })

  it('an aborted signal ends a feed as it ends an iterator, before and while it waits', async () => {
    const db = open(engine, { changesRetainBytes: 1e6 })
    await db.put('a', '1')
    const aborted = failure(all(db.changes({ signal: AbortSignal.abort() })))
    expect(await aborted).toMatchObject({ name: 'AbortError', code: 'LEVEL_ABORTED' })
    const controller = new AbortController()
    const changes = db.changes({ live: true, signal: controller.signal })
    expect((await changes.next()).value?.sequence).toBe(1)
    const waiting = failure(changes.next())
    controller.abort()
    expect(await waiting).toMatchObject({ name: 'AbortError', code: 'LEVEL_ABORTED' })
    expect(await failure(changes.next())).toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' })
    await db.close()
  })

  it('a feed that waits rejects when the store is closed, and the store closes', async () => {
    const db = open(engine)
    await db.open()
    const changes = db.changes({ live: true })
    const waiting = failure(changes.next())
    await db.close()
    expect(await waiting).toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' })
    expect(await failure(changes.next())).toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' })
    const closed = (): unknown => db.changes()
    expect(await failure(all(closed() as AsyncIterable<Change<string, string>>))).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
  })

  it('a feed can be asked for before the store is open', async () => {
    const db = open(engine, { changesRetainBytes: 1e6 })
    const changes = db.changes({ live: true })
    const first = changes.next()
    await db.put('a', '1')
    expect((await first).value).toMatchObject({ sequence: 1 })
    await changes.return()
    await db.close()
  })

  it('options that make no sense are refused, and so are two reads at once', async () => {
    const db = open(engine)
    await db.open()
    for (const options of [{ since: -1 }, { since: 1.5 }, { live: 1 }, { sublevel: 'x' }]) {
      expect(() => db.changes(options as object)).toThrow(expect.objectContaining({ code: 'LEVEL_INVALID_OPTION' }))
    }
    expect(await failure(all(db.changes({ since: 5 })))).toMatchObject({ code: 'LEVEL_CHANGES_GONE' })
    const changes = db.changes({ live: true })
    const waiting = changes.next()
    expect(await failure(changes.next())).toMatchObject({ code: 'LEVEL_ITERATOR_BUSY' })
    await db.put('a', '')
    expect((await waiting).done).toBe(false)
    await db.close()
  })

  it('a follower that comes to an ingest gets its entries, or is refused, also later, and starts over from a snapshot', async () => {
    const fileSystem = new MemoryFileSystem()
    const options = { changesRetainBytes: 1e6 }
    let db = open(engine, options, fileSystem)
    await db.put('a', 'before')
    const live = db.changes({ live: true })
    expect((await live.next()).value?.sequence).toBe(1)
    const waiting = live.next()
    await db.ingest([
      ['b', 'ingested'],
      ['c', 'ingested'],
    ])
    const ingested = { operations: ['b', 'c'].map(key => ({ type: 'put', key, value: 'ingested' })) }
    if (engine === 'memory') {
      expect((await waiting).value).toMatchObject(ingested)
      expect(await all(db.changes({ since: 1 }))).toMatchObject([ingested])
      await db.close()
      return
    }
    // A live follower may wait until something is written.
    const refused = failure(waiting)
    // Nothing was written since: an end without an error would be a skip.
    expect(await failure(all(db.changes({ since: 1 })))).toMatchObject({ code: 'LEVEL_CHANGES_GONE' })
    await db.put('d', 'after')
    expect(await refused).toMatchObject({ code: 'LEVEL_CHANGES_GONE' })
    await db.close()
    db = open(engine, options, fileSystem)
    await db.open()
    expect(await failure(all(db.changes({ since: 1 })))).toMatchObject({ code: 'LEVEL_CHANGES_GONE' })
    const snapshot = db.snapshot()
    const copy = new Map(await db.iterator({ snapshot }).all())
    await db.del('b')
    for await (const { operations } of db.changes({ since: snapshot.sequence })) {
      for (const operation of operations) if (operation.type === 'del') copy.delete(operation.key)
    }
    expect([...copy]).toEqual(await db.iterator().all())
    await snapshot.close()
    await db.close()
  })

  it('a follower of an empty store, at position 0, is not given a part of the changes as if it were all', async () => {
    const db = open(engine)
    await db.open()
    const snapshot = db.snapshot()
    expect(snapshot.sequence).toBe(0)
    await snapshot.close()
    if (engine !== 'memory') expect(await all(db.changes({ since: 0 }))).toEqual([])
    await db.put('a', '1')
    if (engine !== 'memory') {
      expect(await all(db.changes({ since: 0 }))).toHaveLength(1)
      await db.ingest([['b', '2']])
    }
    expect(await failure(all(db.changes({ since: 0 })))).toMatchObject({ code: 'LEVEL_CHANGES_GONE' })
    await db.put('c', '3')
    expect(await failure(all(db.changes({ since: 0 })))).toMatchObject({ code: 'LEVEL_CHANGES_GONE' })
    expect((await all(db.changes())).at(-1)?.operations).toEqual([{ type: 'put', key: 'c', value: '3' }])
    await db.close()
  })

  it('a feed that ends with the present ends at an ingest behind other changes, too, without a further write', async () => {
    const db = open(engine)
    await db.put('a', '1')
    await all(db.changes())
    await db.put('b', '2')
    await db.ingest([['c', '3']])
    const outcome = await failure(all(db.changes()))
    if (engine === 'memory') expect(outcome).toBeUndefined()
    else expect(outcome).toMatchObject({ code: 'LEVEL_CHANGES_GONE' })
    await db.close()
  })

  it('a long run of changes lets the event loop turn', async () => {
    const db = new Kvarium<string, string>('/store', { engine, fileSystem: new MemoryFileSystem(), changesRetainBytes: 1e8 })
    for (let i = 0; i < 300; i++) await db.batch(Array.from({ length: 100 }, (_, n) => ({ type: 'put', key: `${n}`, value: '' }) as const))
    let turns = 0
    const port = new MessageChannel()
    port.port1.onmessage = () => {
      turns++
      port.port2.postMessage('')
    }
    port.port2.postMessage('')
    await once(port.port1, 'message')
    await all(db.changes())
    port.port1.close()
    expect(turns).toBeGreaterThan(3)
    await db.close()
  })
})

describe('changes and the trace', () => {
  it.each(['lsm', 'btree'])('the reads of a feed on %s are the part `changes` of the ledger, and each log is an event', async engine => {
    const events: TraceEvent[] = []
    const trace = new Trace({ level: 'io', listener: event => events.push(event) })
    const db = open(engine, { changesRetainBytes: 1e6, trace })
    for (let i = 0; i < 10; i++) await db.put(`${i}`, 'v')
    await db.flush()
    await db.put('a', 'v')
    expect(await all(db.changes({ since: 3 }))).toHaveLength(8)
    const reads = events.flatMap(event => (event.type === 'file.read' && event.part === 'changes' ? [event.length] : []))
    expect(reads.reduce((sum, length) => sum + length, 0)).toBe(db.stats().ledger.read.changes)
    const logs = events.flatMap(event => (event.type === 'changes.log' ? [event.after] : []))
    expect(logs).toEqual([3, 10])
    expect(events.some(event => event.type === 'operation.begin' && event.kind === 'changes')).toBe(true)
    await db.close()
  })
})
