/**
 * Range tombstones: one mark that deletes all older entries with keys from `first` to `last`, both included.
 *
 * For reading they are cut into fragments that do not overlap: `starts` is sorted, fragment i covers the keys from
 * `starts[i]` up to (not including) `starts[i + 1]`, and `sequences[i]` lists the tombstones over it, newest first
 * (none, for a gap). One binary search then answers for any key.
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
  readonly #starts: Uint8Array[]
  readonly #sequences: number[][]
  /** Fragment that answered last: scans ask for neighbours. */
  #hint = 0

  private constructor(starts: Uint8Array[], sequences: number[][]) {
    this.#starts = starts
    this.#sequences = sequences
  }

  /** `undefined` when there are none, so that readers pay one null check. */
  static of(tombstones: readonly RangeTombstone[]): RangeTombstones | undefined {
    if (tombstones.length === 0) return undefined
    const edges: { key: Uint8Array; opens: boolean; sequence: number }[] = []
    for (const { first, last, sequence } of tombstones) {
      edges.push({ key: first, opens: true, sequence }, { key: keyAfter(last), opens: false, sequence })
    }
    edges.sort((a, b) => compareKeys(a.key, b.key))
    const starts: Uint8Array[] = []
    const sequences: number[][] = []
    let open: number[] = []
    for (let i = 0; i < edges.length;) {
      const key = edges[i].key
      open = [...open]
      for (; i < edges.length && compareKeys(edges[i].key, key) === 0; i++) {
        const { opens, sequence } = edges[i]
        if (opens) open.push(sequence)
        else open.splice(open.indexOf(sequence), 1)
      }
      open.sort((a, b) => b - a)
      starts.push(key)
      sequences.push(open)
    }
    return new RangeTombstones(starts, sequences)
  }

  /** Sequence number of the newest tombstone over the key that a reader at `snapshot` sees; 0 if there is none. */
  newestOver(key: Uint8Array, start: number, end: number, snapshot: number): number {
    const at = this.#fragment(key, start, end)
    if (at < 0) return 0
    for (const sequence of this.#sequences[at]) if (sequence <= snapshot) return sequence
    return 0
  }

  /** Sequence number of the oldest tombstone over the key that is newer than `sequence`; 0 if there is none. */
  oldestAfter(key: Uint8Array, start: number, end: number, sequence: number): number {
    const at = this.#fragment(key, start, end)
    if (at < 0) return 0
    let oldest = 0
    for (const candidate of this.#sequences[at]) {
      if (candidate <= sequence) break
      oldest = candidate
    }
    return oldest
  }

  /** What a cursor at `snapshot` asks: is the entry deleted by a range tombstone? */
  at(snapshot: number): RangeTombstoneView {
    return { covers: (key: ByteView, sequence: number) => this.newestOver(key.bytes, key.start, key.end, snapshot) > sequence }
  }

  #fragment(key: Uint8Array, start: number, end: number): number {
    const starts = this.#starts
    const hint = this.#hint
    if (this.#holds(hint, key, start, end)) return hint
    let low = 0
    let high = starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const edge = starts[middle]
      if (compareBytes(edge, 0, edge.length, key, start, end) <= 0) low = middle + 1
      else high = middle
    }
    if (low > 0) this.#hint = low - 1
    return low - 1
  }

  #holds(fragment: number, key: Uint8Array, start: number, end: number): boolean {
    const from = this.#starts[fragment]
    if (compareBytes(from, 0, from.length, key, start, end) > 0) return false
    const to = this.#starts[fragment + 1]
    return to === undefined || compareBytes(to, 0, to.length, key, start, end) > 0
  }
}
