/**
 * The bytes of a put in the log, in a memtable, in a table. The encodings' own arithmetic (wal/format.ts, engine/batch.ts,
 * skiplist/arena.ts, sstable/), without encoding anything.
 */
import { BLOCK_HEADER_BYTES, SLOT_BYTES, varintLength } from 'kvarium/codec'
import { BATCH_HEADER_BYTES } from 'kvarium/engine'
import type { LsmOptions } from 'kvarium/lsm'
import { Memtable } from 'kvarium/lsm'
import { nodeBytes, Skiplist } from 'kvarium/skiplist'
import { FOOTER_BYTES, TRAILER_BYTES } from 'kvarium/sstable'
import { ANCHOR_BYTES, FRAME_HEADER_BYTES, MOST_COMPACT_BODY_BYTES } from 'kvarium/wal'
import type { Work } from './prediction.js'

/** Sizes of one put in bytes. All puts have the same size. */
export interface SizeModel {
  /** Key and value bytes. */
  readonly userBytes: number
  /** Bytes in the log, with its share of the record around it. */
  readonly logBytes: number
  /** Puts that fit in a memtable, all versions counted. */
  readonly memtablePuts: number
  /**
   * Bytes in a table, with its share of blocks, index and filter. `gap` is the mean distance between the numbers of neighbouring keys: the
   * closer they are, the longer is the prefix that a block stores once.
   */
  entryBytes(gap: number): number
  /** Bytes of a table besides its entries: properties and footer. */
  readonly tableBytes: number
}

/** The check of a compact frame. */
const CHECK_BYTES = 4

/** Sizes without overhead: every byte in a file is the user's. For formulas and toy models. */
export function plainSizes(userBytes: number, memtablePuts: number): SizeModel {
  return { userBytes, logBytes: userBytes, memtablePuts, entryBytes: () => userBytes, tableBytes: 0 }
}

/** Mean height of a tower: 1 + 1/4 + 1/16 + ... Each level above the lowest takes two words. */
const MEAN_HEIGHT = 4 / 3
const BYTES_PER_HIGHER_LEVEL = 8
const PROPERTIES_BYTES = 330
/** Bytes of a tag, which holds a sequence number, and of the varints in an index entry, for stores of some 100,000 to millions of puts. */
const TAG_BYTES = 3
const INDEX_HANDLE_BYTES = 6

/** Sizes in kvarium's own files, uncompressed; keys are decimal numbers of `keyBytes` digits. */
export function lsmSizes(
  work: Pick<Work, 'keyBytes' | 'valueBytes' | 'batchPuts'>,
  options: Pick<LsmOptions, 'blockSize' | 'writeBufferSize' | 'filterBitsPerKey'>,
): SizeModel {
  const { keyBytes, valueBytes } = work
  const payload = TAG_BYTES + valueBytes
  const fixed = SLOT_BYTES + 1 + varintLength(payload) + payload
  const perBlock = BLOCK_HEADER_BYTES + TRAILER_BYTES
  const entryBytes = (gap: number): number => {
    let suffix = keyBytes
    let entries = 1
    // The prefix depends on how many entries a block has, and that on the prefix: two rounds are enough.
    for (let round = 0; round < 2; round++) {
      entries = Math.max(1, Math.floor((options.blockSize - perBlock - keyBytes + suffix) / (fixed + suffix)))
      suffix = suffixDigits(keyBytes, gap * entries)
    }
    const index = SLOT_BYTES + 2 + suffixDigits(keyBytes, gap * entries * entries) + INDEX_HANDLE_BYTES
    return fixed + suffix + (perBlock + keyBytes - suffix + index) / entries + options.filterBitsPerKey / 8
  }
  return {
    userBytes: keyBytes + valueBytes,
    logBytes: logBytes(work),
    memtablePuts: memtablePuts(work, options.writeBufferSize),
    entryBytes,
    tableBytes: PROPERTIES_BYTES + 2 * keyBytes + FOOTER_BYTES + 3 * TRAILER_BYTES,
  }
}

/** Bytes in the log for each put: the record's frame, the batch's header, and the put itself. Exact. */
export function logBytes({ keyBytes, valueBytes, batchPuts = 1 }: Pick<Work, 'keyBytes' | 'valueBytes' | 'batchPuts'>): number {
  return putBytes(keyBytes, valueBytes) + (FRAME_HEADER_BYTES + BATCH_HEADER_BYTES) / batchPuts
}

/**
 * The same in a log with compact frames, whose writes are not synced: every 4 KiB begin with a whole frame. In the mean; a sync makes the next
 * frame a whole one, too.
 */
export function compactLogBytes(work: Pick<Work, 'keyBytes' | 'valueBytes' | 'batchPuts'>): number {
  const { keyBytes, valueBytes, batchPuts = 1 } = work
  const whole = logBytes(work) * batchPuts
  const body = varintLength(batchPuts) + putBytes(keyBytes, valueBytes) * batchPuts
  if (body > MOST_COMPACT_BODY_BYTES) return whole / batchPuts
  const compact = varintLength(body * 2) + CHECK_BYTES + body
  return compact / (1 - (whole - compact) / ANCHOR_BYTES) / batchPuts
}

function putBytes(keyBytes: number, valueBytes: number): number {
  return 1 + varintLength(keyBytes) + keyBytes + varintLength(valueBytes) + valueBytes
}

/** Puts that fit in a memtable with towers of mean height; the last batch must fit with certainty. */
function memtablePuts({ keyBytes, valueBytes, batchPuts = 1 }: Pick<Work, 'keyBytes' | 'valueBytes' | 'batchPuts'>, bytes: number): number {
  const node = nodeBytes(1, keyBytes, valueBytes) + BYTES_PER_HIGHER_LEVEL * (MEAN_HEIGHT - 1)
  const reserve = Memtable.bytesFor(BATCH_HEADER_BYTES + batchPuts * putBytes(keyBytes, valueBytes), batchPuts)
  const batches = Math.floor((bytes - Skiplist.HEAD_BYTES - reserve) / (node * batchPuts)) + 1
  return Math.max(1, batches) * batchPuts
}

/**
 * Digits behind the common prefix of decimal keys that span a range of numbers: they differ in digit d from the right if they cross a
 * multiple of 10^d.
 */
export function suffixDigits(digits: number, span: number): number {
  let suffix = 0
  for (let digit = 0, unit = 1; digit < digits; digit++, unit *= 10) suffix += Math.min(1, span / unit)
  return suffix
}
