import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldBtree } from '../../src/btree/fold-shape.js'
import type { WriteBatch } from '../../src/engine/batch.js'
import type { Cursor, Engine, EngineSnapshot } from '../../src/engine/contract.js'
import { jsonLines, parseJsonLines } from '../../src/observe/json-lines.js'
import type { TraceLevel } from '../../src/trace/events.js'
import { DATA_FILE } from '../../src/btree/file-names.js'
import { FaultyFileSystem, type FileOperation } from '../../src/vfs/testing/faulty-file-system.js'
import { simulatedEnvironment, type Environment, type MemoryFileSystem } from '../../src/vfs/index.js'
import { name, takeCommonStep, type CommonStep } from '../trace/support/common-step.js'
import { batchOf, emptyFileSystem, filler, violations } from './support/opened-btree.js'
import { TracedBtree } from './support/traced-btree.js'
import { slice } from '../support/thoroughness.js'

type Step =
  | CommonStep
  | { readonly do: 'ascending'; readonly from: number; readonly count: number; readonly valueBytes: number }
  | { readonly do: 'ingest'; readonly keys: readonly number[]; readonly valueBytes: number; readonly wait: boolean }
  | { readonly do: 'crash'; readonly power: boolean }
  | { readonly do: 'fault'; readonly on: 'read' | 'write' | 'sync' | 'truncate'; readonly skip: number; readonly done: boolean }
  | { readonly do: 'cursor' }
  | { readonly do: 'uncursor' }
  | { readonly do: 'check' }
  | { readonly do: 'reopen' }

const KEYS = 400
const key = fc.nat({ max: KEYS - 1 })
const valueBytes = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 120 }) },
  { weight: 2, arbitrary: fc.nat({ max: 700 }) },
  { weight: 1, arbitrary: fc.nat({ max: 6000 }) },
)
const fault = fc.record({
  do: fc.constant('fault' as const),
  on: fc.constantFrom('read' as const, 'write' as const, 'sync' as const, 'truncate' as const),
  skip: fc.nat({ max: 6 }),
  done: fc.boolean(),
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
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('ascending' as const), from: key, count: fc.integer({ min: 1, max: 200 }), valueBytes }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('ingest' as const),
          keys: fc.uniqueArray(key, { maxLength: 200, size: 'max' }),
          valueBytes,
          wait: fc.boolean(),
        }),
      },
      { weight: 5, arbitrary: fc.record({ do: fc.constant('clear' as const), from: key, to: key }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('get' as const), key }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 30 }) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), power: fc.boolean() }) },
      {
        weight: 10,
        arbitrary: fc.record({
          do: fc.constantFrom(
            'flush' as const,
            'compact' as const,
            'settle' as const,
            'snapshot' as const,
            'release' as const,
            'scan' as const,
            'cursor' as const,
            'uncursor' as const,
            'check' as const,
            'reopen' as const,
          ),
        }),
      },
    ),
    { minLength: 20, maxLength: 80, size: 'max' },
  )

interface WalkSettings {
  readonly options: Readonly<Record<string, unknown>>
  readonly seed: number
  readonly level: TraceLevel
}

/** Takes the steps and compares the folded with the real shape after each of them, during any background work. */
class Walk {
  readonly #settings: WalkSettings
  #fileSystem: MemoryFileSystem = emptyFileSystem()
  #faulty!: FaultyFileSystem
  #environment!: Environment
  #traced!: TracedBtree
  #snapshots: EngineSnapshot[] = []
  #cursors: Cursor[] = []
  #pending: Promise<void>[] = []

  constructor(settings: WalkSettings) {
    this.#settings = settings
    this.#begin()
  }

  #begin(): void {
    const { options, seed, level } = this.#settings
    this.#faulty = new FaultyFileSystem(this.#fileSystem)
    this.#environment = simulatedEnvironment({ seed, fileSystem: this.#faulty })
    this.#traced = new TracedBtree({ environment: this.#environment, options, level })
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
    expect(foldBtree(parseJsonLines([...jsonLines(events)].join('')))).toEqual(engine.shape())
    await this.#traced.close(engine)
    const ownerless = events.filter(({ type, operation, job }) => /^(file|directory|log|meta)\./.test(type) && operation === 0 && job === 0)
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
    // First the shape, which finishes a replay.
    const shape = engine.shape()
    expect(this.#traced.fold.shape()).toEqual(shape)
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
    this.#fileSystem = power ? this.#fileSystem.crashClone(this.#settings.seed) : this.#fileSystem.processCrashClone()
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
      case 'ascending':
        for (let i = 0; i < step.count; i++) {
          const written = engine.write(batchOf([['put', `${name(step.from)}/${1000 + i}`, filler(step.valueBytes, i)]]), { sync: false })
          if (written !== undefined) await written
        }
        return
      case 'ingest': {
        const ingested = this.#attempt(() => engine.ingest!(ingestOf(step.keys, step.valueBytes)))
        if (step.wait) await ingested
        else this.#pending.push(ingested)
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
      case 'check': {
        const found = await violations(engine)
        if (this.#faulty.hits === 0) expect(found).toEqual([])
        return
      }
      case 'fault': {
        const on = ({ kind, path }: FileOperation): boolean => kind === step.on && path.endsWith(DATA_FILE)
        this.#faulty.inject({ on, skip: step.skip, effect: { kind: 'error', code: 'EIO', done: step.done ? 'all' : 'nothing' } })
        return
      }
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

async function* ingestOf(keys: readonly number[], bytes: number): AsyncGenerator<WriteBatch> {
  const sorted = keys.map(each => name(each)).sort()
  for (let from = 0; from < sorted.length; from += 20) {
    const batch = batchOf(sorted.slice(from, from + 20).map((each, i) => ['put', each, filler(bytes, i)] as const))
    batch.seal(0)
    yield batch
    await Promise.resolve()
  }
}

const SMALL = fc.record({
  options: fc.record({
    pageSize: fc.constantFrom(256, 512),
    cacheSize: fc.constantFrom(0, 4096, 65_536),
    writeBufferSize: fc.constantFrom(16 << 10, 64 << 10),
    compression: fc.constantFrom('none' as const, 'lz4' as const),
  }),
  seed: fc.integer({ min: 1, max: 1000 }),
  level: fc.constantFrom('io' as const, 'step' as const),
})

describe('the events of a B+tree fold to its shape after any operation, over reopenings and crashes', () => {
  it('with small pages', async () => {
    await fc.assert(
      fc.asyncProperty(stepsWith(0), SMALL, (all, settings) => new Walk(settings).take(all)),
      { numRuns: slice(6, 24) },
    )
  }, 120_000)

  it('with small pages on a disk that fails', async () => {
    await fc.assert(
      fc.asyncProperty(stepsWith(8), SMALL, (all, settings) => new Walk(settings).take(all)),
      { numRuns: slice(6, 24) },
    )
  }, 120_000)

  it('with pages and buffers as they are by default', async () => {
    const options = { pageSize: 4096, cacheSize: 64 << 20, writeBufferSize: 128 << 20 }
    await fc.assert(
      fc.asyncProperty(stepsWith(0), fc.integer({ min: 1, max: 1000 }), (all, seed) => new Walk({ options, seed, level: 'io' }).take(all)),
      { numRuns: slice(2, 8) },
    )
  }, 120_000)
})
