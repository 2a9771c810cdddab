/**
 * How many bits per key the filter of a new table has. With `filterAllocation: 'by-level'` that is Monkey's allocation (Dayan, Athanassoulis and
 * Idreos, SIGMOD 2017): a false positive costs the same block read in every run, and a bit per key costs most where most keys are. So the share
 * of false positives of a run grows with its size, and large runs deep in the tree get fewer bits than small ones above, for the same memory.
 *
 * Invariants:
 * 1. Over the runs of a tree the mean is `filterBitsPerKey`. Tables keep the filter that they were written with, so that holds as far as the sizes
 *    of the levels are the usual ones.
 */
import type { LsmOptions } from '../options.js'
import { metasOf, type TableMeta } from '../versions/table-file.js'
import type { Version } from '../versions/version.js'
import type { Compaction } from './compaction.js'

/** Bits per key by which a filter's share of false positives falls to 1/e: p = e^(−b · ln²2). */
const BITS_PER_E = 1 / Math.LN2 ** 2

type FilterOptions = Pick<LsmOptions, 'filterBitsPerKey' | 'filterAllocation'>

/** Runs of the same size: those of a level. */
export interface FilteredRuns {
  /** In one run; at least 1. */
  readonly entries: number
  /** A mean need not be a whole number. */
  readonly runs: number
}

/**
 * Bits per key of each level, so that all have `bitsPerKey` on average and the fewest false positives in sum: b_i = max(0, c − ln n_i / ln²2),
 * where n_i are the entries of a run.
 */
export function allocateFilterBits(levels: readonly FilteredRuns[], bitsPerKey: number): number[] {
  const sorted = levels
    .map(({ entries, runs }, index) => ({ index, keys: entries * runs, lack: Math.log(entries) * BITS_PER_E }))
    .sort((a, b) => a.lack - b.lack)
  const bits = levels.map(() => 0)
  const memory = bitsPerKey * sorted.reduce((sum, { keys }) => sum + keys, 0)
  // A run that is so large that it would get less than nothing gets nothing, and the others share the memory.
  for (let used = sorted.length; used > 0; used--) {
    const filtered = sorted.slice(0, used)
    const all = filtered.reduce((sum, { keys }) => sum + keys, 0)
    const most = (memory + filtered.reduce((sum, { keys, lack }) => sum + keys * lack, 0)) / all
    if (most < filtered[used - 1].lack) continue
    for (const { index, lack } of filtered) bits[index] = most - lack
    break
  }
  return bits
}

/** For a memtable of `entries`, which becomes a run of level 0. */
export function filterBitsOfFlush(options: FilterOptions, version: Version, entries: number): number {
  return bitsOf(options, { entries, runs: 1 }, runsOf(version))
}

/** For what a compaction writes, as a run of its own or as a part of one that is there. */
export function filterBitsOfCompaction(options: FilterOptions, version: Version, compaction: Compaction): number {
  const { inputs, outputLevel, outputRun } = compaction
  const runs = runsOf(version, new Set(inputs.flat().map(meta => meta.number)))
  const joined = runs.find(({ level, id }) => level === outputLevel && id === outputRun)
  // How many versions the merge drops is not known yet: between none, and all that are not in the largest of its runs.
  const read = inputs.map(entriesOf)
  const written = (read.reduce((sum, entries) => sum + entries, 0) + Math.max(...read)) / 2
  const others = runs.filter(run => run !== joined)
  return bitsOf(options, { entries: written + (joined?.entries ?? 0), runs: 1 }, usual(others, compaction))
}

/** For tables of an ingest, whose size is not known: as for a part of the last run. */
export function filterBitsOfIngest(options: FilterOptions, version: Version): number {
  const runs = runsOf(version)
  const last = runs.pop()
  return last === undefined ? options.filterBitsPerKey : bitsOf(options, last, runs)
}

/** Bits per key of the first of these runs. */
function bitsOf({ filterBitsPerKey, filterAllocation }: FilterOptions, first: FilteredRuns, others: readonly FilteredRuns[]): number {
  if (filterAllocation === 'uniform') return filterBitsPerKey
  const levels = [first, ...others].map(({ entries, runs }) => ({ entries: Math.max(1, entries), runs }))
  return allocateFilterBits(levels, filterBitsPerKey)[0]
}

/**
 * The other runs as they will be on average while the output of a compaction lives. A level whose K runs are merged has (K − 1) / 2 of them on
 * average, each with as many entries; the runs of the level above have 1/K of that, and so on.
 */
function usual(others: readonly RunSize[], { inputs }: Compaction): FilteredRuns[] {
  const top = Math.min(...inputs.map(run => run[0].level))
  const merged = inputs.filter(run => run[0].level === top)
  const count = merged.length
  if (count < 2) return [...others]
  const levels: FilteredRuns[] = others.filter(({ level }) => level > top)
  let entries = entriesOf(merged.flat()) / count
  for (let level = top; level >= 0; level--, entries /= count) levels.push({ entries, runs: (count - 1) / 2 })
  return levels
}

interface RunSize extends FilteredRuns {
  readonly level: number
  readonly id: number
}

function entriesOf(metas: readonly TableMeta[]): number {
  return metas.reduce((sum, meta) => sum + meta.entries, 0)
}

/** The runs from the top, without the tables in `read`. */
function runsOf(version: Version, read: ReadonlySet<number> = new Set()): RunSize[] {
  return version.levels.flatMap((levelRuns, level) =>
    levelRuns.flatMap(({ id, tables }) => {
      const left = metasOf(tables).filter(meta => !read.has(meta.number))
      return left.length === 0 ? [] : [{ level, id, runs: 1, entries: entriesOf(left) }]
    }),
  )
}
