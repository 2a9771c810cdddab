/**
 * The versions that a copy of a skiplist keeps: those that the present or a live snapshot sees, see engine/visibility.ts.
 *
 * Invariants:
 * 1. The newest version of a key survives, and each older one that a snapshot sees.
 * 2. A deletion survives only above an older version that survives: there is nothing else to hide.
 * 3. Versions come in internal order, so that copying them is a sequence of appends.
 */
import { ByteView, KIND_DELETE, KIND_PUT, MAX_SEQUENCE, compareBytes, type EntryKind } from '../codec/entry.js'
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
  readonly #cursor: SkiplistCursor
  readonly #snapshots: readonly number[]
  readonly #clearing: Clearing | undefined
  readonly #noValue = new ByteView()
  #started = false
  /** A deletion has been shown, and the version that it hides comes next. */
  #hiddenIsNext = false
  /** The key whose versions are being walked: its next newer version, its deletion not shown yet. */
  readonly #current = new ByteView()
  #newer = MAX_SEQUENCE
  #tombstone = 0

  /** @param snapshots sequence numbers of the live snapshots, ascending */
  constructor(list: Skiplist, snapshots: readonly number[], clearing?: Clearing) {
    this.#cursor = list.cursor()
    this.#snapshots = snapshots
    this.#clearing = clearing
    this.key = this.#cursor.key
    this.value = this.#cursor.value
  }

  /** Moves to the next version that survives and fills the fields; false after the last. */
  next(): boolean {
    const cursor = this.#cursor
    if (this.#hiddenIsNext) {
      this.#hiddenIsNext = false
      return this.#show(cursor.sequence, KIND_PUT)
    }
    while (this.#step()) {
      const sequence = cursor.sequence
      const seen = this.#newer === MAX_SEQUENCE || isSeenBetween(this.#snapshots, sequence, this.#newer)
      this.#newer = sequence
      if (!seen) continue
      const tombstone = this.#tombstone
      if (cursor.kind === KIND_DELETE) {
        this.#tombstone = sequence
      } else if (tombstone > 0) {
        this.#tombstone = 0
        this.#hiddenIsNext = true
        return this.#show(tombstone, KIND_DELETE)
      } else {
        return this.#show(sequence, KIND_PUT)
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

  #show(sequence: number, kind: EntryKind): boolean {
    this.sequence = sequence
    this.kind = kind
    this.value = kind === KIND_PUT ? this.#cursor.value : this.#noValue
    return true
  }
}
