/**
 * Open handles that can be closed at any time: the next use of one opens its file again. When the process or the system has no descriptor left, the
 * least recently used one is closed, and the call that needed a descriptor is tried again. Every file system whose opens can fail for
 * that reason has a `SpareHandles` and opens files through it.
 *
 * Invariants:
 * 1. The handles are in the order of their last use.
 * 2. While handles are lent to another thread, no more than the rest are open here, regardless of how many files are read.
 * 3. A call fails for lack of descriptors only when nothing is left to close.
 */
import { isOutOfDescriptors } from './vfs-error.js'

export interface SpareHandle {
  /** Closes the file and calls `remove`; the next use opens it again. Does not throw. */
  suspend(): void
}

/** Each try closes twice as many handles as the one before, because an asynchronous call competes with reads between its opens. */
const MOST_ASYNC_TRIES = 11

export class SpareHandles {
  readonly #open = new Set<SpareHandle>()
  /** The limit of open handles of each loan. */
  readonly #loans = new Set<{ readonly most: number }>()
  #latest: SpareHandle | undefined

  /** Handles that are open now. */
  get size(): number {
    return this.#open.size
  }

  /** Records a use of an open handle. */
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

  /** Keeps to the limits of loans; called before another handle is opened. */
  makeRoom(): void {
    const most = Math.min(...Array.from(this.#loans, loan => loan.most))
    if (this.#open.size >= most) this.#release(this.#open.size - most + 1)
  }

  /** The least recently used of the handles that `belongs` accepts. */
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

  /** The result of an open. Throws what `open` throws; for lack of descriptors only when nothing is left to close. */
  attempt<Result>(open: () => Result): Result {
    for (;;) {
      try {
        return open()
      } catch (error) {
        if (!isOutOfDescriptors(error) || this.#release(1) === 0) throw error
      }
    }
  }

  /** The same for asynchronous calls. They must leave nothing behind when they fail. */
  async attemptAsync<Result>(open: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries++) {
      try {
        return await open()
      } catch (error) {
        if (tries === MOST_ASYNC_TRIES || !isOutOfDescriptors(error) || this.#release(2 ** (tries - 1)) === 0) throw error
      }
    }
  }

  /** Closes up to `count` handles, the least recently used first. Returns how many it has closed. */
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
