/**
 * When values in blob files are worth a compaction, for the space of those that are dead. Pure, like a picker.
 *
 * Dead are the values that no table refers to; how many a file has is known exactly, so files are chosen by that, not by their age. Besides,
 * entries of newer runs may have taken the place of older ones, whose values count as live until a compaction meets both. Keys and pointers
 * are small beside values, so that compaction is cheap.
 *
 * Invariant: every compaction makes progress: it leaves one run, or moves values out of a file, which goes with the last of them.
 */
import type { Compaction } from '../compaction/compaction.js'
import type { CompactionPicker } from '../compaction/pickers/compaction-picker.js'
import { metasOf, unionBounds, type TableFile, type TableMeta } from '../versions/table-file.js'
import type { Run, Version } from '../versions/version.js'

/** Share of the values that may be dead, while writes go on, and once the store settles. */
export const BUSY_DEAD_SHARE = 0.5
export const SETTLED_DEAD_SHARE = 0.15
/** A collection goes on until the dead share is that much smaller. */
const GOAL = 0.75
/** Bytes of values that one compaction moves, or this many times those of all tables. */
const MOST_MOVED_BYTES = 64 * 1024 * 1024
const MOST_MOVED_TABLES = 4
/** Newer runs are merged with older ones where their values have this many times the bytes of the tables that are rewritten for it. */
const WORTH_TABLES = 4

export function pickGarbage(version: Version, picker: Pick<CompactionPicker, 'pickRange'>, deadShare: number): Compaction | undefined {
  if (version.blobs.size === 0) return undefined
  const runs = version.levels.flat()
  const metas = runs.flatMap(({ tables }) => metasOf(tables))
  const tableBytes = metas.reduce((sum, { fileBytes }) => sum + fileBytes, 0)
  const files = [...version.blobs.values()].map(({ meta: { number, valueBytes } }) => {
    const live = version.liveBlobBytes.get(number) ?? 0
    return { number, live, dead: Math.max(0, valueBytes - live) }
  })
  const live = files.reduce((sum, file) => sum + file.live, 0)
  const dead = files.reduce((sum, file) => sum + file.dead, 0)
  const hidden = hiddenBytes(runs, live)
  if (dead + hidden <= deadShare * (live + dead)) return undefined
  if (runs.length > 1 && hidden >= dead / 2 && hidden >= WORTH_TABLES * tableBytes) {
    const merge = picker.pickRange(version, unionBounds(metas))
    if (merge !== undefined && !merge.move) return { ...merge, reason: 'dead values' }
  }
  const excess = dead - GOAL * deadShare * (live + dead)
  if (excess <= 0) return undefined
  const moved = new Set<number>()
  let freed = 0
  let bytes = 0
  for (const file of files.sort((a, b) => b.dead * (a.live + 1) - a.dead * (b.live + 1))) {
    if (freed >= excess || bytes >= Math.max(MOST_MOVED_BYTES, MOST_MOVED_TABLES * tableBytes) || file.dead === 0) break
    moved.add(file.number)
    freed += file.dead
    bytes += file.live
  }
  return moveOut(version, moved)
}

/** Bytes of values that entries of newer runs may hide, at the most. */
function hiddenBytes(runs: readonly Run[], live: number): number {
  const newer = runs.slice(0, -1).flatMap(({ tables }) => metasOf(tables))
  const values = newer.flatMap(({ blobs = [] }) => blobs).reduce((sum, [, bytes]) => sum + bytes, 0)
  const oldest = metasOf(runs.at(-1)?.tables ?? [])
  const entries = oldest.reduce((sum, meta) => sum + meta.entries, 0)
  const tombstones = newer.reduce((sum, meta) => sum + meta.tombstones, 0)
  // Each deletes one value of the usual length.
  const deleted = entries === 0 ? 0 : (tombstones * (live - values)) / entries
  return Math.min(live - values, values + deleted)
}

/** Rewrites neighbouring tables of a run, so that their values in those files move to another one. */
function moveOut(version: Version, relocated: ReadonlySet<number>): Compaction | undefined {
  const refers = ({ meta }: TableFile): boolean => meta.blobs?.some(([file]) => relocated.has(file)) === true
  for (const [outputLevel, runs] of [...version.levels.entries()].reverse()) {
    for (const { id, tables } of runs) {
      const first = tables.findIndex(refers)
      if (first < 0) continue
      const inputs: TableMeta[] = []
      for (let i = first; i < tables.length && refers(tables[i]); i++) inputs.push(tables[i].meta)
      const place = { outputLevel, outputRun: id, move: false, drop: false }
      return { reason: 'dead values', score: 1, inputs: [inputs], ...place, relocated: [...relocated] }
    }
  }
  return undefined
}
