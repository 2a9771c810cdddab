import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { btreeEngine } from '../../src/btree/factory.js'
import { Cache } from '../../src/cache/cache.js'
import { ByteView } from '../../src/codec/entry.js'
import { BatchReader, WriteBatch } from '../../src/engine/batch.js'
import { EntryCache } from '../../src/engine/entry-cache.js'
import { Kvarium } from '../../src/index.js'
import { lsmEngine } from '../../src/lsm/whole-engine.js'
import { Trace } from '../../src/trace/span.js'
import { MemoryFileSystem, simulatedEnvironment } from '../../src/vfs/index.js'
import { slice } from '../support/thoroughness.js'

/** Turns on within a few gets, and looks as often whether to stay on. */
const QUICK = { window: 32, sleep: 0 }
const CACHE_BYTES = 1 << 20
const KEYS = Array.from({ length: 16 }, (_, i) => `key ${String(i * 7).padStart(3, '0')}`)
/** Keys around those of a batch that is applied in slices. */
const LONG_BATCH = 2500

type Store = Kvarium<string, string>

interface Held {
  readonly value: string
  readonly expiry: number
}

const keys = fc.constantFrom(...KEYS)
const lengths = fc.constantFrom(0, 1, 50, 300, 1500)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('read' as const), key: keys }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('put' as const, 'expiring' as const, 'transaction' as const), key: keys, length: lengths }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('del' as const, 'snapshot' as const, 'clear' as const), key: keys }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('long' as const, 'ingest' as const, 'durable' as const), key: keys, length: lengths }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('later' as const, 'flush' as const, 'compact' as const, 'reopen' as const), key: keys }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** A store with a cache of entries, and what it should contain. */
class Subject {
  hits = 0
  readonly #engine: 'lsm' | 'btree'
  readonly #files = new MemoryFileSystem()
  readonly #content = new Map<string, Held>()
  #store!: Store
  #now = 1_000_000
  #puts = 0

  constructor(engine: 'lsm' | 'btree') {
    this.#engine = engine
  }

  async open(): Promise<void> {
    const settings = { entryCachePace: QUICK }
    const engine = this.#engine === 'lsm' ? lsmEngine(settings) : btreeEngine({ ...settings, poisonFrames: true })
    const simulated = simulatedEnvironment({ seed: 1, fileSystem: this.#files })
    const environment = { ...simulated, clock: { now: () => simulated.clock.now(), wallTime: () => this.#now } }
    const small = { writeBufferSize: 64 << 10, cacheSize: CACHE_BYTES, entryCache: true }
    this.#store = new Kvarium<string, string>('/store', { engine, environment, ...small })
    await this.#store.open()
  }

  async close(): Promise<void> {
    this.hits += this.#store.stats().entryCache?.hits ?? 0
    await this.#store.close()
  }

  async run({ do: what, ...given }: Step): Promise<void> {
    const store = this.#store
    const { key } = given
    const next = 'length' in given ? this.#value(given.length) : ''
    if (what === 'read') {
      this.#check()
    } else if (what === 'put') {
      this.#hold(key, next)
      await store.put(key, next)
    } else if (what === 'expiring') {
      this.#hold(key, next, this.#now + 1000)
      await store.put(key, next, { ttl: 1000 })
    } else if (what === 'transaction') {
      await store.transaction(async tx => tx.put(key, next + ((await tx.get(key)) ?? '').slice(0, 9)))
      this.#hold(key, next + (this.#get(key) ?? '').slice(0, 9))
    } else if (what === 'del') {
      this.#content.delete(key)
      await store.del(key)
    } else if (what === 'clear') {
      for (const one of KEYS) if (one >= key) this.#content.delete(one)
      await store.clear({ gte: key })
    } else if (what === 'snapshot') {
      await this.#readBoth(key)
    } else if (what === 'durable') {
      await this.#writeDurably(key, next)
    } else if (what === 'long') {
      await this.#writeLong(key, next)
    } else if (what === 'ingest') {
      await this.#ingest(key, next)
    } else if (what === 'later') {
      this.#now += 600
    } else if (what === 'flush') {
      await store.flush()
    } else if (what === 'compact') {
      await store.compactRange('', '~')
    } else {
      await this.close()
      await this.open()
    }
    this.#check()
    expect(await store.getMany(KEYS)).toEqual(KEYS.map(one => this.#get(one)))
  }

  /** A snapshot shows what it was taken of, the store what was put since. */
  async #readBoth(key: string): Promise<void> {
    const store = this.#store
    const before = this.#get(key)
    const snapshot = store.snapshot()
    const next = this.#value(20)
    await store.put(key, next)
    this.#hold(key, next)
    for (let i = 0; i < 4; i++) {
      expect(store.getSync(key, { snapshot })).toBe(before)
      expect(store.getSync(key)).toBe(next)
    }
    await snapshot.close()
  }

  /** Writes that share a sync, each of which shows before that. */
  async #writeDurably(key: string, next: string): Promise<void> {
    const store = this.#store
    const writes = ['', 'then ', undefined, 'last '].map(prefix => {
      const value = prefix === undefined ? undefined : prefix + next
      const written = value === undefined ? store.del(key, { sync: true }) : store.put(key, value, { sync: true })
      for (let i = 0; i < 3; i++) expect(store.getSync(key)).toBe(value)
      return written
    })
    this.#hold(key, `last ${next}`)
    await Promise.all(writes)
  }

  /** Readers see nothing of a long batch until all of it is there. */
  async #writeLong(key: string, next: string): Promise<void> {
    const store = this.#store
    const before = this.#get(key)
    const many = Array.from({ length: LONG_BATCH }, (_, i) => ({ type: 'put' as const, key: `other ${i}`, value: '' }))
    let isDone = false
    const written = store.batch([{ type: 'put', key, value: next }, ...many]).then(() => (isDone = true))
    while (!isDone) {
      const seen = store.getSync(key)
      if (seen !== before) expect(seen).toBe(next)
      await new Promise(resolve => setImmediate(resolve))
    }
    await written
    this.#hold(key, next)
  }

  async #ingest(key: string, next: string): Promise<void> {
    const store = this.#store
    const before = this.#get(key)
    let isDone = false
    const ingested = store.ingest([[key, next]]).then(() => (isDone = true))
    while (!isDone) {
      const seen = store.getSync(key)
      if (seen !== before) expect(seen).toBe(next)
      await new Promise(resolve => setImmediate(resolve))
    }
    await ingested
    this.#hold(key, next)
  }

  #value(length: number): string {
    return `${this.#puts++} `.padEnd(length, 'x')
  }

  #hold(key: string, value: string, expiry = Infinity): void {
    this.#content.set(key, { value, expiry })
  }

