/** A cache under some policy, and a sequence of block reads. */
import { Cache } from '../../src/cache/cache.js'
import { CacheEntry } from '../../src/cache/eviction-policy.js'
import type { MeasuredPolicy, NumberedEntry } from './eviction-policies.js'

/** Block numbers in the order of their reads. Those of a scan, `-1 - block`, count neither as hit nor as miss. */
export type Reads = ArrayLike<number>

class Block extends CacheEntry implements NumberedEntry {
  readonly bytes = 1
  referenced = false
  readonly id: number
  readonly #blocks: (Block | undefined)[]

  constructor(id: number, blocks: (Block | undefined)[]) {
    super()
    this.id = id
    this.#blocks = blocks
  }

  override evict(): void {
    this.#blocks[this.id] = undefined
  }
}

/** The hit rate of a cache for `cached` blocks, after the first `warmUp` reads. */
export function hitRate(reads: Reads, warmUp: number, cached: number, policy: MeasuredPolicy): number {
  const cache = new Cache(cached, { policy })
  const blocks: (Block | undefined)[] = []
  for (let at = 0; at < reads.length; at++) {
    const read = reads[at]
    const id = read < 0 ? -1 - read : read
    const counts = at >= warmUp && read >= 0
    const block = blocks[id]
    if (block !== undefined) {
      block.referenced = true
      policy.hit?.(block)
      if (counts) cache.hits++
    } else {
      const loaded = new Block(id, blocks)
      cache.insert(loaded)
      blocks[id] = loaded
      if (counts) cache.misses++
    }
  }
  return cache.hits / (cache.hits + cache.misses)
}
