/** Predictions for a B+tree after some work, beside its ledger and shape. */
import type { BtreeLevelShape, BtreeOptions, BtreeShape } from 'kvarium/btree'
import { BRANCH_PAGES, REFERENCE_BYTES } from 'kvarium/btree'
import { BLOCK_HEADER_BYTES, SLOT_BYTES, varintLength } from 'kvarium/codec'
import { readAmplification, spaceAmplification, writeAmplification } from 'kvarium/trace'
import { pageSpace, pageWrite, RANDOM_FILL, RIGHTMOST_FILL, SPREAD_FILL, treeHeight } from './btree-model.js'
import { distinctKeys, distinctUniform } from './draws.js'
import { predictCache, type DrawnPages } from './predict-cache.js'
import { predictReadBytes } from './predict-read-bytes.js'
import { prediction, quantity, type Measured, type Prediction, type Work } from './prediction.js'
import { logBytes, suffixDigits } from './size-model.js'

interface BtreeCase {
  readonly options: BtreeOptions
  readonly shape: BtreeShape
  readonly measured: Measured
  readonly work: Work
  /** Key and value bytes. */
  readonly recordBytes: number
  readonly checkpoints: number
}

export function predictBtree(measured: Measured, work: Work): Prediction[] {
  const options = measured.options as unknown as BtreeOptions
  const shape = measured.shape as BtreeShape
  const checkpoints = measured.checkpoints ?? shape.checkpoints
  const btree: BtreeCase = { options, shape, measured, work, recordBytes: work.keyBytes + work.valueBytes, checkpoints }
  const fill = fillOf(btree)
  const [{ predicted }] = fill
  const drawn = leaves(btree)
  const rows = [
    ...writes(btree),
    ...fill,
    height(btree, predicted),
    ...space(btree, predicted),
    ...reads(btree),
    ...predictCache(drawn, measured, work),
  ]
  const scanned = { perScan: 1, perEntry: drawn.pages / Math.max(1, shape.entries) }
  return [...rows, ...predictReadBytes(rows, drawn, scanned, measured, work)]
}

function writes(btree: BtreeCase): Prediction[] {
  const { measured, work, recordBytes, shape, checkpoints } = btree
  const { total, parts } = writeAmplification(measured.ledger)
  const P = shape.pageBytes
  const userBytes = work.puts * recordBytes
  const log = logBytes(work) / recordBytes
  const written = bytesWritten(btree)
  const page = userBytes === 0 ? 0 : written / userBytes
  const perCheckpoint = checkpoints === 0 ? 0 : work.puts / checkpoints
  const base = { metric: 'write amplification', unit: 'x' } as const
  const record = [quantity('P', P, 'bytes'), quantity('r', recordBytes, 'bytes')]
  const inputs = [
    ...record,
    quantity('checkpoints', checkpoints, ''),
    quantity('puts per checkpoint', perCheckpoint, 'entries'),
    ...shape.tree.map(level => quantity(`m at depth ${level.depth}`, level.pages, 'pages')),
    quantity('page bytes', written, 'bytes'),
  ]
  const distinct = {
    variant: 'distinct pages',
    source: 'Cárdenas 1975 and Yao 1977, over the puts between two checkpoints',
    why: 'The formula assumes equal distances between checkpoints; page splits and lists of free space are extra.',
  }
  const cold = {
    variant: 'a cold page per record',
    inputs: record,
    source: 'Comer 1979: a change costs a page',
    why: 'The bound for records far apart: updates that a checkpoint gathers on one page are written together, which costs less.',
  }
  const formula =
    work.distribution === 'ascending'
      ? 'pages of the tree, except those still in memory, + a path per checkpoint'
      : 'Σ over checkpoints and levels of m × (1 − (1 − 1/m)^puts)'
  return [
    prediction({
      ...base,
      part: 'log',
      variant: 'record log',
      inputs: [quantity('log bytes per put', logBytes(work), 'bytes'), record[1]],
      formula: 'log bytes per put ÷ r',
      source: 'the encodings of the log and of batches',
      predicted: log,
      measured: parts.log,
      why: 'Only the header of each log file, and the bytes that a sync writes ahead, are left out.',
    }),
    prediction({ ...base, ...cold, part: 'page', formula: 'P/r', predicted: pageWrite(P, recordBytes), measured: parts.page }),
    prediction({
      ...base,
      ...distinct,
      part: 'page',
      inputs,
      formula: `page bytes = (${formula}) × bytes per page; page bytes ÷ (puts × r)`,
      predicted: page,
      measured: parts.page,
    }),
    prediction({ ...base, ...cold, part: 'total', formula: 'log + P/r', predicted: log + pageWrite(P, recordBytes), measured: total }),
    prediction({
      ...base,
      ...distinct,
      part: 'total',
      inputs: [quantity('log', log, 'x'), quantity('page', page, 'x')],
      formula: 'log + page',
      predicted: log + page,
      measured: total,
    }),
  ]
}

