import type { LeafOverflow } from 'kvarium/btree'

/**
 * Where to cut a full leaf in two: the index of the first entry of the right page. The engine asks only when some cut gives two pages that
 * hold their entries. Pure: the same overflow, the same cut.
 *
 * `overflow` has:
 * - `sizes`: bytes of each entry with its slot, in the order of the keys. The new entry is among them.
 * - `capacity`: bytes that the entries of one page may take together.
 * - `index`: the index of the new entry.
 * - `ascending`: the entry before it was the last that was inserted, so others are likely to come right behind it.
 */
export function splitLeaf(overflow: LeafOverflow): number {
  void overflow
  throw new Error('Not written yet: splitLeaf')
}
