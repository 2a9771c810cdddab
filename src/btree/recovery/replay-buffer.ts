/**
 * Operations of a log on their way into the tree at opening: gathered, sorted by key, and applied in that order, the last one of each key
 * alone. A log in random order would otherwise cost a walk through cold pages for every entry.
 *
 * Invariants:
 * 1. `add` takes a batch as a whole or not at all. A range deletion does not wait among others: it is applied at once, after them.
 * 2. The buffer never holds more than `capacityBytes` of batches; a larger batch is applied at once, too.
 * 3. Each key has one entry to apply, so entries may be applied in any order: that of the keys, or the one that is asked for first.
 * 4. Sorting compares the four bytes behind what all keys of a stretch share, then does the same with each stretch of equal ones.
 * 5. A sort key has these bytes in its upper half. The lower one is how many there are, times `MAX_ENTRIES`, and the entry.
 */
import { compareBytes, EMPTY, KIND_DELETE, KIND_DELETE_RANGE, KIND_PUT_EXPIRING, type EntryKind } from '../../codec/entry.js'
import type { BatchReader } from '../../engine/batch.js'
import { applyBatch } from '../tree/apply-batch.js'
import type { Tree } from '../tree/tree.js'

const INITIAL_BYTES = 64 * 1024
const INITIAL_ENTRIES = 1024
const ENTRY_BITS = 29
const MAX_ENTRIES = 2 ** ENTRY_BITS
/** Where the halves of a 64-bit number are in this machine's order of bytes. */
const UPPER = new Uint32Array(BigUint64Array.of(1n).buffer)[0]
const LOWER = 1 - UPPER
/** Stretches up to here are sorted by insertion. */
const SHORT_STRETCH = 12
/** Entries and bytes applied between two turns of the event loop. */
const SLICE_ENTRIES = 2048
const SLICE_BYTES = 512 * 1024

const NOTHING = new Uint32Array(0)

export class ReplayBuffer {
  readonly #tree: Tree
  readonly #capacityBytes: number
  #bytes: Uint8Array
  #length = 0
  #count = 0
  /** Operations of the batches in the buffer. */
  #operations = 0
  /** Per entry: start and end of its key, start and end of its value. */
  #starts = new Uint32Array(INITIAL_ENTRIES)
  #middles = new Uint32Array(INITIAL_ENTRIES)
  #values = new Uint32Array(INITIAL_ENTRIES)
  #ends = new Uint32Array(INITIAL_ENTRIES)
  #kinds: Uint8Array = new Uint8Array(INITIAL_ENTRIES)
  /** The entries to apply, by key; which of them are applied, and up to where all are. */
  #order = NOTHING
  #isApplied: Uint8Array = EMPTY
  #next = 0

  /** `expectedBytes` of batches are to come. */
  constructor(tree: Tree, capacityBytes: number, expectedBytes = 0) {
    this.#tree = tree
    this.#capacityBytes = capacityBytes
    this.#bytes = new Uint8Array(Math.min(capacityBytes, Math.max(INITIAL_BYTES, expectedBytes)))
  }

