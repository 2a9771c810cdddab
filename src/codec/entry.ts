/**
 * The entry: what memtables, tables and merges exchange. An entry is a user key, the sequence number of the
 * write that made it, its kind and its value. Entries are ordered by user key ascending, then by sequence number
 * descending, so that the newest version of a key comes first.
 */

/** Kinds are stored on disk; never renumber them. */
export const KIND_DELETE = 0
export const KIND_PUT = 1
/** A range tombstone: deletes every older entry with a key from `key` to `value`, both included. */
export const KIND_DELETE_RANGE = 2
/** A put that expires: its stored value is the expiry, see codec/expiry.ts, and then the value. */
export const KIND_PUT_EXPIRING = 3
/**
 * Among the entries of a table, where no range tombstone is: a put whose value lies in a blob file. Its stored value is an expiry, the last
 * moment that can be written if it has none, and then a pointer, see lsm/blobs/blob-pointer.ts.
 */
export const KIND_BLOB = 2

export type EntryKind = typeof KIND_DELETE | typeof KIND_PUT | typeof KIND_DELETE_RANGE | typeof KIND_PUT_EXPIRING

/** The largest sequence number: seeking with it finds the newest version of a key. */
export const MAX_SEQUENCE = Number.MAX_SAFE_INTEGER

export const EMPTY: Uint8Array = new Uint8Array(0)

/** A range of bytes in another array, refilled in place so that hot paths do not allocate. */
export class ByteView {
  bytes: Uint8Array = EMPTY
  start = 0
  end = 0

  set(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.end = end
  }

  get length(): number {
    return this.end - this.start
  }

  /** A copy that the caller owns. */
  copy(): Uint8Array {
    return copyBytes(this.bytes, this.start, this.end)
  }
}

/**
 * A position among entries in internal order. `key`, `value`, `sequence` and `kind` describe the current entry while
 * `valid`, and hold only until the cursor moves. A fresh cursor is not valid. Moving off either end makes it
 * invalid; a seek makes it usable again. `next` and `prev` require `valid`. Methods return `valid`.
 */
export interface EntryCursor {
  readonly valid: boolean
  readonly key: ByteView
  readonly value: ByteView
  readonly sequence: number
  readonly kind: EntryKind
  first(): boolean
  last(): boolean
  /** To the first entry at or after (key, sequence) in internal order. */
  seek(key: Uint8Array, sequence?: number): boolean
  /** To the last entry whose user key is less than `key` (all versions of `key` itself are skipped). */
  seekBefore(key: Uint8Array): boolean
  next(): boolean
  prev(): boolean
  /**
   * Past what a range tombstone covers: forward to the first entry, the current one included, that is newer than `sequence` or not
   * before `end` (`undefined`: there is no end). Requires `valid`. Without this method the cursor is moved step by step.
   */
  skipCovered?(sequence: number, end: Uint8Array | undefined): boolean
  /** The same backward, to the last entry that is newer than `sequence` or before `start`. */
  skipCoveredBack?(sequence: number, start: Uint8Array): boolean
  close(): void
}

/** A copy of `bytes[start, end)`. Not `slice`: on a Node Buffer, which users pass in, that is a view. */
export function copyBytes(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array {
  const copy = new Uint8Array(end - start)
  copy.set(bytes.subarray(start, end))
  return copy
}

/** Lexicographic order of unsigned bytes; a prefix sorts first. Negative, zero or positive. */
export function compareBytes(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): number {
  const aLength = aEnd - aStart
  const bLength = bEnd - bStart
  const shared = aLength < bLength ? aLength : bLength
  for (let i = 0; i < shared; i++) {
    const difference = a[aStart + i] - b[bStart + i]
    if (difference !== 0) return difference
  }
  return aLength - bLength
}

export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return compareBytes(a, 0, a.length, b, 0, b.length)
}
