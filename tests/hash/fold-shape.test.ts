import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { Engine } from '../../src/engine/contract.js'
import { hashEngine } from '../../src/hash/factory.js'
import { foldHash, HashShapeFold } from '../../src/hash/fold-shape.js'
import type { TraceEvent, TraceLevel } from '../../src/trace/events.js'
import type { Environment } from '../../src/vfs/index.js'
import { SMALL_HASH } from '../contract/support/small-hash.js'
import { batchOf, DIRECTORY, filler } from '../engine/support/engine-calls.js'
import { slice } from '../support/thoroughness.js'
import { name } from '../trace/support/common-step.js'
import { FaultyWalk, walkSteps, type FoldedRun, type WalkStep } from '../trace/support/faulty-walk.js'
import { TracedRun } from '../trace/support/traced-run.js'

const KEYS = 200

type Own =
  | { readonly do: 'ingest'; readonly keys: readonly number[]; readonly valueBytes: number }
  | { readonly do: 'fault'; readonly on: 'write' | 'sync' | 'rename'; readonly skip: number }
type Step = WalkStep | Own

const key = fc.nat({ max: KEYS - 1 })
const valueBytes = fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 300 }) }, { weight: 1, arbitrary: fc.nat({ max: 6000 }) })
const common = walkSteps(key, valueBytes)
const fault = fc.record({
  do: fc.constant('fault' as const),
  on: fc.constantFrom('write' as const, 'sync' as const, 'rename' as const),
  skip: fc.nat({ max: 6 }),
})
const stepsWith = (faults: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      { weight: faults, arbitrary: fault },
      { weight: 24, arbitrary: common.write },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('ingest' as const), keys: fc.uniqueArray(key, { maxLength: 100 }), valueBytes }),
      },
      { weight: 3, arbitrary: common.clear },
      { weight: 2, arbitrary: common.get },
      { weight: 4, arbitrary: common.turns },
      { weight: 1, arbitrary: common.crash },
      {
        weight: 10,
        arbitrary: fc.record({
          do: fc.constantFrom(...(['flush', 'compact', 'settle', 'snapshot', 'release', 'scan', 'cursor', 'uncursor', 'reopen'] as const)),
        }),
      },
    ),
    { minLength: 20, maxLength: 60, size: 'max' },
  )

class Walk extends FaultyWalk<Own> {
  protected readonly owned = /^(file|log|data)\.|^directory\.(sync|place)/
  readonly #level: TraceLevel

  constructor(seed: number, level: TraceLevel) {
    super(seed)
    this.#level = level
  }

  protected begin(environment: Environment): FoldedRun {
    return new TracedRun({
      factory: hashEngine({ poisonFrames: true }),
      environment,
      directory: DIRECTORY,
      options: SMALL_HASH,
      level: this.#level,
      fold: new HashShapeFold(),
    })
  }

  protected fold(events: readonly TraceEvent[]): unknown {
    return foldHash(events)
  }

  protected override end(engine: Engine): Promise<void> {
    this.release()
    return this.attempt(() => super.end(engine))
  }

  protected async step(engine: Engine, step: Own): Promise<void> {
    if (step.do === 'fault') {
      this.faulty.inject({ on: ({ kind }) => kind === step.on, skip: step.skip, effect: { kind: 'error', code: 'EIO', done: 'nothing' } })
      return
    }
    const keys = step.keys.map(name).sort()
    const batch = batchOf(keys.map((each, i) => ['put', each, filler(step.valueBytes, i)] as const))
    batch.seal(0)
    await engine.ingest!(
      (async function* () {
        yield batch
        await Promise.resolve()
      })(),
    )
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
