import type { FileHandle } from '../vfs/file-system.js'
import { FileSystemError } from '../vfs/vfs-error.js'
import { slotError } from './slot-error.js'
import type { SlotFile } from './slot-files.js'

/** A handle of a file in a slot. Closing it leaves the slot open. */
export class SlotFileHandle implements FileHandle {
  readonly path: string
  readonly #file: SlotFile
  readonly #isWritable: boolean
  readonly #onClose: (() => void) | undefined
  #isClosed = false

  /** @param onClose - Called once, at the first `close`. */
  constructor(path: string, file: SlotFile, options: { readonly isWritable: boolean; readonly onClose?: () => void }) {
    this.path = path
    this.#file = file
    this.#isWritable = options.isWritable
    this.#onClose = options.onClose
  }

  size(): number {
    this.#assertOpen('size')
    return this.#attempt('size', () => this.#file.getSize())
  }

  read(target: Uint8Array, position: number, start = 0, end = target.length): number {
    this.#assertOpen('read')
    if (!(position >= 0 && start >= 0 && start <= end && end <= target.length)) throw this.#error('EINVAL', 'read')
    let at = start
    try {
      while (at < end) {
        const count = this.#file.read(target.subarray(at, end), { at: position + at - start })
        if (count === 0) break
        at += count
      }
    } catch (error) {
      throw slotError(error, 'read', this.path)
    }
    return at - start
  }

  write(source: Uint8Array, position: number, start = 0, end = source.length): void {
    this.#assertOpen('write')
    if (!this.#isWritable) throw this.#error('EBADF', 'write')
    if (!(position >= 0 && start >= 0 && start <= end && end <= source.length)) throw this.#error('EINVAL', 'write')
    let at = start
    try {
      while (at < end) {
        const count = this.#file.write(source.subarray(at, end), { at: position + at - start })
        // A browser writes what the quota still has room for.
        if (count === 0) throw this.#error('ENOSPC', 'write')
        at += count
      }
    } catch (error) {
      throw slotError(error, 'write', this.path)
    }
  }

  truncate(size: number): void {
    this.#assertOpen('truncate')
    if (!this.#isWritable || !(size >= 0)) throw this.#error('EINVAL', 'truncate')
    this.#attempt('truncate', () => this.#file.truncate(size))
  }

  async sync(): Promise<void> {
    this.#assertOpen('sync')
    try {
      await this.#file.flush()
    } catch (error) {
      throw slotError(error, 'sync', this.path)
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onClose?.()
  }

  #attempt<T>(operation: string, action: () => T): T {
    try {
      return action()
    } catch (error) {
      throw slotError(error, operation, this.path)
    }
  }

  #assertOpen(operation: string): void {
    if (this.#isClosed) throw this.#error('EBADF', operation)
  }

  #error(code: string, operation: string): FileSystemError {
    return new FileSystemError(code, { operation, path: this.path })
  }
}
