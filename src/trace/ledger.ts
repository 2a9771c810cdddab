/**
 * The ledger: every byte an engine moves, attributed to the part of the engine that moved it, and the three
 * amplifications, defined here once for stats, bench, reports and examples.
 *
 * Invariants:
 * 1. The written parts add up to the bytes that went through the file system since open; so do the read parts.
 * 2. A byte is counted when the file system has accepted it, by the part of the engine that asked for it.
 */

/** Who wrote: `meta` is the manifest, `CURRENT` and the store's own file; `page` is a B+tree's data file; `backup` the files of checkpoints. */
export type WritePart = 'log' | 'flush' | 'compaction' | 'page' | 'meta' | 'backup'
/** What is written into the files of the store itself. */
export type StorePart = Exclude<WritePart, 'backup'>
/** Who writes what may be compressed. */
export type CompressedPart = 'flush' | 'compaction' | 'page'
/**
 * Who read: `open` is recovery, table indexes and filters; `changes` are the logs that change feeds read; `backup` is what a
 * checkpoint copies; the others are what the name says.
 */
export type ReadPart = 'open' | 'get' | 'scan' | 'compaction' | 'changes' | 'backup'

/** What reads of one kind cost. The owner may read and reset the fields at any time. */
export interface ReadCounts {
  operations: number
  /** Blocks or pages found in memory. */
  blocksFromCache: number
  /** Blocks or pages read from a file, and the bytes of those reads. */
  blocksFromDisk: number
  bytesFromDisk: number
  filterProbes: number
  /** Probes that spared a look at the table. */
  filterNegatives: number
  /** Probes that let a key pass that is not in the table. */
  filterFalsePositives: number
}

export interface LedgerCounts {
  /** Key and value bytes in acknowledged puts, and key bytes in deletes and clears; a clear has two keys, or fewer where it has no bound. */
  readonly userBytes: number
  readonly operations: { readonly puts: number; readonly deletes: number; readonly clears: number; readonly batches: number }
  readonly written: Readonly<Record<WritePart, number>>
  /** Bytes by which compression made `written` smaller: the sum of both is what would be written without it. */
  readonly saved: Readonly<Record<CompressedPart, number>>
  readonly read: Readonly<Record<ReadPart, number>>
  /** Syncs of files and directories, those of the store's own file included. */
  readonly syncs: number
  readonly found: Readonly<ReadCounts>
  readonly missing: Readonly<ReadCounts>
  readonly scan: Readonly<ReadCounts>
  /** Bytes of all files now, and the most there were at once since open. */
  readonly fileBytes: number
  readonly peakFileBytes: number
  /** Estimated key and value bytes of what a full scan would return; exact for engines that know it. */
  readonly liveBytes: number
  /** Key and value bytes of expired entries that are dropped since open: by merges, by changes of their pages, by copies of a list. */
  readonly expiredBytes: number
}

export interface WriteAmplification {
  readonly total: number
  readonly parts: Readonly<Record<StorePart, number>>
}

/** All bytes written into the files of the store ÷ user key and value bytes, in parts. 0 when nothing was written. */
export function writeAmplification(counts: {
  readonly userBytes: number
  readonly written: Readonly<Record<StorePart, number>>
}): WriteAmplification {
  const parts = { log: 0, flush: 0, compaction: 0, page: 0, meta: 0 }
  let total = 0
  for (const part of Object.keys(parts) as StorePart[]) {
    parts[part] = ratio(counts.written[part], counts.userBytes)
    total += counts.written[part]
  }
  return { total: ratio(total, counts.userBytes), parts }
}

export interface ReadAmplification {
  /** Blocks touched per operation, from the cache and from disk together. */
  readonly blocks: number
  readonly blocksFromDisk: number
  readonly bytesFromDisk: number
}

/** Blocks and bytes per operation of one kind (gets that found, gets that missed, entries scanned). */
export function readAmplification(counts: ReadCounts): ReadAmplification {
  return {
    blocks: ratio(counts.blocksFromCache + counts.blocksFromDisk, counts.operations),
    blocksFromDisk: ratio(counts.blocksFromDisk, counts.operations),
    bytesFromDisk: ratio(counts.bytesFromDisk, counts.operations),
  }
}

/** File bytes ÷ live key and value bytes. 0 when nothing is live. */
export function spaceAmplification(fileBytes: number, liveBytes: number): number {
  return ratio(fileBytes, liveBytes)
}

function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b
}

/** The mutable ledger of an engine. Fields are public so that hot paths add to them without a call. */
export class Ledger {
  userBytes = 0
  readonly operations = { puts: 0, deletes: 0, clears: 0, batches: 0 }
  readonly written: Record<WritePart, number> = { log: 0, flush: 0, compaction: 0, page: 0, meta: 0, backup: 0 }
  readonly saved: Record<CompressedPart, number> = { flush: 0, compaction: 0, page: 0 }
  readonly read: Record<ReadPart, number> = { open: 0, get: 0, scan: 0, compaction: 0, changes: 0, backup: 0 }
  syncs = 0
  readonly found: ReadCounts = newReadCounts()
  readonly missing: ReadCounts = newReadCounts()
  readonly scan: ReadCounts = newReadCounts()
  expiredBytes = 0
  fileBytes = 0
  peakFileBytes = 0

  /** Counts file growth (or shrinking, when negative). */
  resize(bytes: number): void {
    this.fileBytes += bytes
    if (this.fileBytes > this.peakFileBytes) this.peakFileBytes = this.fileBytes
  }

  /** A copy that does not change any more. */
  counts(liveBytes: number): LedgerCounts {
    return {
      userBytes: this.userBytes,
      operations: { ...this.operations },
      written: { ...this.written },
      saved: { ...this.saved },
      read: { ...this.read },
      syncs: this.syncs,
      found: { ...this.found },
      missing: { ...this.missing },
      scan: { ...this.scan },
      fileBytes: this.fileBytes,
      peakFileBytes: this.peakFileBytes,
      liveBytes,
      expiredBytes: this.expiredBytes,
    }
  }
}

export function newReadCounts(): ReadCounts {
  return {
    operations: 0,
    blocksFromCache: 0,
    blocksFromDisk: 0,
    bytesFromDisk: 0,
    filterProbes: 0,
    filterNegatives: 0,
    filterFalsePositives: 0,
  }
}

/** Moves what one operation has touched to where it belongs. Operations are counted by the caller. */
export function countTouched(touched: ReadCounts, counts: ReadCounts): void {
  if (touched.filterProbes === 0 && touched.blocksFromCache === 0 && touched.blocksFromDisk === 0) return
  counts.filterProbes += touched.filterProbes
  counts.filterNegatives += touched.filterNegatives
  counts.filterFalsePositives += touched.filterFalsePositives
  counts.blocksFromCache += touched.blocksFromCache
  counts.blocksFromDisk += touched.blocksFromDisk
  counts.bytesFromDisk += touched.bytesFromDisk
  touched.filterProbes = touched.filterNegatives = touched.filterFalsePositives = 0
  touched.blocksFromCache = touched.blocksFromDisk = touched.bytesFromDisk = 0
}
