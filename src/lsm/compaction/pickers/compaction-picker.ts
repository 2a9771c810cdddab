/**
 * Pickers decide what to compact next. They are pure: the same version, options and snapshots give the same answer, on
 * files or on numbers only, so a simulator can drive them.
 */
import { compareKeys } from '../../../codec/entry.js'
import type { Compaction } from '../compaction.js'
import { RangeTombstones, type RangeTombstone } from '../../read/range-tombstones.js'
import { metasOf, overlaps, unionBounds, type KeyBounds, type TableFile } from '../../versions/table-file.js'
import type { Version } from '../../versions/version.js'

export interface CompactionPicker {
  /** As the shape of the tree shows it. */
  readonly name: string
  /** The most useful compaction now, or `undefined` when the tree is in shape. */
  pick(version: Version, context: PickContext): Compaction | undefined
  /** How urgent each level is, as `pick` weighs them: its size or count over its target. */
  scores(version: Version): readonly number[]
  /** One compaction that brings all tables that share keys with `bounds` to their most compact form. */
  pickRange(version: Version, bounds: KeyBounds): Compaction | undefined
  /**
   * Where new tables of `bytes` in all, disjoint and newer than everything, may go at once; without an answer they become a new run of
   * level 0.
   */
  placeIngested?(version: Version, bounds: KeyBounds, bytes: number): { readonly level: number; readonly run: number } | undefined
}

export interface PickContext {
  /** The oldest live snapshot; `Infinity` without one. */
  readonly oldestSnapshot: number
  /** Range tombstones that are in tables. Those only in a memtable may still be lost with the log's tail. */
  readonly rangeTombstones: readonly RangeTombstone[]
  /** No reader sees what has expired by then, in milliseconds since the Unix epoch. Without it nothing has. */
  readonly time?: number
}

/** Share of tombstones among a table's entries that makes it worth compacting for their sake. */
const TOMBSTONE_SHARE = 0.25

/** Grows a set of tables until no table of the version outside shares keys with it. */
export function closure(version: Version, bounds: KeyBounds): { bounds: KeyBounds; files: Set<TableFile> } {
  const all = [...version.files()]
  const files = new Set<TableFile>()
  let reach = bounds
  for (;;) {
    const found = all.filter(file => !files.has(file) && overlaps(file.meta, reach))
    if (found.length === 0) return { bounds: reach, files }
    for (const file of found) files.add(file)
    reach = unionBounds([reach, ...found.map(file => file.meta)])
  }
}

/** Whether no two of the tables share keys. */
export function disjoint(files: readonly TableFile[]): boolean {
  const sorted = [...files].sort((a, b) => compareKeys(a.meta.smallest, b.meta.smallest))
  return sorted.every((file, index) => index === 0 || compareKeys(sorted[index - 1].meta.largest, file.meta.smallest) < 0)
}

/** Tables whose every entry a newer range tombstone deletes and no snapshot wants: they go without being read. */
export function pickDeleted(version: Version, context: PickContext): Compaction | undefined {
  const effective = context.rangeTombstones.filter(tombstone => tombstone.sequence <= context.oldestSnapshot)
  if (effective.length === 0) return undefined
  const tombstones = RangeTombstones.of(effective)!
  const gone = [...version.files()].filter(({ meta }) => tombstones.coverAll(meta.smallest, meta.largest, meta.maxSequence))
  if (gone.length === 0) return undefined
  return { reason: 'everything deleted', score: 1, inputs: [metasOf(gone)], outputLevel: 0, outputRun: 'new', move: false, drop: true }
}

/**
 * A table in which many entries are tombstones that nothing older lies under, or have expired: rewriting it in place drops them. Where
 * something older lies under an expired entry, a tombstone is left in its place, which is smaller. Only
 * when no snapshot needs any of its entries, so that every pick makes progress.
 */
export function pickTombstones(version: Version, context: PickContext): Compaction | undefined {
  for (let level = version.levels.length - 1; level >= 0; level--) {
    const runs = version.level(level)
    for (let index = runs.length - 1; index >= 0; index--) {
      for (const file of runs[index].tables) {
        const reason = whyRewritten(file, context)
        if (reason === undefined || (reason === 'tombstones' && hasOlder(version, level, index, file))) continue
        return {
          reason,
          score: 1,
          inputs: [[file.meta]],
          outputLevel: level,
          outputRun: runs[index].id,
          move: false,
          drop: false,
        }
      }
    }
  }
  return undefined
}

/** Why a table is worth a compaction for the space that comes back: many tombstones that all may do their work now, or expired entries. */
export function whyRewritten({ meta }: TableFile, { oldestSnapshot, time = -Infinity }: PickContext): 'tombstones' | 'expired' | undefined {
  if (meta.maxSequence > oldestSnapshot) return undefined
  if (meta.rangeTombstones > 0 || (meta.tombstones > 0 && meta.tombstones >= meta.entries * TOMBSTONE_SHARE)) return 'tombstones'
  return meta.halfExpiredAt !== undefined && meta.halfExpiredAt <= time ? 'expired' : undefined
}

function hasOlder(version: Version, level: number, runIndex: number, { meta }: TableFile): boolean {
  for (const run of version.level(level).slice(runIndex + 1)) if (run.tables.some(other => overlaps(other.meta, meta))) return true
  for (let deeper = level + 1; deeper < version.levels.length; deeper++) if (version.overlapping(deeper, meta).length > 0) return true
  return false
}
