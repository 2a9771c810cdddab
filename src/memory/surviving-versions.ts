/**
 * The versions that a copy of a skiplist keeps: those that the present or a live snapshot sees, see engine/visibility.ts.
 *
 * Invariants:
 * 1. The newest version of a key survives, and each older one that a snapshot sees.
 * 2. A deletion survives only above an older version that survives: there is nothing else to hide.
 *    An entry that has expired for the oldest reader is a deletion.
 * 3. Versions come in internal order, so that copying them is a sequence of appends.
 */
import { ByteView, KIND_DELETE, KIND_PUT, MAX_SEQUENCE, compareBytes, type EntryKind } from '../codec/entry.js'
import { EXPIRY_BYTES, isExpired } from '../codec/expiry.js'
import type { Skiplist } from '../skiplist/skiplist.js'
import type { SkiplistCursor } from '../skiplist/skiplist.js'
import { isBelow, isBeyond, type HalfOpenRange } from '../engine/range.js'
import { isSeenBetween } from '../engine/visibility.js'

/** A clear that takes effect with the copy: from `sequence` on, no key in the range is there. */
export interface Clearing {
  readonly range: HalfOpenRange
  readonly sequence: number
}

export class SurvivingVersions {
  readonly key: ByteView
  value: ByteView
  sequence = 0
  kind: EntryKind = KIND_PUT
  /** Expired entries so far that were the newest versions of their keys, and their key and value bytes. */
  expiredEntries = 0
  expiredBytes = 0
  readonly #cursor: SkiplistCursor
  readonly #snapshots: readonly number[]
  readonly #horizon: number
  readonly #clearing: Clearing | undefined
  readonly #noValue = new ByteView()
  #started = false
  /** A deletion has been shown, and the version that it hides comes next. */
  #hiddenIsNext = false
  /** The key whose versions are being walked: its next newer version, its deletion not shown yet. */
  readonly #current = new ByteView()
  #newer = MAX_SEQUENCE
  #tombstone = 0

  /**
   * @param snapshots sequence numbers of the live snapshots, ascending
   * @param horizon no reader sees what has expired by then
   */
  constructor(list: Skiplist, snapshots: readonly number[], horizon: number, clearing?: Clearing) {
    this.#cursor = list.cursor()
    this.#snapshots = snapshots
    this.#horizon = horizon
    this.#clearing = clearing
    this.key = this.#cursor.key
    this.value = this.#cursor.value
  }

  /** Moves to the next version that survives and fills the fields; false after the last. */
  next(): boolean {
    const cursor = this.#cursor
    if (this.#hiddenIsNext) {
      this.#hiddenIsNext = false
      return this.#show(cursor.sequence, cursor.kind)
    }
    while (this.#step()) {
      const sequence = cursor.sequence
      const isNewest = this.#newer === MAX_SEQUENCE
      const seen = isNewest || isSeenBetween(this.#snapshots, sequence, this.#newer)
      this.#newer = sequence
      if (!seen) continue
      const tombstone = this.#tombstone
      const hasExpired = isExpired(cursor.kind, cursor.value, this.#horizon)
      if (hasExpired && isNewest) this.#countExpired()
      if (hasExpired || cursor.kind === KIND_DELETE) {
        this.#tombstone = sequence
      } else if (tombstone > 0) {
        this.#tombstone = 0
        this.#hiddenIsNext = true
        return this.#show(tombstone, KIND_DELETE)
      } else {
        return this.#show(sequence, cursor.kind)
      }
    }
    return false
  }

  #step(): boolean {
    const cursor = this.#cursor
    if (!(this.#started ? cursor.next() : cursor.first())) return false
    if (!this.#started || !this.#isSameKey()) this.#enterKey()
    this.#started = true
    return true
  }

  #enterKey(): void {
    const { bytes, start, end } = this.key
    this.#current.set(bytes, start, end)
    this.#newer = MAX_SEQUENCE
    this.#tombstone = 0
    const clearing = this.#clearing
    if (clearing === undefined || isBelow(clearing.range.lower, bytes, start, end) || isBeyond(clearing.range.upper, bytes, start, end))
      return
    this.#newer = this.#tombstone = clearing.sequence
  }

  #isSameKey(): boolean {
    const key = this.key
    const current = this.#current
    return compareBytes(key.bytes, key.start, key.end, current.bytes, current.start, current.end) === 0
  }

  #countExpired(): void {
    this.expiredEntries++
    this.expiredBytes += this.key.length + this.#cursor.value.length - EXPIRY_BYTES
  }

  #show(sequence: number, kind: EntryKind): boolean {
    this.sequence = sequence
    this.kind = kind
    this.value = kind === KIND_DELETE ? this.#noValue : this.#cursor.value
    return true
  }
}
