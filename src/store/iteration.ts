/**
 * `for await` over an iterator of the store. abstract-level's own loop costs several promises per entry. This one reads a batch of
 * encoded entries ahead, which is synchronous, and hands them out for one promise each.
 *
 * Invariants:
 * 1. Reading ahead is invisible. Entries are decoded and counted when they are handed out, and every other reader of the iterator gets
 *    them first: `count`, `limit`, `next()`, `nextv()`, `all()`, `seek()` and `close()` work inside the loop as they do with
 *    abstract-level's own loop.
 * 2. A step is quick only while the iterator is known to be idle and open: the loop's own step was the last that used it. Every other
 *    step goes through `next()`, which decides between an error if the iterator is busy, closed or aborted, a turn of the event loop, and an entry.
 * 3. The iterator is closed at the end, on an error, and when the loop is left.
 */
import type { Walk } from './walk.js'

/** Result of a quick step when the caller has to use `next()`. */
export const NOT_QUICK = Symbol('not quick')

/** What `for await` needs from an iterator. */
export interface Source<T> {
  next(): Promise<T | undefined>
  /** The next entry, decoded and counted; `undefined` at the end. Only for an iterator that is idle and open. */
  _quickNext(): T | undefined | typeof NOT_QUICK
  close(): Promise<void>
}

export class Iteration<T> implements AsyncGenerator<T, void> {
  readonly #source: Source<T>
  readonly #walk: Walk
  /** The `uses` of the walk when the iterator was last known to be idle and open. */
  #idleSince = -1
  /** The step under way; concurrent calls queue behind it. */
  #underway: Promise<unknown> | undefined
  #done = false

  constructor(source: Source<T>, walk: Walk) {
    this.#source = source
    this.#walk = walk
  }

  next(): Promise<IteratorResult<T, void>> {
    if (this.#underway === undefined && !this.#done && this.#walk.uses === this.#idleSince) {
      try {
        const item = this.#source._quickNext()
        if (item === undefined) return this.#queued(() => this.#end())
        if (item !== NOT_QUICK) return Promise.resolve({ done: false, value: item })
      } catch (error) {
        return this.#queued(() => this.#fail(error))
      }
    }
    return this.#queued(() => this.#step())
  }

  return(): Promise<IteratorResult<T, void>> {
    return this.#queued(() => this.#end())
  }

  throw(error: unknown): Promise<IteratorResult<T, void>> {
    return this.#queued(() => this.#fail(error))
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #queued<R>(work: () => Promise<R>): Promise<R> {
    const result = this.#underway === undefined ? work() : this.#underway.then(work, work)
    this.#underway = result
    const settled = (): void => {
      if (this.#underway === result) this.#underway = undefined
    }
    result.then(settled, settled)
    return result
  }

  async #step(): Promise<IteratorResult<T, void>> {
    if (this.#done) return { done: true, value: undefined }
    let item: T | undefined
    try {
      const reading = this.#source.next()
      const { uses } = this.#walk
      item = await reading
      this.#idleSince = uses
    } catch (error) {
      return this.#fail(error)
    }
    return item === undefined ? this.#end() : { done: false, value: item }
  }

  async #end(): Promise<IteratorResult<T, void>> {
    this.#done = true
    await this.#source.close()
    return { done: true, value: undefined }
  }

  async #fail(error: unknown): Promise<never> {
    this.#done = true
    await this.#source.close()
    throw error
  }
}
