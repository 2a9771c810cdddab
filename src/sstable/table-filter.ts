/**
 * A custom filter in place of the built-in bloom filter. Its block has the same header, with another id:
 *
 *   filter block:   255 u8 | probes u8 | 0 u16 | bit count u32 | bits
 *
 * A table that was built with a custom filter is thereby marked: opening it without that filter is a `FormatError`, not a filter that
 * answers at random. Tables with the built-in filter can be read beside it.
 */
import { CorruptionError, FormatError, MisuseError, type ErrorPlace } from '../errors.js'
import { FilterReader } from './bloom-filter.js'
import { readUint32, writeUint32 } from './format.js'

/** The part of a filter that a table stores. */
export interface FilterBits {
  readonly bits: Uint8Array
  /** Bits tested per key, 0 to 255. */
  readonly probes: number
}

/** Answers whether a table may hold a key. A false positive is allowed, a false negative is not. */
export interface TableFilter {
  /**
   * The filter of a table, from one hash per key: 32 bits, evenly spread. `bitsPerKey` is the option `filterBitsPerKey`, or with
   * `filterAllocation: 'by-level'` what the table has, which may be a fraction.
   */
  build(hashes: Uint32Array, bitsPerKey: number): FilterBits
  /** `false`: no key with this hash was among those that the filter was built from. */
  mayContain(filter: FilterBits, hash: number): boolean
}

/** An opened filter, as a table probes it. */
export interface FilterProbe {
  mayContain(hash: number): boolean
  /** The bits that `mayContain` tests, as far as that is known. */
  positions(hash: number): number[]
}

/** The hash id of such a block. */
export const CUSTOM_FILTER_ID = 255
const HEADER_BYTES = 8

/** @throws MisuseError when the filter did not build what a table can store. */
export function encodeCustomFilter(filter: TableFilter, hashes: Uint32Array, bitsPerKey: number): Uint8Array {
  const { bits, probes } = filter.build(hashes, bitsPerKey)
  if (!(bits instanceof Uint8Array) || !Number.isInteger(probes) || probes < 0 || probes > 255) {
    throw new MisuseError('LEVEL_INVALID_FILTER', 'A filter must build { bits: Uint8Array, probes: a whole number from 0 to 255 }')
  }
  const block = new Uint8Array(HEADER_BYTES + bits.length)
  block[0] = CUSTOM_FILTER_ID
  block[1] = probes
  writeUint32(block, 4, bits.length * 8)
  block.set(bits, HEADER_BYTES)
  return block
}

/** The filter of a block, built-in or custom. */
export function openFilter(block: Uint8Array, custom: TableFilter | undefined, place: ErrorPlace): FilterProbe {
  if (block[0] !== CUSTOM_FILTER_ID) return new FilterReader(block, place)
  if (custom === undefined) {
    throw new FormatError('the table was built with a custom filter: open the store with that filter among its parts', place)
  }
  if (block.length < HEADER_BYTES || readUint32(block, 4) !== (block.length - HEADER_BYTES) * 8) {
    throw new CorruptionError('a filter block contradicts itself', place)
  }
  const filter = { bits: block.subarray(HEADER_BYTES), probes: block[1] }
  return { mayContain: hash => custom.mayContain(filter, hash), positions: () => [] }
}
