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
  /** Links of the policy's ring; the policy's to change. */
  previous: CacheEntry | undefined = undefined
  next: CacheEntry | undefined = undefined

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

/**
 * CLOCK, also called second chance: entries stand in a ring, and a hand passes over it. It takes the first entry that was not
 * referenced since it last came by. Close to least-recently-used, at the price of one store a hit.
 *
 * Invariants:
 * 1. The entries form one ring through `next` and `previous`; the hand points into it, or nowhere when it is empty.
 * 2. A new entry stands just behind the hand and unreferenced: what is read once goes after one full turn.
 */
export class ClockPolicy implements EvictionPolicy {
  #hand: CacheEntry | undefined

  add(entry: CacheEntry): void {
    const hand = this.#hand
    entry.referenced = false
    if (hand === undefined) {
      entry.previous = entry.next = entry
      this.#hand = entry
      return
    }
    const before = hand.previous!
    entry.previous = before
    entry.next = hand
    before.next = hand.previous = entry
  }

  remove(entry: CacheEntry): void {
    const { previous, next } = entry
    if (next === entry) {
      this.#hand = undefined
    } else {
      previous!.next = next
      next!.previous = previous
      if (this.#hand === entry) this.#hand = next
    }
    entry.previous = entry.next = undefined
  }

  victim(): CacheEntry | undefined {
    let hand = this.#hand
    while (hand?.referenced === true) {
      hand.referenced = false
      hand = hand.next
    }
    this.#hand = hand
    return hand
  }
}
