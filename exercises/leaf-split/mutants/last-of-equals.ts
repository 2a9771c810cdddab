// Misconception: of two cuts that are equally even it does not matter which is taken. (It does when a run is to be repeated.)
import type { LeafOverflow } from 'kvarium/btree'

export function splitLeaf({ sizes, capacity, index, ascending }: LeafOverflow): number {
  // The page that is left behind stays full; the new entry begins a page that has room for those to come.
  if (ascending && index > 0 && largerHalf(sizes, index) <= capacity) return index
  // The most even cut needs no check: if any cut gives pages that fit, the one whose larger page is the smallest does.
  let best = 1
  for (let cut = 2; cut < sizes.length; cut++) if (largerHalf(sizes, cut) <= largerHalf(sizes, best)) best = cut
  return best
}

function largerHalf(sizes: readonly number[], cut: number): number {
  return Math.max(sum(sizes.slice(0, cut)), sum(sizes.slice(cut)))
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0)
}
