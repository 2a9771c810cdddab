/**
 * Cache entries in the order in which they were pushed, linked through their own fields, so that each can leave from anywhere.
 *
 * Invariants:
 * 1. `next` leads from the oldest entry to the newest, `previous` back; an entry is in at most one queue.
 * 2. `bytes` is the sum of the entries' bytes.
 */
import type { CacheEntry } from './eviction-policy.js'

export class EntryQueue {
  bytes = 0
  oldest: CacheEntry | undefined
  #newest: CacheEntry | undefined

  push(entry: CacheEntry): void {
    const newest = this.#newest
    entry.previous = newest
    entry.next = undefined
    if (newest === undefined) this.oldest = entry
    else newest.next = entry
    this.#newest = entry
    this.bytes += entry.bytes
  }

  /** Takes out an entry that is in this queue. */
  remove(entry: CacheEntry): void {
    const { previous, next } = entry
    if (previous === undefined) this.oldest = next
    else previous.next = next
    if (next === undefined) this.#newest = previous
    else next.previous = previous
    entry.previous = entry.next = undefined
    this.bytes -= entry.bytes
  }

  /** The oldest entry that was not referenced. A referenced entry loses its mark and becomes the newest: the CLOCK algorithm. */
  oldestUnreferenced(): CacheEntry | undefined {
    for (let entry = this.oldest; entry?.referenced === true; entry = this.oldest) {
      entry.referenced = false
      this.remove(entry)
      this.push(entry)
    }
    return this.oldest
  }
}
