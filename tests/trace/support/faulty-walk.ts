/** Random walks of an engine on a disk that fails, with crashes and reopenings, in which the folded shape is compared with the real one. */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Cursor, Engine, EngineSnapshot } from '../../../src/engine/contract.js'
import { jsonLines, parseJsonLines } from '../../../src/observe/json-lines.js'
import type { TraceEvent } from '../../../src/trace/events.js'
import { simulatedEnvironment, type Environment, type MemoryFileSystem } from '../../../src/vfs/index.js'
import { FaultyFileSystem } from '../../../src/vfs/testing/faulty-file-system.js'
import { emptyFileSystem } from '../../engine/support/engine-calls.js'
import { takeCommonStep, type CommonStep } from './common-step.js'

/** What walks of all engines do; each has steps of its own beside these. */
export type WalkStep =
  CommonStep | { readonly do: 'crash'; readonly power: boolean } | { readonly do: 'cursor' | 'uncursor' } | { readonly do: 'reopen' }

/** Steps that have numbers in them. */
export function walkSteps(key: fc.Arbitrary<number>, valueBytes: fc.Arbitrary<number>) {
  return {
    write: fc.record({
      do: fc.constant('write' as const),
      keys: fc.array(key, { minLength: 1, maxLength: 60, size: 'max' }),
      valueBytes,
      sync: fc.boolean(),
      wait: fc.boolean(),
    }),
    clear: fc.record({ do: fc.constant('clear' as const), from: key, to: key }),
    get: fc.record({ do: fc.constant('get' as const), key }),
    turns: fc.record({ do: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 30 }) }),
    crash: fc.record({ do: fc.constant('crash' as const), power: fc.boolean() }),
  }
}

/** An engine with a trace around it whose events are folded: a `TracedRun`. */
export interface FoldedRun {
  readonly events: readonly TraceEvent[]
  readonly fold: { shape(): unknown }
  open(created?: boolean): Promise<Engine>
  close(engine: Engine): Promise<void>
}

const OWN_STEPS: ReadonlySet<string> = new Set(['ascending', 'ingest', 'fault', 'check'])

export abstract class FaultyWalk<Own extends { readonly do: 'ascending' | 'ingest' | 'fault' | 'check' }> {
  protected faulty!: FaultyFileSystem
  protected pending: Promise<void>[] = []
  protected snapshots: EngineSnapshot[] = []
  protected cursors: Cursor[] = []
  readonly #seed: number
  #fileSystem: MemoryFileSystem = emptyFileSystem()
  #environment!: Environment
  #run!: FoldedRun

  constructor(seed: number) {
    this.#seed = seed
  }

  protected abstract begin(environment: Environment): FoldedRun

  protected abstract fold(events: readonly TraceEvent[]): unknown

  /** Events of these types have an operation or a job. */
  protected abstract readonly owned: RegExp

  protected abstract step(engine: Engine, step: Own): Promise<void>

  /** Compares after each step, and after each turn of the background. */
  async take(all: readonly (WalkStep | Own)[]): Promise<void> {
    this.#begin()
    let engine = await this.#run.open(true)
    this.#compare(engine)
    for (const step of all) {
      if (isOwn(step)) await this.attempt(() => this.step(engine, step))
      else if (step.do === 'reopen') engine = await this.#reopen(engine)
      else if (step.do === 'crash') engine = await this.#crash(engine, step.power)
      else await this.attempt(() => this.#step(engine, step))
      this.#compare(engine)
    }
    this.faulty.heal()
    await this.attempt(() => Promise.all(this.pending))
    await this.attempt(() => engine.settle())
    this.#compare(engine)
    const { events } = this.#run
    expect(this.fold(parseJsonLines([...jsonLines(events)].join('')))).toEqual(engine.shape())
    await this.end(engine)
    expect(events.filter(({ type, operation, job }) => this.owned.test(type) && operation === 0 && job === 0)).toEqual([])
  }

  /** With what is held: an engine closes that, too. */
  protected end(engine: Engine): Promise<void> {
    return this.#run.close(engine)
  }

  /** After a fault, anything may fail. */
  protected async attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (this.faulty.hits === 0 || (error as Error).name === 'AssertionError') throw error
    }
  }

  protected release(): void {
    for (const snapshot of this.snapshots.splice(0)) snapshot.release()
    for (const cursor of this.cursors.splice(0)) cursor.close()
  }

  #begin(): void {
    this.faulty = new FaultyFileSystem(this.#fileSystem)
    this.#environment = simulatedEnvironment({ seed: this.#seed, fileSystem: this.faulty })
    this.#run = this.begin(this.#environment)
  }

  #compare(engine: Engine): void {
    // First the shape, which finishes a replay.
    const shape = engine.shape()
    expect(this.#run.fold.shape()).toEqual(shape)
  }

  async #reopen(engine: Engine): Promise<Engine> {
    this.release()
    await this.attempt(() => Promise.all(this.pending.splice(0)))
    this.faulty.heal()
    await this.attempt(() => this.#run.close(engine))
    return this.#run.open()
  }

  /** The store's files continue in a new run. */
  async #crash(engine: Engine, power: boolean): Promise<Engine> {
    this.#fileSystem = power ? this.#fileSystem.crashClone(this.#seed) : this.#fileSystem.processCrashClone()
    await Promise.allSettled(this.pending)
    await this.attempt(() => engine.close())
    this.snapshots = []
    this.cursors = []
    this.pending = []
    this.#begin()
    return this.#run.open()
  }

  async #step(engine: Engine, step: Exclude<WalkStep, { do: 'reopen' | 'crash' }>): Promise<void> {
    switch (step.do) {
      case 'cursor': {
        const cursor = engine.cursor({}, this.snapshots.at(-1))
        cursor.first()
        this.cursors.push(cursor)
        return
      }
      case 'uncursor':
        this.cursors.shift()?.close()
        return
      default:
        await takeCommonStep(engine, step, {
          snapshots: this.snapshots,
          turn: async () => {
            await this.#environment.scheduler.turn()
            this.#compare(engine)
          },
          later: written => this.pending.push(this.attempt(() => written)),
        })
    }
  }
}

function isOwn<Own extends { readonly do: string }>(step: WalkStep | Own): step is Own {
  return OWN_STEPS.has(step.do)
}
