/**
 * Operations of a log on their way into the tree at opening: gathered, sorted by key, and applied in that order, the last one of each key
 * alone. A log in random order would otherwise cost a walk through cold pages for every entry.
 *
 * Invariants:
 * 1. `add` takes a batch as a whole or not at all. A range deletion does not wait among others: it is applied at once, after them.
 * 2. The buffer never holds more than `capacityBytes` of keys and values; a larger batch is applied at once, too.
 * 3. Sorting compares the four bytes behind what all keys of a stretch share, then does the same with each stretch of equal ones.
 */
import { compareBytes, KIND_DELETE, KIND_DELETE_RANGE } from '../../codec/entry.js'
import type { BatchReader } from '../../engine/batch.js'
import { applyBatch } from '../tree/apply-batch.js'
import type { Tree } from '../tree/tree.js'

const INITIAL_BYTES = 64 * 1024
const INITIAL_ENTRIES = 1024
/** A sort key is a head times this, plus an index, in 53 bits. */
const MAX_ENTRIES = 1 << 18
/** Stretches up to here are sorted by insertion. */
const SHORT_STRETCH = 12
/** Entries and bytes applied between two turns of the event loop. */
const SLICE_ENTRIES = 2048
const SLICE_BYTES = 512 * 1024

export class ReplayBuffer {
  readonly #tree: Tree
  readonly #capacityBytes: number
  #bytes = new Uint8Array(INITIAL_BYTES)
  #length = 0
  #count = 0
  /** Operations of the batches in the buffer. */
  #operations = 0
  /** Per entry: start of its key, end of the key and start of the value, end of the value. */
  #starts = new Uint32Array(INITIAL_ENTRIES)
  #middles = new Uint32Array(INITIAL_ENTRIES)
  #ends = new Uint32Array(INITIAL_ENTRIES)
  #deletes = new Uint8Array(INITIAL_ENTRIES)

  constructor(tree: Tree, capacityBytes: number) {
    this.#tree = tree
    this.#capacityBytes = capacityBytes
  }

