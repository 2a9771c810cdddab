import type { Tracer } from '../trace/span.js'
import type { CacheEntry, EvictionPolicy } from './eviction-policy.js'
import { FramePool } from './frame-pool.js'
import { SlabPool } from './slab-pool.js'
import { TwoQueuePolicy } from './two-queue-policy.js'

const MIN_IDLE_BYTES = 64 * 1024

export interface CacheOptions {
  readonly policy?: EvictionPolicy
  readonly poisonFrames?: boolean
  /** Limit for idle frames in bytes; default 1/16 of the budget, at least 64 KiB. */
  readonly idleBytes?: number
  /** Gets evictions; the owners of entries emit hits and misses to it. */
  readonly trace?: Tracer | null
}

/**
 * One cache with a byte budget for the blocks and pages of all open files. It decides only what stays. Owners find their
 * entries themselves (a table by block number), so a hit costs no look-up here.
 *
 * Invariants:
 * 1. `usedBytes` is the sum of the `bytes` of the cached entries and of what is reserved, and never exceeds `capacityBytes`.
 * 2. An entry leaves by `evict()`, which its owner implements, or by the owner's `remove`, never silently.
 * 3. Frames (see FramePool) are returned only by their owner, once no cursor reads from them.
 */
export class Cache {
  /** Budget in bytes for everything cached. Idle frames come on top: at most 1/16 of it, or 64 KiB, by default. */
  readonly capacityBytes: number
  /** Memory for pages, recycled from evicted ones. */
  readonly frames: FramePool
  /** Memory for blocks that are only read, likewise. */
  readonly slabs: SlabPool
  /** Blocks found in memory and not found, counted by the owners; evictions, counted here. */
  hits = 0
  misses = 0
  evictions = 0
  /** Null without a listener. The code that counts a hit or a miss emits it, too. */
  readonly trace: Tracer | null
  readonly #policy: EvictionPolicy
  #usedBytes = 0
  #reservedBytes = 0
  #entries = 0

  constructor(capacityBytes: number, options: CacheOptions = {}) {
    this.capacityBytes = capacityBytes
    this.trace = options.trace?.at('io') ?? null
    this.#policy = options.policy ?? new TwoQueuePolicy()
    const idleBytes = options.idleBytes ?? Math.max(MIN_IDLE_BYTES, Math.floor(capacityBytes / 16))
    this.frames = new FramePool(idleBytes, options.poisonFrames ?? false)
    this.slabs = new SlabPool(capacityBytes, options.poisonFrames ?? false)
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get entries(): number {
    return this.#entries
  }

  /**
   * Evicts until `bytes` more fit. Called before a read, which can then use an evicted entry's frame. Returns `false`, and
   * evicts nothing, if they exceed the whole budget: such an entry is used but not cached.
   */
  makeRoom(bytes: number): boolean {
    if (bytes > this.capacityBytes - this.#reservedBytes) return false
    while (this.#usedBytes + bytes > this.capacityBytes) {
      const victim = this.#policy.victim()!
      this.remove(victim)
      this.evictions++
      victim.evict()
      if (this.trace !== null) this.trace.emit({ type: 'cache.evict', file: victim.tracedFile, id: victim.tracedId, bytes: victim.bytes })
    }
    return true
  }

  /** Caches an entry, evicting others for it. Returns `false` if it is larger than the whole budget and was not taken. */
  insert(entry: CacheEntry): boolean {
    if (!this.makeRoom(entry.bytes)) return false
    entry.cached = true
    this.#usedBytes += entry.bytes
    this.#entries++
    this.#policy.add(entry)
    return true
  }

  /** Takes memory outside of the cache out of its budget, and evicts entries for it. */
  reserve(bytes: number): void {
    this.makeRoom(bytes)
    this.#usedBytes += bytes
    this.#reservedBytes += bytes
  }

  /** Gives back what was reserved. */
  release(bytes: number): void {
    this.#usedBytes -= bytes
    this.#reservedBytes -= bytes
  }

  /** Drops an entry, without calling its `evict`. Does nothing if it is not cached. */
  remove(entry: CacheEntry): void {
    if (!entry.cached) return
    entry.cached = false
    this.#usedBytes -= entry.bytes
    this.#entries--
    this.#policy.remove(entry)
  }
}
