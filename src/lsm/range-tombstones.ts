/**
 * Range tombstones: one mark that deletes all older entries with keys from `first` to `last`, both included.
 *
 * For reading they are cut into fragments that do not overlap: `starts` is sorted, fragment i covers the keys from
 * `starts[i]` up to (not including) `starts[i + 1]`, and `sequences[i]` lists the tombstones over it, oldest first
 * (none, for a gap). One binary search then answers for any key. A new tombstone is added in place: who reads at an older
 * moment does not see it by its sequence number.
 */
import { compareBytes, compareKeys, type ByteView } from '../codec/entry.js'
import { keyAfter } from '../engine/range.js'
import type { RangeTombstoneView } from '../engine/version-cursor.js'

export interface RangeTombstone {
  readonly first: Uint8Array
  readonly last: Uint8Array
  readonly sequence: number
}

export class RangeTombstones {
  readonly #starts: Uint8Array[] = []
  readonly #sequences: number[][] = []
  /** Fragment that answered last: scans ask for neighbours. */
  #hint = 0

  /** `undefined` when there are none, so that readers pay one null check. */
  static of(tombstones: readonly RangeTombstone[]): RangeTombstones | undefined {
    if (tombstones.length === 0) return undefined
    const fragments = new RangeTombstones()
    for (const tombstone of [...tombstones].sort((a, b) => a.sequence - b.sequence)) fragments.add(tombstone)
    return fragments
  }

  /** Adds one that is newer than all there are, or another piece of the newest. */
  add({ first, last, sequence }: RangeTombstone): void {
    const from = this.#cut(first)
    const to = this.#cut(keyAfter(last))
    for (let fragment = from; fragment < to; fragment++) this.#sequences[fragment].push(sequence)
  }

  /** Sequence number of the newest tombstone over the key that a reader at `snapshot` sees; 0 if there is none. */
  newestOver(key: Uint8Array, start: number, end: number, snapshot: number): number {
    const at = this.#fragment(key, start, end)
    if (at < 0) return 0
    const sequences = this.#sequences[at]
    for (let i = sequences.length - 1; i >= 0; i--) if (sequences[i] <= snapshot) return sequences[i]
    return 0
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

  /** What a cursor at `snapshot` asks: is the entry deleted by a range tombstone? */
  at(snapshot: number): RangeTombstoneView {
    return { covers: (key: ByteView, sequence: number) => this.newestOver(key.bytes, key.start, key.end, snapshot) > sequence }
  }

  /** Index of the fragment that starts at the key, which is made if there is none. */
  #cut(key: Uint8Array): number {
    const at = this.#search(key, 0, key.length)
    if (at >= 0 && compareKeys(this.#starts[at], key) === 0) return at
    this.#starts.splice(at + 1, 0, key)
    this.#sequences.splice(at + 1, 0, at < 0 ? [] : this.#sequences[at].slice())
    return at + 1
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
    if (compareBytes(from, 0, from.length, key, start, end) > 0) return false
    const to = this.#starts[fragment + 1]
    return to === undefined || compareBytes(to, 0, to.length, key, start, end) > 0
  }
}
