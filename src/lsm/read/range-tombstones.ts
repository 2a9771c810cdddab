/**
 * Range tombstones: one mark that deletes all older entries with keys from `first` to `last`, both included.
 *
 * For reading they are cut into fragments that do not overlap: `starts` is sorted, fragment i covers the keys from
 * `starts[i]` up to (not including) `starts[i + 1]`, the last one all keys from there on, and `sequences[i]` lists the
 * tombstones over it, oldest first (none, for a gap). One binary search then answers for any key.
 *
 * Invariants:
 * 1. A new tombstone is added in place: who reads at an older moment does not see it by its sequence number.
 * 2. A tombstone under a newer one stays as long as a moment lies between the two; otherwise they look the same to every reader.
 * 3. Neighbours with the same tombstones are one fragment. Without snapshots there are at most two fragments for each
 *    tombstone, with one sequence number each; clearing the same keys again and again leaves one.
 */
import { compareBytes, compareKeys, EMPTY, type ByteView } from '../../codec/entry.js'
import { keyAfter } from '../../engine/range.js'
import type { RangeTombstoneView } from '../../engine/version-cursor.js'
import { isSeenBetween } from '../../engine/visibility.js'

export interface RangeTombstone {
  readonly first: Uint8Array
  readonly last: Uint8Array
  readonly sequence: number
}

export class RangeTombstones {
  readonly #starts: Uint8Array[] = []
  readonly #sequences: (readonly number[])[] = []
  /** Fragment that answered last: scans ask for neighbours. */
  #hint = 0
  /** Moments that cursors read at, and how many cursors each. */
  readonly #cursors = new Map<number, number>()

  /**
   * `undefined` when there are none, so that readers pay one null check.
   * @param moments sequence numbers that readers may ask for besides the present, ascending
   */
  static of(tombstones: readonly RangeTombstone[], moments: readonly number[] = NO_MOMENTS): RangeTombstones | undefined {
    if (tombstones.length === 0) return undefined
    const fragments = new RangeTombstones()
    for (const tombstone of [...tombstones].sort((a, b) => a.sequence - b.sequence)) fragments.add(tombstone, moments)
    return fragments
  }

  get fragments(): number {
    return this.#starts.length
  }

  /** Adds one that is newer than all there are, or another piece of the newest. */
  add({ first, last, sequence }: RangeTombstone, moments: readonly number[] = NO_MOMENTS): void {
    this.addSpan(first, keyAfter(last), sequence, moments)
  }

  /**
   * Adds a tombstone over the keys from `start` up to `end`; `undefined` is the end of all keys. One that is older than another
   * there may be left out.
   */
  addSpan(start: Uint8Array, end: Uint8Array | undefined, sequence: number, moments: readonly number[]): void {
    if (end !== undefined && compareKeys(start, end) >= 0) return
    const live = this.#cursors.size === 0 ? moments : [...new Set([...moments, ...this.#cursors.keys()])].sort((a, b) => a - b)
    const from = this.#cut(start)
    const to = end === undefined ? this.#starts.length : this.#cut(end)
    let before: readonly number[] | undefined
    let after: readonly number[] = []
    for (let fragment = from; fragment < to; fragment++) {
      const sequences = this.#sequences[fragment]
      if (sequences !== before) {
        before = sequences
        after = withNewest(sequences, sequence, live)
      }
      this.#sequences[fragment] = after
    }
    this.#join(from, to)
  }

