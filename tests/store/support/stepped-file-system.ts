import type { DirectoryLock, FileHandle, FileStat, FileSystem, LockMode } from '../../../src/vfs/file-system.js'
import type { MemoryFileSystem } from '../../../src/vfs/memory/memory-file-system.js'

/** Calls back after every change to a file system, and before every sync: the moments at which a crash may come. */
export class SteppedFileSystem implements FileSystem {
  readonly #inner: MemoryFileSystem
  readonly #onStep: () => void

  constructor(inner: MemoryFileSystem, onStep: () => void) {
    this.#inner = inner
    this.#onStep = onStep
  }

  openRead(path: string): FileHandle {
    return this.#inner.openRead(path)
  }

  openWrite(path: string): FileHandle {
    return this.#stepped(this.#inner.openWrite(path))
  }

  create(path: string): FileHandle {
    const handle = this.#inner.create(path)
    this.#onStep()
    return this.#stepped(handle)
  }

  rename(from: string, to: string): void {
    this.#inner.rename(from, to)
    this.#onStep()
  }

  remove(path: string): void {
    this.#inner.remove(path)
    this.#onStep()
  }

  removeDirectory(path: string): void {
    this.#inner.removeDirectory(path)
    this.#onStep()
  }

  list(directory: string): string[] {
    return this.#inner.list(directory)
  }

  makeDirectory(path: string): void {
    this.#inner.makeDirectory(path)
    this.#onStep()
  }

  stat(path: string): FileStat | undefined {
    return this.#inner.stat(path)
  }

  async syncDirectory(directory: string): Promise<void> {
    this.#onStep()
    await this.#inner.syncDirectory(directory)
    this.#onStep()
  }

  lock(directory: string, mode?: LockMode): Promise<DirectoryLock> {
    return this.#inner.lock(directory, mode)
  }

  #stepped(handle: FileHandle): FileHandle {
    const onStep = this.#onStep
    return {
      path: handle.path,
      size: () => handle.size(),
      read: (target, position, start, end) => handle.read(target, position, start, end),
      write(source, position, start, end) {
        handle.write(source, position, start, end)
        onStep()
      },
      truncate(size) {
        handle.truncate(size)
        onStep()
      },
      async sync() {
        onStep()
        await handle.sync()
        onStep()
      },
      close: () => handle.close(),
    }
  }
}
