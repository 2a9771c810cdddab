/**
 * What a merge drops. It knows the snapshots that were live when the job was made; later ones see the newest versions anyway.
 *
 * 1. A version is dropped when something newer hides it, a version of the same key or a range tombstone over it, and no
 *    snapshot sees the one without the other, see engine/visibility.ts.
 * 2. A tombstone is dropped when no snapshot is older than it and no table older than the output may hold its key.
 * 3. A version that has expired for every reader is a tombstone: dropped by rule 2, or else written as one.
 */
import { BlobPointer } from '../../codec/blob-pointer.js'
import { compareKeys, KIND_BLOB, KIND_DELETE, KIND_PUT_EXPIRING, type ByteView, type EntryKind } from '../../codec/entry.js'
import { EXPIRY_BYTES, readExpiry } from '../../codec/expiry.js'
import { isSeenBetween } from '../../engine/visibility.js'
import type { KeyFate } from '../../trace/events.js'
import type { RangeTombstones, RangeTombstone } from '../read/range-tombstones.js'
import type { SavedKey } from '../read/saved-key.js'
import type { KeyBounds } from '../versions/table-file.js'

/** Entries that were not carried over, by reason. */
export interface DroppedCounts {
  /** Hidden by a newer version of their key. */
  shadowed: number
  /** Hidden by a range tombstone. */
  covered: number
  /** Point tombstones that had nothing left to hide. */
  tombstones: number
  /** Expired, dropped or written as tombstones. Left out of what the trace emits where it is 0. */
  expired: number
}

export class Retention {
  readonly dropped: DroppedCounts = { shadowed: 0, covered: 0, tombstones: 0, expired: 0 }
  /** Key and value bytes of the versions that had expired. */
  expiredBytes = 0
  /** Why the last entry that was not kept was dropped. */
  dropReason: KeyFate = 'shadowed'
  readonly #snapshots: readonly number[]
  readonly #oldestSnapshot: number
  readonly #horizon: number
  readonly #older: readonly KeyBounds[]
  readonly #ranges: RangeTombstones | undefined
  /** Sequence number of the key's next newer version. */
  #newer = Infinity
  #olderAt = 0
  readonly #pointer = new BlobPointer()
  #isTombstone = false

  /**
   * @param snapshots ascending
   * @param horizon no reader sees what has expired by then, in milliseconds since the Unix epoch
   * @param older bounds of the data that is older than the output; sorted and disjoint
   * @param ranges the range tombstones of the inputs
   */
  constructor(snapshots: readonly number[], horizon: number, older: readonly KeyBounds[], ranges: RangeTombstones | undefined) {
    this.#snapshots = snapshots
    this.#oldestSnapshot = snapshots[0] ?? Infinity
    this.#horizon = horizon
    this.#older = older
    this.#ranges = ranges
  }

  /** Whether an entry is carried over. Ask for every entry, in order; `saved` holds its key, `first` is true for the key's newest. */
  keeps(key: ByteView, saved: SavedKey, first: boolean, sequence: number, kind: EntryKind, value: ByteView): boolean {
    const newer = first ? Infinity : this.#newer
    this.#isTombstone = false
    this.#newer = sequence
    if (newer !== Infinity && !isSeenBetween(this.#snapshots, sequence, newer)) {
      this.dropped.shadowed++
      this.dropReason = 'shadowed'
      return false
    }
    if (this.#ranges !== undefined) {
      const over = this.#ranges.oldestAfter(key.bytes, key.start, key.end, sequence)
      if (over !== 0 && !isSeenBetween(this.#snapshots, sequence, over)) {
        this.dropped.covered++
        this.dropReason = 'covered'
        return false
      }
    }
    if (kind === KIND_PUT_EXPIRING || kind === KIND_BLOB)
      return !this.#hasExpired(value) || this.#keepsTombstone(saved, sequence, key.length + this.#lengthOf(kind, value))
    if (kind === KIND_DELETE && sequence <= this.#oldestSnapshot && !this.#mayHideOlder(saved)) {
      this.dropped.tombstones++
      this.dropReason = 'tombstone-dropped'
      return false
    }
    return true
  }

  /** Whether a range tombstone goes on into the output. */
  keepsRange({ first, last, sequence }: RangeTombstone): boolean {
    if (sequence > this.#oldestSnapshot) return true
    return this.#older.some(bounds => compareKeys(bounds.smallest, last) <= 0 && compareKeys(bounds.largest, first) >= 0)
  }

  /** Whether the version that was kept last is written as a tombstone, because it has expired. */
  get isTombstone(): boolean {
    return this.#isTombstone
  }

  /** Length of the value of an entry that expires. */
  #lengthOf(kind: EntryKind, value: ByteView): number {
    if (kind !== KIND_BLOB) return value.length - EXPIRY_BYTES
    this.#pointer.read(value)
    return this.#pointer.length
  }

  #hasExpired({ bytes, start }: ByteView): boolean {
    return readExpiry(bytes, start) <= this.#horizon
  }

  #keepsTombstone(saved: SavedKey, sequence: number, bytes: number): boolean {
    this.dropped.expired++
    this.expiredBytes += bytes
    this.dropReason = 'expired'
    return (this.#isTombstone = sequence > this.#oldestSnapshot || this.#mayHideOlder(saved))
  }

  #mayHideOlder(key: SavedKey): boolean {
    const older = this.#older
    while (this.#olderAt < older.length && key.isAfter(older[this.#olderAt].largest)) this.#olderAt++
    return this.#olderAt < older.length && !key.isBefore(older[this.#olderAt].smallest)
  }
}
