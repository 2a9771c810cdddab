import { describe, expect, it } from 'vitest'
import { WriteBatch } from '../../../src/engine/batch.js'
import type { EngineSnapshot } from '../../../src/engine/contract.js'
import { shown, keyOf, movesOf, OpenedEngine, type ContractPlace, type ContractSubject, type Move } from './opened-engine.js'

const START = Date.UTC(2026, 0, 1)

/** An engine whose wall clock the test moves. */
export class ExpiringEngine {
  readonly store: OpenedEngine
  readonly #clock: { time: number }

  private constructor(store: OpenedEngine, clock: { time: number }) {
    this.store = store
    this.#clock = clock
  }

  static async open(subject: ContractSubject, seed = 1): Promise<ExpiringEngine> {
    const clock = { time: START }
    const place = async (): Promise<ContractPlace> => {
      const { environment, ...rest } = await subject.place(seed)
      const { clock: inner } = environment
      return { ...rest, environment: { ...environment, clock: { now: () => inner.now(), wallTime: () => clock.time } } }
    }
    return new ExpiringEngine(await OpenedEngine.open({ ...subject, place }, seed), clock)
  }

  get now(): number {
    return this.#clock.time
  }

  /** Moves the wall clock; also back. */
  pass(ms: number): void {
    this.#clock.time += ms
  }

  /** Puts a key that expires in `ttl` milliseconds, or never. */
  async put(key: string, value: string, ttl?: number): Promise<void> {
    const batch = new WriteBatch()
    batch.put(keyOf(key), keyOf(value), ttl === undefined ? undefined : this.now + ttl)
    await this.store.engine.write(batch, { sync: false })
  }

  expiresAt(key: string, snapshot?: EngineSnapshot): number | undefined {
    return this.store.engine.expiresAt!(keyOf(key), snapshot)
  }
}

