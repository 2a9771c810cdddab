/** Predictions of a cache's hit rate for gets, beside the measured one. */
import { pageHitRate } from './draws.js'
import { prediction, quantity, type Measured, type Prediction, type Work } from './prediction.js'

/** The pages that gets draw from: blocks of tables, or leaves. */
export interface DrawnPages {
  readonly pages: number
  /** Bytes of a page, and of the cache available for these pages. */
  readonly pageBytes: number
  readonly cacheBytes: number
  /** Pages above them that every get touches and that stay in memory. */
  readonly above: number
  /** Whether the cache held them before the first get, because writes pass through it. */
  readonly isWarm: boolean
  /** Why the measurement may differ. */
  readonly why: string
}

export function predictCache(drawn: DrawnPages, measured: Measured, work: Work): Prediction[] {
  const { pages, pageBytes, cacheBytes, above, isWarm, why } = drawn
  const { reads } = work
  const { found, missing } = measured.ledger
  const hits = found.blocksFromCache + missing.blocksFromCache
  const touched = hits + found.blocksFromDisk + missing.blocksFromDisk
  if (reads === undefined || pages <= 0 || touched === 0) return []
  const { keys = work.keys } = reads
  const N = Math.max(1, (pages * keys) / work.keys)
  const cached = cacheBytes / pageBytes
  // Gets answered by memory or a filter touch none.
  const draws = touched / (above + 1)
  const share = pageHitRate({ records: keys, pages: N, cached, ...(!isWarm && { draws }) }, reads)
  return [
    prediction({
      metric: 'cache hit rate',
      part: 'total',
      variant: 'Che, LRU',
      inputs: [
        quantity('N', N, 'pages'),
        quantity('C', cached, 'pages'),
        quantity('pages touched', draws, 'pages'),
        ...(above > 0 ? [quantity('branches per get', above, 'pages')] : []),
      ],
      formula: [
        reads.distribution === 'uniform' ? 'C/N' : 'Σ p × (1 − e^(−p × t)) with Σ (1 − e^(−p × t)) = C',
        ...(isWarm ? [] : ['every page misses once at first']),
        ...(above > 0 ? ['branches always there'] : []),
      ].join('; '),
      source: 'Che, Tung and Wang 2002; Cárdenas 1975 for the cold start',
      unit: 'share',
      predicted: (above + share) / (above + 1),
      measured: hits / touched,
      why,
    }),
  ]
}
