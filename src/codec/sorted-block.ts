import { CorruptionError } from '../errors.js'
import { EXPIRY_BYTES } from './expiry.js'
import { VarintReader } from './varint.js'

/**
 * The sorted block: the unit of tables and tree pages. Keys ascend; the same key may occur several times.
 *
 *   +-----------+------------------+----------------+---------------------+--------------------------+
 *   | count u32 | prefixLength u32 | prefix         | slots, 8 bytes each | cells                    |
 *   +-----------+------------------+----------------+---------------------+--------------------------+
 *   slot:  head (first 4 bytes of the suffix, big-endian, zero padded) | cell offset u31 from the start of the block, bit 31: expires
 *   cell:  varint suffix length | varint payload length | suffix | payload
 *
 * Integers are little-endian except the head, which is big-endian so that heads order like the bytes they stand for.
 * A key is prefix + suffix. Where a slot says that its entry expires, the payload is the expiry (see expiry.ts) and then the value. Only
 * leaves of the B+tree have such slots.
 *
 * Invariants:
 * 1. Every key starts with the prefix, so a search compares the prefix once and then only suffixes.
 * 2. If two heads differ, the keys order like the heads. Zero padding keeps this true: where a shorter suffix is padded
 *    and the longer one is not zero, the shorter is its prefix and sorts first. Equal heads decide nothing ("a" and
 *    "a\0" share one), so only then are suffix bytes compared.
 * 3. No read leaves the block: the header is checked when it is opened, each cell when it is touched. A block that
 *    lies about its structure is a `CorruptionError`.
 *
 * A search allocates nothing. Cells may be in any order, with gaps, so that a page can be changed in place.
 */

export const BLOCK_HEADER_BYTES = 8
export const SLOT_BYTES = 8

/** In the word of a slot that holds the cell offset: the entry expires. */
export const EXPIRES_BIT = 0x8000_0000
export const OFFSET_MASK = 0x7fff_ffff

/** Where one entry's bytes lie within `block.bytes`; filled by `readCell`. The suffix ends where the payload starts. */
export class Cell {
  suffixStart = 0
  payloadStart = 0
  /** Behind the expiry, if the entry has one; else where the payload starts. */
  valueStart = 0
  payloadEnd = 0

  get expires(): boolean {
    return this.valueStart !== this.payloadStart
  }

  /** Bytes of suffix and value. */
  get dataBytes(): number {
    return this.payloadStart - this.suffixStart + this.payloadEnd - this.valueStart
  }
}

const lengths = new VarintReader(new Uint8Array(0))
const compared = new Cell()

/** The first four bytes of a suffix as an unsigned number that orders like them, zero padded. */
export function headOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length >= 4) return ((bytes[start] << 24) | (bytes[start + 1] << 16) | (bytes[start + 2] << 8) | bytes[start + 3]) >>> 0
  if (length === 3) return ((bytes[start] << 24) | (bytes[start + 1] << 16) | (bytes[start + 2] << 8)) >>> 0
  if (length === 2) return ((bytes[start] << 24) | (bytes[start + 1] << 16)) >>> 0
  return length === 1 ? (bytes[start] << 24) >>> 0 : 0
}

export class SortedBlock {
  readonly bytes: Uint8Array
  /** Where in `bytes` the block begins: blocks in the cache share large pieces of memory. */
  readonly base: number
  /** Number of entries. Only a `MutableBlock` changes it, and the prefix. */
  count: number
  /** Length of the common prefix, which is `bytes[prefixStart, prefixStart + prefixLength)`. */
  prefixLength: number
  /** Where in `bytes` the slots begin, and where the block ends. */
  protected slots: number
  protected readonly end: number
  /** The file this came from and where in it, for errors. */
  readonly file: string
  readonly offset: number

  /** A block over `bytes[base, end)`. */
  constructor(bytes: Uint8Array, end: number, file: string, offset: number, base = 0) {
    this.bytes = bytes
    this.base = base
    const fitsHeader = end - base >= BLOCK_HEADER_BYTES && end <= bytes.length
    this.count = fitsHeader ? readUint32(bytes, base) : 0
    this.prefixLength = fitsHeader ? readUint32(bytes, base + 4) : 0
    this.slots = base + BLOCK_HEADER_BYTES + this.prefixLength
    this.end = end
    this.file = file
    this.offset = offset
    if (!fitsHeader || this.slots + this.count * SLOT_BYTES > end) {
      throw this.corruption(`a block of ${end - base} bytes is too short for its ${this.count} entries`)
    }
  }

