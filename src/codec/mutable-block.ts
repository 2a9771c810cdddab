import { BLOCK_HEADER_BYTES, Cell, EXPIRES_BIT, headOf, SLOT_BYTES, SortedBlock } from './sorted-block.js'
import { varintLength, writeVarint } from './varint.js'

/**
 * A sorted block (layout in sorted-block.ts) that is changed in place: what a tree page is, in memory and on disk alike.
 *
 *   +-----------+------------------+--------+------------+----------+----------------+
 *   | count u32 | prefixLength u32 | prefix | slots  --> |   gap    |  <-- cells     |
 *   +-----------+------------------+--------+------------+----------+----------------+
 *
 * Slots grow from the front and cells from the end; a cell that is no longer needed stays behind as garbage until the
 * block is repacked. Keys are unique.
 *
 * Invariants:
 * 1. The slots end at or before the gap, the cells begin at its end; live cells do not overlap.
 * 2. `usedBytes` is what the entries need: header, prefix, slots and live cells. Gap and garbage are the rest.
 * 3. The bytes are the whole state: a copy of them is a copy of the block.
 * 4. With `bareFirst` (branch pages) the key of entry 0 bounds nothing. It is stored as the prefix alone, and neither
 *    shortens the prefix of the others nor costs a byte.
 */
export class MutableBlock extends SortedBlock {
  /** Offset in `bytes` of the lowest cell, and bytes of dead cells; -1 until they are first needed. */
  #cellsStart = -1
  #garbage = 0

  /** An empty block over `bytes[base, end)`. */
  static empty(bytes: Uint8Array, end: number, base: number): MutableBlock {
    bytes.fill(0, base, base + BLOCK_HEADER_BYTES)
    const block = new MutableBlock(bytes, end, '', 0, base)
    block.#cellsStart = end
    return block
  }

  /** A block over `bytes`, which hold a copy of the bytes of `source` from `base` on. */
  static copy(source: MutableBlock, bytes: Uint8Array, base: number): MutableBlock {
    const block = new MutableBlock(bytes, base + source.capacity, source.file, source.offset, base)
    if (source.#cellsStart >= 0) {
      block.#cellsStart = source.#cellsStart - source.base + base
      block.#garbage = source.#garbage
    }
    return block
  }

  /** Takes a copy of the contents of another block of the same capacity. */
  assign(source: MutableBlock): void {
    const { bytes, base } = this
    bytes.set(source.bytes.subarray(source.base, source.end), base)
    this.count = source.count
    this.prefixLength = source.prefixLength
    this.slots = source.slots - source.base + base
    this.#cellsStart = source.#cellsStart < 0 ? -1 : source.#cellsStart - source.base + base
    this.#garbage = source.#garbage
  }

  /** Bytes from the first to the last of the block. */
  get capacity(): number {
    return this.end - this.base
  }

  get usedBytes(): number {
    this.#measure()
    return this.gapStart - this.base + this.end - this.#cellsStart - this.#garbage
  }

  /** Where in `bytes` the gap between slots and cells is: `[gapStart, gapEnd)`. */
  get gapStart(): number {
    return this.slots + this.count * SLOT_BYTES
  }

  get gapEnd(): number {
    this.#measure()
    return this.#cellsStart
  }

  /**
   * Adds an entry at its place, or returns false and changes nothing if the gap is too small or the key lacks the prefix. The payload of an
   * entry that `expires` begins with the expiry.
   */
  insert(
    index: number,
    key: Uint8Array,
    start: number,
    end: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expires = false,
  ): boolean {
    const at = this.insertBlank(index, key, start, end, valueEnd - valueStart, expires)
    if (at < 0) return false
    copyBytes(value, valueStart, valueEnd, this.bytes, at)
    return true
  }

