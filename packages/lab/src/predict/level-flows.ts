/** The bytes that reach each level and are written there, from the sizes of the levels. */
import type { LsmOptions, LsmShape } from 'kvarium/lsm'
import { oneilFactor } from './amplification.js'
import { distinctKeys } from './draws.js'
import { quantity, type Prediction, type Work } from './prediction.js'
import type { SizeModel } from './size-model.js'

export interface FlowCase {
  readonly options: LsmOptions
  readonly shape: LsmShape
  readonly work: Work
  readonly sizes: SizeModel
  readonly flushedPuts: number
  /** Size of a flushed table. */
  readonly tableBytes: number
}

export interface LevelFlow {
  readonly level: number
  readonly writtenBytes: number
  /** Its derivation. */
  readonly row: Pick<Prediction, 'variant' | 'inputs' | 'formula' | 'source' | 'why'>
}

/** The levels below 0 that hold or have held data, from the top. */
export function compactionFlows(flow: FlowCase): LevelFlow[] {
  const { compaction } = flow.options
  if (compaction === 'leveled') return leveledFlows(flow)
  return compaction === 'tiered' ? tieredFlows(flow) : lazyLeveledFlows(flow)
}

/**
 * Bytes that enter a level leave it again, except for those that stay or replace an older version: of n different keys
 * among N, an incoming one exists already with probability n/N. Each incoming byte costs 1 + r written bytes.
 */
function leveledFlows({ options, shape, work, sizes, flushedPuts, tableBytes }: FlowCase): LevelFlow[] {
  const flows: LevelFlow[] = []
  const deepest = shape.levels.findLastIndex(({ tables }) => tables > 0)
  let incoming = Math.max(0, (flushedPuts / sizes.memtablePuts) * tableBytes - (shape.levels[0]?.bytes ?? 0))
  let above = options.level0Tables * tableBytes
  for (let level = 1; level <= deepest; level++) {
    const { bytes, entries } = shape.levels[level]
    // A level grows with incoming bytes to its present size, unless its keys were loaded before.
    const mean = work.loaded === undefined ? bytes * (1 - bytes / (2 * Math.max(incoming, bytes, 1))) : bytes
    const ascending = work.distribution === 'ascending'
    const factor = ascending ? 0 : oneilFactor(above, mean)
    flows.push({
      level,
      writtenBytes: incoming * factor,
      row: {
        variant: "O'Neil, actual sizes",
        inputs: [
          quantity('incoming', incoming, 'bytes'),
          quantity('level above', above, 'bytes'),
          quantity('this level, mean', mean, 'bytes'),
        ],
        formula: ascending ? '0: tables that overlap none below only move' : 'incoming × (1 + this level, mean ÷ level above)',
        source: "O'Neil, Cheng, Gawlick and O'Neil 1996",
        why: 'The picker takes the table with the least overlap below, so it does better than the mean; sizes are those at the end.',
      },
    })
    incoming = Math.max(0, incoming * (1 - Math.min(1, entries / work.keys)) - bytes)
    above = bytes
  }
  return flows
}

/** Every T^level flushes make one run there, of the different keys among their puts. Levels from before may get none. */
function tieredFlows({ options, shape, work, sizes, flushedPuts }: FlowCase): LevelFlow[] {
  const flows: LevelFlow[] = []
  const flushes = Math.floor(flushedPuts / sizes.memtablePuts + 1e-9)
  const deepest = shape.levels.findLastIndex(({ tables }) => tables > 0)
  for (let level = 1, size = options.runsPerLevel; size <= flushes || level <= deepest; level++, size *= options.runsPerLevel) {
    const runs = Math.floor(flushes / size)
    const entries = distinctKeys(work.distribution, work.keys, size * sizes.memtablePuts, work.theta)
    const entryBytes = sizes.entryBytes(work.distribution === 'ascending' ? 1 : work.keys / entries)
    flows.push({
      level,
      writtenBytes: runs * entries * entryBytes,
      row: {
        variant: 'distinct keys per run',
        inputs: [
          quantity('runs made', runs, 'runs'),
          quantity('entries per run', entries, 'entries'),
          quantity('bytes per entry', entryBytes, 'bytes'),
        ],
        formula: 'runs made = ⌊flushes ÷ T^level⌋; runs made × entries per run × bytes per entry',
        source: 'Monkey (SIGMOD 2017), tiering, with repeated keys by Cárdenas 1975',
        why: 'A compaction that waits for another one finds more than T runs, and merges all of them at once; earlier runs are merged, too.',
      },
    })
  }
  return flows
}

/**
 * As tiered above the last level. A merge into the last level writes the different keys that it then has, of all puts so far; a last level that is
 * T times as large as the level above moves one level down.
 */
function lazyLeveledFlows({ options, shape, work, sizes, flushedPuts }: FlowCase): LevelFlow[] {
  const { runsPerLevel, fanOut } = options
  const flushes = Math.floor(flushedPuts / sizes.memtablePuts + 1e-9)
  const deepest = shape.levels.findLastIndex(({ tables }) => tables > 0)
  const isAscending = work.distribution === 'ascending'
  const bytesOf = (puts: number): number => {
    const entries = distinctKeys(work.distribution, work.keys, puts, work.theta)
    return entries * sizes.entryBytes(isAscending ? 1 : work.keys / entries)
  }
  const written: number[] = []
  const merges: number[] = []
  let last = work.loaded === undefined ? 1 : Math.max(1, deepest)
  let lastBytes = work.loaded === undefined ? 0 : shape.levels[last].bytes
  const runs: number[] = []
  for (let flush = 1; flush <= flushes; flush++) {
    runs[0] = (runs[0] ?? 0) + 1
    for (let level = 1, puts = sizes.memtablePuts; level <= last && runs[level - 1] === runsPerLevel; level++) {
      const arriving = runsPerLevel * bytesOf(puts)
      puts *= runsPerLevel
      runs[level - 1] = 0
      if (level === last && lastBytes > (fanOut - 1) * arriving) last++
      if (level < last) runs[level] = (runs[level] ?? 0) + 1
      else if (work.loaded === undefined) lastBytes = bytesOf(flush * sizes.memtablePuts)
      merges[level] = (merges[level] ?? 0) + 1
      // Runs of ascending keys are apart, so that they only move.
      if (!isAscending) written[level] = (written[level] ?? 0) + (level < last ? bytesOf(puts) : lastBytes)
    }
  }
  return Array.from({ length: Math.max(last, deepest) }, (_, index) => {
    const level = index + 1
    const writtenBytes = written[level] ?? 0
    return {
      level,
      writtenBytes,
      row: {
        variant: 'distinct keys per merge',
        inputs: [quantity('merges', merges[level] ?? 0, ''), quantity('T', level < last ? runsPerLevel : fanOut, '')],
        formula: 'Σ over merges of the different keys of a run, in the last level of all puts so far, × bytes per entry',
        source: 'Dostoevsky (SIGMOD 2018), lazy leveling, with repeated keys by Cárdenas 1975',
        why: 'A compaction that waits for another one finds more than T runs, and a last level that moves down has been written where it was.',
      },
    }
  })
}
