/** The page and the worker in one process, with a channel between them. The suite of abstract-level runs in `browser.test.ts`. */
import { describe, expect, it } from 'vitest'
import { openInWorker, type WorkerStore } from '../../src/browser/index.js'
import { WINDOW_CALLS } from '../../src/browser/worker-link.js'
import type { ServeOptions } from '../../src/browser/serve.js'
import { ConflictError, CorruptionError, IoError, LockedError, MisuseError } from '../../src/errors.js'
import { LimitedFileSystem } from '../../src/vfs/testing/limited-file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { served, type Served } from './support/served-worker.js'

async function withStore(use: (db: WorkerStore, served: Served) => Promise<void>, options: ServeOptions = {}): Promise<void> {
  const there = served(options)
  const db = openInWorker(there.worker, 'store', { writeBufferSize: 64 << 10 })
  await db.open()
  try {
    await use(db, there)
  } finally {
    await db.close()
  }
}

const numbered = (count: number): { type: 'put'; key: string; value: string }[] =>
  Array.from({ length: count }, (_, i) => ({ type: 'put' as const, key: String(i).padStart(5, '0'), value: `value ${i}` }))

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve))
}

const caught = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error)

describe('a store in a worker', () => {
  it('reads, writes, walks and clears, with encodings and sublevels, as a store does', () =>
    withStore(async db => {
      await db.batch(numbered(3000))
      expect(await db.get('00007')).toBe('value 7')
      expect(await db.getMany(['00001', 'none'])).toEqual(['value 1', undefined])
      expect(await db.has('00002')).toBe(true)
      expect(await db.keys({ gte: '00010', lt: '00012' }).all()).toEqual(['00010', '00011'])
      expect(await db.values({ reverse: true, limit: 2 }).all()).toEqual(['value 2999', 'value 2998'])
      let walked = 0
      for await (const [key, value] of db.iterator()) expect([key, value]).toEqual([String(walked).padStart(5, '0'), `value ${walked++}`])
      expect(walked).toBe(3000)
      const people = db.sublevel<string, object>('people', { valueEncoding: 'json' })
      await people.put('ada', { born: 1815 })
      expect(await people.get('ada')).toEqual({ born: 1815 })
      await db.put('bytes', Uint8Array.of(0, 255).subarray(1) as never, { valueEncoding: 'view' })
      expect(await db.get<string, Uint8Array>('bytes', { valueEncoding: 'view' })).toEqual(Uint8Array.of(255))
      await db.del('00007')
      await db.clear({ gte: '0', lt: '02000' })
      expect(await db.keys({ limit: 1 }).all()).toEqual(['!people!ada'])
      expect(await db.get('00007')).toBeUndefined()
    }))

  it('snapshots and iterators see the moment of their call, in the order of the calls', () =>
    withStore(async db => {
      const before = db.put('a', 'old')
      const snapshot = db.snapshot()
      const iterator = db.iterator()
      const after = db.put('a', 'new')
      await Promise.all([before, after])
      expect(await db.get('a', { snapshot })).toBe('old')
      expect(await db.get('a')).toBe('new')
      expect(await iterator.all()).toEqual([['a', 'old']])
      expect(await db.iterator({ snapshot }).all()).toEqual([['a', 'old']])
      await snapshot.close()
    }))

  it('an iterator seeks, also over what it has fetched, and ends pages by bytes', () =>
    withStore(async db => {
      await db.batch(numbered(5000))
      const iterator = db.keys()
      expect(await iterator.next()).toBe('00000')
      iterator.seek('04000')
      expect(await iterator.next()).toBe('04000')
      iterator.seek('00500')
      expect((await iterator.nextv(3)).slice(0, 3)).toEqual(['00500', '00501', '00502'])
      await iterator.close()
      expect(await db.iterator({ highWaterMarkBytes: 0 }).nextv(10)).toHaveLength(1)
    }))

  it('an aborted signal ends a read under way', () =>
    withStore(async db => {
      await db.batch(numbered(10))
      const abort = new AbortController()
      const iterator = db.iterator({ signal: abort.signal })
      const reading = caught(iterator.next())
      abort.abort()
      expect(await reading).toMatchObject({ code: 'LEVEL_ABORTED', name: 'AbortError' })
      await iterator.close()
    }))

  it('flushes, compacts, counts, expires and describes itself', () =>
    withStore(async db => {
      await db.put('short', 'x', { ttl: 60_000 })
      await db.batch(numbered(3000))
      await db.flush()
      await db.compactRange('00000', '00050')
      await db.settle()
      expect((await db.stats()).location).toBe('store')
      expect((await db.shape()).engine).toBe('lsm')
      expect(await db.approximateSize('00000', '03000')).toBeGreaterThan(500)
      expect(await db.expiresAt('short')).toBeGreaterThan(Date.now())
      expect(await db.getProperty('leveldb.stats')).not.toBe('')
    }))

  it('checks the conditions of a batch, in sublevels too, where it takes effect', () =>
    withStore(async db => {
      const people = db.sublevel<string, object>('people', { valueEncoding: 'json' })
      await db.put('lock', 'mine')
      const conditions = [
        { key: 'lock', value: 'mine' },
        { key: 'ada', absent: true as const, sublevel: people },
      ]
      const write = (): Promise<unknown> =>
        caught(db.batch([{ type: 'put', key: 'ada', value: { born: 1815 } as never, sublevel: people }], { conditions }))
      expect(await write()).toBeUndefined()
      const error = await write()
      expect(error).toBeInstanceOf(ConflictError)
      expect(error).toMatchObject({ code: 'LEVEL_CONDITION_FAILED', key: '!people!ada' })
      await people.batch([{ type: 'del', key: 'ada' }], { conditions: [{ key: 'ada', value: { born: 1815 } }] })
      expect(await people.get('ada')).toBeUndefined()
      expect(await caught(db.batch([{ type: 'del', key: 'a' }], { conditions: [{ key: 'a' }] as never }))).toMatchObject({
        code: 'LEVEL_INVALID_CONDITION',
      })
    }))

  it('expires the puts of a sublevel with a ttl, and of a sublevel in it', () =>
    withStore(async db => {
      const sessions = db.sublevel('sessions', { ttl: 60_000 })
      const inner = sessions.sublevel('inner')
      await sessions.put('a', '1')
      await inner.batch([{ type: 'put', key: 'b', value: '2' }])
      await db.batch([{ type: 'put', key: 'c', value: '3', sublevel: sessions }])
      await sessions.put('d', '4', { ttl: Infinity })
      const snapshot = db.snapshot()
      for (const [level, key] of [
        [sessions, 'a'],
        [inner, 'b'],
        [sessions, 'c'],
      ] as const) {
        expect(await level.expiresAt(key)).toBeGreaterThan(Date.now())
        expect(await level.expiresAt(key, { snapshot })).toBeGreaterThan(Date.now())
      }
      expect(await sessions.expiresAt('d')).toBeUndefined()
      expect(() => db.sublevel('x', { ttl: -1 })).toThrow(expect.objectContaining({ code: 'LEVEL_INVALID_OPTION' }))
      await snapshot.close()
    }))

  it('is checked, and its snapshots know their place', () =>
    withStore(async db => {
      await db.batch(numbered(10))
      const snapshot = db.snapshot()
      expect(await snapshot.sequence).toBe(10)
      await snapshot.close()
      for await (const violation of db.check()) expect(violation).toBeUndefined()
    }))

  it('closes and opens again, and its options reach the worker', async () => {
    const { worker } = served()
    const db = openInWorker(worker, 'tree', { engine: 'btree', valueEncoding: 'json' })
    await db.put('a', [1] as never)
    await db.close()
    await db.open()
    expect(await db.get('a')).toEqual([1])
    expect((await db.shape()).engine).toBe('btree')
    await db.close()
    expect(await caught(db.stats())).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
  })
})

