// Misconception: ascending inserts are at the end of the leaf, so the last entry alone moves.
import type { LeafOverflow } from 'kvarium/btree'

export function splitLeaf({ sizes, capacity, ascending }: LeafOverflow): number {
  // The page that is left behind stays full; the new entry begins a page that has room for those to come.
  if (ascending && sum(sizes.slice(0, -1)) <= capacity) return sizes.length - 1
  // The most even cut needs no check: if any cut gives pages that fit, the one whose larger page is the smallest does.
  let best = 1
  for (let cut = 2; cut < sizes.length; cut++) if (largerHalf(sizes, cut) < largerHalf(sizes, best)) best = cut
  return best
}

function largerHalf(sizes: readonly number[], cut: number): number {
  return Math.max(sum(sizes.slice(0, cut)), sum(sizes.slice(cut)))
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0)
}