  #get(key: string): string | undefined {
    const held = this.#content.get(key)
    return held !== undefined && held.expiry > this.#now ? held.value : undefined
  }

  #check(): void {
    const store = this.#store
    for (let round = 0; round < 3; round++)
      for (const key of KEYS) if (store.getSync(key) !== this.#get(key)) expect(store.getSync(key)).toBe(this.#get(key))
    const { cache } = store.stats()
    expect(cache!.usedBytes).toBeLessThanOrEqual(CACHE_BYTES)
  }
}

describe.each(['lsm', 'btree'] as const)('entries cached beside %s', engine => {
  it('are what the engine has, whatever changes it', async () => {
    let hits = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async steps => {
        const subject = new Subject(engine)
        await subject.open()
        for (const one of steps) await subject.run(one)
        await subject.close()
        hits += subject.hits
      }),
      { numRuns: slice(4, 300), seed: 20_261 },
    )
    expect(hits).toBeGreaterThan(500)
  })

  const many = Array.from({ length: LONG_BATCH }, (_, i) => ({ type: 'put' as const, key: `other ${i}`, value: '' }))
  const changes: readonly (readonly [string, string | undefined, (store: Store) => Promise<void>])[] = [
    ['put', 'after', store => store.put('key', 'after')],
    ['batch', 'after', store => store.batch([...many.slice(0, 5), { type: 'put', key: 'key', value: 'after' }])],
    ['long batch', 'after', store => store.batch([{ type: 'put', key: 'key', value: 'after' }, ...many])],
    ['del', undefined, store => store.del('key')],
    ['clear', undefined, store => store.clear({ gte: 'kex', lt: 'kez' })],
    ['ingest', 'after', store => store.ingest([['key', 'after']])],
    ['transaction', 'after', store => store.transaction(async tx => tx.put('key', 'after'))],
  ]
  it.each(changes)('are gone with %s, which shows when it is done and not before in part', async (_, after, change) => {
    const settings = { entryCachePace: QUICK }
    const environment = simulatedEnvironment({ seed: 1, fileSystem: new MemoryFileSystem() })
    const factory = engine === 'lsm' ? lsmEngine(settings) : btreeEngine(settings)
    const store = new Kvarium<string, string>('/store', { engine: factory, environment, cacheSize: CACHE_BYTES, entryCache: true })
    for (let i = 0; i < 100; i++) await store.put(`kez ${i}`, 'other')
    await store.put('key', 'before')
    const readOften = (): void => {
      for (let i = 0; i < 200; i++) store.getSync('key')
    }
    readOften()
    const { hits } = store.stats().entryCache!
    expect(hits).toBeGreaterThan(20)
    let isDone = false
    const changed = change(store).then(() => (isDone = true))
    while (!isDone) {
      const seen = new Set(Array.from({ length: 50 }, () => store.getSync('key')))
      expect(seen.size).toBe(1)
      expect(['before', after]).toContain([...seen][0])
      await new Promise(resolve => setImmediate(resolve))
    }
    await changed
    expect(store.getSync('key')).toBe(after)
    readOften()
    expect(store.getSync('key')).toBe(after)
    await store.close()
  })

  it('serve skewed gets, leave uniform ones alone, and give their memory back', async () => {
    const factory =
      engine === 'lsm'
        ? lsmEngine({ entryCachePace: { window: 64, sleep: 64 } })
        : btreeEngine({ entryCachePace: { window: 64, sleep: 64 } })
    const environment = simulatedEnvironment({ seed: 1, fileSystem: new MemoryFileSystem() })
    const store = new Kvarium<string, string>('/store', { engine: factory, environment, cacheSize: CACHE_BYTES, entryCache: true })
    const count = 6000
    for (let i = 0; i < count; i += 1000)
      await store.batch(Array.from({ length: 1000 }, (_, k) => ({ type: 'put', key: `key ${i + k}`, value: `value ${i + k}`.repeat(5) })))
    const stats = (): NonNullable<ReturnType<Store['stats']>['entryCache']> => store.stats().entryCache!
    for (let i = 0; i < count; i++) store.getSync(`key ${(i * 7919) % count}`)
    expect(stats()).toMatchObject({ hits: 0, misses: 0, isOn: false })
    const asleep = stats().usedBytes
    for (let i = 0; i < 5000; i++) store.getSync(`key ${(i * 7) % 50}`)
    expect(stats().isOn).toBe(true)
    expect(stats().hits).toBeGreaterThan(2000)
    expect(stats().usedBytes).toBeGreaterThan(asleep)
    expect(stats().usedBytes).toBeLessThanOrEqual(stats().capacityBytes)
    for (let i = 0; i < count; i++) store.getSync(`key ${(i * 7919) % count}`)
    expect(stats().isOn).toBe(false)
    expect(stats().usedBytes).toBe(asleep)
    await store.close()
  })

  it('are not there without the option, and where a small cache or a trace of steps forbids it', async () => {
    const factory = engine === 'lsm' ? lsmEngine() : btreeEngine()
    const trace = new Trace({ level: 'io', listener: () => undefined })
    for (const options of [{}, { entryCache: true, cacheSize: 200 << 10 }, { entryCache: true, trace }]) {
      const environment = simulatedEnvironment({ seed: 1, fileSystem: new MemoryFileSystem() })
      const store = new Kvarium<string, string>('/store', { engine: factory, environment, ...options })
      await store.open()
      expect(store.stats().entryCache).toBeUndefined()
      await store.close()
    }
  })
})

