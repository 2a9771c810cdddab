import { CorruptionError } from '../errors.js'

/**
 * Variable-length integers: unsigned LEB128. Seven bits per byte, least significant group first, the high bit set on
 * every byte but the last.
 *
 *   0..127          0xxxxxxx
 *   128..16383      1xxxxxxx 0xxxxxxx
 *   ... up to       2^53 - 1, eight bytes
 *
 * Values are JS numbers, exact to 2^53 - 1: a longer or larger encoding is corruption. Non-minimal encodings are
 * accepted within eight bytes.
 */

/** The longest encoding of a number up to `Number.MAX_SAFE_INTEGER`. */
export const MAX_VARINT_BYTES = 8

/** Bytes that `writeVarint` will write for a non-negative safe integer. */
export function varintLength(value: number): number {
  let length = 1
  while (value >= 0x80) {
    value = value < 0x8000_0000 ? value >>> 7 : Math.floor(value / 0x80)
    length++
  }
  return length
}

/** Writes a non-negative safe integer at `at`; there must be room. Returns the offset after it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  while (value >= 0x8000_0000) {
    bytes[at++] = (value % 0x80) | 0x80
    value = Math.floor(value / 0x80)
  }
  while (value >= 0x80) {
    bytes[at++] = (value & 0x7f) | 0x80
    value >>>= 7
  }
  bytes[at++] = value
  return at
}

/** Reads numbers one after another from a range of bytes. `reset` points it at another range, so that none is allocated per range. */
export class VarintReader {
  bytes: Uint8Array
  /** Where the next read starts. */
  at: number
  /** Reads do not go past this offset. */
  end: number

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  reset(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /** Throws a `CorruptionError` if no number of at most 2^53 - 1 is here; without a place, which the caller adds. */
  read(): number {
    const bytes = this.bytes
    let value = 0
    let scale = 1
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      if (this.at >= this.end) throw new CorruptionError('a number runs past the end of its block')
      const byte = bytes[this.at++]
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break
        return value
      }
      scale *= 0x80
    }
    throw new CorruptionError('a number is longer than 53 bits')
  }
}
