/**
 * Which units of the data file are in use: one bit each. An extent is taken from the lowest free place where it fits, so that the file
 * fills from the front and its end becomes free.
 *
 * Invariants:
 * 1. Only a free unit is taken, and only a taken unit is freed. Anything else means that the tree and the map disagree, and is an error at
 *    once.
 * 2. No unit below `#lowest[n]` begins a free stretch of n units (for the short extents that are common), but for units that were freed
 *    since an extent was last taken.
 */
import { CorruptionError, KvariumError } from '../../errors.js'
import { varintLength, VarintReader, writeVarint } from '../../codec/varint.js'
import type { PageTrace } from './page-trace.js'

const SHORT = 8
const RUNS_A_TURN = 4096

export class FreeSpace {
  /** Emits what is taken and freed. A clone has none. */
  trace: PageTrace | null = null
  #used: Uint32Array
  /** Units up to the last one in use. */
  #end: number
  #usedUnits: number
  readonly #firstUnit: number
  readonly #lowest: number[]
  /** The lowest of the units freed since the last one was taken. */
  #lowestFreed = Infinity

  /** With `end` units, all in use; the first `firstUnit` always are. */
  constructor(firstUnit: number, end: number) {
    this.#firstUnit = firstUnit
    this.#end = end
    this.#usedUnits = end
    this.#used = new Uint32Array(Math.max(64, (end >>> 5) + 1))
    this.#used.fill(0xffff_ffff, 0, end >>> 5)
    if (end % 32 !== 0) this.#used[end >>> 5] = 2 ** (end % 32) - 1
    this.#lowest = new Array<number>(SHORT + 1).fill(firstUnit)
  }

  /** Units up to the last one in use: the length that the file must have. */
  get end(): number {
    return this.#end
  }

  /** Free units below `end`. */
  get freeUnits(): number {
    return this.#end - this.#usedUnits
  }

  /** Memory of the map itself. */
  get memoryBytes(): number {
    return this.#used.byteLength
  }

