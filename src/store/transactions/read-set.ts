/**
 * What a transaction has read: keys, those that were absent included, and the ranges that its iterators have walked. A commit asks whether
 * another write has changed any of it.
 */
import type { KeyText, TextRange } from './key-text.js'

/** A cursor that records the ranges it walks. */
interface WalkingCursor {
  /** Adds what was walked so far to the ranges. */
  endWalk(): void
  close(): void
}

export class ReadSet {
  /** The key, where there is only one: most transactions need no set, which takes long to make. */
  #key: KeyText | undefined
  #keys: Set<KeyText> | undefined
  /** Disjoint and ascending once `finish` was called. */
  ranges: TextRange[] = []
  #cursors: Set<WalkingCursor> | undefined

  /** How many keys were read. */
  get size(): number {
    return this.#keys?.size ?? (this.#key === undefined ? 0 : 1)
  }

  has(key: KeyText): boolean {
    return this.#keys?.has(key) ?? this.#key === key
  }

  add(key: KeyText): void {
    if (this.#keys !== undefined) this.#keys.add(key)
    else if (this.#key === undefined) this.#key = key
    else this.#keys = new Set([this.#key, key])
  }

  /** The keys that were read. */
  keys(): Iterable<KeyText> {
    return this.#keys ?? (this.#key === undefined ? [] : [this.#key])
  }

  /** Adds a cursor, whose walk is read when it is closed, or at `finish`. */
  follow(cursor: WalkingCursor): void {
    this.#cursors ??= new Set()
    this.#cursors.add(cursor)
  }

  unfollow(cursor: WalkingCursor): void {
    this.#cursors?.delete(cursor)
  }

  /** Completes the ranges: what open cursors have walked so far is in them. */
  finish(): void {
    if (this.#cursors !== undefined) for (const cursor of this.#cursors) cursor.endWalk()
    if (this.ranges.length > 1) this.ranges = merged(this.ranges)
  }

  closeCursors(): void {
    if (this.#cursors !== undefined) for (const cursor of [...this.#cursors]) cursor.close()
  }

  isInRange(key: KeyText): boolean {
    const { ranges } = this
    let low = 0
    for (let high = ranges.length; low < high;) {
      const middle = (low + high) >>> 1
      if (ranges[middle].lower <= key) low = middle + 1
      else high = middle
    }
    return low > 0 && isBefore(key, ranges[low - 1].upper)
  }

  /** A key of the set that is in the range, or where a range of the set meets it. */
  firstIn({ lower, upper }: TextRange): KeyText | undefined {
    for (const key of this.keys()) if (key >= lower && isBefore(key, upper)) return key
    const met = this.ranges.find(range => isBefore(range.lower, upper) && isBefore(lower, range.upper))
    return met && (met.lower > lower ? met.lower : lower)
  }
}

function isBefore(key: KeyText, bound: KeyText | undefined): boolean {
  return bound === undefined || key < bound
}

function merged(ranges: readonly TextRange[]): TextRange[] {
  const result: TextRange[] = []
  for (const range of ranges.toSorted((a, b) => (a.lower < b.lower ? -1 : a.lower > b.lower ? 1 : 0))) {
    const last = result.at(-1)
    if (last === undefined || (last.upper !== undefined && last.upper < range.lower)) result.push(range)
    else if (last.upper !== undefined && (range.upper === undefined || range.upper > last.upper)) {
      result[result.length - 1] = { lower: last.lower, upper: range.upper }
    }
  }
  return result
}
