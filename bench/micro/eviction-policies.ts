/** Eviction policies to compare the cache's own with. */
import { EntryQueue } from '../../src/cache/entry-queue.js'
import type { CacheEntry, EvictionPolicy } from '../../src/cache/eviction-policy.js'

/** An entry that a policy can recognise when it returns. */
export interface NumberedEntry extends CacheEntry {
  readonly id: number
}

/** A policy that may need every hit, for which the cache itself has no call. */
export interface MeasuredPolicy extends EvictionPolicy {
  hit?(entry: CacheEntry): void
}

/** First in, first out. */
export class FifoPolicy implements MeasuredPolicy {
  protected readonly queue = new EntryQueue()

  add(entry: CacheEntry): void {
    entry.referenced = false
    this.queue.push(entry)
  }

  remove(entry: CacheEntry): void {
    this.queue.remove(entry)
  }

  victim(): CacheEntry | undefined {
    return this.queue.oldest
  }
}

/** Least recently used: needs work on every hit. */
export class LruPolicy extends FifoPolicy {
  hit(entry: CacheEntry): void {
    this.queue.remove(entry)
    this.queue.push(entry)
  }
}

/** CLOCK, or second chance: a referenced entry goes back to the newest end. */
export class ClockPolicy extends FifoPolicy {
  override victim(): CacheEntry | undefined {
    return this.queue.oldestUnreferenced()
  }
}

/**
 * SIEVE (NSDI '24): entries stand in a ring by age, and a hand evicts the first one not referenced since its last pass. Unlike
 * in CLOCK, new ones join at the newest end and not behind the hand.
 */
export class SievePolicy implements MeasuredPolicy {
  #newest: CacheEntry | undefined
  #hand: CacheEntry | undefined

  add(entry: CacheEntry): void {
    const newest = this.#newest
    entry.referenced = false
    this.#newest = entry
    if (newest === undefined) {
      entry.previous = entry.next = entry
      this.#hand = entry
      return
    }
    const oldest = newest.next!
    entry.previous = newest
    entry.next = oldest
    newest.next = oldest.previous = entry
  }

  remove(entry: CacheEntry): void {
    const { previous, next } = entry
    if (next === entry) {
      this.#newest = this.#hand = undefined
    } else {
      previous!.next = next
      next!.previous = previous
      if (this.#newest === entry) this.#newest = previous
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

/**
 * S3-FIFO (SOSP '23) with one bit for its counter: a small queue of a tenth for newcomers, and a main queue under CLOCK for those
 * referenced there. With `ghosts` it remembers as many evicted newcomers as the main queue has entries, by their number, and
 * admits them to the main queue when they return. Entries must have one byte each: it counts them by their bytes.
 */
export class S3FifoPolicy implements MeasuredPolicy {
  readonly #small = new EntryQueue()
  readonly #main = new EntryQueue()
  readonly #ghosts: Set<number> | undefined

  constructor(ghosts: boolean) {
    this.#ghosts = ghosts ? new Set() : undefined
  }

  add(entry: CacheEntry): void {
    entry.referenced = false
    entry.established = false
    if (this.#ghosts?.delete((entry as NumberedEntry).id) === true) this.#establish(entry)
    else this.#small.push(entry)
  }

  remove(entry: CacheEntry): void {
    if (entry.established) this.#main.remove(entry)
    else this.#small.remove(entry)
  }

  victim(): CacheEntry | undefined {
    const tenth = Math.ceil((this.#small.bytes + this.#main.bytes) / 10)
    while (this.#small.bytes >= tenth) {
      const entry = this.#small.oldest
      if (entry === undefined) break
      if (!entry.referenced) {
        this.#remember(entry)
        return entry
      }
      this.#small.remove(entry)
      entry.referenced = false
      this.#establish(entry)
    }
    return this.#main.oldestUnreferenced()
  }

  #establish(entry: CacheEntry): void {
    entry.established = true
    this.#main.push(entry)
  }

  #remember(entry: CacheEntry): void {
    const ghosts = this.#ghosts
    if (ghosts === undefined) return
    ghosts.add((entry as NumberedEntry).id)
    for (const id of ghosts) {
      if (ghosts.size <= this.#main.bytes) break
      ghosts.delete(id)
    }
  }
}
