import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Engine, EngineSnapshot } from '../../src/engine/contract.js'
import { foldLsm } from '../../src/lsm/fold-shape.js'
import { workerExecutor } from '../../src/lsm/compaction/worker/worker-executor.js'
import type { Environment } from '../../src/vfs/environment.js'
import { SeededRandom, simulatedEnvironment } from '../../src/vfs/index.js'
import { nodeEnvironment } from '../../src/vfs/node.js'
import { name, takeCommonStep, type CommonStep } from '../trace/support/common-step.js'
import { batchOf, emptyFileSystem, filler, violations } from './support/opened-lsm.js'
import { TracedLsm } from './support/traced-lsm.js'
import { slice } from '../support/thoroughness.js'

type Step = CommonStep | { readonly do: 'check' } | { readonly do: 'reopen' }

const key = fc.nat({ max: 199 })
const steps = fc.array(
  fc.oneof(
    {
      weight: 24,
      arbitrary: fc.record({
        do: fc.constant('write' as const),
        keys: fc.array(key, { minLength: 1, maxLength: 60, size: 'max' }),
        valueBytes: fc.nat({ max: 400 }),
        sync: fc.boolean(),
        wait: fc.boolean(),
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('clear' as const), from: key, to: key }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('get' as const), key }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 30 }) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constantFrom(
          'flush' as const,
          'compact' as const,
          'settle' as const,
          'snapshot' as const,
          'release' as const,
          'scan' as const,
          'check' as const,
          'reopen' as const,
        ),
      }),
    },
  ),
  { minLength: 20, maxLength: 80, size: 'max' },
)

const options = fc.record({
  compaction: fc.constantFrom('leveled', 'tiered', 'lazy-leveled'),
  blockSize: fc.constantFrom(128, 512),
  filterBitsPerKey: fc.constantFrom(0, 10),
  cacheSize: fc.constantFrom(0, 4096, 65536),
  level0Tables: fc.constantFrom(1, 2),
  maxFileSize: fc.constantFrom(4096, 16384),
})

/** Takes the steps and compares the folded with the real shape after each of them, during any background work. */
class Walk {
  readonly #traced: TracedLsm
  readonly #environment: Environment
  readonly #snapshots: EngineSnapshot[] = []
  readonly #pending: Promise<void>[] = []

  constructor(traced: TracedLsm, environment: Environment) {
    this.#traced = traced
    this.#environment = environment
  }

  async take(all: readonly Step[]): Promise<void> {
    let engine = await this.#traced.open(true)
    this.#compare(engine)
    for (const step of all) {
      if (step.do === 'reopen') {
        for (const snapshot of this.#snapshots.splice(0)) snapshot.release()
        await Promise.all(this.#pending.splice(0))
        await this.#traced.close(engine)
        engine = await this.#traced.open()
      } else {
        await this.#step(engine, step)
      }
      this.#compare(engine)
    }
    await Promise.all(this.#pending)
    await engine.settle()
    this.#compare(engine)
    expect(foldLsm(this.#traced.events)).toEqual(engine.shape())
    await this.#traced.close(engine)
  }

  #compare(engine: Engine): void {
    expect(this.#traced.fold.shape()).toEqual(engine.shape())
  }

  async #step(engine: Engine, step: Exclude<Step, { do: 'reopen' }>): Promise<void> {
    if (step.do === 'check') return expect(await violations(engine)).toEqual([])
    await takeCommonStep(engine, step, {
      snapshots: this.#snapshots,
      turn: async () => {
        await this.#environment.scheduler.turn()
        this.#compare(engine)
      },
      later: written => this.#pending.push(written),
    })
  }
}

describe('the events of an LSM tree fold to its shape', () => {
  it('after any operation, in memory and inline', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        options,
        fc.integer({ min: 1, max: 1000 }),
        fc.constantFrom(300, 4 << 20),
        async (all, more, seed, manifestBytes) => {
          const environment = simulatedEnvironment({ seed, fileSystem: emptyFileSystem() })
          await new Walk(new TracedLsm({ environment, options: more, manifestBytes }), environment).take(all)
        },
      ),
      { numRuns: slice(15, 60) },
    )
  }, 240_000)

  it('after any operation, on disk with jobs in the worker', async () => {
    await fc.assert(
      fc.asyncProperty(steps, options, fc.integer({ min: 1, max: 1000 }), async (all, more, seed) => {
        const directory = mkdtempSync(join(tmpdir(), 'kvarium-fold-'))
        const environment = nodeEnvironment({ random: new SeededRandom(seed) })
        try {
          await new Walk(new TracedLsm({ environment, directory, options: more, executor: workerExecutor }), environment).take(all)
        } finally {
          rmSync(directory, { recursive: true })
        }
      }),
      { numRuns: slice(2, 6) },
    )
  }, 240_000)

  it('also when a crash tore the log, and when recovery leaves a memtable to the background', async () => {
    const fileSystem = emptyFileSystem()
    const environment = simulatedEnvironment({ seed: 5, fileSystem })
    const traced = new TracedLsm({ environment, options: { writeBufferSize: 64 << 10 } })
    const engine = await traced.open(true)
    for (let index = 0; index < 40; index++) await engine.write(batchOf([['put', name(index), filler(1000)]]), { sync: index === 29 })
    const reasons = new Set<string | undefined>()
    for (let seed = 1; seed <= 10; seed++) {
      const crashed = fileSystem.crashClone(seed)
      const options = { writeBufferSize: seed % 2 === 0 ? 64 << 10 : 16 << 10 }
      const after = new TracedLsm({ environment: simulatedEnvironment({ seed, fileSystem: crashed }), options })
      const reopened = await after.open()
      expect(after.fold.shape()).toEqual(reopened.shape())
      await reopened.settle()
      expect(after.fold.shape()).toEqual(reopened.shape())
      expect(after.of('log.replay')).not.toEqual([])
      for (const { reason } of after.of('job.begin')) reasons.add(reason)
      await after.close(reopened)
    }
    expect(reasons).toContain('recovery')
    await traced.close(engine)
  })
})
