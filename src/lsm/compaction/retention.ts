/**
 * What a merge drops. It knows the snapshots that were live when the job was made; later ones see the newest versions anyway.
 *
 * 1. A version is dropped when something newer hides it, a version of the same key or a range tombstone over it, and no
 *    snapshot sees the one without the other, see engine/visibility.ts.
 * 2. A tombstone is dropped when no snapshot is older than it and no table older than the output may hold its key.
 */
import { compareKeys, KIND_DELETE, type ByteView, type EntryKind } from '../../codec/entry.js'
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
}

export class Retention {
  readonly dropped: DroppedCounts = { shadowed: 0, covered: 0, tombstones: 0 }
  /** Why the last entry that was not kept was dropped. */
  dropReason: KeyFate = 'shadowed'
  readonly #snapshots: readonly number[]
  readonly #oldestSnapshot: number
  readonly #older: readonly KeyBounds[]
  readonly #ranges: RangeTombstones | undefined
  /** Sequence number of the key's next newer version. */
  #newer = Infinity
  #olderAt = 0

  /**
   * @param snapshots ascending
   * @param older bounds of the data that is older than the output; sorted and disjoint
   * @param ranges the range tombstones of the inputs
   */
  constructor(snapshots: readonly number[], older: readonly KeyBounds[], ranges: RangeTombstones | undefined) {
    this.#snapshots = snapshots
    this.#oldestSnapshot = snapshots[0] ?? Infinity
    this.#older = older
    this.#ranges = ranges
  }

  /** Whether an entry is carried over. Ask for every entry, in order; `saved` holds its key, `first` is true for the key's newest. */
  keeps(key: ByteView, saved: SavedKey, first: boolean, sequence: number, kind: EntryKind): boolean {
    const newer = first ? Infinity : this.#newer
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

  #mayHideOlder(key: SavedKey): boolean {
    const older = this.#older
    while (this.#olderAt < older.length && key.isAfter(older[this.#olderAt].largest)) this.#olderAt++
    return this.#olderAt < older.length && !key.isBefore(older[this.#olderAt].smallest)
  }
}
