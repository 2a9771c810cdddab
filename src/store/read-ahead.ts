const FIRST_BATCH = 8
const LARGEST_BATCH = 128

/** Encoded entries that were read and not yet handed out. Batches grow, so that a loop that ends early has read little in vain. */
export class ReadAhead<T> {
  #items: readonly T[] = []
  #at = 0
  #size = FIRST_BATCH

  get isEmpty(): boolean {
    return this.#at === this.#items.length
  }

  /** How many entries the next batch has. */
  get size(): number {
    return this.#size
  }

  /** The next entry. There must be one. */
  take(): T {
    return this.#items[this.#at++]
  }

  /** The next entries, at most `size`. */
  takeMany(size: number): T[] {
    const taken = this.#items.slice(this.#at, this.#at + Math.max(0, size))
    this.#at += taken.length
    return taken
  }

  put(items: readonly T[]): void {
    this.#items = items
    this.#at = 0
    this.#size = Math.min(this.#size * 2, LARGEST_BATCH)
  }

  /** Drops all entries: a seek has moved the iterator. */
  drop(): void {
    this.#items = []
    this.#at = 0
  }
}
