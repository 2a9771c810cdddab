/** Predictions of the bytes that gets and scans read from files, from the predictions of the blocks they touch and of the cache. */
import type { DrawnPages } from './predict-cache.js'
import { prediction, quantity, type Measured, type Prediction, type Work } from './prediction.js'

interface Reads {
  readonly found: ReadTotals
  readonly missing: ReadTotals
  readonly scan: ReadTotals
}

interface ReadTotals {
  readonly operations: number
  readonly bytesFromDisk: number
}

/** Key and value bytes that reads asked for. A get of an absent key asks for the key alone, as a delete counts only its key. */
export function bytesAskedFor(
  { found, missing, scan }: Reads,
  { keyBytes, valueBytes }: { readonly keyBytes: number; readonly valueBytes: number },
): number {
  return (found.operations + scan.operations) * (keyBytes + valueBytes) + missing.operations * keyBytes
}

export function bytesFromFiles({ found, missing, scan }: Reads): number {
  return found.bytesFromDisk + missing.bytesFromDisk + scan.bytesFromDisk
}

export interface ScannedBlocks {
  /** Blocks of a scan, whatever its length, and of each of its entries. */
  readonly perScan: number
  readonly perEntry: number
}

/** @param rows - The predictions so far: of blocks per get, and of the cache. */
export function predictReadBytes(
  rows: readonly Prediction[],
  { pageBytes, above }: DrawnPages,
  scanned: ScannedBlocks,
  measured: Measured,
  work: Work,
): Prediction[] {
  const { found, missing, scan } = measured.ledger
  const { scanEntries } = work.reads ?? {}
  const last = (metric: Prediction['metric'], part: Prediction['part']): number =>
    rows.findLast(row => row.metric === metric && row.part === part)?.predicted ?? 0
  const hits = rows.find(row => row.metric === 'cache hit rate')?.predicted
  if (hits === undefined || (scan.operations > 0 && scanEntries === undefined)) return []
  // Each get draws one page; those above it are always there.
  const drawn = (operations: number, blocks: number): number => (operations * blocks) / (above + 1)
  const scans = scan.operations === 0 || scanEntries === undefined ? 0 : scan.operations / scanEntries
  const pages =
    drawn(found.operations, last('read amplification', 'found')) +
    drawn(missing.operations, last('read amplification', 'missing')) +
    scans * scanned.perScan +
    scan.operations * scanned.perEntry
  const misses = Math.min(1, (1 - hits) * (above + 1))
  const asked = bytesAskedFor(measured.ledger, work)
  return [
    prediction({
      metric: 'read amplification',
      part: 'total',
      variant: 'blocks beyond the cache',
      inputs: [
        quantity('pages', pages, 'pages'),
        quantity('missed', misses, 'share'),
        quantity('B', pageBytes, 'bytes'),
        quantity('asked', asked, 'bytes'),
      ],
      formula: 'pages that gets and scans touch × share that the cache misses × B ÷ bytes asked for',
      source: 'the rows above, and for a scan a page per run or leaf that it begins in and its share of the others',
      unit: 'x',
      predicted: asked === 0 ? 0 : (pages * misses * pageBytes) / asked,
      measured: asked === 0 ? null : bytesFromFiles(measured.ledger) / asked,
      why: 'Scans find neighbouring pages in the cache more or less often than gets do; the cache is not LRU, it prefers blocks that are read again.',
    }),
  ]
}
