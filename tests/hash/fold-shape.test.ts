import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Cursor, Engine, EngineSnapshot } from '../../src/engine/contract.js'
import { hashEngine } from '../../src/hash/factory.js'
import { foldHash, HashShapeFold } from '../../src/hash/fold-shape.js'
import { jsonLines, parseJsonLines } from '../../src/observe/json-lines.js'
import type { TraceLevel } from '../../src/trace/events.js'
import { simulatedEnvironment, type Environment, type MemoryFileSystem } from '../../src/vfs/index.js'
import { FaultyFileSystem } from '../../src/vfs/testing/faulty-file-system.js'
import { SMALL_HASH } from '../contract/support/small-hash.js'
import { batchOf, DIRECTORY, emptyFileSystem, filler } from '../engine/support/engine-calls.js'
import { slice } from '../support/thoroughness.js'
import { name, takeCommonStep, type CommonStep } from '../trace/support/common-step.js'
import { TracedRun } from '../trace/support/traced-run.js'

const KEYS = 200

type Step =
  | CommonStep
  | { readonly do: 'ingest'; readonly keys: readonly number[]; readonly valueBytes: number }
  | { readonly do: 'crash'; readonly power: boolean }
  | { readonly do: 'fault'; readonly on: 'write' | 'sync' | 'rename'; readonly skip: number }
  | { readonly do: 'cursor' }
  | { readonly do: 'uncursor' }
  | { readonly do: 'reopen' }

const key = fc.nat({ max: KEYS - 1 })
const valueBytes = fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 300 }) }, { weight: 1, arbitrary: fc.nat({ max: 6000 }) })
const fault = fc.record({
  do: fc.constant('fault' as const),
  on: fc.constantFrom('write' as const, 'sync' as const, 'rename' as const),
  skip: fc.nat({ max: 6 }),
})
const stepsWith = (faults: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      { weight: faults, arbitrary: fault },
      {
        weight: 24,
        arbitrary: fc.record({
          do: fc.constant('write' as const),
          keys: fc.array(key, { minLength: 1, maxLength: 60, size: 'max' }),
          valueBytes,
          sync: fc.boolean(),
          wait: fc.boolean(),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('ingest' as const), keys: fc.uniqueArray(key, { maxLength: 100 }), valueBytes }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('clear' as const), from: key, to: key }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('get' as const), key }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 30 }) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), power: fc.boolean() }) },
      {
        weight: 10,
        arbitrary: fc.record({
          do: fc.constantFrom(...(['flush', 'compact', 'settle', 'snapshot', 'release', 'scan', 'cursor', 'uncursor', 'reopen'] as const)),
        }),
      },
    ),
    { minLength: 20, maxLength: 60, size: 'max' },
  )

/** Takes the steps and compares the folded with the real shape after each of them, and after each turn of the background. */
class Walk {
  readonly #seed: number
  readonly #level: TraceLevel
  #fileSystem: MemoryFileSystem = emptyFileSystem()
  #faulty!: FaultyFileSystem
  #environment!: Environment
  #traced!: TracedRun<HashShapeFold>
  #snapshots: EngineSnapshot[] = []
  #cursors: Cursor[] = []
  #pending: Promise<void>[] = []

  constructor(seed: number, level: TraceLevel) {
    this.#seed = seed
    this.#level = level
    this.#begin()
  }

