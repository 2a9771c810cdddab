import { MisuseError } from '../../errors.js'
import type { FileHandle, FileSystem } from '../../vfs/file-system.js'

/**
 * Read-only handles of which only so many are open at once: one that was closed for lack of room is opened again by its
 * next read. Files that were opened longest ago are closed first.
 */
export class FilePool {
  readonly #fileSystem: FileSystem
  readonly #maxOpen: number
  readonly #open = new Set<PooledFile>()

  constructor(fileSystem: FileSystem, maxOpen: number) {
    this.#fileSystem = fileSystem
    this.#maxOpen = maxOpen
  }

  openRead(path: string): FileHandle {
    const file = new PooledFile(path, this)
    file.acquire()
    return file
  }

  /** @internal */
  acquire(file: PooledFile): FileHandle {
    if (this.#open.size >= this.#maxOpen) {
      const [oldest] = this.#open
      oldest?.suspend()
    }
    const handle = this.#fileSystem.openRead(file.path)
    this.#open.add(file)
    return handle
  }

  /** @internal */
  forget(file: PooledFile): void {
    this.#open.delete(file)
  }
}

class PooledFile implements FileHandle {
  readonly path: string
  readonly #pool: FilePool
  #handle: FileHandle | undefined
  #closed = false

  constructor(path: string, pool: FilePool) {
    this.path = path
    this.#pool = pool
  }

  acquire(): FileHandle {
    if (this.#closed) throw new MisuseError('LEVEL_FILE_CLOSED', `${this.path} has been closed`)
    return (this.#handle ??= this.#pool.acquire(this))
  }

  /** What was only read is not at stake in a close, so that its failure concerns nobody. */
  suspend(): void {
    this.#pool.forget(this)
    const handle = this.#handle
    this.#handle = undefined
    try {
      handle?.close()
    } catch {
      // Closed all the same.
    }
  }

  size(): number {
    return this.acquire().size()
  }

  read(target: Uint8Array, position: number, start?: number, end?: number): number {
    return (this.#handle ?? this.acquire()).read(target, position, start, end)
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