  /** Where in `bytes` the common prefix begins. */
  get prefixStart(): number {
    return this.base + BLOCK_HEADER_BYTES
  }

  /** Index of the first entry whose key is not less than `key[start, end)`; `count` if there is none. */
  lowerBound(key: Uint8Array, start: number, end: number): number {
    const order = this.comparePrefix(key, start, end)
    if (order !== 0) return order < 0 ? 0 : this.count
    return this.#searchSuffix(key, start + this.prefixLength, end, 0)
  }

  /** Index of the last entry whose key is not greater than `key[start, end)`; -1 if there is none. */
  floor(key: Uint8Array, start: number, end: number): number {
    const order = this.comparePrefix(key, start, end)
    if (order !== 0) return order < 0 ? -1 : this.count - 1
    return this.#searchSuffix(key, start + this.prefixLength, end, 1) - 1
  }

  /** Index of the first entry with exactly this key, or `-1 - lowerBound` if there is none. */
  find(key: Uint8Array, start: number, end: number): number {
    const order = this.comparePrefix(key, start, end)
    if (order !== 0) return order < 0 ? -1 : -1 - this.count
    const suffix = start + this.prefixLength
    const index = this.#searchSuffix(key, suffix, end, 0)
    return index < this.count && this.#compareSuffix(index, key, suffix, end) === 0 ? index : -1 - index
  }