/** Bytes of all checkpoints. At each, the tree is assumed to have had its share of its present pages. */
function bytesWritten({ work, shape, checkpoints }: BtreeCase): number {
  const pageBytes = (level: BtreeLevelShape): number => level.bytes / Math.max(1, level.pages)
  if (checkpoints === 0) return 0
  if (work.distribution === 'ascending') {
    const notYet = Math.min(
      shape.memory.dirtyBytes,
      shape.tree.reduce((sum, level) => sum + level.bytes, 0),
    )
    return shape.tree.reduce((sum, level) => sum + level.bytes + checkpoints * pageBytes(level), -notYet)
  }
  const there = work.loaded?.keys ?? 0
  const entriesAfter = (puts: number): number =>
    there + (1 - there / work.keys) * distinctKeys(work.distribution, work.keys, puts, work.theta)
  const atEnd = entriesAfter(work.puts)
  const puts = work.puts / checkpoints
  // Cárdenas's formula covers uniform draws with repetition; of other distributions only distinct keys count.
  const changed = work.distribution === 'uniform' ? puts : distinctKeys(work.distribution, work.keys, puts, work.theta)
  let bytes = 0
  for (let checkpoint = 1; checkpoint <= checkpoints; checkpoint++) {
    const share = entriesAfter(checkpoint * puts) / atEnd
    for (const level of shape.tree) bytes += distinctUniform(Math.max(1, level.pages * share), changed) * pageBytes(level)
  }
  return bytes
}

/** Key and value bytes in a leaf over its size. The other rows build on the first one. */
function fillOf({ work, shape, recordBytes }: BtreeCase): Prediction[] {
  const P = shape.pageBytes
  const ascending = work.loaded === undefined ? work.distribution === 'ascending' : work.loaded.order === 'ascending'
  const room = P - BLOCK_HEADER_BYTES
  let suffix = work.keyBytes
  for (let round = 0; round < 2; round++) suffix = suffixDigits(work.keyBytes, room / cellBytes(suffix, work.valueBytes))
  const whole = Math.floor(room / cellBytes(work.keyBytes, work.valueBytes))
  const shared = Math.floor((room - work.keyBytes + suffix) / cellBytes(suffix, work.valueBytes))
  const row = (variant: string, most: number, share: number, source: string, why: string): Prediction =>
    prediction({
      metric: 'leaf fill',
      part: 'total',
      variant,
      inputs: [
        quantity('records in a full leaf', most, 'entries'),
        quantity('r', recordBytes, 'bytes'),
        quantity('P', P, 'bytes'),
        quantity('share in use', share, 'share'),
      ],
      formula: 'share in use × records in a full leaf × r ÷ P',
      source,
      unit: 'share',
      predicted: (share * most * recordBytes) / P,
      measured: shape.tree.at(-1)?.fill ?? null,
      why,
    })
  if (!ascending) {
    const why =
      'The limit holds for large leaves, many keys and one neighbour; the engine chooses between two, so that its leaves are fuller.'
    return [row('2 ln 1.5', shared, SPREAD_FILL, 'Küspert, Acta Informatica 1983', why)]
  }
  const source = 'a split that leaves the full page as it is'
  const why = 'The last leaf is not full yet, and the length of the common prefix of a leaf depends on its first keys.'
  return [
    row('rightmost split', whole, RIGHTMOST_FILL, source, why),
    row('rightmost split, shared prefix', shared, RIGHTMOST_FILL, source, why),
  ]
}

