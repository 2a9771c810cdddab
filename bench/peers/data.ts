/**
 * Keys and values generated from a number, so that the harness holds no million strings for every garbage collection to
 * walk, and costs each store the same.
 *
 * A key is 16 bytes, the decimal number padded with zeros. A value is 100 bytes of text of which half is random and
 * repeated once, as LevelDB's db_bench does (a compressor gets it to a little over half); neighbours in key order have
 * different values, and the same number always has the same value.
 */
export type Encoding = 'utf8' | 'buffer' | 'view'
export type Data = string | Uint8Array

export const KEY_BYTES = 16
export const VALUE_BYTES = 100
export const LONG_VALUE_BYTES = 10 * VALUE_BYTES
export const ENTRY_BYTES = KEY_BYTES + VALUE_BYTES

const ZERO = 48
const FULL_STOP = 46
/** Much larger than any block or compression window, so that no value repeats inside one. */
const POOL_VALUES = 10_000

export class Dataset {
  readonly #encoding: Encoding
  readonly #scratch = Buffer.alloc(KEY_BYTES, ZERO)
  /** Start of the longest number so far in the scratch. */
  #first = KEY_BYTES
  readonly #pool = Buffer.alloc(POOL_VALUES * VALUE_BYTES)

  constructor(encoding: Encoding) {
    this.#encoding = encoding
    let state = 0x2545f491
    for (let at = 0; at < this.#pool.length; at += VALUE_BYTES) {
      for (let i = 0; i < VALUE_BYTES / 2; i++) {
        state ^= state << 13
        state ^= state >>> 17
        state ^= state << 5
        this.#pool[at + i] = 32 + ((state >>> 8) % 95)
      }
      this.#pool.copyWithin(at + VALUE_BYTES / 2, at, at + VALUE_BYTES / 2)
    }
  }

  key(number: number): Data {
    const scratch = this.#scratch
    let at = KEY_BYTES - 1
    for (; number > 0; at--) {
      const rest = Math.floor(number / 10)
      scratch[at] = ZERO + number - rest * 10
      number = rest
    }
    // Clears the leading digits of a longer number.
    for (let i = this.#first; i <= at; i++) scratch[i] = ZERO
    if (at < this.#first) this.#first = at + 1
    if (this.#encoding === 'utf8') return scratch.toString('latin1')
    const key = this.#encoding === 'buffer' ? Buffer.allocUnsafe(KEY_BYTES) : new Uint8Array(KEY_BYTES)
    key.set(scratch)
    return key
  }

  /** The same key with a byte behind it, between that of the number and the next. */
  missingKey(number: number): Data {
    const key = this.key(number)
    if (typeof key === 'string') return `${key}.`
    const longer = this.#encoding === 'buffer' ? Buffer.allocUnsafe(KEY_BYTES + 1) : new Uint8Array(KEY_BYTES + 1)
    longer.set(key)
    longer[KEY_BYTES] = FULL_STOP
    return longer
  }

  value(number: number): Data {
    return this.#ofPool(number % POOL_VALUES, VALUE_BYTES)
  }

  /** A value ten times as long. */
  longValue(number: number): Data {
    return this.#ofPool((number * 10) % POOL_VALUES, LONG_VALUE_BYTES)
  }

  #ofPool(value: number, length: number): Data {
    const pool = this.#pool
    const at = value * VALUE_BYTES
    if (this.#encoding === 'utf8') return pool.toString('latin1', at, at + length)
    if (this.#encoding === 'buffer') return pool.subarray(at, at + length)
    return new Uint8Array(pool.buffer, pool.byteOffset + at, length)
  }
}

export function sameData(a: Data, b: Data): boolean {
  return typeof a === 'string' || typeof b === 'string' ? a === b : Buffer.compare(a, b) === 0
}
