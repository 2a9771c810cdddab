/**
 * The records in the order of their keys: a long sorted array, a short one of what came since, and what is not sorted yet.
 *
 * Invariant: arrays that were handed out never change. Readers go on with those that they began with.
 */
import { EMPTY, ByteView } from '../codec/entry.js'
import { sortByWords } from '../codec/radix-sort.js'
import type { Directory } from './directory.js'

/** The short array is merged into the long one when it has more than this share of it. */
const SHORT_SHARE = 1 / 16
const SHORT_RECORDS = 1024

/** Two arrays of records, each in the order of the keys. */
export interface SortedRecords {
  readonly long: Uint32Array
  readonly short: Uint32Array
}

export class KeyOrder {
  readonly #directory: Directory
  #long: Uint32Array
  #short: Uint32Array = new Uint32Array(0)
  #fresh: number[] = []

  /** Sorts the records. */
  constructor(directory: Directory) {
    this.#directory = directory
    const records = new Uint32Array(directory.count)
    let count = 0
    for (let record = 1; record <= directory.last; record++) if (directory.isUsed(record)) records[count++] = record
    this.#long = sorted(directory, records)
  }

  get memoryBytes(): number {
    return (this.#long.length + this.#short.length + 2 * this.#fresh.length) * 4
  }

  get count(): number {
    return this.#long.length + this.#short.length + this.#fresh.length
  }

  /** Records that are to be sorted by the next reader. */
  get unsorted(): number {
    return this.#fresh.length
  }

  add(record: number): void {
    this.#fresh.push(record)
  }

  /** The records now. Sorts what came since the last call. */
  get(): SortedRecords {
    if (this.#fresh.length > 0) {
      const fresh = sorted(this.#directory, Uint32Array.from(this.#fresh))
      this.#fresh = []
      this.#short = merged(this.#directory, this.#short, fresh)
      if (this.#short.length > Math.max(SHORT_RECORDS, this.#long.length * SHORT_SHARE)) {
        this.#long = merged(this.#directory, this.#long, this.#short)
        this.#short = new Uint32Array(0)
      }
    }
    return { long: this.#long, short: this.#short }
  }

  /** Leaves out the records that are free by now. No reader of the arrays may be left. */
  removeFree(): void {
    const isUsed = (record: number): boolean => this.#directory.isUsed(record)
    this.#long = this.#long.filter(isUsed)
    this.#short = this.#short.filter(isUsed)
    this.#fresh = this.#fresh.filter(isUsed)
  }
}

/** The records by key: by the eight bytes that follow what all keys begin with, and those that are equal there by the whole key. */
function sorted(directory: Directory, records: Uint32Array): Uint32Array {
  const count = records.length
  if (count < 2) return records
  const prefix = sharedPrefix(directory, records)
  const high = new Uint32Array(count)
  const low = new Uint32Array(count)
  const view = new ByteView()
  for (let i = 0; i < count; i++) {
    directory.setKey(records[i], view)
    high[i] = wordAt(view, prefix)
    low[i] = wordAt(view, prefix + 4)
  }
  const order = sortByWords(
    Int32Array.from(records, (_, i) => i),
    high,
    low,
  )
  for (let start = 0; start < count;) {
    let end = start + 1
    while (end < count && high[order[end]] === high[order[start]] && low[order[end]] === low[order[start]]) end++
    if (end - start > 1) order.subarray(start, end).sort((a, b) => directory.compare(records[a], records[b]))
    start = end
  }
  return Uint32Array.from(order, i => records[i])
}

function sharedPrefix(directory: Directory, records: Uint32Array): number {
  const first = new ByteView()
  const view = new ByteView()
  directory.setKey(records[0], first)
  let shared = first.length
  for (const record of records) {
    directory.setKey(record, view)
    let same = 0
    while (same < shared && same < view.length && view.bytes[view.start + same] === first.bytes[first.start + same]) same++
    shared = same
  }
  return shared
}

/** Four bytes of a key, the first one highest; 0 behind its end. */
function wordAt({ bytes, start, end }: ByteView, offset: number): number {
  const at = start + offset
  if (at + 4 <= end) return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
  let word = 0
  for (let i = 0; i < 4; i++) word = (word << 8) | (at + i < end ? bytes[at + i] : 0)
  return word >>> 0
}

function merged(directory: Directory, one: Uint32Array, other: Uint32Array): Uint32Array {
  if (one.length === 0) return other
  if (other.length === 0) return one
  const target = new Uint32Array(one.length + other.length)
  let from = 0
  let at = 0
  for (const record of other) {
    const to = lowerBound(one, from, candidate => directory.compare(candidate, record) < 0)
    target.set(one.subarray(from, to), at)
    at += to - from
    target[at++] = record
    from = to
  }
  target.set(one.subarray(from), at)
  return target
}

/** The first index from `from` on whose record is not before the place that is looked for. */
export function lowerBound(records: Uint32Array, from: number, isBefore: (record: number) => boolean): number {
  let low = from
  let high = records.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isBefore(records[middle])) low = middle + 1
    else high = middle
  }
  return low
}

/** A place between the records of both arrays. */
export class RecordWalk {
  readonly #directory: Directory
  readonly #records: SortedRecords
  #long = 0
  #short = 0

  constructor(directory: Directory, records: SortedRecords) {
    this.#directory = directory
    this.#records = records
  }

  /** The record behind the place, 0 at the end. */
  get ahead(): number {
    const { long, short } = this.#records
    if (this.#short >= short.length) return this.#long < long.length ? long[this.#long] : 0
    if (this.#long >= long.length) return short[this.#short]
    return this.#directory.compare(long[this.#long], short[this.#short]) < 0 ? long[this.#long] : short[this.#short]
  }

  /** Moves the place to before the first key that is not less than `key`; to the very first one without it. */
  seek(key: Uint8Array = EMPTY): void {
    const isBefore = (record: number): boolean => this.#directory.compareWith(record, key) < 0
    this.#long = lowerBound(this.#records.long, 0, isBefore)
    this.#short = lowerBound(this.#records.short, 0, isBefore)
  }

  toEnd(): void {
    this.#long = this.#records.long.length
    this.#short = this.#records.short.length
  }

  /** Past the record that is ahead, which there is. */
  forward(): void {
    const { long } = this.#records
    if (this.#long < long.length && this.ahead === long[this.#long]) this.#long++
    else this.#short++
  }

  /** Before the record that is behind the place, which is then the one ahead. Returns it, or 0 at the beginning. */
  back(): number {
    const { long, short } = this.#records
    const a = this.#long > 0 ? long[this.#long - 1] : 0
    const b = this.#short > 0 ? short[this.#short - 1] : 0
    if (a === 0 && b === 0) return 0
    if (b === 0 || (a !== 0 && this.#directory.compare(a, b) > 0)) {
      this.#long--
      return a
    }
    this.#short--
    return b
  }
}
