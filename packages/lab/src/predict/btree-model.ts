/**
 * Published formulas for the writes and the page fill of a B+tree, pure. P is the size of a page and r that of a record (key and
 * value), in bytes; results are bytes per user byte, unless said otherwise.
 */
import { distinctUniform } from './draws.js'

/** Share of a leaf that is in use when keys come in random order: ln 2. Source: Yao, Acta Informatica 1978; Comer 1979. */
export const RANDOM_FILL = Math.LN2
/**
 * The same where a full leaf is split together with a full neighbour, two into three: m ln((m + 1) / m) with m = 2. Source: Küspert, Acta
 * Informatica 1983.
 */
export const SPREAD_FILL = 2 * Math.log(3 / 2)
/** Ascending keys and a split that leaves the full page as it is. */
export const RIGHTMOST_FILL = 1
/** Ascending keys and a split in the middle: every left page is half full. Source: Comer 1979. */
export const MIDPOINT_FILL = 0.5

/** P/r: one page for one record, as in any update of a cold page. */
export function pageWrite(pageBytes: number, recordBytes: number): number {
  return pageBytes / recordBytes
}

/** 2P/r per commit: whole pages go into the log, or a journal, and later into their place. Source: SQLite's rollback journal and log. */
export function pageLogWrites(pageBytes: number, recordBytes: number, pagesPerRecord = 1): number {
  return (2 * pageBytes * pagesPerRecord) / recordBytes
}

/** 1 + P/r · pages per record: records go into the log, pages into their place. Source: Gray and Reuter 1992, physiological logging. */
export function recordLogWrites(pageBytes: number, recordBytes: number, pagesPerRecord = 1, log = 1): number {
  return log + (pageBytes * pagesPerRecord) / recordBytes
}

/** (path + meta) · P/r per commit of one record: copy-on-write writes every page from the leaf up to the root. Source: LMDB (Chu 2011). */
export function copyOnWriteWrites(pageBytes: number, recordBytes: number, height: number, metaPages = 1): number {
  return ((height + metaPages) * pageBytes) / recordBytes
}

/**
 * Pages written for each of n records changed between two checkpoints: each page of a level once, regardless of how many of its records changed.
 * Per level m · (1 − (1 − 1/m)^n) of m pages. Source: Cárdenas 1975, Yao 1977; WiredTiger's checkpoints.
 *
 * @param levels pages of each level of the tree, including the root's 1
 * @returns pages per record
 */
export function pagesPerRecord(levels: readonly number[], records: number): number {
  if (records <= 0) return 0
  return levels.reduce((sum, pages) => sum + distinctUniform(pages, records), 0) / records
}

/** 1/fill: bytes of pages per byte in use; 1/ln 2 = 1.44 for random keys. Source: Yao 1978. */
export function pageSpace(fill: number): number {
  return 1 / fill
}

/**
 * Levels of a tree, leaves included: 1 + ⌈log_f(leaves)⌉. Source: Bayer and McCreight 1972; Comer 1979.
 *
 * @param fanOut f, children of a branch, on average
 * @param rootFanOut children of the root, which fills up before the tree grows
 */
export function treeHeight(leaves: number, fanOut: number, rootFanOut = fanOut): number {
  let height = 1
  let pages = Math.ceil(leaves)
  for (; pages > rootFanOut; height++) pages = Math.ceil(pages / fanOut)
  return pages > 1 ? height + 1 : height
}