  /** Takes the operations of a batch; returns false, having taken none, if the buffer has to be drained first. */
  add(reader: BatchReader, bytes: number): boolean {
    const isEmpty = this.#count === 0
    if (bytes > this.#capacityBytes - this.#length || reader.count > MAX_ENTRIES - this.#count) return isEmpty && this.#apply(reader)
    if (this.#length + bytes > this.#bytes.length) this.#growBytes(this.#length + bytes)
    if (this.#count + reader.count > this.#starts.length) this.#growEntries(this.#count + reader.count)
    const [length, count] = [this.#length, this.#count]
    while (reader.next()) {
      if (reader.kind === KIND_DELETE_RANGE) {
        this.#length = length
        this.#count = count
        if (!isEmpty) return false
        reader.rewind()
        return this.#apply(reader)
      }
      this.#take(reader)
    }
    this.#operations += reader.count
    return true
  }

  /** Applies everything to the tree in slices; waits for `afterSlice` after each. */
  async drain(afterSlice: () => Promise<void>): Promise<void> {
    const order = this.#sorted()
    let sinceTurn = 0
    let bytes = 0
    for (let at = 0; at < order.length; at++) {
      const entry = order[at]
      if (at + 1 < order.length && this.#compare(entry, order[at + 1]) === 0) continue
      this.#put(entry)
      bytes += this.#ends[entry] - this.#starts[entry]
      if (++sinceTurn < SLICE_ENTRIES && bytes < SLICE_BYTES) continue
      sinceTurn = bytes = 0
      await afterSlice()
    }
    if (this.#operations > 0) this.#tree.advance(this.#operations)
    this.#length = this.#count = this.#operations = 0
  }

  #apply(reader: BatchReader): true {
    applyBatch(this.#tree, reader)
    return true
  }

  #take({ kind, key, value }: BatchReader): void {
    const entry = this.#count++
    const start = this.#length
    const middle = start + key.length
    const end = middle + value.length
    const bytes = this.#bytes
    bytes.set(key.bytes.subarray(key.start, key.end), start)
    bytes.set(value.bytes.subarray(value.start, value.end), middle)
    this.#starts[entry] = start
    this.#middles[entry] = middle
    this.#ends[entry] = end
    this.#deletes[entry] = kind === KIND_DELETE ? 1 : 0
    this.#length = end
  }

  #put(entry: number): void {
    const [start, middle, end] = [this.#starts[entry], this.#middles[entry], this.#ends[entry]]
    const bytes = this.#bytes
    if (this.#deletes[entry] === 1) this.#tree.del(bytes, start, middle)
    else this.#tree.put(bytes, start, middle, bytes, middle, end)
  }

  /** The entries by key, those of one key in the order they came. */
  #sorted(): Uint32Array {
    const order = new Uint32Array(this.#count)
    for (let i = 0; i < order.length; i++) order[i] = i
    const keys = new Float64Array(order.length)
    const waiting: number[] = [0, order.length, 0]
    while (waiting.length > 0) {
      const depth = waiting.pop()!
      const to = waiting.pop()!
      const from = waiting.pop()!
      if (to - from <= SHORT_STRETCH) this.#sortShort(order, from, to)
      else this.#sortLong(order, keys, from, to, depth, waiting)
    }
    return order
  }

  /** Sorts a stretch whose keys share `depth` bytes by the next four they do not share; what is equal then goes to `waiting`. */
  #sortLong(order: Uint32Array, keys: Float64Array, from: number, to: number, depth: number, waiting: number[]): void {
    const shared = this.#sharedBytes(order, from, to, depth)
    if (shared < 0) return
    for (let at = from; at < to; at++) keys[at] = this.#head(order[at], shared) * MAX_ENTRIES + order[at]
    keys.subarray(from, to).sort()
    let start = from
    for (let at = from; at < to; at++) {
      order[at] = keys[at] % MAX_ENTRIES
      if (at === from || Math.floor(keys[at] / MAX_ENTRIES) === Math.floor(keys[at - 1] / MAX_ENTRIES)) continue
      if (at - start > 1) waiting.push(start, at, shared)
      start = at
    }
    if (to - start > 1) waiting.push(start, to, shared)
  }

  /** How many bytes all keys of a stretch share, at least `depth`; -1 if the keys are the same. */
  #sharedBytes(order: Uint32Array, from: number, to: number, depth: number): number {
    const bytes = this.#bytes
    const start = this.#starts[order[from]]
    const length = this.#middles[order[from]] - start
    let shared = length
    let isSame = true
    for (let at = from + 1; at < to; at++) {
      const entry = order[at]
      const other = this.#starts[entry]
      const otherLength = this.#middles[entry] - other
      isSame &&= otherLength === length
      if (otherLength < shared) shared = otherLength
      let i = depth
      while (i < shared && bytes[start + i] === bytes[other + i]) i++
      if (i < shared) shared = i
    }
    return isSame && shared === length ? -1 : shared
  }

  /** Up to four bytes of a key from `at` on, then how many there are: a key that ends there comes before one that goes on with zeros. */
  #head(entry: number, at: number): number {
    const bytes = this.#bytes
    const start = this.#starts[entry] + at
    const length = Math.min(4, this.#middles[entry] - start)
    let head = 0
    for (let i = 0; i < 4; i++) head = head * 256 + (i < length ? bytes[start + i] : 0)
    return head * 5 + length
  }

  #sortShort(order: Uint32Array, from: number, to: number): void {
    for (let at = from + 1; at < to; at++) {
      const entry = order[at]
      let hole = at
      while (hole > from && this.#compare(order[hole - 1], entry) > 0) order[hole] = order[--hole]
      order[hole] = entry
    }
  }

  #compare(a: number, b: number): number {
    return compareBytes(this.#bytes, this.#starts[a], this.#middles[a], this.#bytes, this.#starts[b], this.#middles[b])
  }

  #growBytes(needed: number): void {
    const grown = new Uint8Array(Math.min(this.#capacityBytes, Math.max(needed, this.#bytes.length * 2)))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }

  #growEntries(needed: number): void {
    const size = Math.max(needed, this.#starts.length * 2)
    this.#starts = grown(this.#starts, new Uint32Array(size))
    this.#middles = grown(this.#middles, new Uint32Array(size))
    this.#ends = grown(this.#ends, new Uint32Array(size))
    this.#deletes = grown(this.#deletes, new Uint8Array(size))
  }
}

function grown<T extends Uint8Array | Uint32Array>(before: T, after: T): T {
  after.set(before)
  return after
}
