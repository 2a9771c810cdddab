import type { FilterBits } from 'kvarium/sstable'

/**
 * The filter of a table: `hashes` has one 32-bit hash per key. Returns the bits that the table will store, and how many of them are
 * tested per key. The README says which bits those are.
 */
export function build(hashes: Uint32Array, bitsPerKey: number): FilterBits {
  void [hashes, bitsPerKey]
  throw new Error('Not written yet: build')
}

/** `false` only if no key with this hash was among those that the filter was built from. */
export function mayContain(filter: FilterBits, hash: number): boolean {
  void [filter, hash]
  throw new Error('Not written yet: mayContain')
}
