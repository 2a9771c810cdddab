/** Predictions for an LSM tree after some work, beside its ledger and shape. */
import type { LsmOptions, LsmShape } from 'kvarium/lsm'
import { writeAmplification } from 'kvarium/trace'
import { lazyLeveledWrites, leveledWrites, LEVEL_FACTORS, tieredWrites } from './amplification.js'
import { distinctKeys } from './draws.js'
import { compactionFlows, type LevelFlow } from './level-flows.js'
import { predictCache, type DrawnPages } from './predict-cache.js'
import { fanOutOf, predictLevels, predictSpace, simulatedRow } from './predict-levels.js'
import { predictReadBytes, type ScannedBlocks } from './predict-read-bytes.js'
import { predictReads } from './predict-reads.js'
import { prediction, quantity, type Measured, type Prediction, type Work } from './prediction.js'
import type { Simulation } from './simulator.js'
import { lsmSizes, type SizeModel } from './size-model.js'

interface LsmCase {
  readonly options: LsmOptions
  readonly shape: LsmShape
  readonly measured: Measured
  readonly work: Work
  readonly sizes: SizeModel
  readonly simulation: Simulation | undefined
  /** Puts that were flushed. */
  readonly flushedPuts: number
  /** Predicted write amplification of the log and of flushes. */
  readonly log: number
  readonly flush: number
  readonly flows: readonly LevelFlow[]
}

export function predictLsm(measured: Measured, work: Work, simulation: Simulation | undefined): Prediction[] {
  const options = measured.options as unknown as LsmOptions
  const shape = measured.shape as LsmShape
  const sizes = lsmSizes(work, options)
  const inMemory = [shape.memtable, ...shape.frozen].reduce((sum, { entries }) => sum + entries, 0)
  const flushedPuts = Math.max(0, work.puts - inMemory)
  const distinct = distinctKeys(work.distribution, work.keys, sizes.memtablePuts, work.theta)
  const gap = work.distribution === 'ascending' ? 1 : work.keys / distinct
  const tableBytes = distinct * sizes.entryBytes(gap) + sizes.tableBytes
  const flush = work.puts === 0 ? 0 : ((flushedPuts / sizes.memtablePuts) * tableBytes) / (work.puts * sizes.userBytes)
  const flows = compactionFlows({ options, shape, work, sizes, flushedPuts, tableBytes })
  const lsm: LsmCase = {
    options,
    shape,
    measured,
    work,
    sizes,
    simulation,
    flushedPuts,
    log: sizes.logBytes / sizes.userBytes,
    flush,
    flows,
  }
  const blocks = dataBlocks(lsm)
  const rows = [
    ...logAndFlush(lsm, distinct, tableBytes),
    ...compaction(lsm),
    ...totals(lsm),
    ...predictSpace(measured, simulation),
    ...predictLevels(measured),
    ...predictReads(measured, work),
    ...predictCache(blocks, measured, work),
  ]
  return [...rows, ...predictReadBytes(rows, blocks, scannedBlocks(lsm, blocks), measured, work)]
}

/** A scan begins in a block of each run, and then passes its share of all blocks. */
function scannedBlocks({ shape, work }: LsmCase, { pages }: DrawnPages): ScannedBlocks {
  return { perScan: shape.levels.reduce((sum, { runs }) => sum + runs, 0), perEntry: pages / work.keys }
}

/** Indexes and filters are in memory beside the cache; merges read past it. */
function dataBlocks({ options, shape }: LsmCase): DrawnPages {
  const { blockSize, cacheSize, filterBitsPerKey } = options
  const bytes = shape.levels.reduce((sum, level) => sum + level.bytes - (level.entries * filterBitsPerKey) / 8, 0)
  const why =
    'Gets find recent keys in memtables, so the likeliest gets never read a block; merges replace blocks; the cache is ' +
    'not LRU, it prefers blocks that are read again.'
  return { pages: bytes / blockSize, pageBytes: blockSize, cacheBytes: cacheSize, above: 0, isWarm: false, why }
}

function logAndFlush({ measured, work, sizes, log, flush, flushedPuts }: LsmCase, distinct: number, tableBytes: number): Prediction[] {
  const { parts } = writeAmplification(measured.ledger)
  const base = { metric: 'write amplification', unit: 'x' } as const
  return [
    prediction({
      ...base,
      part: 'log',
      variant: 'record log',
      inputs: [quantity('log bytes per put', sizes.logBytes, 'bytes'), quantity('r', sizes.userBytes, 'bytes')],
      formula: 'log bytes per put ÷ r',
      source: 'the encodings of the log and of batches',
      predicted: log,
      measured: parts.log,
      why: 'Only the header of each log file, and the bytes that a sync writes ahead, are left out.',
    }),
    prediction({
      ...base,
      part: 'flush',
      variant: 'distinct keys',
      inputs: [
        quantity('flushed puts', flushedPuts, 'entries'),
        quantity('puts', work.puts, 'entries'),
        quantity('puts per memtable', sizes.memtablePuts, 'entries'),
        quantity('different keys per memtable', distinct, 'entries'),
        quantity('bytes per table', tableBytes, 'bytes'),
        quantity('r', sizes.userBytes, 'bytes'),
      ],
      formula: 'flushed puts ÷ puts per memtable × bytes per table ÷ (puts × r)',
      source: 'Cárdenas 1975 for repeated keys; the encoding of tables',
      predicted: flush,
      measured: parts.flush,
      why: 'Memtables that are flushed before they are full make more and smaller tables, and the common prefixes of keys are estimates.',
    }),
  ]
}