  /** `insert` without the payload. Returns where in `bytes` the caller writes it, or -1. */
  insertBlank(index: number, key: Uint8Array, start: number, end: number, payloadLength: number, expires = false): number {
    if (this.comparePrefix(key, start, end) !== 0) return -1
    const suffixStart = start + this.prefixLength
    const at = this.#takeCell(end - suffixStart, payloadLength, SLOT_BYTES)
    if (at < 0) return -1
    const slot = this.slots + index * SLOT_BYTES
    if (index < this.count) this.bytes.copyWithin(slot + SLOT_BYTES, slot, this.slots + this.count * SLOT_BYTES)
    this.#setSlot(slot, headOf(key, suffixStart, end), at, expires)
    this.#setCount(this.count + 1)
    const bytes = this.bytes
    let to = writeVarint(bytes, at, end - suffixStart)
    to = writeVarint(bytes, to, payloadLength)
    return copyBytes(key, suffixStart, end, bytes, to)
  }

  /** Gives entry `index` another payload, or returns false and changes nothing if there is no room for it. */
  replace(index: number, value: Uint8Array, valueStart: number, valueEnd: number, expires = false): boolean {
    this.#measure()
    this.readCell(index, cell)
    const { suffixStart, payloadStart, payloadEnd } = cell
    const length = valueEnd - valueStart
    if (length === payloadEnd - payloadStart) {
      if (expires || cell.expires) this.#setOffset(index, this.cellStart(index), expires)
      copyBytes(value, valueStart, valueEnd, this.bytes, payloadStart)
      return true
    }
    const suffixLength = payloadStart - suffixStart
    const at = this.#takeCell(suffixLength, length, 0)
    if (at < 0) return false
    this.#garbage += cellBytes(suffixLength, payloadEnd - payloadStart)
    const bytes = this.bytes
    this.#setOffset(index, at, expires)
    let to = writeVarint(bytes, at, suffixLength)
    to = writeVarint(bytes, to, length)
    to = copyBytes(bytes, suffixStart, payloadStart, bytes, to)
    copyBytes(value, valueStart, valueEnd, bytes, to)
    return true
  }

  /** Gives entry `index` another key, or returns false and changes nothing if there is no room for it or if it lacks the prefix. */
  replaceKey(index: number, key: Uint8Array, start: number, end: number): boolean {
    if (this.comparePrefix(key, start, end) !== 0) return false
    this.#measure()
    this.readCell(index, cell)
    const { suffixStart, payloadStart, payloadEnd } = cell
    const bytes = this.bytes
    const from = start + this.prefixLength
    const slot = this.slots + index * SLOT_BYTES
    if (end - from === payloadStart - suffixStart) {
      copyBytes(key, from, end, bytes, suffixStart)
      this.#setSlot(slot, headOf(key, from, end), this.cellStart(index), cell.expires)
      return true
    }
    const at = this.#takeCell(end - from, payloadEnd - payloadStart, 0)
    if (at < 0) return false
    this.#garbage += cellBytes(payloadStart - suffixStart, payloadEnd - payloadStart)
    this.#setSlot(slot, headOf(key, from, end), at, cell.expires)
    let to = writeVarint(bytes, at, end - from)
    to = writeVarint(bytes, to, payloadEnd - payloadStart)
    to = copyBytes(key, from, end, bytes, to)
    copyBytes(bytes, payloadStart, payloadEnd, bytes, to)
    return true
  }

  /** Removes the entries `[from, to)`. */
  remove(from: number, to: number): void {
    this.#measure()
    for (let index = from; index < to; index++) {
      this.readCell(index, cell)
      this.#garbage += cellBytes(cell.payloadStart - cell.suffixStart, cell.payloadEnd - cell.payloadStart)
    }
    const slots = this.slots
    this.bytes.copyWithin(slots + from * SLOT_BYTES, slots + to * SLOT_BYTES, slots + this.count * SLOT_BYTES)
    this.#setCount(this.count - (to - from))
    if (this.count > 0) return
    this.#cellsStart = this.end
    this.#garbage = 0
  }

  /** Empties the block and gives it a prefix. */
  reset(prefix: Uint8Array, start: number, end: number): void {
    const { bytes, prefixStart } = this
    this.slots = copyBytes(prefix, start, end, bytes, prefixStart)
    this.prefixLength = end - start
    writeUint32(bytes, this.base + 4, this.prefixLength)
    this.#setCount(0)
    this.#cellsStart = this.end
    this.#garbage = 0
  }

