/**
 * Tiered compaction (size-tiered): every level holds up to `runsPerLevel` runs; when it is full they are merged into one new
 * run of the next level, without touching the runs already there. Each byte is written about once a level, for more runs to
 * read and more space.
 */
import { metasOf } from '../../versions/table-file.js'
import type { Compaction } from '../compaction.js'
import { pickDeleted, pickTombstones, type CompactionPicker, type PickContext } from './compaction-picker.js'
import type { Version } from '../../versions/version.js'

export interface TieredOptions {
  /** Runs in a level that start a merge into the next. At least 2. */
  readonly runsPerLevel: number
}

export class TieredPicker implements CompactionPicker {
  readonly name = 'tiered'
  readonly #options: TieredOptions

  constructor(options: TieredOptions) {
    this.#options = options
  }

  scores(version: Version): readonly number[] {
    return version.levels.map(runs => runs.length / this.#options.runsPerLevel)
  }

  pick(version: Version, context: PickContext): Compaction | undefined {
    const deleted = pickDeleted(version, context)
    if (deleted !== undefined) return deleted
    // The upper levels first: they hold up writers.
    for (let level = 0; level < version.levels.length; level++) {
      const runs = version.level(level)
      if (runs.length < this.#options.runsPerLevel) continue
      const inputs = runs.map(run => metasOf(run.tables))
      const score = runs.length / this.#options.runsPerLevel
      return { reason: 'too many runs', score, inputs, outputLevel: level + 1, outputRun: 'new', move: false, drop: false }
    }
    return pickTombstones(version, context)
  }

  /** Runs are only ever merged whole, so that each level's order by age stays simple: the range brings in everything. */
  pickRange(version: Version): Compaction | undefined {
    const inputs = version.levels.flatMap(level => level.map(run => metasOf(run.tables)))
    if (inputs.length === 0) return undefined
    return { reason: 'range', score: 1, inputs, outputLevel: Math.max(1, version.deepest), outputRun: 'new', move: false, drop: false }
  }
}