/** Level by level. */
function compaction(lsm: LsmCase): Prediction[] {
  const { options, measured, simulation, flows, work, sizes } = lsm
  const userBytes = work.puts * sizes.userBytes
  const rows: Prediction[] = []
  for (const flow of flows) {
    const bytes = measured.compactedByLevel?.[flow.level]
    const base = {
      metric: 'write amplification',
      part: 'compaction',
      level: flow.level,
      unit: 'x',
      measured: measured.compactedByLevel === undefined ? null : (bytes ?? 0) / userBytes,
    } as const
    if (options.compaction === 'leveled') {
      for (const { name, source, factor } of LEVEL_FACTORS) {
        const predicted = factor(options.fanOut)
        const why = 'The formula assumes that every level is full and that every key reaches it, and ignores cheap tables and moves.'
        rows.push(prediction({ ...base, variant: name, inputs: [fanOutOf(options)], formula: name, source, predicted, why }))
      }
    }
    rows.push(prediction({ ...base, ...flow.row, predicted: flow.writtenBytes / userBytes }))
    const simulated = simulation?.levels[flow.level]
    if (simulation !== undefined) {
      const predicted = (simulated?.writtenBytes ?? 0) / simulation.userBytes
      rows.push(prediction({ ...base, ...simulatedRow(simulation), predicted }))
    }
  }
  return rows
}

function totals({ options, measured, simulation, log, flush, flows, work, sizes }: LsmCase): Prediction[] {
  const userBytes = work.puts * sizes.userBytes
  const measuredTotals = writeAmplification(measured.ledger)
  const depth = flows.length
  const given = [quantity('log', log, 'x'), quantity('flush', flush, 'x'), quantity('L', depth, 'levels')]
  const base = { metric: 'write amplification', part: 'total', unit: 'x', measured: measuredTotals.total } as const
  const merged = flows.reduce((sum, flow) => sum + flow.writtenBytes, 0) / userBytes
  const rows: Prediction[] = []
  if (options.compaction === 'leveled') {
    for (const { name, source, factor } of LEVEL_FACTORS) {
      const predicted = leveledWrites(depth, factor(options.fanOut), log, flush)
      const why =
        'The formula holds for a tree that has long been full; in a finite run the deepest level is not full, and few bytes reach it.'
      const inputs = [...given, fanOutOf(options)]
      rows.push(prediction({ ...base, variant: name, inputs, formula: `log + flush + L × (${name})`, source, predicted, why }))
    }
  } else if (options.compaction === 'lazy-leveled') {
    rows.push(
      prediction({
        ...base,
        variant: 'lazy leveling',
        inputs: [...given, fanOutOf(options)],
        formula: 'log + flush + (L − 1) + T',
        source: 'Dostoevsky (Dayan and Idreos, SIGMOD 2018), lazy leveling',
        predicted: lazyLeveledWrites(depth, options.fanOut, log, flush),
        why: 'T is the most that the last level is rewritten for a byte that arrives: less while it is not full, and not for every byte.',
      }),
    )
  } else {
    rows.push(
      prediction({
        ...base,
        variant: 'once per level',
        inputs: given,
        formula: 'log + flush + L',
        source: 'Monkey (Dayan, Athanassoulis and Idreos, SIGMOD 2017), tiering',
        predicted: tieredWrites(depth, log, flush),
        why: 'Not every byte has reached the deepest level yet, and overwritten keys are written fewer times.',
      }),
    )
  }
  const variant = flows[0]?.row
  if (variant !== undefined) {
    const compacted = quantity('compaction', merged, 'x')
    rows.push(
      prediction({
        ...base,
        ...variant,
        inputs: [...given, compacted],
        formula: 'log + flush + compaction, the sum over levels',
        predicted: log + flush + merged,
      }),
    )
    rows.push(
      prediction({
        ...base,
        ...variant,
        part: 'compaction',
        inputs: [compacted],
        formula: 'the sum over levels',
        predicted: merged,
        measured: measuredTotals.parts.compaction,
      }),
    )
  }
  if (simulation !== undefined) {
    rows.push(prediction({ ...base, ...simulatedRow(simulation), predicted: simulation.writeAmplification }))
    const predicted = simulation.written.compaction / simulation.userBytes
    rows.push(
      prediction({ ...base, ...simulatedRow(simulation), part: 'compaction', predicted, measured: measuredTotals.parts.compaction }),
    )
  }
  return rows
}
