import { BLOCK_HEADER_BYTES, headOf, SLOT_BYTES } from './sorted-block.js'
import { varintLength, writeVarint } from './varint.js'

/**
 * Builds sorted blocks (layout in sorted-block.ts), one after another, in scratch memory that it reuses.
 *
 * Entries are kept as whole keys until the block is finished, because only then is the common prefix known: keys ascend,
 * so it is the common prefix of the first and the last key. A payload is given in two pieces, since tables put a short
 * tag before each value without joining them first.
 */
export class SortedBlockBuilder {
  #scratch = new Uint8Array(8192)
  /** Two numbers per entry: where its key ends and where its payload ends in the scratch. */
  #ends = new Uint32Array(256)
  #count = 0
  #used = 0
  #prefixLength = 0
  #longestKey = 0
  #keyBytes = 0
  /** Payloads with their length in front, as they will stand in cells. */
  #payloadBytes = 0

  get count(): number {
    return this.#count
  }

  /** Bytes the block would take if finished now, at most; a few bytes over at worst. */
  get estimatedBytes(): number {
    return this.#estimate(this.#count, this.#keyBytes, this.#payloadBytes, this.#longestKey)
  }

  /** The estimate if such an entry were added. It may prove low if the entry shortens the common prefix. */
  estimateWith(keyLength: number, payloadLength: number): number {
    const payloadBytes = this.#payloadBytes + varintLength(payloadLength) + payloadLength
    const longestKey = keyLength > this.#longestKey ? keyLength : this.#longestKey
    return this.#estimate(this.#count + 1, this.#keyBytes + keyLength, payloadBytes, longestKey)
  }

