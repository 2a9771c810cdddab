import { BatchReader } from '../engine/batch.js'
import type { BatchFeed, FeedOptions } from '../engine/contract.js'
import type { ChangesHost } from '../store/changes.js'
import { unawaited, type Requests } from './worker-iterators.js'

/** A page takes a turn of the event loop with each message. */
export const NO_TURNS: ChangesHost['turns'] = { isDue: () => false, turn: () => Promise.resolve() }

/** The feed of the engine in the worker. The page asks for the next batches when it has read those before. */
export class WorkerFeed implements BatchFeed {
  readonly #store: Requests
  readonly #number: number
  readonly #begun: Promise<void>
  readonly #reader = new BatchReader()
  #page: Uint8Array[] = []
  /** The next batch of the page. */
  #at = 0

  constructor(store: Requests, options: FeedOptions) {
    this.#store = store
    this.#number = store._newNumber()
    this.#begun = store._request('feed', [this.#number, options])
    unawaited(this.#begun)
  }

  next(): BatchReader | Promise<BatchReader | undefined> {
    return this.#at < this.#page.length ? this.#read() : this.#turn()
  }

  close(): void {
    unawaited(this.#store._release('closeFeed', this.#number))
  }

  async #turn(): Promise<BatchReader | undefined> {
    const [, page] = await Promise.all([this.#begun, this.#store._request('nextBatches', [this.#number])])
    this.#page = page
    this.#at = 0
    return page.length === 0 ? undefined : this.#read()
  }

  #read(): BatchReader {
    const batch = this.#page[this.#at++]
    return this.#reader.reset(batch, 0, batch.length)
  }
}
