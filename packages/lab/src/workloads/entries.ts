/** The bytes of keys and values, generated from numbers. */
import { SeededRandom } from 'kvarium/vfs'

const ZERO = 0x30
/** Much larger than any block and the window of a compressor, so that no value repeats inside one. */
const POOL_BYTES = 2 ** 20
const PIECE_BYTES = 100

/**
 * Values as LevelDB's and RocksDB's db_bench make them: slices of text of which half repeats earlier text, so that it compresses to
 * a little over half. The same number and size always give the same value; another number almost certainly gives another one.
 */
export class Values {
  readonly #pool: Uint8Array

  constructor(seed: number, mostBytes: number) {
    const random = new SeededRandom(seed)
    this.#pool = new Uint8Array(POOL_BYTES + mostBytes)
    for (let at = 0; at < this.#pool.length; at += PIECE_BYTES) {
      const half = Math.min(PIECE_BYTES / 2, this.#pool.length - at)
      for (let i = 0; i < half; i++) this.#pool[at + i] = 32 + (random.uint32() % 95)
      this.#pool.copyWithin(at + PIECE_BYTES / 2, at, at + half)
    }
  }

  /** Must not be changed. */
  value(number: number, bytes: number): Uint8Array {
    const at = Math.imul(number ^ (number >>> 15), 0x2c1b3c6d) >>> 12
    return this.#pool.subarray(at, at + bytes)
  }
}

/** LevelDB's keys: decimal numbers padded with zeros. */
export function decimalKey(number: number, bytes: number): Uint8Array {
  const key = new Uint8Array(bytes)
  let at = bytes
  while (at > 0) {
    const rest = Math.floor(number / 10)
    key[--at] = ZERO + number - rest * 10
    number = rest
  }
  return key
}

/** RocksDB's keys: the number in eight bytes, big-endian, padded with the character 0. */
export function binaryKey(number: number, bytes: number): Uint8Array {
  const key = new Uint8Array(bytes).fill(ZERO)
  let rest = number
  for (let at = 7; at >= 0; at--) {
    const next = Math.floor(rest / 256)
    key[at] = rest - next * 256
    rest = next
  }
  return key
}
