import type { Level, LeveledOptions, TableFile } from 'kvarium/lsm'

/** What to merge next. */
export interface Choice {
  /** Its urgency: the score of the input level. */
  readonly score: number
  /** The tables to merge, as runs: the newest run first. */
  readonly inputs: readonly (readonly TableFile[])[]
  /** The level that takes the result, as part of its one run. */
  readonly outputLevel: number
  /** True if nothing has to be merged: the tables go down as they are, without a byte read or written. */
  readonly move: boolean
}

/**
 * The most useful compaction of a leveled tree; `undefined` when no level is full. Pure: the same tree, the same choice.
 *
 * @param levels - `levels[0]` has a run of one table for every flush, newest first, and these overlap. Every deeper level has one run at
 *   most, whose tables are sorted by key and disjoint. `table.meta` has `smallest` and `largest`, both included, and `fileBytes`.
 * @param options - `level0Tables`, the tables that fill level 0; `level1Bytes`, the bytes that fill level 1; each level below holds
 *   `fanOut` times as many as the one above.
 */
export function pickCompaction(levels: readonly Level[], options: LeveledOptions): Choice | undefined {
  void [levels, options]
  throw new Error('Not written yet: pickCompaction')
}
