/**
 * A workload: phases of operations, generated from a seed. Every engine gets the same ones in the same order, regardless of its
 * answers and speed.
 */
import type { Operation } from '../compare/operation.js'
import type { Work } from '../predict/prediction.js'
import type { WorkPhase } from '../report/run-report.js'

/** `read-modify-write` is a get followed by a put of the value, timed as one call. */
export type WorkloadOperation = Operation | { readonly type: 'read-modify-write'; readonly key: Uint8Array; readonly value: Uint8Array }

export interface WorkloadPhase extends WorkPhase {
  /**
   * Streams of operations that run concurrently, each one operation at a time; mostly a single one. Each call generates the same
   * operations again.
   */
  readonly lanes: readonly (() => Iterable<WorkloadOperation>)[]
}

export interface Size {
  /** Entries that are loaded, or written by a workload that starts with an empty store; also the number of writes in db_bench. */
  readonly entries: number
  /** Calls of a run that reads, or mixes reads and writes. */
  readonly operations: number
  /** For workloads that do not define it. */
  readonly keyBytes: number
  /** For workloads that do not define it; for YCSB the size of one field. */
  readonly valueBytes: number
  readonly seed: number
  /** Entries that db_bench's fills, overwrites and deletions write at once. */
  readonly batch: number
  /** Read with `getSync` instead of an awaited `get`. */
  readonly readsSync: boolean
}

export interface Plan {
  /** Entries in the store once it is loaded or filled. */
  readonly entries: number
  /** Mean sizes in bytes. */
  readonly keyBytes: number
  readonly valueBytes: number
  /** Set if the size of the cache is part of the workload. */
  readonly cacheBytes?: number
  readonly phases: readonly WorkloadPhase[]
  /** The input of the formulas for the run without the load; absent where they do not apply. */
  readonly predictedWork?: Work
}

export interface Workload {
  readonly name: string
  readonly about: string
  /** The source of its definition. */
  readonly source: string
  readonly plan: (size: Size) => Plan
}

const LOAD_BATCH = 1000

/** Every entry in batches of 1000, then a wait for all background work, so that the next phase starts at rest. */
export function loadPhases(count: number, about: string, entry: (index: number) => readonly [Uint8Array, Uint8Array]): WorkloadPhase[] {
  const load = function* (): Generator<WorkloadOperation> {
    for (let from = 0; from < count; from += LOAD_BATCH) {
      const length = Math.min(LOAD_BATCH, count - from)
      const operations = Array.from({ length }, (_, index) => {
        const [key, value] = entry(from + index)
        return { type: 'put', key, value } as const
      })
      yield { type: 'batch', operations }
    }
  }
  const rest = (): WorkloadOperation[] => [{ type: 'flush' }, { type: 'settle' }]
  return [
    { name: 'load', about, operations: Math.ceil(count / LOAD_BATCH), kind: 'write', lanes: [load] },
    {
      name: 'rest',
      about: 'Flushes memory to files where the engine has such a call, and waits for background work',
      operations: 2,
      kind: 'other',
      lanes: [rest],
    },
  ]
}

export const SETTLE: WorkloadPhase = {
  name: 'settle',
  about: 'Waiting for the background work that the run left behind',
  operations: 1,
  kind: 'other',
  lanes: [(): readonly WorkloadOperation[] => [{ type: 'settle' }]],
}
