// Misconception: two halves are right for every order of inserts. (Ascending ones leave every page half full.)
import type { LeafOverflow } from 'kvarium/btree'

export function splitLeaf({ sizes }: LeafOverflow): number {
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