export function expiryPromises(subject: ContractSubject): void {
  describe('expiry', () => {
    // An engine without `expiresAt` promises nothing here: the store passes it no expiry.
    const withExpiry = (body: (expiring: ExpiringEngine, store: OpenedEngine) => Promise<void>) => async () => {
      const expiring = await ExpiringEngine.open(subject)
      try {
        if (expiring.store.engine.expiresAt !== undefined) await body(expiring, expiring.store)
      } finally {
        await expiring.store.dispose()
      }
    }
    const everywhere = (name: string, body: (expiring: ExpiringEngine, store: OpenedEngine, move: Move[1]) => Promise<void>): void => {
      for (const [when, move] of movesOf(subject))
        it(
          `${name}, ${when}`,
          withExpiry((expiring, store) => body(expiring, store, move)),
        )
    }

    everywhere('an entry is hidden from every read the moment it is due, not before', async (expiring, store, move) => {
      await expiring.put('a', '1')
      await expiring.put('b', 'two', 100)
      await expiring.put('c', '', 200)
      await expiring.put('d', '4')
      await move(store)
      expect(store.scan()).toEqual(['a=1', 'b=two', 'c=', 'd=4'])
      expiring.pass(99)
      expect([store.get('b'), store.get('c'), store.scan()]).toEqual(['two', '', ['a=1', 'b=two', 'c=', 'd=4']])
      expiring.pass(1)
      expect([store.get('b'), store.get('c'), store.scan()]).toEqual([undefined, '', ['a=1', 'c=', 'd=4']])
      const cursor = store.cursor()
      expect([cursor.seek(keyOf('b')), shown(cursor), cursor.seekReverse(keyOf('b')), shown(cursor)]).toEqual([true, 'c=', true, 'a=1'])
      cursor.close()
      expiring.pass(100)
      expect(store.scan()).toEqual(['a=1', 'd=4'])
      expect(store.scan({ gte: 'b', lt: 'd' })).toEqual([])
      expect(await store.violations()).toEqual([])
    })

    everywhere('the expiry of a key is known until it is due', async (expiring, store, move) => {
      await expiring.put('a', '1', 50)
      await expiring.put('b', '2')
      const due = expiring.now + 50
      await move(store)
      expect([expiring.expiresAt('a'), expiring.expiresAt('b'), expiring.expiresAt('c')]).toEqual([due, undefined, undefined])
      expiring.pass(50)
      expect(expiring.expiresAt('a')).toBeUndefined()
    })

    everywhere('a later put replaces the expiry, and one without removes it', async (expiring, store, move) => {
      for (const key of 'abc') await expiring.put(key, 'first', 10)
      await move(store)
      await expiring.put('a', 'second', 30)
      await expiring.put('b', 'second')
      await expiring.put('c', 'second', 5)
      await move(store)
      expiring.pass(10)
      expect(store.scan()).toEqual(['a=second', 'b=second'])
      await move(store)
      expiring.pass(20)
      expect(store.scan()).toEqual(['b=second'])
      await store.compact()
      expect([store.scan(), store.get('a'), store.get('c')]).toEqual([['b=second'], undefined, undefined])
    })

    everywhere('an expired entry does not bring back the older one that it replaced', async (expiring, store, move) => {
      await expiring.put('a', 'old')
      await move(store)
      await expiring.put('a', 'new', 10)
      await move(store)
      expiring.pass(10)
      expect([store.get('a'), store.scan()]).toEqual([undefined, []])
      await store.engine.flush()
      expect([store.get('a'), store.scan()]).toEqual([undefined, []])
      await store.compact()
      expect([store.get('a'), store.scan()]).toEqual([undefined, []])
      expect(await store.violations()).toEqual([])
    })

    it(
      'a snapshot and a cursor see what was live at their moment, however much is reclaimed since',
      withExpiry(async (expiring, store) => {
        for (const key of 'abcdef') await expiring.put(key, 'value', 100)
        await store.engine.flush()
        expiring.pass(50)
        const early = store.engine.snapshot()
        const cursor = store.cursor()
        await expiring.put('b', 'newer', 20)
        expiring.pass(60)
        const late = store.engine.snapshot()
        const all = [...'abcdef'].map(key => `${key}=value`)
        for (const move of [store.engine.flush, store.engine.compact]) {
          await move.call(store.engine)
          expect(store.scan()).toEqual([])
          expect(store.scan({}, early)).toEqual(all)
          expect(store.get('c', early)).toBe('value')
          expect(expiring.expiresAt('c', early)).toBe(expiring.now - 10)
          expect([store.scan({}, late), store.get('c', late), expiring.expiresAt('c', late)]).toEqual([[], undefined, undefined])
        }
        expect(cursor.first() && cursor.next() && shown(cursor)).toBe('b=value')
        cursor.close()
        early.release()
        await store.compact()
        expect([store.scan(), store.scan({}, late)]).toEqual([[], []])
        late.release()
        expect(await store.violations()).toEqual([])
      }),
    )

    it(
      'a long stretch of expired keys that one reader has walked is still there for an earlier snapshot of the same state',
      withExpiry(async (expiring, store) => {
        for (let i = 0; i < 300; i++) await expiring.put(`key ${String(i).padStart(3, '0')}`, 'value', 100)
        const early = store.engine.snapshot()
        expiring.pass(100)
        expect(store.scan()).toEqual([])
        expect(store.scan({}, early).length).toBe(300)
        expect(store.get('key 150', early)).toBe('value')
        early.release()
      }),
    )

    it(
      'a clock that is set back shows nothing again',
      withExpiry(async (expiring, store) => {
        await expiring.put('a', '1', 10)
        expiring.pass(10)
        expect(store.get('a')).toBeUndefined()
        expiring.pass(-10)
        expect([store.get('a'), store.scan()]).toEqual([undefined, []])
      }),
    )

    it(
      'a compaction reclaims expired entries, and the ledger counts their bytes',
      withExpiry(async (expiring, store) => {
        await expiring.put('kept', 'value')
        for (let i = 0; i < 500; i++) await expiring.put(`gone ${i}`, 'x'.repeat(40), 1000)
        await store.compact()
        expiring.pass(1000)
        await store.compact()
        const { ledger } = store.engine.stats()
        const expired = Array.from({ length: 500 }, (_, i) => `gone ${i}`.length + 40).reduce((sum, bytes) => sum + bytes, 0)
        expect(ledger.expiredBytes).toBe(expired)
        expect(ledger.liveBytes).toBe('kept'.length + 'value'.length)
        expect(store.scan()).toEqual(['kept=value'])
        expect(await store.violations()).toEqual([])
      }),
    )

    it(
      'deletes and clears meet expired entries like any others',
      withExpiry(async (expiring, store) => {
        for (let i = 0; i < 100; i++) await expiring.put(`k${String(i).padStart(2, '0')}`, 'v', i % 2 === 0 ? 10 : undefined)
        expiring.pass(10)
        await store.del('k00')
        await store.del('k01')
        await store.clear({ gte: 'k10', lt: 'k90' })
        const left = Array.from({ length: 100 }, (_, i) => i).filter(i => i % 2 === 1 && i !== 1 && (i < 10 || i >= 90))
        expect(store.scan()).toEqual(left.map(i => `k${String(i).padStart(2, '0')}=v`))
        await store.compact()
        expect(store.scan().length).toBe(left.length)
        expect(await store.violations()).toEqual([])
      }),
    )

    it(
      'a long value with an expiry is whole while it lives',
      withExpiry(async (expiring, store) => {
        const value = 'long '.repeat(700_000)
        await expiring.put('a', value, 10)
        expect(store.get('a') === value).toBe(true)
        await store.compact()
        expect(store.get('a') === value).toBe(true)
        expiring.pass(10)
        await store.compact()
        expect(store.get('a')).toBeUndefined()
        expect(await store.violations()).toEqual([])
      }),
    )
  })
}
