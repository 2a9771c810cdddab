/** What `for await` needs from an iterator. */
interface Source<T> {
  nextv(size: number): Promise<T[]>
  close(): Promise<void>
}

const FIRST_BATCH = 8
const LARGEST_BATCH = 128

/**
 * `for await` over an iterator, fetched in batches that grow, so that an entry costs one promise instead of several and a loop
 * that ends early has read little ahead. The iterator is closed at the end, on an error, and when the loop is left.
 */
export class BatchedIteration<T> implements AsyncGenerator<T, void> {
  readonly #source: Source<T>
  #batch: readonly T[] = []
  #at = 0
  #size = FIRST_BATCH
  #fetching: Promise<void> | undefined
  #done = false

  constructor(source: Source<T>) {
    this.#source = source
  }

  next(): Promise<IteratorResult<T, void>> {
    if (this.#at < this.#batch.length) return Promise.resolve({ done: false, value: this.#batch[this.#at++] })
    return this.#fetchAndNext()
  }

  async return(): Promise<IteratorResult<T, void>> {
    this.#done = true
    this.forget()
    await this.#source.close()
    return { done: true, value: undefined }
  }

  async throw(error: unknown): Promise<IteratorResult<T, void>> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /** Drops what was read ahead: the iterator was sent elsewhere. */
  forget(): void {
    this.#batch = []
    this.#at = 0
  }

  async #fetchAndNext(): Promise<IteratorResult<T, void>> {
    // Callers that do not wait for each other share a fetch and then go on in their order.
    while (this.#at === this.#batch.length && !this.#done) {
      this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined))
      await this.#fetching
    }
    return this.#at < this.#batch.length ? { done: false, value: this.#batch[this.#at++] } : { done: true, value: undefined }
  }

  async #fetch(): Promise<void> {
    try {
      this.#batch = await this.#source.nextv(this.#size)
    } catch (error) {
      await this.return()
      throw error
    }
    this.#at = 0
    this.#size = Math.min(this.#size * 2, LARGEST_BATCH)
    if (this.#batch.length === 0) await this.return()
  }
}
