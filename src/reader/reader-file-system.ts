/**
 * The files of a store as a reader has them: for reading, and only while the store holds the version.
 *
 * Invariants:
 * 1. Nothing is written, created, renamed, removed or locked.
 * 2. Bytes that were read after the store has released the version are never handed out: the check comes after the read.
 */
import { MisuseError } from '../errors.js'
import type { Extent, FileHandle, FileSystem } from '../vfs/file-system.js'
import { ForwardingFileSystem } from '../vfs/forwarding-file-system.js'

export class ReaderFileSystem extends ForwardingFileSystem {
  readonly #requireHeld: () => void

  /** @param requireHeld throws when the store does not hold the version any more */
  constructor(inner: FileSystem, requireHeld: () => void) {
    super(inner)
    this.#requireHeld = requireHeld
  }

  override openRead(path: string): FileHandle {
    try {
      return new ReaderFile(this.inner.openRead(path), this.#requireHeld)
    } catch (error) {
      // A file that is missing, if the store has removed it.
      this.#requireHeld()
      throw error
    }
  }

  override openWrite(): never {
    throw readOnly()
  }

  override create(): never {
    throw readOnly()
  }

  override rename(): never {
    throw readOnly()
  }

  override link(): never {
    throw readOnly()
  }

  override remove(): never {
    throw readOnly()
  }

  override removeLater(): Promise<void> {
    return Promise.reject(readOnly())
  }

  override removeDirectory(): never {
    throw readOnly()
  }

  override makeDirectory(): never {
    throw readOnly()
  }

  override syncDirectory(): Promise<void> {
    return Promise.reject(readOnly())
  }

  override lock(): Promise<never> {
    return Promise.reject(readOnly())
  }
}

class ReaderFile implements FileHandle {
  readonly path: string
  readonly #inner: FileHandle
  readonly #requireHeld: () => void

  constructor(inner: FileHandle, requireHeld: () => void) {
    this.path = inner.path
    this.#inner = inner
    this.#requireHeld = requireHeld
  }

  size(): number {
    const size = this.#inner.size()
    this.#requireHeld()
    return size
  }

  read(target: Uint8Array, position: number, start?: number, end?: number): number {
    const count = this.#inner.read(target, position, start, end)
    this.#requireHeld()
    return count
  }

  get readsAhead(): boolean {
    return this.#inner.readsAhead === true
  }

  readAhead(upcoming: (bytes: number) => readonly Extent[], unread: (bytes: number) => void): void {
    this.#inner.readAhead?.(upcoming, unread)
  }

  write(): never {
    throw readOnly()
  }

  truncate(): never {
    throw readOnly()
  }

  sync(): Promise<void> {
    return Promise.reject(readOnly())
  }

  close(): void {
    this.#inner.close()
  }
}

export function readOnly(): MisuseError {
  return new MisuseError('LEVEL_READ_ONLY', 'A reader does not write: write to the store in the thread that has opened it')
}
