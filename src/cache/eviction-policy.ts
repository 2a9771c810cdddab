/**
 * Something the cache holds. Extended by what is cached, so that a hit is one store to a field of an object that the reader
 * already has in hand, without a look-up.
 */
export abstract class CacheEntry {
  /** Memory this entry holds on to, in bytes. Must not change while it is cached. */
  abstract readonly bytes: number
  /** Set by readers on each hit, cleared by the policy. */
  referenced = false
  /** Whether the cache holds this entry now; the cache's to change. */
  cached = false
  /** Whether it has proved itself, for policies that tell newcomers from others; the policy's to change. */
  established = false
  /** Links of the policy's order; the policy's to change. */
  previous: CacheEntry | undefined = undefined
  next: CacheEntry | undefined = undefined

  /** What traces call it: a file's number and a place in it. */
  get tracedFile(): number {
    return 0
  }

  get tracedId(): number {
    return 0
  }

  /** The cache has dropped this entry; its owner must forget it. Must not call the cache back. */
  abstract evict(): void
}

/** Which entry goes when room is needed. The cache keeps the budget; a policy keeps the order. */
export interface EvictionPolicy {
  add(entry: CacheEntry): void
  remove(entry: CacheEntry): void
  /** The entry to evict next, still in the policy; `undefined` when there is none. */
  victim(): CacheEntry | undefined
}
