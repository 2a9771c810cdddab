import type { BatchReader } from '../engine/batch.js'
import type { BatchFeed } from '../engine/contract.js'

/** Bytes of batches that a message has, but for the last of them. */
const PAGE_BYTES = 64 << 10

/** A feed of changes for a page: batches as they are encoded, several to a message where they are there already. */
export class ServedFeed {
  readonly #feed: BatchFeed
  /** The batch after those that were sent, which is waited for. */
  #ahead: Promise<BatchReader | undefined> | undefined

  constructor(feed: BatchFeed) {
    this.#feed = feed
  }

  /** Resolves with the next batches; with none at the end. Nothing is read ahead of the request. */
  async nextPage(): Promise<Uint8Array[]> {
    const page: Uint8Array[] = []
    let bytes = 0
    let found = this.#ahead ?? this.#feed.next()
    this.#ahead = undefined
    while (bytes < PAGE_BYTES) {
      if (found instanceof Promise) {
        if (page.length > 0) return this.#postpone(page, found)
        found = await found
      }
      if (found === undefined) return page
      const batch = found.copy()
      page.push(batch)
      bytes += batch.length
      if (bytes < PAGE_BYTES) found = this.#feed.next()
    }
    return page
  }

  close(): void {
    this.#feed.close()
  }

  #postpone(page: Uint8Array[], ahead: Promise<BatchReader | undefined>): Uint8Array[] {
    this.#ahead = ahead
    // The next request reports it.
    ahead.catch(() => undefined)
    return page
  }
}
