/**
 * Open handles that can be spared: the next use of one opens its file again. When the process or the system has no descriptor left, the
 * one used longest ago is closed and the call that needed a descriptor is tried again. Every file system whose opens can fail for that
 * reason has a `SpareHandles`, and makes its opens through it.
 *
 * Invariants:
 * 1. The handles are in the order of their last use.
 * 2. While handles are lent to another thread, there are no more than that left, however many files are read here.
 * 3. A call fails for lack of descriptors only when nothing is left to close.
 */
import { isOutOfDescriptors } from './vfs-error.js'

export interface SpareHandle {
  /** Closes the file, which the next use opens again, and calls `remove`. Does not throw. */
  suspend(): void
}

/** Each try closes twice as many handles as the one before: what waits between its opens competes with those that read meanwhile. */
const MOST_ASYNC_TRIES = 11

export class SpareHandles {
  readonly #open = new Set<SpareHandle>()
  /** How many may be open, for each loan. */
  readonly #loans = new Set<{ readonly most: number }>()
  #latest: SpareHandle | undefined

  /** Handles that are open now. */
  get size(): number {
    return this.#open.size
  }

  /** The handle is open and is used now. */
  use(handle: SpareHandle): void {
    if (handle === this.#latest) return
    this.#open.delete(handle)
    this.#open.add(handle)
    this.#latest = handle
  }

  remove(handle: SpareHandle): void {
    this.#open.delete(handle)
    if (handle === this.#latest) this.#latest = undefined
  }

  /** Before another handle is opened. */
  makeRoom(): void {
    const most = Math.min(...Array.from(this.#loans, loan => loan.most))
    if (this.#open.size >= most) this.#release(this.#open.size - most + 1)
  }

  /** Of the handles that `belongs` accepts, the one used longest ago. */
  oldest(belongs: (handle: SpareHandle) => boolean): SpareHandle | undefined {
    for (const handle of this.#open) if (belongs(handle)) return handle
    return undefined
  }

  /**
   * Closes up to `count` handles for the use of another thread, and keeps them closed until the returned function is called. One stays open,
   * so that there is always one to close when a reader here needs another. `undefined` when there is no other.
   */
  lend(count: number): (() => void) | undefined {
    const { size } = this.#open
    if (size < 2) return undefined
    const loan = { most: Math.max(1, size - count) }
    this.#release(size - loan.most)
    this.#loans.add(loan)
    return () => this.#loans.delete(loan)
  }

  /** The result of an open. Throws what `open` throws, but for lack of descriptors only when nothing is left to close. */
  attempt<Result>(open: () => Result): Result {
    for (;;) {
      try {
        return open()
      } catch (error) {
        if (!isOutOfDescriptors(error) || this.#release(1) === 0) throw error
      }
    }
  }

  /** The same for calls that wait in between. They must leave nothing behind when they fail. */
  async attemptAsync<Result>(open: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries++) {
      try {
        return await open()
      } catch (error) {
        if (tries === MOST_ASYNC_TRIES || !isOutOfDescriptors(error) || this.#release(2 ** (tries - 1)) === 0) throw error
      }
    }
  }

  /** Closes at most this number of handles, those used longest ago first. Returns how many it has closed. */
  #release(count: number): number {
    let released = 0
    for (const handle of this.#open) {
      if (released === count) break
      handle.suspend()
      released++
    }
    return released
  }
}