function cellBytes(suffix: number, valueBytes: number): number {
  return SLOT_BYTES + 1 + varintLength(valueBytes) + suffix + valueBytes
}

function height({ work, shape, recordBytes }: BtreeCase, fill: number): Prediction {
  const leaves = (shape.entries * recordBytes) / (fill * shape.pageBytes)
  const branchFill = work.distribution === 'ascending' ? RIGHTMOST_FILL : RANDOM_FILL
  const branchBytes = BRANCH_PAGES * shape.pageBytes
  const mostChildren = (branchBytes - BLOCK_HEADER_BYTES) / cellBytes(suffixDigits(work.keyBytes, work.keys), REFERENCE_BYTES)
  const fanOut = branchFill * mostChildren
  return prediction({
    metric: 'tree height',
    part: 'total',
    variant: 'logarithm of the leaves',
    inputs: [
      quantity('leaves', leaves, 'pages'),
      quantity('bytes per branch', branchBytes, 'bytes'),
      quantity('f', fanOut, 'pages'),
      quantity('f of a full root', mostChildren, 'pages'),
    ],
    formula: '1 + ⌈log_f(leaves)⌉, with a root that may be full',
    source: 'Bayer and McCreight 1972; Comer 1979',
    unit: 'levels',
    predicted: treeHeight(leaves, fanOut, mostChildren),
    measured: shape.height,
    why: 'The fill of branches and the common prefix of their keys are estimates; the height is exact or off by one.',
  })
}

function space({ shape, measured, recordBytes, checkpoints }: BtreeCase, fill: number): Prediction[] {
  const { fileBytes } = measured.ledger
  const liveBytes = measured.liveBytes ?? measured.ledger.liveBytes
  const base = { metric: 'space amplification', part: 'total', unit: 'x', measured: spaceAmplification(fileBytes, liveBytes) } as const
  const free = checkpoints === 0 ? 0 : shape.file.freeBytes / Math.max(1, liveBytes)
  return [
    prediction({
      ...base,
      variant: '1/fill',
      inputs: [quantity('fill', fill, 'share'), quantity('r', recordBytes, 'bytes')],
      formula: '1/fill',
      source: 'Yao 1978; 1/ln 2 = 1.44 for random keys and no overhead in a page',
      predicted: pageSpace(fill),
      why: 'The measurement includes all files: branches, the pages that the previous checkpoint still needs, and the log, which may dominate in a new tree.',
    }),
    prediction({
      ...base,
      variant: '1/fill + free pages',
      inputs: [quantity('fill', fill, 'share'), quantity('free', free, 'x')],
      formula: '1/fill + free bytes ÷ live bytes',
      source: 'copy-on-write: replaced pages stay until they are reused (LMDB, Chu 2011)',
      predicted: pageSpace(fill) + free,
      why: 'Branches and the log are extra.',
    }),
  ]
}

/** Every get touches branches, so they stay cached. */
function leaves({ options, shape }: BtreeCase): DrawnPages {
  const { pages, bytes } = shape.tree.at(-1) ?? { pages: 0, bytes: 0 }
  const branchBytes = shape.tree.slice(0, -1).reduce((sum, level) => sum + level.bytes, 0)
  const pageBytes = pages === 0 ? shape.pageBytes : bytes / pages
  const cacheBytes = Math.max(0, options.cacheSize - branchBytes)
  const why =
    'Changed pages are in memory besides the cache until a checkpoint; the cache is not LRU, it prefers blocks that are read again.'
  return { pages, pageBytes, cacheBytes, above: Math.max(0, shape.height - 1), isWarm: true, why }
}

function reads({ shape, measured }: BtreeCase): Prediction[] {
  return (['found', 'missing'] as const)
    .filter(part => measured.ledger[part].operations > 0)
    .map(part =>
      prediction({
        metric: 'read amplification',
        part,
        variant: 'height',
        inputs: [quantity('height', shape.height, 'levels')],
        formula: 'height',
        source: 'Comer 1979: a page per level',
        unit: 'blocks',
        predicted: shape.height,
        measured: readAmplification(measured.ledger[part]).blocks,
        why: 'The height is the final one; reads before the last split of the root touched one page less.',
      }),
    )
}
