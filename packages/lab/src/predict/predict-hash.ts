/** Predictions for a hash engine after some work, beside its ledger and shape. */
import type { HashOptions, HashShape } from 'kvarium/hash'
import { BLOCK_BYTES } from 'kvarium/hash'
import { readAmplification, spaceAmplification, writeAmplification } from 'kvarium/trace'
import { distinctKeys } from './draws.js'
import { blocksPerValue, directoryBytesPerKey, garbageCopies, garbageSpace, wholeMerges } from './hash-model.js'
import { predictCache, type DrawnPages } from './predict-cache.js'
import { predictReadBytes } from './predict-read-bytes.js'
import { prediction, quantity, type Measured, type Prediction, type Quantity, type Work } from './prediction.js'
import { hashSizes, type HashSimulation, type HashSizes } from './simulate-hash.js'

interface HashCase {
  readonly options: HashOptions
  readonly shape: HashShape
  readonly measured: Measured
  readonly work: Work
  readonly sizes: HashSizes
  /** Dead share at which a merge begins. */
  readonly g: number
  readonly simulation: HashSimulation | undefined
}

const CLEANING = 'Rosenblum and Ousterhout 1991, the cost of cleaning a log; Bitcask (Sheehy and Smith 2010)'

export function predictHash(measured: Measured, work: Work, simulation: HashSimulation | undefined): Prediction[] {
  const options = measured.options as unknown as HashOptions
  const shape = measured.shape as HashShape
  const g = options.mergeThreshold / 100
  const hash: HashCase = { options, shape, measured, work, sizes: hashSizes(work, options), g, simulation }
  const drawn = drawnBlocks(hash)
  const rows = [...writes(hash), ...space(hash), ...reads(hash), memory(hash), ...predictCache(drawn, measured, work)]
  const scanned = { perScan: 0, perEntry: blocksPerValue(work.valueBytes) }
  return [...rows, ...predictReadBytes(rows, drawn, scanned, measured, work)]
}

function writes({ options, measured, work, sizes, g, simulation }: HashCase): Prediction[] {
  const { total, parts } = writeAmplification(measured.ledger)
  const { puts } = work
  const { userBytes: r, filePuts } = sizes
  const log = sizes.logBytes / r
  const sealed = Math.floor(puts / filePuts) * filePuts
  const perFile = distinctKeys(work.distribution, work.keys, filePuts, work.theta)
  const flush = puts === 0 ? 0 : ((sealed / puts) * (perFile / filePuts) * sizes.hintBytes) / r
  const copy = (sizes.mergedBytes + sizes.hintBytes) / r
  const { merges, copied } = wholeMerges(work, g, filePuts)
  const whole = puts === 0 ? 0 : (copied / puts) * copy
  const steady = work.distribution === 'ascending' ? 0 : garbageCopies(g) * copy
  const base = { metric: 'write amplification', unit: 'x' } as const
  const record = quantity('r', r, 'bytes')
  const share = quantity('g', g, 'share')
  const copyInput = quantity('bytes per copied entry', sizes.mergedBytes + sizes.hintBytes, 'bytes')
  const perMerges = {
    variant: 'g of all files',
    source: `${CLEANING}; Cárdenas 1975 for the keys that there are`,
    why: 'The formula merges all files at once; the engine leaves those out that are large and hardly dead, and looks only when a file is full.',
  }
  const settled = {
    variant: '(1 − g)/g',
    source: CLEANING,
    why: 'The formula takes every put for an update; while a store fills there is less to copy.',
  }
  const rows = [
    prediction({
      ...base,
      part: 'log',
      variant: 'record log',
      inputs: [quantity('log bytes per put', sizes.logBytes, 'bytes'), record],
      formula: 'log bytes per put ÷ r',
      source: 'the encodings of the log and of batches',
      predicted: log,
      measured: parts.log,
      why: 'The header of each log file, whole frames behind syncs and the bytes that a sync writes ahead are left out.',
    }),
    prediction({
      ...base,
      part: 'flush',
      variant: 'hint files',
      inputs: [
        quantity('puts per file', filePuts, 'entries'),
        quantity('distinct keys per file', perFile, 'entries'),
        quantity('hint bytes per key', sizes.hintBytes, 'bytes'),
        record,
      ],
      formula: 'distinct keys per file ÷ puts per file × hint bytes per key ÷ r, for the files that are full',
      source: 'Bitcask (Sheehy and Smith 2010); Cárdenas 1975',
      predicted: flush,
      measured: parts.flush,
      why: 'A key that another write replaces before its file is sealed is in no hint file.',
    }),
    prediction({
      ...base,
      ...settled,
      part: 'compaction',
      inputs: [share, copyInput, record],
      formula: '(1 − g) ÷ g × bytes per copied entry ÷ r',
      predicted: steady,
      measured: parts.compaction,
    }),
    prediction({
      ...base,
      ...perMerges,
      part: 'compaction',
      inputs: [share, quantity('merges', merges, ''), quantity('entries copied', copied, 'entries'), copyInput, record],
      formula: 'entries copied × bytes per copied entry ÷ (puts × r); a merge whenever g of all puts in files is dead',
      predicted: whole,
      measured: parts.compaction,
    }),
    prediction({
      ...base,
      ...settled,
      part: 'total',
      inputs: [quantity('log', log, 'x'), quantity('flush', flush, 'x'), quantity('compaction', steady, 'x')],
      formula: 'log + flush + compaction',
      predicted: log + flush + steady,
      measured: total,
    }),
    prediction({
      ...base,
      ...perMerges,
      part: 'total',
      inputs: [quantity('log', log, 'x'), quantity('flush', flush, 'x'), quantity('compaction', whole, 'x')],
      formula: 'log + flush + compaction',
      predicted: log + flush + whole,
      measured: total,
    }),
  ]
  if (simulation === undefined) return rows
  const simulated = simulation.written.compaction / Math.max(1, simulation.userBytes)
  return [
    ...rows,
    prediction({ ...base, ...simulatedRow(simulation, options), part: 'compaction', predicted: simulated, measured: parts.compaction }),
    prediction({
      ...base,
      ...simulatedRow(simulation, options),
      part: 'total',
      predicted: simulation.writeAmplification,
      measured: total,
    }),
  ]
}

