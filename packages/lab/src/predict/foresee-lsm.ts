/** Where an LSM tree will lie on a map, as its simulation says before anything is measured. */
import type { LsmOptions } from 'kvarium/lsm'
import { bestProbes, filterFalsePositives } from './bloom.js'
import type { Work } from './prediction.js'
import type { Simulation } from './simulator.js'

/** Amplifications to compare with those of another simulation of the same work. */
export interface Foreseen {
  readonly write: number
  /** Blocks read from files per get, half of them of absent keys. */
  readonly read: number
  readonly space: number
}

/** Reads take blocks beyond the share of the tables that the cache holds. */
export function foreseeLsm(
  { writeAmplification, spaceAmplification, runs, levels }: Simulation,
  { filterBitsPerKey, cacheSize }: Pick<LsmOptions, 'filterBitsPerKey' | 'cacheSize'>,
  work: Pick<Work, 'reads'>,
): Foreseen {
  const p = filterBitsPerKey === 0 ? 1 : filterFalsePositives(filterBitsPerKey, bestProbes(filterBitsPerKey))
  const bytes = levels.reduce((sum, level) => sum + level.bytes, 0)
  const fromFiles = bytes === 0 || work.reads === undefined ? 1 : Math.max(0, 1 - cacheSize / bytes)
  return { write: writeAmplification, space: spaceAmplification, read: ((1 + ((runs - 1) / 2) * p + runs * p) / 2) * fromFiles }
}
