/**
 * New entries pass through a queue of their own, a fifth of the cache. Only an entry that is referenced
 * there enters the main queue, which is under CLOCK (a referenced entry is passed over once). What is read once, as by a scan,
 * leaves after a fifth of a turn and evicts nothing that is read repeatedly.
 *
 * This is S3-FIFO (Yang et al., SOSP '23) with one bit for its counter and without its ghost queue, since entries have no names here. In
 * spirit it is also 2Q. A newcomers' share of a tenth, as there, gains about a point more on zipfian reads, but takes longer to
 * follow when other blocks become hot. Hit rates: `bench/micro/cache-policy.ts`.
 *
 * Invariants:
 * 1. Every entry is in one queue: in `#main` if it is `established`, in `#newcomers` otherwise.
 * 2. An entry becomes established only if it was referenced since it was added, and stays so until it leaves.
 * 3. A newcomer goes only while newcomers hold at least a fifth of all bytes, an established entry only while they hold less.
 * 4. A referenced entry is no victim until it was passed over, which clears its mark.
 */
import { EntryQueue } from './entry-queue.js'
import type { CacheEntry, EvictionPolicy } from './eviction-policy.js'

/** Newcomers may hold one part in this many. */
const NEWCOMERS_PART = 5

export class TwoQueuePolicy implements EvictionPolicy {
  readonly #newcomers = new EntryQueue()
  readonly #main = new EntryQueue()

  add(entry: CacheEntry): void {
    entry.referenced = false
    entry.established = false
    this.#newcomers.push(entry)
  }

  remove(entry: CacheEntry): void {
    if (entry.established) this.#main.remove(entry)
    else this.#newcomers.remove(entry)
  }

  victim(): CacheEntry | undefined {
    const newcomers = this.#newcomers
    const main = this.#main
    const fifth = (newcomers.bytes + main.bytes) / NEWCOMERS_PART
    for (let entry = newcomers.oldest; entry !== undefined && newcomers.bytes >= fifth; entry = newcomers.oldest) {
      if (!entry.referenced) return entry
      newcomers.remove(entry)
      entry.referenced = false
      entry.established = true
      main.push(entry)
    }
    return main.oldestUnreferenced()
  }
}
