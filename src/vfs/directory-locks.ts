import { LockedError } from '../errors.js'
import type { DirectoryLock, LockMode } from './file-system.js'

/** The locks of a file system that only one thread reaches. A directory is whatever object represents it. */
export class DirectoryLocks {
  readonly #locked = new WeakSet<object>()
  /** Shared locks of directories, by their number. */
  readonly #readers = new WeakMap<object, number>()

  /** Throws a LockedError that names `path` if the lock is held in a mode that excludes this one. */
  lock(directory: object, path: string, mode: LockMode): DirectoryLock {
    const readers = this.#readers.get(directory) ?? 0
    const why = this.#locked.has(directory)
      ? 'is held by another open store: close that one first'
      : mode === 'exclusive' && readers > 0
        ? 'is open for reading elsewhere: close its readers first'
        : undefined
    if (why !== undefined) throw new LockedError(`${path} ${why}`, { file: path })
    if (mode === 'exclusive') this.#locked.add(directory)
    else this.#readers.set(directory, readers + 1)
    let isHeld = true
    return {
      release: async () => {
        if (isHeld && mode === 'exclusive') this.#locked.delete(directory)
        else if (isHeld) this.#readers.set(directory, this.#readers.get(directory)! - 1)
        isHeld = false
      },
    }
  }
}
