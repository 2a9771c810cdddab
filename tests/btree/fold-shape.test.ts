import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DATA_FILE } from '../../src/btree/file-names.js'
import { foldBtree } from '../../src/btree/fold-shape.js'
import type { WriteBatch } from '../../src/engine/batch.js'
import type { Engine } from '../../src/engine/contract.js'
import type { TraceEvent, TraceLevel } from '../../src/trace/events.js'
import type { Environment } from '../../src/vfs/index.js'
import type { FileOperation } from '../../src/vfs/testing/faulty-file-system.js'
import { slice } from '../support/thoroughness.js'
import { name } from '../trace/support/common-step.js'
import { FaultyWalk, walkSteps, type FoldedRun, type WalkStep } from '../trace/support/faulty-walk.js'
import { batchOf, filler, violations } from './support/opened-btree.js'
import { TracedBtree } from './support/traced-btree.js'

type Own =
  | { readonly do: 'ascending'; readonly from: number; readonly count: number; readonly valueBytes: number }
  | { readonly do: 'ingest'; readonly keys: readonly number[]; readonly valueBytes: number; readonly wait: boolean }
  | { readonly do: 'fault'; readonly on: 'read' | 'write' | 'sync' | 'truncate'; readonly skip: number; readonly done: boolean }
  | { readonly do: 'check' }
type Step = WalkStep | Own

const KEYS = 400
const key = fc.nat({ max: KEYS - 1 })
const valueBytes = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 120 }) },
  { weight: 2, arbitrary: fc.nat({ max: 700 }) },
  { weight: 1, arbitrary: fc.nat({ max: 6000 }) },
)
const common = walkSteps(key, valueBytes)
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
      { weight: 24, arbitrary: common.write },
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
      { weight: 5, arbitrary: common.clear },
      { weight: 2, arbitrary: common.get },
      { weight: 4, arbitrary: common.turns },
      { weight: 1, arbitrary: common.crash },
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

class Walk extends FaultyWalk<Own> {
  protected readonly owned = /^(file|directory|log|meta)\./
  readonly #settings: WalkSettings

  constructor(settings: WalkSettings) {
    super(settings.seed)
    this.#settings = settings
  }

  protected begin(environment: Environment): FoldedRun {
    const { options, level } = this.#settings
    return new TracedBtree({ environment, options, level })
  }

  protected fold(events: readonly TraceEvent[]): unknown {
    return foldBtree(events)
  }

  protected async step(engine: Engine, step: Own): Promise<void> {
    switch (step.do) {
      case 'ascending':
        for (let i = 0; i < step.count; i++) {
          const written = engine.write(batchOf([['put', `${name(step.from)}/${1000 + i}`, filler(step.valueBytes, i)]]), { sync: false })
          if (written !== undefined) await written
        }
        return
      case 'ingest': {
        const ingested = this.attempt(() => engine.ingest!(ingestOf(step.keys, step.valueBytes)))
        if (step.wait) await ingested
        else this.pending.push(ingested)
        return
      }
      case 'check': {
        const found = await violations(engine)
        if (this.faulty.hits === 0) expect(found).toEqual([])
        return
      }
      case 'fault': {
        const on = ({ kind, path }: FileOperation): boolean => kind === step.on && path.endsWith(DATA_FILE)
        this.faulty.inject({ on, skip: step.skip, effect: { kind: 'error', code: 'EIO', done: step.done ? 'all' : 'nothing' } })
      }
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