describe('a page that does not await its writes', () => {
  it('has some under way, and the rest waits in the page, in order and as it was at the call', () =>
    withStore(async (db, { hold, release, requests }) => {
      hold()
      const before = requests.length
      const value = new Uint8Array(1)
      const writes = Array.from({ length: 5000 }, (_, number) => {
        value[0] = number % 251
        return db.put(number % 10 === 0 ? 'counter' : String(number), value as never, { valueEncoding: 'view' })
      })
      const reading = db.get<string, Uint8Array>('counter', { valueEncoding: 'view' })
      value[0] = 255
      await turns(20)
      expect(requests.length - before).toBe(WINDOW_CALLS)
      release()
      await Promise.all(writes)
      expect(await reading).toEqual(Uint8Array.of(4990 % 251))
      expect(requests.slice(before, -1).map(({ method }) => method)).toEqual(new Array(5000).fill('put'))
      expect(requests.slice(before + 1, 10 + before).map(({ args }) => args[0])).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9'])
    }))

  it('has few megabytes under way, and a larger write by itself', () =>
    withStore(async (db, { hold, release, requests }) => {
      hold()
      const before = requests.length
      const sizes = [1, 2, 2, 5, 1, 1]
      const writes = sizes.map((size, number) => db.put(String(number), 'x'.repeat(size << 20)))
      await turns(20)
      expect(requests.length - before).toBe(2)
      release()
      await Promise.all(writes)
      expect(await db.keys().all()).toEqual(['0', '1', '2', '3', '4', '5'])
    }))
})