  /** Index of the first entry whose head is not less than that of the key, or else of the last entry. Looks at no cell; there must be entries. */
  byHead(key: Uint8Array, start: number, end: number): number {
    const { bytes, slots } = this
    const target = headOf(key, Math.min(start + this.prefixLength, end), end)
    let low = 0
    let high = this.count - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (readHead(bytes, slots + middle * SLOT_BYTES) < target) low = middle + 1
      else high = middle
    }
    return low
  }

  /** `find` of a key that is most likely entry `index`. */
  findNear(index: number, key: Uint8Array, start: number, end: number): number {
    return this.keyEquals(index, key, start, end) ? index : this.find(key, start, end)
  }

  /** Whether entry `index` has exactly this key. */
  keyEquals(index: number, key: Uint8Array, start: number, end: number): boolean {
    return this.comparePrefix(key, start, end) === 0 && this.#compareSuffix(index, key, start + this.prefixLength, end) === 0
  }

  /** Whether the key has the common prefix and sorts behind the last entry. */
  isBehindLast(key: Uint8Array, start: number, end: number): boolean {
    if (this.comparePrefix(key, start, end) !== 0) return false
    return this.count === 0 || this.#compareSuffix(this.count - 1, key, start + this.prefixLength, end) < 0
  }

  /** Finds the bytes of entry `index`, which must be within [0, count). */
  readCell(index: number, cell: Cell): void {
    const bytes = this.bytes
    const word = readInt32(bytes, this.slots + index * SLOT_BYTES + 4)
    let at = this.base + (word & OFFSET_MASK)
    const suffixLength = bytes[at]
    let payloadLength = bytes[at + 1]
    if (suffixLength >= 0x80 || (payloadLength >= 0x80 && bytes[at + 2] >= 0x80)) {
      this.#readLongCell(at, cell)
      if (word < 0) this.#passExpiry(index, cell)
      return
    }
    at += 2
    if (payloadLength >= 0x80) payloadLength = (payloadLength & 0x7f) | (bytes[at++] << 7)
    cell.suffixStart = at
    cell.payloadStart = cell.valueStart = at + suffixLength
    cell.payloadEnd = at + suffixLength + payloadLength
    // Negated, because a read past the bytes made the length not a number.
    if (!(cell.payloadEnd <= this.end)) throw this.corruption(`entry ${index} runs past the end of its block`)
    if (word < 0) this.#passExpiry(index, cell)
  }

  /** Whether the slot of entry `index` says that it expires. */
  expires(index: number): boolean {
    return this.bytes[this.slots + index * SLOT_BYTES + 7] >= 0x80
  }

  /** Where in `bytes` the cell of entry `index` begins. */
  cellStart(index: number): number {
    return this.base + (readInt32(this.bytes, this.slots + index * SLOT_BYTES + 4) & OFFSET_MASK)
  }

  /** A copy of the key of entry `index`: for inspection and set-up, not for hot paths. */
  keyAt(index: number): Uint8Array {
    const cell = new Cell()
    this.readCell(index, cell)
    const key = new Uint8Array(this.prefixLength + cell.payloadStart - cell.suffixStart)
    key.set(this.bytes.subarray(this.prefixStart, this.prefixStart + this.prefixLength))
    key.set(this.bytes.subarray(cell.suffixStart, cell.payloadStart), this.prefixLength)
    return key
  }

  /** An error that names this block's place. */
  corruption(message: string, cause?: unknown): CorruptionError {
    return new CorruptionError(message, { file: this.file, offset: this.offset, ...(cause === undefined ? {} : { cause }) })
  }

  /** Negative if the key sorts before everything with the prefix, positive if after, 0 if it starts with the prefix. */
  comparePrefix(key: Uint8Array, start: number, end: number): number {
    const bytes = this.bytes
    const length = this.prefixLength
    const prefix = this.prefixStart
    const shared = end - start < length ? end - start : length
    for (let i = 0; i < shared; i++) {
      const difference = key[start + i] - bytes[prefix + i]
      if (difference !== 0) return difference
    }
    return shared < length ? -1 : 0
  }

  /** Index of the first entry whose suffix is not less than (`bias` 0), or greater than (`bias` 1), `key[start, end)`. */
  #searchSuffix(key: Uint8Array, start: number, end: number, bias: 0 | 1): number {
    const bytes = this.bytes
    const slots = this.slots
    const target = headOf(key, start, end)
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      const slot = slots + middle * SLOT_BYTES
      // By bytes: a DataView beside the array would be one more object to fetch for every block.
      const head = readHead(bytes, slot)
      if (head < target) low = middle + 1
      else if (head > target || this.#compareSuffix(middle, key, start, end) >= bias) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Order of the suffix of entry `index` against `key[start, end)`. */
  #compareSuffix(index: number, key: Uint8Array, start: number, end: number): number {
    const bytes = this.bytes
    let at = this.base + (readInt32(bytes, this.slots + index * SLOT_BYTES + 4) & OFFSET_MASK)
    let length = bytes[at]
    if (length < 0x80) {
      do at++
      while (bytes[at] >= 0x80) // past the payload length, which does not matter here
      at++
    } else {
      this.#readLongCell(at, compared)
      at = compared.suffixStart
      length = compared.payloadStart - at
    }
    if (!(at + length <= this.end)) throw this.corruption(`entry ${index} runs past the end of its block`)
    const keyLength = end - start
    const shared = length < keyLength ? length : keyLength
    for (let i = 0; i < shared; i++) {
      const difference = bytes[at + i] - key[start + i]
      if (difference !== 0) return difference
    }
    return length - keyLength
  }

  #passExpiry(index: number, cell: Cell): void {
    cell.valueStart = cell.payloadStart + EXPIRY_BYTES
    if (cell.valueStart > cell.payloadEnd) throw this.corruption(`entry ${index} is too short for its expiry`)
  }

  #readLongCell(at: number, cell: Cell): void {
    lengths.reset(this.bytes, at, this.end)
    try {
      const suffixLength = lengths.read()
      const payloadLength = lengths.read()
      cell.suffixStart = lengths.at
      cell.payloadStart = cell.valueStart = cell.suffixStart + suffixLength
      cell.payloadEnd = cell.payloadStart + payloadLength
    } catch (cause) {
      throw this.corruption('a cell has damaged lengths', cause)
    }
    if (cell.payloadEnd > this.end) throw this.corruption('a cell runs past the end of its block')
  }
}

function readHead(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
}

function readUint32(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at) >>> 0
}

function readInt32(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}
