/** The page and the worker in one process, with a channel between them. The suite of abstract-level runs in `browser.test.ts`. */
import { describe, expect, it } from 'vitest'
import { openInWorker, type WorkerLike, type WorkerStore } from '../../src/browser/index.js'
import { serve, type ServeOptions } from '../../src/browser/serve.js'
import { CorruptionError, IoError, LockedError, MisuseError } from '../../src/errors.js'
import { Kvarium } from '../../src/index.browser.js'
import { LimitedFileSystem } from '../../src/vfs/testing/limited-file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'

interface Served {
  readonly worker: WorkerLike
  readonly fail: (message: string) => void
}

function served(options: ServeOptions = {}): Served {
  const events = new EventTarget()
  const page = new EventTarget()
  serve(Kvarium, { fileSystem: new MemoryFileSystem(), ...options }, events)
  const worker: WorkerLike = {
    postMessage: message => void events.dispatchEvent(Object.assign(new Event('message'), { data: message })),
    addEventListener: (type, listener) => page.addEventListener(type, listener),
  }
  return { worker, fail: message => void page.dispatchEvent(Object.assign(new Event('error'), { message })) }
}

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
    expect(() => db.sublevel('s', { ttl: 5 })).toThrow(expect.objectContaining({ code: 'LEVEL_NOT_SUPPORTED' }))
    await db.open()
    expect(() => db.getSync('a')).toThrow(expect.objectContaining({ code: 'LEVEL_NOT_SUPPORTED' }))
    expect(db.supports).toMatchObject({ getSync: false })
    const conditions = [{ key: 'a', absent: true as const }]
    expect(await caught(db.batch([{ type: 'put', key: 'a', value: 'b' }], { conditions }))).toMatchObject({ code: 'LEVEL_NOT_SUPPORTED' })
    await db.close()
  })

  it('end what waits when the worker fails', () =>
    withStore(async (db, { fail }) => {
      const waiting = caught(db.get('a'))
      fail('out of memory')
      expect(await waiting).toMatchObject({ code: 'LEVEL_WORKER_FAILED', message: 'The worker of store has failed: out of memory' })
      expect(await caught(db.put('a', 'b'))).toMatchObject({ code: 'LEVEL_WORKER_FAILED' })
    }))
})
