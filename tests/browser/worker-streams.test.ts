/** Ingests and feeds of changes of a page: how much of them is under way, how they end, and what they say of errors. */
import { describe, expect, it } from 'vitest'
import { openInWorker, type WorkerStore } from '../../src/browser/index.js'
import type { Change } from '../../src/index.browser.js'
import { served, type Served } from './support/served-worker.js'

const ASCENDING = 3000

async function withStore(use: (db: WorkerStore, there: Served) => Promise<void>, options: object = {}): Promise<void> {
  const there = served()
  const db = openInWorker(there.worker, 'store', { engine: 'lsm', changesRetainBytes: 1e6, writeBufferSize: 64 << 10, ...options })
  await db.open()
  try {
    await use(db, there)
  } finally {
    await db.close()
  }
}

const caught = (work: Promise<unknown>): Promise<unknown> => work.then(() => undefined).catch((error: unknown) => error)
const keyOf = (number: number): string => String(number).padStart(5, '0')

async function* entries(count: number, seen: { given: number; isClosed?: boolean } = { given: 0 }): AsyncGenerator<[string, string]> {
  try {
    for (; seen.given < count; seen.given++) yield [keyOf(seen.given), `value ${seen.given}`.padEnd(100, '.')]
  } finally {
    seen.isClosed = true
  }
}

async function all<K, V>(changes: AsyncIterable<Change<K, V>>): Promise<Change<K, V>[]> {
  const found = []
  for await (const change of changes) found.push(change)
  return found
}

describe('an ingest of a page', () => {
  it.each(['lsm', 'btree', 'memory'])('adds the entries of an iterable to %s, also to a sublevel', engine =>
    withStore(
      async db => {
        await db.put('00001', 'old')
        await db.ingest(entries(ASCENDING))
        expect(await db.get('00001')).toMatch(/^value 1\./)
        expect(await db.keys().all()).toHaveLength(ASCENDING)
        const people = db.sublevel<number, object>('people', { keyEncoding: 'json', valueEncoding: 'json' })
        await db.ingest([[1, { born: 1815 }]], { sublevel: people })
        expect(await people.get(1)).toEqual({ born: 1815 })
      },
      { engine, ...(engine === 'memory' && { changesRetainBytes: 0 }) },
    ),
  )

  it('reads the iterable as the worker takes the entries', () =>
    withStore(async (db, { hold, release }) => {
      const seen = { given: 0 }
      const ingesting = db.ingest(entries(ASCENDING, seen))
      hold()
      await new Promise(resolve => setTimeout(resolve, 20))
      expect(seen.given).toBeLessThan(300)
      release()
      await ingesting
      expect(seen.given).toBe(ASCENDING)
    }))

  it('changes nothing where the entries do not ascend, fail, or are aborted, and closes the iterable', () =>
    withStore(async db => {
      const seen = { given: 0 }
      async function* failing(kind: 'order' | 'error'): AsyncGenerator<[string, string]> {
        yield* entries(1000, seen)
        if (kind === 'error') throw new Error('mine')
        yield ['00000', 'again']
      }
      const unordered = (await caught(db.ingest(failing('order')))) as Error
      expect(unordered).toMatchObject({ code: 'LEVEL_INGEST_ORDER' })
      expect(unordered.message).toMatch(/^Key "00000" of entry 1000 comes after a larger one/)
      seen.given = 0
      expect(await caught(db.ingest(failing('error')))).toMatchObject({ message: 'mine' })
      const abort = new AbortController()
      const aborted: { given: number; isClosed?: boolean } = { given: 0 }
      const ingesting = caught(db.ingest(entries(1e6, aborted), { signal: abort.signal }))
      await new Promise(resolve => setTimeout(resolve, 5))
      abort.abort()
      expect(await ingesting).toMatchObject({ code: 'LEVEL_ABORTED' })
      expect(aborted.isClosed).toBe(true)
      expect(await db.keys().all()).toEqual([])
    }))

  it('ends when the store closes, and when the worker has gone', async () => {
    for (const end of ['close', 'gone'] as const) {
      const there = served()
      const db = openInWorker(there.worker, 'store')
      await db.open()
      const ingesting = caught(db.ingest(entries(1e6)))
      await new Promise(resolve => setTimeout(resolve, 5))
      if (end === 'gone') {
        there.end()
        // The page hears of it a little later; a close before that would end the ingest itself.
        expect(await ingesting).toMatchObject({ code: 'LEVEL_WORKER_FAILED' })
        await db.close()
      } else {
        await db.close()
        expect(await ingesting).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
      }
    }
  })
})

