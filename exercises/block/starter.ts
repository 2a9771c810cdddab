import type { BlockEntry } from 'kvarium/sstable'

/**
 * The block of these entries, in the format that README.md describes. There is at least one entry; they are in key order,
 * and a key may occur several times.
 */
export function buildBlock(entries: readonly BlockEntry[]): Uint8Array {
  void entries
  throw new Error('Not written yet: buildBlock')
}

/**
 * Index of the first entry whose key is not less than `key`; the number of entries if there is none. The block was made by
 * `buildBlock`; it may be a view into larger memory.
 */
export function lowerBound(block: Uint8Array, key: Uint8Array): number {
  void [block, key]
  throw new Error('Not written yet: lowerBound')
}
