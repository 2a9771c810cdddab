import type { FileHandle } from '../file-system.js'
import type { MemoryFile } from './memory-file.js'
import { FileSystemError } from '../vfs-error.js'

export class MemoryFileHandle implements FileHandle {
  readonly path: string
  readonly #file: MemoryFile
  readonly #isWritable: boolean
  #isClosed = false

  constructor(path: string, file: MemoryFile, isWritable: boolean) {
    this.path = path
    this.#file = file
    this.#isWritable = isWritable
  }

  size(): number {
    this.#assertOpen('size')
    return this.#file.size
  }

  read(target: Uint8Array, position: number, start = 0, end = target.length): number {
    this.#assertOpen('read')
    if (!(position >= 0 && start >= 0 && start <= end && end <= target.length)) throw this.#error('EINVAL', 'read')
    return this.#file.read(target, position, start, end)
  }

  write(source: Uint8Array, position: number, start = 0, end = source.length): void {
    this.#assertOpen('write')
    if (!this.#isWritable) throw this.#error('EBADF', 'write')
    if (!(position >= 0 && start >= 0 && start <= end && end <= source.length)) throw this.#error('EINVAL', 'write')
    this.#file.write(source, position, start, end)
  }

  truncate(size: number): void {
    this.#assertOpen('truncate')
    if (!this.#isWritable || !(size >= 0)) throw this.#error('EINVAL', 'truncate')
    this.#file.truncate(size)
  }

  async sync(): Promise<void> {
    this.#assertOpen('sync')
    await this.#file.sync()
  }

  close(): void {
    this.#isClosed = true
  }

  #assertOpen(operation: string): void {
    if (this.#isClosed) throw this.#error('EBADF', operation)
  }

  #error(code: string, operation: string): FileSystemError {
    return new FileSystemError(code, { operation, path: this.path })
  }
}