  /**
   * Appends entries `[from, to)` of another block, whose keys start with this block's prefix and sort behind its last one. There must
   * be room. With `bareFirst` the first of them is stored as the prefix alone.
   */
  append(source: SortedBlock, from: number, to: number, bareFirst: boolean): void {
    const { bytes, prefixLength } = this
    const cut = prefixLength - source.prefixLength
    const added = cut < 0 ? -cut : 0
    const sourcePrefix = source.prefixStart + prefixLength
    for (let index = from; index < to; index++) {
      source.readCell(index, cell)
      const bare = bareFirst && index === from
      const extra = bare ? 0 : added
      const suffixStart = bare ? cell.payloadStart : cell.suffixStart + (cut > 0 ? cut : 0)
      const suffixLength = extra + cell.payloadStart - suffixStart
      const at = this.#takeCell(suffixLength, cell.payloadEnd - cell.payloadStart, SLOT_BYTES)
      if (at < 0) throw new RangeError('a block got more than it holds')
      const lengthsEnd = writeVarint(bytes, at, suffixLength)
      const suffix = writeVarint(bytes, lengthsEnd, cell.payloadEnd - cell.payloadStart)
      const tail = copyBytes(source.bytes, sourcePrefix, sourcePrefix + extra, bytes, suffix)
      copyBytes(source.bytes, suffixStart, cell.payloadEnd, bytes, tail)
      const slot = this.slots + this.count * SLOT_BYTES
      this.#setSlot(slot, headOf(bytes, suffix, suffix + suffixLength), at, cell.expires)
      this.count++
    }
    this.#setCount(this.count)
  }

  #setCount(count: number): void {
    this.count = count
    writeUint32(this.bytes, this.base, count)
  }

  #setOffset(index: number, cellStart: number, expires: boolean): void {
    writeUint32(this.bytes, this.slots + index * SLOT_BYTES + 4, (cellStart - this.base) | (expires ? EXPIRES_BIT : 0))
  }

  #setSlot(slot: number, head: number, cellStart: number, expires: boolean): void {
    const bytes = this.bytes
    bytes[slot] = head >>> 24
    bytes[slot + 1] = head >>> 16
    bytes[slot + 2] = head >>> 8
    bytes[slot + 3] = head
    writeUint32(bytes, slot + 4, (cellStart - this.base) | (expires ? EXPIRES_BIT : 0))
  }

  /** Offset for a new cell; -1 if the gap has no room for it and `extra` bytes more. */
  #takeCell(suffixLength: number, payloadLength: number, extra: number): number {
    this.#measure()
    const at = this.#cellsStart - cellBytes(suffixLength, payloadLength)
    if (at < this.slots + this.count * SLOT_BYTES + extra) return -1
    this.#cellsStart = at
    return at
  }

  /** Finds where the cells begin and how many of their bytes are dead, in a block built elsewhere. */
  #measure(): void {
    if (this.#cellsStart >= 0) return
    let lowest = this.end
    let live = 0
    for (let index = 0; index < this.count; index++) {
      lowest = Math.min(lowest, this.cellStart(index))
      this.readCell(index, cell)
      live += cellBytes(cell.payloadStart - cell.suffixStart, cell.payloadEnd - cell.payloadStart)
    }
    if (lowest < this.gapStart || live > this.end - lowest) throw this.corruption('cells and slots of a page overlap')
    this.#cellsStart = lowest
    this.#garbage = this.end - lowest - live
  }
}

const cell = new Cell()

/** Bytes of an entry's cell. */
export function cellBytes(suffixLength: number, payloadLength: number): number {
  if (suffixLength < 0x80 && payloadLength < 0x80) return 2 + suffixLength + payloadLength
  return varintLength(suffixLength) + varintLength(payloadLength) + suffixLength + payloadLength
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

/** A byte loop beats the calls up to about 32 bytes. `copyWithin` allocates nothing, unlike `set` with `subarray`. */
function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  const length = end - start
  if (length > 32 && from === to) to.copyWithin(at, start, end)
  else if (length > 32) to.set(from.subarray(start, end), at)
  else for (let i = 0; i < length; i++) to[at + i] = from[start + i]
  return at + length
}
