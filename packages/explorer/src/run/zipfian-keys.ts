/** Numbers of keys by YCSB's zipfian distribution. */
import { Shuffle, Zipfian } from 'kvarium-lab/workloads'
import type { Random } from 'kvarium/vfs'

/** Draws numbers below `keys`, a few of them most of the time; these lie anywhere among the others. */
export function zipfianKeys(random: Random, keys: number, seed: number): () => number {
  const ranks = new Zipfian(random, keys)
  const places = new Shuffle(keys, seed | 0)
  return () => places.at(ranks.next())
}