describe('a cache of entries', () => {
  const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
  const out = new ByteView()

  /** A get of a key that the engine holds. */
  function get(cache: EntryCache, key: string, value: string): string {
    if (!cache.isAsked() || !cache.find(bytes(key), out)) {
      out.set(bytes(value), 0, value.length)
      cache.offer(bytes(key), out)
    }
    return Buffer.from(out.copy()).toString()
  }

  it('has whole entries after many laps of its ring, and the ones in use most of all', () => {
    const budget = new Cache(256 << 10)
    const cache = EntryCache.of(budget, { window: 64, sleep: 0 })!
    const content = new Map<string, string>()
    const reader = new BatchReader()
    let random = 1
    for (let i = 0; i < 8000; i++) {
      random = Math.imul(random, 1_103_515_245) + 12_345
      const number = (random >>> 8) % (i % 4 === 0 ? 2000 : 40)
      const key = `key ${number}`
      if (!content.has(key)) content.set(key, `${i} `.repeat(1 + (number % 100)))
      const found = get(cache, key, content.get(key)!)
      if (found !== content.get(key)) expect(found).toBe(content.get(key))
      if (i % 50 > 0) continue
      const batch = new WriteBatch()
      batch.put(bytes(key), bytes(`${i}`))
      batch.seal(1)
      cache.drop(reader.reset(batch.bytes, 0, batch.byteLength))
      content.set(key, `${i}`)
    }
    const { hits, misses, usedBytes } = cache.stats
    expect(hits / (hits + misses)).toBeGreaterThan(0.6)
    expect(budget.usedBytes).toBe(usedBytes)
  })

  it('admits nothing while it is paused', async () => {
    const cache = EntryCache.of(new Cache(256 << 10), QUICK)!
    for (let i = 0; i < 200; i++) get(cache, 'key', 'before')
    expect(cache.stats.hits).toBeGreaterThan(0)
    await cache.paused(async () => {
      for (let i = 0; i < 5; i++) get(cache, 'key', 'before')
    })
    expect(get(cache, 'key', 'after')).toBe('after')
  })
})
