/**
 * Open handles that can be spared: the next use of one opens its file again. When the process or the system has no descriptor left, the
 * one used longest ago is closed and the call that needed a descriptor is tried again. Every file system whose opens can fail for that
 * reason has a `SpareHandles`, and makes its opens through it.
 *
 * Invariants:
 * 1. The handles are in the order of their last use.
 * 2. A call fails for lack of descriptors only when nothing is left to close.
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

  /** Of the handles that `belongs` accepts, the one used longest ago. */
  oldest(belongs: (handle: SpareHandle) => boolean): SpareHandle | undefined {
    for (const handle of this.#open) if (belongs(handle)) return handle
    return undefined
  }

  /** Closes up to `most` handles, those used longest ago first, and leaves `keep` open. Returns how many it has closed. */
  release(most: number, keep = 0): number {
    let released = 0
    for (const handle of this.#open) {
      if (released === most || this.#open.size <= keep) break
      handle.suspend()
      released++
    }
    return released
  }

  /** The result of an open. Throws what `open` throws, but for lack of descriptors only when nothing is left to close. */
  attempt<Result>(open: () => Result): Result {
    for (;;) {
      try {
        return open()
      } catch (error) {
        if (!isOutOfDescriptors(error) || this.release(1) === 0) throw error
      }
    }
  }

  /** The same for calls that wait in between. They must leave nothing behind when they fail. */
  async attemptAsync<Result>(open: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries++) {
      try {
        return await open()
      } catch (error) {
        if (tries === MOST_ASYNC_TRIES || !isOutOfDescriptors(error) || this.release(2 ** (tries - 1)) === 0) throw error
      }
    }
  }
}
