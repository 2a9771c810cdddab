import { mergeBounds, type KeyBounds, type TableMeta } from '../versions/table-file.js'
import type { Version } from '../versions/version.js'

/** What to merge, and where the result goes. Plain data: it goes to the worker thread as it is. */
export interface Compaction {
  readonly reason:
    'level 0 is full' | 'level is too large' | 'too many runs' | 'tombstones' | 'expired' | 'everything deleted' | 'range' | 'dead values'
  /** How urgent: the level's size or count over its target. */
  readonly score: number
  /** Tables to read, as runs, newest first. */
  readonly inputs: readonly (readonly TableMeta[])[]
  readonly outputLevel: number
  /** Run id of the output; `new` for one that is newer than all others of its level. */
  readonly outputRun: number | 'new'
  /** No merge needed: the inputs only change their level. */
  readonly move: boolean
  /** A range tombstone above deletes every entry of the inputs: the files go without being read. */
  readonly drop: boolean
  /** Numbers of the blob files whose values move to new ones. Absent: none. */
  readonly relocated?: readonly number[]
}

/** Size in bytes of the tables to read. */
export function inputBytes({ inputs }: Compaction): number {
  return inputs.flat().reduce((sum, meta) => sum + meta.fileBytes, 0)
}

/** Bounds of all tables that are older than the output of a compaction: there a tombstone still has work to do. */
export function olderThanOutput(version: Version, { inputs, outputLevel, outputRun }: Compaction): KeyBounds[] {
  const read = new Set(inputs.flat().map(meta => meta.number))
  const older: KeyBounds[] = []
  for (let level = outputLevel; level < version.levels.length; level++) {
    for (const run of version.level(level)) {
      // Where the output joins a run, its neighbours there are disjoint from it, and later runs are newer.
      if (level === outputLevel && outputRun !== 'new' && run.id >= outputRun) continue
      for (const { meta } of run.tables) if (!read.has(meta.number)) older.push(meta)
    }
  }
  return mergeBounds(older)
}