function simulatedRow(
  { puts, merges }: HashSimulation,
  { maxFileSize }: HashOptions,
): Pick<Prediction, 'variant' | 'inputs' | 'formula' | 'source' | 'why'> {
  return {
    variant: 'simulated',
    inputs: [quantity('puts', puts, 'entries'), quantity('file', maxFileSize, 'bytes'), quantity('merges', merges, '')],
    formula: 'the sum over simulated files and merges',
    source: "kvarium's own plan of merges over key numbers, without files",
    why: 'The engine goes on writing while it merges; sizes are modelled.',
  }
}

function space({ options, measured, work, sizes, g, simulation }: HashCase): Prediction[] {
  const { fileBytes } = measured.ledger
  const liveBytes = measured.liveBytes ?? measured.ledger.liveBytes
  const base = { metric: 'space amplification', part: 'total', unit: 'x', measured: spaceAmplification(fileBytes, liveBytes) } as const
  const perEntry = (sizes.logBytes + sizes.hintBytes) / sizes.userBytes
  const { dead } = wholeMerges(work, g, sizes.filePuts)
  const live = Math.max(1, distinctKeys(work.distribution, work.keys, work.puts, work.theta))
  const rows = [
    prediction({
      ...base,
      variant: '1/(1 − g)',
      inputs: [quantity('g', g, 'share'), quantity('bytes of an entry and its hint ÷ r', perEntry, 'x')],
      formula: 'at most 1 ÷ (1 − g) × bytes of an entry and its hint ÷ r',
      source: CLEANING,
      predicted: garbageSpace(g) * perEntry,
      why: 'That is the most, right before a merge; right after one there is nothing dead. Files that a snapshot needs stay beyond it.',
    }),
    prediction({
      ...base,
      variant: 'g of all files',
      inputs: [quantity('dead', dead, 'entries'), quantity('live', live, 'entries'), quantity('entry', perEntry, 'x')],
      formula: '(live + dead) ÷ live × bytes of an entry and its hint ÷ r',
      source: `${CLEANING}; Cárdenas 1975 for the keys that there are`,
      predicted: ((live + dead) / live) * perEntry,
      why: 'One moment between two merges: a merge that comes a little earlier or later changes it most.',
    }),
  ]
  if (simulation === undefined) return rows
  return [...rows, prediction({ ...base, ...simulatedRow(simulation, options), predicted: simulation.spaceAmplification })]
}

function reads({ work, measured }: HashCase): Prediction[] {
  const { found, missing } = measured.ledger
  const base = { metric: 'read amplification', unit: 'blocks' } as const
  const source = 'Bitcask (Sheehy and Smith 2010): the directory in memory says where a value is'
  const rows: Prediction[] = []
  if (found.operations > 0)
    rows.push(
      prediction({
        ...base,
        part: 'found',
        variant: 'one read',
        inputs: [quantity('v', work.valueBytes, 'bytes'), quantity('B', BLOCK_BYTES, 'bytes')],
        formula: '1 + (v − 1) ÷ B; 1 for a value beyond four blocks',
        source,
        predicted: blocksPerValue(work.valueBytes),
        measured: readAmplification(found).blocks,
        why: 'A value across two blocks of the cache touches both; one that is so new that its block still grows is read by itself.',
      }),
    )
  if (missing.operations > 0)
    rows.push(
      prediction({
        ...base,
        part: 'missing',
        variant: 'no read',
        inputs: [],
        formula: '0',
        source,
        predicted: 0,
        measured: readAmplification(missing).blocks,
        why: 'Only an entry that has expired is read to find out.',
      }),
    )
  return rows
}

function memory({ work, shape }: HashCase): Prediction {
  const { records, bytes, orderBytes } = shape.directory
  const inputs: Quantity[] = [quantity('keys', records, 'entries'), quantity('k', work.keyBytes, 'bytes')]
  return prediction({
    metric: 'memory per key',
    part: 'total',
    variant: 'record, slot and key',
    inputs,
    formula: '32 + 8 × slots ÷ keys + k + 1, in whole chunks; slots double when three quarters are taken',
    source: 'Bitcask (Sheehy and Smith 2010): a record in memory per key',
    unit: 'bytes',
    predicted: directoryBytesPerKey(records, work.keyBytes),
    measured: records === 0 ? null : (bytes - orderBytes) / records,
    why: 'Deletions that older files need, and older versions that snapshots hold, are extra, and so is the order of the keys.',
  })
}

function drawnBlocks({ options, shape }: HashCase): DrawnPages {
  const bytes = shape.files.reduce((sum, file) => sum + file.bytes, 0)
  return {
    pages: bytes / BLOCK_BYTES,
    pageBytes: BLOCK_BYTES,
    cacheBytes: options.cacheSize,
    above: 0,
    isWarm: false,
    why: 'Dead entries lie between live ones, so that blocks differ in how often they are read; the cache is not LRU.',
  }
}