  /** Sequence number of the newest tombstone over the key that a reader at `snapshot` sees; 0 if there is none. */
  newestOver(key: Uint8Array, start: number, end: number, snapshot: number): number {
    const at = this.#fragment(key, start, end)
    return at < 0 ? 0 : newestSeen(this.#sequences[at], snapshot)
  }

  /** Sequence number of the oldest tombstone over the key that is newer than `sequence`; 0 if there is none. */
  oldestAfter(key: Uint8Array, start: number, end: number, sequence: number): number {
    const at = this.#fragment(key, start, end)
    if (at < 0) return 0
    const sequences = this.#sequences[at]
    let low = 0
    let high = sequences.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sequences[middle] <= sequence) low = middle + 1
      else high = middle
    }
    return low < sequences.length ? sequences[low] : 0
  }

  /** Whether every key from `smallest` to `largest` is under a tombstone newer than `sequence`. */
  coverAll(smallest: Uint8Array, largest: Uint8Array, sequence: number): boolean {
    const starts = this.#starts
    let at = this.#search(smallest, 0, smallest.length)
    if (at < 0) return false
    for (; at < starts.length && compareKeys(starts[at], largest) <= 0; at++) {
      if ((this.#sequences[at].at(-1) ?? 0) <= sequence) return false
    }
    return true
  }

  /** The tombstones that are left, each in as few pieces as cover the same keys: by first key, then newest first. */
  pieces(): RangeTombstone[] {
    const pieces: RangeTombstone[] = []
    const open = new Map<number, Uint8Array>()
    const starts = this.#starts
    for (let at = 0; at < starts.length; at++) {
      const here = new Set(this.#sequences[at])
      for (const [sequence, first] of open) {
        if (here.has(sequence)) continue
        pieces.push({ first, last: lastBefore(starts[at]), sequence })
        open.delete(sequence)
      }
      for (const sequence of here) if (!open.has(sequence)) open.set(sequence, starts[at])
    }
    return pieces.sort((a, b) => compareKeys(a.first, b.first) || b.sequence - a.sequence)
  }

  /** What a cursor at `moment` asks. It counts as a reader until it is closed. */
  at(moment: number): CursorTombstones {
    this.#cursors.set(moment, (this.#cursors.get(moment) ?? 0) + 1)
    return new CursorTombstones(this, moment)
  }

  /** @internal Fills in what covers the version of a key; false if nothing does. */
  find(key: ByteView, sequence: number, out: CursorTombstones): boolean {
    const at = this.#fragment(key.bytes, key.start, key.end)
    if (at < 0) return false
    const newest = newestSeen(this.#sequences[at], out.moment)
    if (newest <= sequence) return false
    out.sequence = newest
    out.start = this.#starts[at]
    out.end = this.#starts[at + 1]
    return true
  }

  /** @internal */
  forget(moment: number): void {
    const cursors = this.#cursors.get(moment)! - 1
    if (cursors > 0) this.#cursors.set(moment, cursors)
    else this.#cursors.delete(moment)
  }

  /** Index of the fragment that starts at the key, which is made if there is none. */
  #cut(key: Uint8Array): number {
    const at = this.#search(key, 0, key.length)
    if (at >= 0 && compareKeys(this.#starts[at], key) === 0) return at
    this.#starts.splice(at + 1, 0, key)
    this.#sequences.splice(at + 1, 0, at < 0 ? NO_SEQUENCES : this.#sequences[at])
    return at + 1
  }

  /** Makes one of neighbours with the same tombstones, from fragment `from` to `to`, both included. */
  #join(from: number, to: number): void {
    const starts = this.#starts
    const sequences = this.#sequences
    let kept = Math.max(0, from - 1)
    const last = Math.min(to, starts.length - 1)
    for (let at = kept + 1; at <= last; at++) {
      if (isSame(sequences[at], sequences[kept])) continue
      kept++
      starts[kept] = starts[at]
      sequences[kept] = sequences[at]
    }
    starts.splice(kept + 1, last - kept)
    sequences.splice(kept + 1, last - kept)
    this.#hint = 0
  }

  #fragment(key: Uint8Array, start: number, end: number): number {
    if (this.#holds(this.#hint, key, start, end)) return this.#hint
    const at = this.#search(key, start, end)
    if (at >= 0) this.#hint = at
    return at
  }

  /** Index of the last fragment that starts at or before the key; -1 if there is none. */
  #search(key: Uint8Array, start: number, end: number): number {
    const starts = this.#starts
    let low = 0
    let high = starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const edge = starts[middle]
      if (compareBytes(edge, 0, edge.length, key, start, end) <= 0) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  #holds(fragment: number, key: Uint8Array, start: number, end: number): boolean {
    const from = this.#starts[fragment]
    if (from === undefined) return false
    if (compareBytes(from, 0, from.length, key, start, end) > 0) return false
    const to = this.#starts[fragment + 1]
    return to === undefined || compareBytes(to, 0, to.length, key, start, end) > 0
  }
}

/** The range tombstones as one cursor sees them. */
export class CursorTombstones implements RangeTombstoneView {
  readonly moment: number
  sequence = 0
  start: Uint8Array = EMPTY
  end: Uint8Array | undefined
  #tombstones: RangeTombstones | undefined

  constructor(tombstones: RangeTombstones, moment: number) {
    this.#tombstones = tombstones
    this.moment = moment
  }

  covers(key: ByteView, sequence: number): boolean {
    return this.#tombstones !== undefined && this.#tombstones.find(key, sequence, this)
  }

  /** The cursor is closed. */
  close(): void {
    this.#tombstones?.forget(this.moment)
    this.#tombstones = undefined
  }
}

/**
 * The last key of a piece that ends before an edge. An edge that is no `keyAfter` is where a newer tombstone starts, which the older
 * one covered as well: there the piece takes in the edge.
 */
function lastBefore(edge: Uint8Array): Uint8Array {
  return edge.at(-1) === 0 ? edge.subarray(0, -1) : edge
}

const NO_MOMENTS: readonly number[] = []
const NO_SEQUENCES: readonly number[] = []

function newestSeen(sequences: readonly number[], moment: number): number {
  for (let i = sequences.length - 1; i >= 0; i--) if (sequences[i] <= moment) return sequences[i]
  return 0
}

/** Both ascending. Leaves out what no moment sees without the next newer one. */
function withNewest(sequences: readonly number[], newest: number, moments: readonly number[]): readonly number[] {
  const last = sequences.at(-1) ?? 0
  if (last >= newest) return sequences
  const kept = sequences.filter((sequence, i) => isSeenBetween(moments, sequence, sequences[i + 1] ?? newest))
  kept.push(newest)
  return kept
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((sequence, i) => sequence === b[i]))
}
