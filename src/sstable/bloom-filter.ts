// The package's main module needs Node's Buffer as soon as it is loaded, and its BloomFilter brings 40 kB of hash and random number
// functions that a filter of hashed keys never calls.
import bitSetModule from 'bloom-filters/dist/bloom/bit-set.js'
import type { Hash32 } from '../codec/checksum.js'
import { CorruptionError, FormatError, type ErrorPlace } from '../errors.js'
import { readUint32, writeUint32 } from './format.js'

/**
 * The bloom filter of a table: built on the bit set of the `bloom-filters` package, read without it.
 *
 *   filter block:   hash id u8 | k u8 | 0 u16 | bit count u32 | bits
 *   bit i:          bits[i >>> 3] & (1 << (i & 7)), as the package lays them out
 *
 * Hash 1: h is the xxHash32 of the key under KEY_HASH_SEED; the k positions are (h + i × d) mod 2^32 mod bit count, where d is
 * h rotated right by 15 and made odd. One hash of the key serves all its tables and all its positions.
 */

/** Seed of the hash that filters use, the same for all tables. */
export const KEY_HASH_SEED = 0x6b766172

const HASH_ID = 1
const HEADER_BYTES = 8
const MAX_BITS = 2 ** 32 - 8
const MAX_PROBES = 30

const { default: BitSet } = bitSetModule

/** The hash that `Table.get` takes; computed once per look-up, for all tables. */
export function keyHash(hash32: Hash32, key: Uint8Array): number {
  return hash32(key, KEY_HASH_SEED)
}

function delta(hash: number): number {
  return (hash >>> 15) | (hash << 17) | 1
}

/** The size of a filter for `keys` keys in bits, and the positions tested per key. */
export function sizeFilter(keys: number, bitsPerKey: number): { readonly bits: number; readonly probes: number } {
  return {
    bits: Math.min(MAX_BITS, Math.max(64, Math.ceil((keys * bitsPerKey) / 8) * 8)),
    probes: Math.min(MAX_PROBES, Math.max(1, Math.round(bitsPerKey * Math.LN2))),
  }
}

/** A filter block that holds `hashes[0, count)`. */
export function encodeFilter(hashes: Uint32Array, count: number, bitsPerKey: number): Uint8Array {
  const { bits, probes } = sizeFilter(count, bitsPerKey)
  const set = new BitSet(bits).array
  // Sets the bits that `BloomFilter.add` of the package sets, without its list of positions per key and its calls per bit: 20 ns per
  // key instead of 100. A test compares the two.
  for (let i = 0; i < count; i++) {
    let hash: number = hashes[i]
    const step = delta(hash)
    for (let probe = probes; probe > 0; probe--) {
      // Both sides coerced, so that the compiler uses an integer division instead of a floating-point one.
      const bit = (hash >>> 0) % (bits >>> 0)
      set[bit >>> 3] |= 1 << (bit & 7)
      hash = (hash + step) | 0
    }
  }
  const block = new Uint8Array(HEADER_BYTES + set.length)
  block[0] = HASH_ID
  block[1] = probes
  writeUint32(block, 4, bits)
  block.set(set, HEADER_BYTES)
  return block
}

/** The size of a filter and the positions tested for a key, of an encoded block. */
export function describeFilter(block: Uint8Array): { readonly bits: number; readonly hashes: number } {
  return { bits: readUint32(block, 4), hashes: block[1] }
}

/** A filter block, ready to be probed. */
export class FilterReader {
  readonly bits: Uint8Array
  readonly bitCount: number
  /** Positions tested per key. */
  readonly probes: number

  constructor(block: Uint8Array, place: ErrorPlace) {
    if (block.length < HEADER_BYTES) throw new CorruptionError('a filter block is too short', place)
    if (block[0] !== HASH_ID) throw new FormatError(`the filter uses hash ${block[0]}; this kvarium knows ${HASH_ID}`, place)
    this.probes = block[1]!
    this.bitCount = readUint32(block, 4)
    this.bits = block.subarray(HEADER_BYTES)
    if (this.probes < 1 || this.probes > MAX_PROBES || this.bitCount < 1 || this.bitCount > this.bits.length * 8) {
      throw new CorruptionError('a filter block contradicts itself', place)
    }
  }

  /** `false`: the key with this hash is not in the table. `true`: it may be. */
  mayContain(hash: number): boolean {
    const bits = this.bits
    const bitCount = this.bitCount >>> 0
    const step = delta(hash)
    for (let i = this.probes; i > 0; i--) {
      const bit = (hash >>> 0) % bitCount
      if ((bits[bit >>> 3] & (1 << (bit & 7))) === 0) return false
      hash = (hash + step) | 0
    }
    return true
  }

  /** The bits that `mayContain` tests, in its order, up to the first that is not set. */
  positions(hash: number): number[] {
    const step = delta(hash)
    const positions: number[] = []
    for (let i = this.probes; i > 0; i--) {
      const bit = (hash >>> 0) % this.bitCount
      positions.push(bit)
      if ((this.bits[bit >>> 3] & (1 << (bit & 7))) === 0) break
      hash = (hash + step) | 0
    }
    return positions
  }
}