describe('the changes of a page', () => {
  it('come as they were committed, in encodings, with expiries and clears, and of a sublevel', () =>
    withStore(async db => {
      const users = db.sublevel<string, object>('users', { valueEncoding: 'json' })
      await db.put('a', '1', { ttl: 60_000 })
      const expiresAt = await db.expiresAt('a')
      await users.batch([
        { type: 'put', key: 'ada', value: { n: 1 } },
        { type: 'del', key: 'bob' },
      ])
      const snapshot = db.snapshot()
      for (let i = 0; i < 40; i++) await users.put(`u${i}`, {})
      await users.clear({ gte: 'u' })
      const changes = await all(db.changes())
      expect(changes[0]).toEqual({ sequence: 1, operations: [{ type: 'put', key: 'a', value: '1', expiresAt }] })
      const ofUsers = await all(db.changes({ since: 1, sublevel: users }))
      expect(ofUsers[0]?.operations).toEqual([
        { type: 'put', key: 'ada', value: { n: 1 } },
        { type: 'del', key: 'bob' },
      ])
      expect(ofUsers.at(-1)?.operations).toEqual([{ type: 'clear', gte: 'u0', lte: 'u9' }])
      const later = await all(db.changes({ since: (await snapshot.sequence)! }))
      expect(later).toHaveLength(41)
      await snapshot.close()
    }))

  it('follow live, in order, and the worker reads no further than the page', () =>
    withStore(async (db, { requests }) => {
      const seen: number[] = []
      const feed = db.changes({ live: true })
      const writing = (async () => {
        for (let number = 0; number < 2000; number++) await db.put(keyOf(number), 'x'.repeat(100))
      })()
      const first = await feed.next()
      seen.push(first.value!.sequence)
      await writing
      expect(requests.filter(({ method }) => method === 'nextBatches').length).toBeLessThan(2)
      for await (const { sequence } of feed) {
        seen.push(sequence)
        if (sequence === 2000) break
      }
      expect(seen).toEqual(Array.from({ length: 2000 }, (_, index) => index + 1))
      await db.get('a')
      expect(requests.at(-2)?.method).toBe('closeFeed')
      expect(requests.filter(({ method }) => method === 'nextBatches').length).toBeLessThan(100)
    }))

  it('end while they wait: by their signal, their close, the store and the worker', async () => {
    await withStore(async db => {
      const abort = new AbortController()
      const waiting = caught(db.changes({ live: true, signal: abort.signal }).next())
      const closed = db.changes({ live: true })
      const closing = caught(closed.next())
      await db.get('a')
      abort.abort()
      await closed.close()
      expect(await waiting).toMatchObject({ code: 'LEVEL_ABORTED' })
      expect(await closing).toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' })
    })
    for (const end of ['close', 'gone'] as const) {
      const there = served()
      const db = openInWorker(there.worker, 'store')
      await db.open()
      const waiting = caught(db.changes({ live: true }).next())
      if (end === 'gone') there.end()
      else await db.close()
      expect(await waiting).toMatchObject({ code: end === 'gone' ? 'LEVEL_WORKER_FAILED' : 'LEVEL_ITERATOR_NOT_OPEN' })
      await db.close()
    }
  })

  it('say that they are gone, and what is no option', () =>
    withStore(async db => {
      await db.put('a', '1')
      expect(await caught(db.changes({ since: 99 }).next())).toMatchObject({ code: expect.stringMatching(/^LEVEL_/) as string })
      expect(() => db.changes({ since: -1 })).toThrow(expect.objectContaining({ code: 'LEVEL_INVALID_OPTION' }))
    }))
})
