/**
 * An entry of the cache. What is cached extends it, so that a hit is one store to a field of an object that the reader
 * already has, without a look-up.
 */
export abstract class CacheEntry {
  /** Memory this entry takes, in bytes. Constant while it is cached. */
  abstract readonly bytes: number
  /** Set by readers on each hit, cleared by the policy. */
  abstract referenced: boolean
  /** Whether the cache holds this entry now. Only the cache changes it. */
  cached = false
  /** Whether it was referenced as a newcomer. Only the policy changes it. */
  established = false
  /** Links of the policy's order. Only the policy changes them. */
  previous: CacheEntry | undefined = undefined
  next: CacheEntry | undefined = undefined

  /** Its name in traces: a file's number and a place in it. */
  get tracedFile(): number {
    return 0
  }

  get tracedId(): number {
    return 0
  }

  /** Called when the cache has dropped this entry: the owner removes its reference. Must not call the cache. */
  abstract evict(): void
}

/** Chooses the entry to evict when room is needed. The cache keeps the budget; a policy keeps the order. */
export interface EvictionPolicy {
  add(entry: CacheEntry): void
  remove(entry: CacheEntry): void
  /** The entry to evict next, still in the policy; `undefined` when there is none. */
  victim(): CacheEntry | undefined
}