describe('errors of a store in a worker', () => {
  it('have their code, class, place and cause', async () => {
    const fileSystem = new MemoryFileSystem()
    const { worker } = served({ fileSystem })
    const [first, second] = [openInWorker(worker, 'one'), openInWorker(worker, 'one')]
    await first.open()
    const locked = (await caught(second.open())) as Error
    expect(locked).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN', cause: { code: 'LEVEL_LOCKED', name: 'LockedError' } })
    expect(locked.cause).toBeInstanceOf(LockedError)
    expect(String(locked.cause)).toMatch(/^LockedError: one is held by another open store/)
    await first.close()
    const handle = fileSystem.openWrite('one/CURRENT')
    handle.write(Uint8Array.of(0x78), 0)
    handle.close()
    const damaged = (await caught(first.open())) as Error
    expect(damaged.cause).toBeInstanceOf(CorruptionError)
    expect(damaged.cause).toMatchObject({ code: 'LEVEL_CORRUPTION', file: 'one/CURRENT' })
  })

  it('name a full disk', async () => {
    const disk = new LimitedFileSystem(new MemoryFileSystem(), 1 << 20)
    await withStore(
      async db => {
        const error = (await caught(db.put('large', 'x'.repeat(2 << 20)))) as Error
        expect(error).toBeInstanceOf(IoError)
        let cause: unknown = error
        while ((cause as Error).cause !== undefined) cause = (cause as Error).cause
        expect(cause).toMatchObject({ code: 'ENOSPC' })
        disk.limitBytes *= 10
      },
      { fileSystem: disk },
    )
  })

  it('refuse what no message can carry, and say where it belongs', async () => {
    const { worker } = served()
    for (const option of ['environment', 'fileSystem', 'trace'])
      expect(() => openInWorker(worker, 'x', { [option]: {} })).toThrow(expect.objectContaining({ code: 'LEVEL_INVALID_OPTION' }))
    expect(() => openInWorker(worker, 'x', { engine: {} as never })).toThrow(MisuseError)
    const db = openInWorker(worker, 'x')
    await db.open()
    expect(() => db.getSync('a')).toThrow(expect.objectContaining({ code: 'LEVEL_NOT_SUPPORTED' }))
    expect(db.supports).toMatchObject({ getSync: false })
    await db.close()
  })

  it('end what waits when the worker fails, and every later call, until the close', async () => {
    const there = served()
    const [db, other] = [openInWorker(there.worker, 'store'), openInWorker(there.worker, 'other')]
    await Promise.all([db.open(), other.open()])
    const snapshot = db.snapshot()
    const iterator = db.iterator()
    const waiting = [db.get('a'), other.get('a'), iterator.next(), db.sublevel('s').get('a')].map(caught)
    there.fail('out of memory')
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'LEVEL_WORKER_FAILED' })
    expect(await waiting[0]).toMatchObject({ message: 'The worker of store has failed: out of memory' })
    expect(await caught(db.put('a', 'b'))).toMatchObject({ code: 'LEVEL_WORKER_FAILED' })
    await snapshot.close()
    await db.close()
    await other.close()
    expect(await caught(db.open())).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN', cause: { code: 'LEVEL_WORKER_FAILED' } })
  })

  it('end what waits when the worker has gone', async () => {
    const there = served()
    const db = openInWorker(there.worker, 'store')
    await db.open()
    there.hold()
    const waiting = caught(db.get('a'))
    there.end()
    expect(await waiting).toMatchObject({ code: 'LEVEL_WORKER_FAILED', message: 'The worker of store has failed: it has ended' })
    await db.close()
  })
})
