// Misconception: half of the entries are half of the page.
import type { LeafOverflow } from 'kvarium/btree'

export function splitLeaf({ sizes, index, ascending }: LeafOverflow): number {
  return ascending && index > 0 ? index : Math.floor(sizes.length / 2)
}
