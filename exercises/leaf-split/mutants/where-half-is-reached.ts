// Misconception: the left page ends with the entry by which it has half of the bytes. (That entry may be large.)
import type { LeafOverflow } from 'kvarium/btree'

export function splitLeaf({ sizes, capacity, index, ascending }: LeafOverflow): number {
  if (ascending && index > 0 && Math.max(sum(sizes.slice(0, index)), sum(sizes.slice(index))) <= capacity) return index
  let left = 0
  const half = sum(sizes) / 2
  for (let i = 0; i < sizes.length - 1; i++) {
    left += sizes[i]
    if (left >= half) return i + 1
  }
  return sizes.length - 1
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0)
}
