/**
 * When the dead bytes of a store are worth giving back, and what runs gave back.
 *
 * Invariants:
 * 1. A run is worth it only where half of the files or more is dead, or the share that the engine asks for.
 * 2. Another one is worth it only once much more is dead than the last whole run left.
 */
import type { Ledger } from '../../trace/ledger.js'

/** Fewer dead bytes cost more to give back than they take. */
export const LEAST_DEAD_BYTES = 512 * 1024
const DEAD_SHARE = 1 / 2

/** Bytes of the files of a store, and how many of them hold nothing that is needed. */
export interface SpaceUsage {
  readonly deadBytes: number
  readonly totalBytes: number
}

export class DeadSpace {
  /** Runs since open, and the bytes by which they made the files smaller. */
  readonly counts = { runs: 0, freedBytes: 0 }
  readonly #ledger: Ledger
  #leftBytes = 0

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  isWorthARun({ deadBytes, totalBytes }: SpaceUsage, deadShare = DEAD_SHARE): boolean {
    return deadBytes >= this.#leftBytes + LEAST_DEAD_BYTES && deadBytes >= totalBytes * deadShare
  }

  /** Counts a run. Never rejects: everything acknowledged is in the logs, and a job that failed is tried again like any other. */
  async run(work: () => Promise<void>): Promise<void> {
    const before = this.#ledger.fileBytes
    this.counts.runs++
    await work().catch(() => undefined)
    this.counts.freedBytes += Math.max(0, before - this.#ledger.fileBytes)
  }

  /** Notes what a whole run left: a reader needs those bytes, or the estimate is too high. */
  left({ deadBytes }: SpaceUsage): void {
    this.#leftBytes = Math.max(0, deadBytes)
  }
}
