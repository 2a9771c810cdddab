import { MisuseError } from '../../errors.js'
import type { Extent, FileHandle, FileSystem } from '../../vfs/file-system.js'
import { SpareHandles, type SpareHandle } from '../../vfs/spare-handles.js'

/**
 * Read-only handles of which a limited number is open at once: one that was closed for lack of room, or of descriptors, is opened again by its
 * next read. The file used longest ago is closed first. A path must mean the same file for as long as its handle is in use.
 */
export class FilePool {
  readonly #fileSystem: FileSystem
  readonly #maxOpen: number
  readonly #spare: SpareHandles
  #open = 0

  constructor(fileSystem: FileSystem, maxOpen: number) {
    this.#fileSystem = fileSystem
    this.#maxOpen = maxOpen
    this.#spare = fileSystem.spareHandles ?? new SpareHandles()
  }

  openRead(path: string): FileHandle {
    const file = new PooledFile(path, this)
    file.acquire()
    return file
  }

  /** @internal */
  acquire(file: PooledFile): FileHandle {
    if (this.#open >= this.#maxOpen) this.#spare.oldest(handle => handle instanceof PooledFile && handle.pool === this)?.suspend()
    this.#spare.makeRoom()
    const handle = this.#fileSystem.openRead(file.path)
    this.#open++
    return handle
  }

  /** @internal */
  used(file: PooledFile): void {
    this.#spare.use(file)
  }

  /** @internal */
  closed(file: PooledFile): void {
    this.#open--
    this.#spare.remove(file)
  }
}

class PooledFile implements FileHandle, SpareHandle {
  readonly path: string
  readonly pool: FilePool
  #handle: FileHandle | undefined
  #closed = false

  constructor(path: string, pool: FilePool) {
    this.path = path
    this.pool = pool
  }

  /** The handle, opened if it is not. */
  acquire(): FileHandle {
    if (this.#closed) throw new MisuseError('LEVEL_FILE_CLOSED', `${this.path} has been closed`)
    this.#handle ??= this.pool.acquire(this)
    this.pool.used(this)
    return this.#handle
  }

  /** A failed close of a file that was only read loses nothing. */
  suspend(): void {
    const handle = this.#handle
    if (handle === undefined) return
    this.#handle = undefined
    this.pool.closed(this)
    try {
      handle.close()
    } catch {
      // Closed all the same.
    }
  }

  size(): number {
    return this.acquire().size()
  }

  read(target: Uint8Array, position: number, start?: number, end?: number): number {
    return this.acquire().read(target, position, start, end)
  }

  get readsAhead(): boolean {
    return this.acquire().readsAhead === true
  }

  readAhead(upcoming: (bytes: number) => readonly Extent[], unread: (bytes: number) => void): void {
    this.acquire().readAhead?.(upcoming, unread)
  }

  close(): void {
    this.#closed = true
    this.suspend()
  }

  write(): never {
    throw readOnly(this.path)
  }

  truncate(): never {
    throw readOnly(this.path)
  }

  sync(): Promise<void> {
    return Promise.reject(readOnly(this.path))
  }
}

function readOnly(path: string): MisuseError {
  return new MisuseError('LEVEL_READ_ONLY', `${path} is open for reading only`)
}