  /**
   * Takes the operations of a batch of `bytes`, which begin with the first byte of the reader's array; returns false, having taken none, if
   * the buffer has to be drained first.
   */
  add(reader: BatchReader, bytes: number): boolean {
    const isEmpty = this.#count === 0
    if (bytes > this.#capacityBytes - this.#length || reader.count > MAX_ENTRIES - this.#count) return isEmpty && this.#apply(reader)
    if (this.#length + bytes > this.#bytes.length) this.#growBytes(this.#length + bytes)
    if (this.#count + reader.count > this.#starts.length) this.#growEntries(this.#count + reader.count)
    const count = this.#count
    while (reader.next()) {
      if (reader.kind === KIND_DELETE_RANGE) {
        this.#count = count
        if (!isEmpty) return false
        reader.rewind()
        return this.#apply(reader)
      }
      this.#take(reader)
    }
    this.#bytes.set(reader.key.bytes.subarray(0, bytes), this.#length)
    this.#length += bytes
    this.#operations += reader.count
    return true
  }

  /** Bytes of the batches in the buffer. */
  get bytes(): number {
    return this.#length
  }

  /** Applies everything to the tree in slices; waits for `afterSlice` after each. */
  async drain(afterSlice: () => Promise<void>): Promise<void> {
    this.sort()
    while (this.applySlice()) await afterSlice()
    if (this.#operations > 0) this.advance()
    this.#length = this.#count = 0
    this.#order = NOTHING
  }

  /** Orders the entries to apply. Until they are applied, nothing may be added. */
  sort(): void {
    const order = this.#sorted()
    this.#order = order.filter((entry, at) => at + 1 === order.length || this.#compare(entry, order[at + 1]) !== 0)
    this.#isApplied = new Uint8Array(this.#order.length)
    this.#next = 0
  }

  /** Counts the entries as applied before they are: the tree is what it is once they are, for a caller that applies what it reads. */
  advance(): void {
    this.#tree.advance(this.#operations)
    this.#operations = 0
  }

  /** Applies the next entries; returns whether there are more. */
  applySlice(): boolean {
    const order = this.#order
    for (let entries = 0, bytes = 0; entries < SLICE_ENTRIES && bytes < SLICE_BYTES; entries++) {
      if (this.#next === order.length) return false
      const entry = order[this.#next]
      this.#applyAt(this.#next)
      this.#next++
      bytes += this.#ends[entry] - this.#starts[entry]
    }
    return this.#next < order.length
  }

  /** Applies what the buffer has for a key. */
  applyKey(key: Uint8Array): void {
    const order = this.#order
    let low = this.#next
    for (let high = order.length; low < high;) {
      const middle = (low + high) >>> 1
      if (this.#compareKey(order[middle], key) < 0) low = middle + 1
      else high = middle
    }
    if (low < order.length && this.#compareKey(order[low], key) === 0) this.#applyAt(low)
  }

  /** Gives up the memory, of a buffer that is not used any more. */
  release(): void {
    this.#bytes = EMPTY
    this.#order = this.#starts = this.#middles = this.#values = this.#ends = NOTHING
    this.#isApplied = this.#kinds = EMPTY
  }

  #applyAt(at: number): void {
    if (this.#isApplied[at] === 1) return
    this.#put(this.#order[at])
    this.#isApplied[at] = 1
  }

  #apply(reader: BatchReader): true {
    applyBatch(this.#tree, reader)
    return true
  }

  #take({ kind, key, value }: BatchReader): void {
    const entry = this.#count++
    const base = this.#length
    const isDelete = kind === KIND_DELETE
    this.#starts[entry] = base + key.start
    this.#middles[entry] = base + key.end
    this.#values[entry] = isDelete ? base + key.end : base + value.start
    this.#ends[entry] = isDelete ? base + key.end : base + value.end
    this.#kinds[entry] = kind
  }

  #put(entry: number): void {
    const [start, middle] = [this.#starts[entry], this.#middles[entry]]
    const bytes = this.#bytes
    const kind = this.#kinds[entry] as EntryKind
    if (kind === KIND_DELETE) this.#tree.del(bytes, start, middle)
    else this.#tree.put(bytes, start, middle, bytes, this.#values[entry], this.#ends[entry], kind === KIND_PUT_EXPIRING)
  }

  /** The entries by key, those of one key in the order they came. */
  #sorted(): Uint32Array {
    const order = new Uint32Array(this.#count)
    for (let i = 0; i < order.length; i++) order[i] = i
    const keys = new BigUint64Array(order.length)
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
  #sortLong(order: Uint32Array, keys: BigUint64Array, from: number, to: number, depth: number, waiting: number[]): void {
    const shared = this.#sharedBytes(order, from, to, depth)
    if (shared < 0) return
    const halves = new Uint32Array(keys.buffer)
    for (let at = from; at < to; at++) this.#setSortKey(halves, at, order[at], shared)
    keys.subarray(from, to).sort()
    let start = from
    for (let at = from; at < to; at++) {
      order[at] = halves[2 * at + LOWER] % MAX_ENTRIES
      if (at === from || isSameHead(halves, at)) continue
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

  /** The sort key of an entry: a key that ends within the four bytes comes before one that goes on with zeros. */
  #setSortKey(halves: Uint32Array, index: number, entry: number, shared: number): void {
    const bytes = this.#bytes
    const start = this.#starts[entry] + shared
    const length = Math.min(4, this.#middles[entry] - start)
    let head = 0
    for (let i = 0; i < length; i++) head |= bytes[start + i] << (24 - 8 * i)
    halves[2 * index + UPPER] = head
    halves[2 * index + LOWER] = length * MAX_ENTRIES + entry
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

  #compareKey(entry: number, key: Uint8Array): number {
    return compareBytes(this.#bytes, this.#starts[entry], this.#middles[entry], key, 0, key.length)
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
    this.#values = grown(this.#values, new Uint32Array(size))
    this.#ends = grown(this.#ends, new Uint32Array(size))
    this.#kinds = grown(this.#kinds, new Uint8Array(size))
  }
}

/** Whether the sort key at `at` has the same bytes of a key as the one before it. */
function isSameHead(halves: Uint32Array, at: number): boolean {
  const [upper, lower] = [2 * at + UPPER, 2 * at + LOWER]
  return halves[upper] === halves[upper - 2] && halves[lower] >>> ENTRY_BITS === halves[lower - 2] >>> ENTRY_BITS
}

function grown<T extends Uint8Array | Uint32Array>(before: T, after: T): T {
  after.set(before)
  return after
}
