/** The work of a map on a dataset: a load, and then reads and writes in one mix. */
import { SeededRandom } from 'kvarium/vfs'
import { batches, neighbourOf, shuffled, type DatasetEntry } from './dataset-phases.js'
import type { Operation, Phase } from './operation.js'

export interface DatasetMix {
  readonly seed: number
  /** Calls of the mix. */
  readonly operations: number
  readonly batchSize: number
  /** Makes the new value of an update. */
  readonly revise: (value: Uint8Array) => Uint8Array
}

/** Of 100 calls; what is left are gets of entries. */
const SHARES = { update: 45, delete: 5, missing: 10, scan: 10 } as const
const SCAN_ENTRIES = 20

/**
 * Loads all entries in random order, then updates, deletes, gets and scans in a mix. Keys are drawn uniformly from all entries, deleted
 * ones included, which an update brings back.
 */
export function mixPhases(entries: readonly DatasetEntry[], { seed, operations, batchSize, revise }: DatasetMix): Phase[] {
  const order = shuffled(
    entries.map((_, index) => index),
    seed,
  )
  function* mix(): Generator<Operation> {
    const random = new SeededRandom(seed + 1)
    for (let i = 0; i < operations; i++) {
      const { key, value } = entries[random.uniform(entries.length)]
      const kind = random.uniform(100)
      if (kind < SHARES.update) yield { type: 'put', key, value: revise(value) }
      else if (kind < SHARES.update + SHARES.delete) yield { type: 'del', key }
      else if (kind < SHARES.update + SHARES.delete + SHARES.missing) yield { type: 'get', key: neighbourOf(key) }
      else if (kind < SHARES.update + SHARES.delete + SHARES.missing + SHARES.scan) yield { type: 'scan', gte: key, limit: SCAN_ENTRIES }
      else yield { type: 'get', key }
    }
  }
  return [
    {
      name: 'load',
      about: `Every entry, in random order, in atomic batches of ${batchSize}`,
      total: entries.length,
      operations: () => batches(entries, order, batchSize),
    },
    { name: 'rest', about: 'Waiting for pending background work', operations: () => [{ type: 'settle' }] },
    { name: 'mix', about: `${MIX}, in random order`, operations: mix },
    { name: 'settle', about: 'Waiting for pending background work', operations: () => [{ type: 'settle' }] },
  ]
}

/** What the mix consists of. */
export const MIX = `45 % puts of new values, 30 % gets, 10 % gets of absent keys, 10 % scans of ${SCAN_ENTRIES} entries, 5 % dels`