  isUsed(unit: number): boolean {
    return (this.#used[unit >>> 5] & (1 << (unit & 31))) !== 0
  }

  /** Units in use from `unit` on. */
  usedFrom(unit: number): number {
    let units = 0
    for (let at = this.#nextUsed(unit, this.#end); at < this.#end;) {
      const end = Math.min(this.#end, this.#nextFree(at))
      units += end - at
      at = this.#nextUsed(end, this.#end)
    }
    return units
  }

  /** The lowest place from which on no more than `units` are in use. */
  startOfLast(units: number): number {
    let [low, high] = [this.#firstUnit, this.#end]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.usedFrom(middle) <= units) high = middle
      else low = middle + 1
    }
    return low
  }

  /** A copy that changes apart from this one. */
  clone(): FreeSpace {
    const clone = new FreeSpace(this.#firstUnit, 0)
    clone.#used = this.#used.slice()
    clone.#end = this.#end
    clone.#usedUnits = this.#usedUnits
    return clone
  }

  /** Takes the lowest free stretch of `units` and returns where it begins. */
  take(units: number): number {
    this.#lookAtFreed()
    let start = units <= SHORT ? this.#lowest[units] : this.#lowest[SHORT]
    for (;;) {
      start = this.#nextFree(start)
      const next = this.#nextUsed(start, start + units)
      if (next === start + units) break
      start = next
    }
    for (let length = units; length <= SHORT; length++) this.#lowest[length] = Math.max(this.#lowest[length], start)
    if (units <= SHORT) this.#lowest[units] = start + units
    const from = start < this.#end ? 'free' : 'end'
    this.mark(start, units)
    if (this.trace !== null) this.trace.spaceTaken(start, units, from, this.freeUnits)
    return start
  }

  /** Marks free units as used. */
  mark(start: number, units: number): void {
    const end = start + units
    if (end > this.#used.length * 32) this.#grow(end)
    for (let unit = start; unit < end; unit++) {
      if (this.isUsed(unit)) throw new KvariumError('LEVEL_INTERNAL', `Unit ${unit} of the data file is in use already`)
      this.#used[unit >>> 5] |= 1 << (unit & 31)
    }
    this.#usedUnits += units
    if (end > this.#end) this.#end = end
  }

  free(start: number, units: number): void {
    for (let unit = start; unit < start + units; unit++) {
      if (unit < this.#firstUnit || !this.isUsed(unit))
        throw new KvariumError('LEVEL_INTERNAL', `Unit ${unit} of the data file is free already`)
      this.#used[unit >>> 5] &= ~(1 << (unit & 31))
    }
    this.#usedUnits -= units
    if (start < this.#lowestFreed) this.#lowestFreed = start
    if (start + units === this.#end) this.#end = this.#lastUsed(start)
    if (this.trace !== null) this.trace.spaceFreed(start, units, this.freeUnits)
  }

  /** The free stretches below `end`, as pairs of varints: units in use before the stretch, and its length. Nothing may change meanwhile. */
  async encode(turn: () => Promise<void>): Promise<{ readonly bytes: Uint8Array; readonly length: number; readonly runs: number }> {
    let bytes = new Uint8Array(1024)
    let length = 0
    let runs = 0
    for (let at = 0; ;) {
      const start = this.#nextFree(at)
      if (start >= this.#end) return { bytes, length, runs }
      const end = this.#nextUsed(start, this.#end)
      if (length + varintLength(start - at) + varintLength(end - start) > bytes.length) {
        const grown = new Uint8Array(bytes.length * 2)
        grown.set(bytes)
        bytes = grown
      }
      length = writeVarint(bytes, writeVarint(bytes, length, start - at), end - start)
      at = end
      if (++runs % RUNS_A_TURN === 0) await turn()
    }
  }

  /** Frees what an encoded map of a file of this length says is free. */
  decode(bytes: Uint8Array, length: number, runs: number): void {
    const reader = new VarintReader(bytes, 0, length)
    const end = this.#end
    let at = 0
    for (let run = 0; run < runs; run++) {
      const start = at + reader.read()
      at = start + reader.read()
      if (start < this.#firstUnit || at <= start || at > end)
        throw new CorruptionError('the free list names units that are not in the file')
      this.#clear(start, at)
      this.#usedUnits -= at - start
    }
    this.#lowestFreed = this.#firstUnit
    this.#end = this.#lastUsed(end)
    if (reader.at !== length) throw new CorruptionError('the free list has bytes after its end')
  }

  /** Marks units as free, word by word: a large file has many when it is opened. */
  #clear(start: number, end: number): void {
    const used = this.#used
    const [first, last] = [start >>> 5, (end - 1) >>> 5]
    const head = -1 << (start & 31)
    const tail = -1 >>> (31 - ((end - 1) & 31))
    if (first === last) {
      used[first] &= ~(head & tail)
      return
    }
    used[first] &= ~head
    used.fill(0, first + 1, last)
    used[last] &= ~tail
  }

  /** A stretch that begins with a freed unit, or leads up to it, may be lower than `#lowest`. */
  #lookAtFreed(): void {
    const freed = this.#lowestFreed
    if (freed === Infinity) return
    for (let length = 1; length <= SHORT; length++) {
      this.#lowest[length] = Math.min(this.#lowest[length], Math.max(this.#firstUnit, freed - length + 1))
    }
    this.#lowestFreed = Infinity
  }

  /** The first free unit from `unit` on; everything behind `end` is free. */
  #nextFree(unit: number): number {
    const used = this.#used
    let word = unit >>> 5
    if (word >= used.length) return unit
    let free = ~used[word] & (-1 << (unit & 31))
    while (free === 0) {
      if (++word >= used.length) return word * 32
      free = ~used[word]
    }
    return word * 32 + 31 - Math.clz32(free & -free)
  }

  /** The first used unit in `[unit, limit)`, or `limit`. */
  #nextUsed(unit: number, limit: number): number {
    const used = this.#used
    let word = unit >>> 5
    if (word >= used.length) return limit
    let bits = used[word] & (-1 << (unit & 31))
    while (bits === 0) {
      if (++word >= used.length || word * 32 >= limit) return limit
      bits = used[word]
    }
    return Math.min(limit, word * 32 + 31 - Math.clz32(bits & -bits))
  }

  /** One more than the last used unit below `limit`. */
  #lastUsed(limit: number): number {
    let unit = limit
    while (unit > 0 && !this.isUsed(unit - 1)) {
      if (unit % 32 === 0 && this.#used[(unit >>> 5) - 1] === 0) unit -= 32
      else unit--
    }
    return unit
  }

  #grow(end: number): void {
    const grown = new Uint32Array(Math.max(this.#used.length * 2, (end >>> 5) + 1))
    grown.set(this.#used)
    this.#used = grown
  }
}