  /** Adds `key[keyStart, keyEnd)`, not less than the key before it, with payload `tag[0, tagEnd)` + `value[valueStart, valueEnd)`. */
  add(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    tag: Uint8Array,
    tagEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const keyLength = keyEnd - keyStart
    const payloadLength = tagEnd + valueEnd - valueStart
    if (this.#used + keyLength + payloadLength > this.#scratch.length) this.#growScratch(this.#used + keyLength + payloadLength)
    if (this.#count * 2 === this.#ends.length) this.#growEnds()
    const scratch = this.#scratch
    this.#shortenPrefix(key, keyStart, keyLength)
    let at = copy(key, keyStart, keyEnd, scratch, this.#used)
    this.#ends[this.#count * 2] = at
    at = copy(tag, 0, tagEnd, scratch, at)
    at = copy(value, valueStart, valueEnd, scratch, at)
    this.#ends[this.#count * 2 + 1] = at
    this.#used = at
    this.#count++
    this.#keyBytes += keyLength
    this.#payloadBytes += varintLength(payloadLength) + payloadLength
    if (keyLength > this.#longestKey) this.#longestKey = keyLength
  }

  /** Writes the block at `out[start]`, where `estimatedBytes` must fit, and starts an empty one. Returns the offset after it. */
  finish(out: Uint8Array, start: number): number {
    const scratch = this.#scratch
    const prefixLength = this.#prefixLength
    const count = this.#count
    let slot = writeHeader(out, start, count, scratch, 0, prefixLength)
    let at = slot + count * SLOT_BYTES
    let keyStart = 0
    for (let i = 0; i < count; i++) {
      const keyEnd = this.#ends[i * 2]
      const payloadEnd = this.#ends[i * 2 + 1]
      const suffixStart = keyStart + prefixLength
      writeSlot(out, slot, headOf(scratch, suffixStart, keyEnd), at - start)
      slot += SLOT_BYTES
      at = writeVarint(out, at, keyEnd - suffixStart)
      at = writeVarint(out, at, payloadEnd - keyEnd)
      at = copy(scratch, suffixStart, payloadEnd, out, at)
      keyStart = payloadEnd
    }
    this.clear()
    return at
  }

  /** Drops the entries added so far. */
  clear(): void {
    this.#count = this.#used = this.#prefixLength = this.#longestKey = this.#keyBytes = this.#payloadBytes = 0
  }

  #estimate(count: number, keyBytes: number, payloadBytes: number, longestKey: number): number {
    const prefixLength = this.#prefixLength
    const longestSuffix = longestKey - prefixLength
    const suffixLengthBytes = longestSuffix < 0x80 ? 1 : Math.max(3, varintLength(longestSuffix))
    return BLOCK_HEADER_BYTES + prefixLength + count * (SLOT_BYTES + suffixLengthBytes - prefixLength) + keyBytes + payloadBytes
  }

  #shortenPrefix(key: Uint8Array, keyStart: number, keyLength: number): void {
    if (this.#count === 0) {
      this.#prefixLength = keyLength
      return
    }
    const scratch = this.#scratch
    const limit = keyLength < this.#prefixLength ? keyLength : this.#prefixLength
    let shared = 0
    while (shared < limit && scratch[shared] === key[keyStart + shared]) shared++
    this.#prefixLength = shared
  }

  #growScratch(needed: number): void {
    const grown = new Uint8Array(Math.max(this.#scratch.length * 2, needed))
    grown.set(this.#scratch.subarray(0, this.#used))
    this.#scratch = grown
  }

  #growEnds(): void {
    const grown = new Uint32Array(this.#ends.length * 2)
    grown.set(this.#ends)
    this.#ends = grown
  }
}

/** Size of the block that `writeSingleEntryBlock` writes. */
export function singleEntryBlockBytes(keyLength: number, payloadLength: number): number {
  return BLOCK_HEADER_BYTES + keyLength + SLOT_BYTES + 1 + varintLength(payloadLength) + payloadLength
}

/** Writes a block of one entry at `out[start]` without a copy in scratch memory: for large values. Returns the offset after it. */
export function writeSingleEntryBlock(
  out: Uint8Array,
  start: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  tag: Uint8Array,
  tagEnd: number,
  value: Uint8Array,
  valueStart: number,
  valueEnd: number,
): number {
  return copy(value, valueStart, valueEnd, out, writeSingleEntryHead(out, start, key, keyStart, keyEnd, tag, tagEnd, valueEnd - valueStart))
}

/** The part of a block of one entry that stands before the value. Returns the offset after it. */
export function writeSingleEntryHead(
  out: Uint8Array,
  start: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  tag: Uint8Array,
  tagEnd: number,
  valueLength: number,
): number {
  const slot = writeHeader(out, start, 1, key, keyStart, keyEnd)
  let at = slot + SLOT_BYTES
  writeSlot(out, slot, 0, at - start)
  at = writeVarint(out, at, 0)
  at = writeVarint(out, at, tagEnd + valueLength)
  return copy(tag, 0, tagEnd, out, at)
}

function writeHeader(out: Uint8Array, at: number, count: number, prefix: Uint8Array, prefixStart: number, prefixEnd: number): number {
  writeUint32(out, at, count)
  writeUint32(out, at + 4, prefixEnd - prefixStart)
  return copy(prefix, prefixStart, prefixEnd, out, at + BLOCK_HEADER_BYTES)
}

function writeSlot(out: Uint8Array, at: number, head: number, offset: number): void {
  out[at] = head >>> 24
  out[at + 1] = head >>> 16
  out[at + 2] = head >>> 8
  out[at + 3] = head
  writeUint32(out, at + 4, offset)
}

function writeUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value
  out[at + 1] = value >>> 8
  out[at + 2] = value >>> 16
  out[at + 3] = value >>> 24
}

/** Copies a range and returns the offset after it. A byte loop beats `set` + `subarray` up to about 32 bytes. */
function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  const length = end - start
  if (length > 32) {
    to.set(from.subarray(start, end), at)
    return at + length
  }
  for (let i = 0; i < length; i++) to[at + i] = from[start + i]!
  return at + length
}
