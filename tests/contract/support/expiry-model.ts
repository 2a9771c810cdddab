/** Random histories with expiries and a clock that moves, on an engine and on a map side by side. */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { WriteBatch } from '../../../src/engine/batch.js'
import type { EngineSnapshot } from '../../../src/engine/contract.js'
import { ExpiringEngine } from './expiry-promises.js'
import { keyOf, type ContractSubject } from './opened-engine.js'

const KEYS = Array.from({ length: 12 }, (_, i) => `key ${String.fromCharCode(97 + i)}`)

type Step =
  | {
      readonly do: 'write'
      readonly puts: readonly (readonly [key: number, ttl: number | undefined, bytes: number])[]
      readonly dels: readonly number[]
    }
  | { readonly do: 'clear'; readonly from: number; readonly to: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'snapshot' | 'flush' | 'compact' | 'reopen' | 'check' }
  | { readonly do: 'release'; readonly which: number }

const key = fc.nat(KEYS.length - 1)
const ttl = fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined, freq: 4 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      puts: fc.array(fc.tuple(key, ttl, fc.constantFrom(3, 30, 800)), { maxLength: 6 }),
      dels: fc.array(key, { maxLength: 2 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: -5, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), from: key, to: key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat(5) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('snapshot', 'flush', 'compact', 'reopen', 'check' as const) }) },
)

interface Entry {
  readonly value: string
  readonly expiry: number
}

interface Moment {
  readonly entries: ReadonlyMap<string, Entry>
  readonly time: number
}

export function expiryModel(subject: ContractSubject, runs: number): void {
  describe(`the model of expiry: ${subject.name}`, () => {
    it('no history makes the engine differ from a map of entries and their expiries', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
          const run = new Run(await ExpiringEngine.open(subject), subject.factory.durable)
          try {
            for (const [number, each] of steps.entries()) await run.take(each, number)
          } finally {
            await run.dispose()
          }
        }),
        { numRuns: runs },
      )
    }, 120_000)
  })
}

class Run {
  readonly #engine: ExpiringEngine
  readonly #durable: boolean
  #entries = new Map<string, Entry>()
  #snapshots: { readonly snapshot: EngineSnapshot; readonly moment: Moment }[] = []
  /** An engine's time never goes back while it is open. */
  #latest = 0

  constructor(engine: ExpiringEngine, durable: boolean) {
    this.#engine = engine
    this.#durable = durable
  }

  async take(each: Step, number: number): Promise<void> {
    const { store } = this.#engine
    if (each.do === 'write') await this.#write(each.puts, each.dels, number)
    else if (each.do === 'pass') this.#engine.pass(each.ms)
    else if (each.do === 'clear') await this.#clear(each.from, each.to)
    else if (each.do === 'snapshot') this.#snapshots.push({ snapshot: store.engine.snapshot(), moment: this.#present() })
    else if (each.do === 'release') this.#snapshots.splice(each.which, 1)[0]?.snapshot.release()
    else if (each.do === 'reopen') await this.#reopen()
    else if (each.do !== 'check') await store.engine[each.do]()
    else if ((await store.violations()).length > 0) throw new Error(`check() found ${JSON.stringify(await store.violations())}`)
    this.#compare(undefined, this.#present())
    for (const { snapshot, moment } of this.#snapshots) this.#compare(snapshot, moment)
  }

  async dispose(): Promise<void> {
    for (const { snapshot } of this.#snapshots) snapshot.release()
    await this.#engine.store.dispose()
  }

  async #write(puts: readonly (readonly [number, number | undefined, number])[], dels: readonly number[], number: number): Promise<void> {
    const batch = new WriteBatch()
    for (const [index, ttl, bytes] of puts) {
      const value = `${number} ${'x'.repeat(bytes)}`
      const expiry = ttl === undefined ? undefined : this.#engine.now + ttl
      batch.put(keyOf(KEYS[index]), keyOf(value), expiry)
      this.#entries.set(KEYS[index], { value, expiry: expiry ?? Infinity })
    }
    for (const index of dels) {
      batch.del(keyOf(KEYS[index]))
      this.#entries.delete(KEYS[index])
    }
    if (batch.count > 0) await this.#engine.store.engine.write(batch, { sync: false })
  }

  async #clear(from: number, to: number): Promise<void> {
    const [gte, lte] = [KEYS[Math.min(from, to)], KEYS[Math.max(from, to)]]
    await this.#engine.store.clear({ gte, lte })
    for (const name of KEYS) if (name >= gte && name <= lte) this.#entries.delete(name)
  }

  async #reopen(): Promise<void> {
    if (!this.#durable) return
    for (const { snapshot } of this.#snapshots) snapshot.release()
    this.#snapshots = []
    // An entry that a clock ahead of its time has hidden may be reclaimed: it does not come back.
    const { entries, time } = this.#present()
    this.#entries = new Map([...entries].filter(([, { expiry }]) => expiry > time))
    await this.#engine.store.reopen()
    this.#engine.pass(Math.max(0, this.#latest - this.#engine.now))
  }

  #present(): Moment {
    this.#latest = Math.max(this.#latest, this.#engine.now)
    return { entries: new Map(this.#entries), time: this.#latest }
  }

  #compare(snapshot: EngineSnapshot | undefined, { entries, time }: Moment): void {
    const { store } = this.#engine
    const live = KEYS.flatMap(name => {
      const entry = entries.get(name)
      return entry !== undefined && entry.expiry > time ? [{ name, ...entry }] : []
    })
    const expected = live.map(({ name, value }) => `${name}=${value}`)
    const actual = store.scan({}, snapshot)
    if (actual.join() !== expected.join()) throw new Error(`a scan shows ${brief(actual)}, expected ${brief(expected)}`)
    for (const name of KEYS) {
      const entry = live.find(other => other.name === name)
      if (store.get(name, snapshot) !== entry?.value) throw new Error(`get(${name}) is not what was put`)
      const expiry = entry === undefined || entry.expiry === Infinity ? undefined : entry.expiry
      if (this.#engine.expiresAt(name, snapshot) !== expiry) throw new Error(`expiresAt(${name}) is not ${expiry}`)
    }
  }
}

function brief(entries: readonly string[]): string {
  return JSON.stringify(entries.map(entry => entry.slice(0, 12)))
}