  #begin(): void {
    this.#faulty = new FaultyFileSystem(this.#fileSystem)
    this.#environment = simulatedEnvironment({ seed: this.#seed, fileSystem: this.#faulty })
    this.#traced = new TracedRun({
      factory: hashEngine({ poisonFrames: true }),
      environment: this.#environment,
      directory: DIRECTORY,
      options: SMALL_HASH,
      level: this.#level,
      fold: new HashShapeFold(),
    })
  }

  async take(all: readonly Step[]): Promise<void> {
    let engine = await this.#traced.open(true)
    this.#compare(engine)
    for (const step of all) {
      if (step.do === 'reopen') engine = await this.#reopen(engine)
      else if (step.do === 'crash') engine = await this.#crash(engine, step.power)
      else await this.#attempt(() => this.#step(engine, step))
      this.#compare(engine)
    }
    this.#faulty.heal()
    await this.#attempt(() => Promise.all(this.#pending))
    await this.#attempt(() => engine.settle())
    this.#compare(engine)
    const { events } = this.#traced
    expect(foldHash(parseJsonLines([...jsonLines(events)].join('')))).toEqual(engine.shape())
    for (const snapshot of this.#snapshots) snapshot.release()
    for (const cursor of this.#cursors) cursor.close()
    await this.#attempt(() => this.#traced.close(engine))
    const ownerless = events.filter(
      ({ type, operation, job }) => /^(file|log|data)\.|^directory\.(sync|place)/.test(type) && operation === 0 && job === 0,
    )
    expect(ownerless).toEqual([])
  }

  /** After a fault, anything may fail. */
  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (this.#faulty.hits === 0 || (error as Error).name === 'AssertionError') throw error
    }
  }

  #compare(engine: Engine): void {
    expect(this.#traced.fold.shape()).toEqual(engine.shape())
  }

  async #reopen(engine: Engine): Promise<Engine> {
    for (const snapshot of this.#snapshots.splice(0)) snapshot.release()
    for (const cursor of this.#cursors.splice(0)) cursor.close()
    await this.#attempt(() => Promise.all(this.#pending.splice(0)))
    this.#faulty.heal()
    await this.#attempt(() => this.#traced.close(engine))
    return this.#traced.open()
  }

  /** The store's files continue in a new run. */
  async #crash(engine: Engine, power: boolean): Promise<Engine> {
    this.#fileSystem = power ? this.#fileSystem.crashClone(this.#seed) : this.#fileSystem.processCrashClone()
    await Promise.allSettled(this.#pending)
    await this.#attempt(() => engine.close())
    this.#snapshots = []
    this.#cursors = []
    this.#pending = []
    this.#begin()
    return this.#traced.open()
  }

  async #step(engine: Engine, step: Exclude<Step, { do: 'reopen' | 'crash' }>): Promise<void> {
    switch (step.do) {
      case 'ingest': {
        const keys = step.keys.map(name).sort()
        const batch = batchOf(keys.map((each, i) => ['put', each, filler(step.valueBytes, i)] as const))
        batch.seal(0)
        await engine.ingest!(
          (async function* () {
            yield batch
            await Promise.resolve()
          })(),
        )
        return
      }
      case 'cursor': {
        const cursor = engine.cursor({}, this.#snapshots.at(-1))
        cursor.first()
        this.#cursors.push(cursor)
        return
      }
      case 'uncursor':
        this.#cursors.shift()?.close()
        return
      case 'fault':
        this.#faulty.inject({
          on: ({ kind }) => kind === step.on,
          skip: step.skip,
          effect: { kind: 'error', code: 'EIO', done: 'nothing' },
        })
        return
      default:
        await takeCommonStep(engine, step, {
          snapshots: this.#snapshots,
          turn: async () => {
            await this.#environment.scheduler.turn()
            this.#compare(engine)
          },
          later: written => this.#pending.push(this.#attempt(() => written)),
        })
    }
  }
}

describe('the events of a hash engine fold to its shape after any operation, over reopenings and crashes', () => {
  const settings = [fc.integer({ min: 1, max: 1000 }), fc.constantFrom('io' as const, 'step' as const)] as const

  it.each([
    ['on a disk', 0],
    ['on a disk that fails', 6],
  ])(
    '%s',
    async (_name, faults) => {
      await fc.assert(
        fc.asyncProperty(stepsWith(faults), ...settings, (all, seed, level) => new Walk(seed, level).take(all)),
        { numRuns: slice(8, 100) },
      )
    },
    120_000,
  )
})
