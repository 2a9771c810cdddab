/**
 * A disk of limited size: a call that would make its files longer than the limit in total fails with `ENOSPC`, after as much as fits.
 *
 * Invariants:
 * 1. Overwriting, shortening and removing need no space, and neither does a rename.
 * 2. A file takes as many bytes as it is long, and `NAME_BYTES` for each of its names.
 */
import type { FileHandle, FileSystem } from '../file-system.js'
import { removeInBackground } from '../file-system.js'
import { ForwardingFileSystem } from '../forwarding-file-system.js'
import { FileSystemError } from '../vfs-error.js'

const NAME_BYTES = 32

export class LimitedFileSystem extends ForwardingFileSystem {
  /** Size of the disk in bytes. It may change at any time. */
  limitBytes: number
  #usedBytes = 0
  /** The other names of files that were linked. */
  readonly #linked = new Map<string, Set<string>>()

  /** `directories` are those whose existing files count. */
  constructor(inner: FileSystem, limitBytes: number, directories: readonly string[] = []) {
    super(inner)
    this.limitBytes = limitBytes
    for (const directory of directories) {
      for (const name of inner.list(directory)) this.#usedBytes += this.#sizeOf(`${directory}/${name}`)
    }
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  override openWrite(path: string): FileHandle {
    return new LimitedFileHandle(this, this.inner.openWrite(path))
  }

  override create(path: string): FileHandle {
    if (this.#usedBytes + NAME_BYTES > this.limitBytes) throw new FileSystemError('ENOSPC', { operation: 'create', path })
    const handle = this.inner.create(path)
    this.#usedBytes += NAME_BYTES
    return new LimitedFileHandle(this, handle)
  }

  override rename(from: string, to: string): void {
    const replaced = from === to ? 0 : this.#sizeOf(to)
    this.inner.rename(from, to)
    this.#usedBytes -= replaced
    if (from === to) return
    this.#unlink(to)
    const names = this.#linked.get(from)
    if (names === undefined) return
    this.#unlink(from)
    this.#linked.set(to, names.add(to))
  }

  override link(from: string, to: string): void {
    if (this.#usedBytes + NAME_BYTES > this.limitBytes) throw new FileSystemError('ENOSPC', { operation: 'link', path: to })
    super.link(from, to)
    this.#usedBytes += NAME_BYTES
    const names = this.#linked.get(from) ?? new Set([from])
    for (const name of [from, to]) this.#linked.set(name, names.add(name))
  }

  override remove(path: string): void {
    const size = this.#sizeOf(path)
    this.inner.remove(path)
    this.#usedBytes -= size
    this.#unlink(path)
  }

  override async removeLater(path: string): Promise<void> {
    const size = this.#sizeOf(path)
    await removeInBackground(this.inner, path)
    this.#usedBytes -= size
    this.#unlink(path)
  }

  /** @internal Takes up to `bytes` more and returns how many there were. */
  take(bytes: number): number {
    const taken = Math.max(0, Math.min(bytes, this.limitBytes - this.#usedBytes))
    this.#usedBytes += taken
    return taken
  }

  /** @internal */
  give(bytes: number): void {
    this.#usedBytes -= bytes
  }

  /** Bytes that are free when the name is gone. */
  #sizeOf(path: string): number {
    const stat = this.inner.stat(path)
    if (stat?.kind !== 'file') return 0
    return (this.#linked.get(path)?.size ?? 1) > 1 ? NAME_BYTES : stat.size + NAME_BYTES
  }

  #unlink(path: string): void {
    this.#linked.get(path)?.delete(path)
    this.#linked.delete(path)
  }
}

class LimitedFileHandle implements FileHandle {
  readonly path: string
  readonly #fileSystem: LimitedFileSystem
  readonly #inner: FileHandle

  constructor(fileSystem: LimitedFileSystem, inner: FileHandle) {
    this.path = inner.path
    this.#fileSystem = fileSystem
    this.#inner = inner
  }

  size(): number {
    return this.#inner.size()
  }

  read(target: Uint8Array, position: number, start = 0, end = target.length): number {
    return this.#inner.read(target, position, start, end)
  }

  write(source: Uint8Array, position: number, start = 0, end = source.length): void {
    const size = this.#inner.size()
    const growth = Math.max(0, position + end - start - size)
    const taken = this.#fileSystem.take(growth)
    const stop = end - (growth - taken)
    // If the write begins behind the end of the file, the bytes between are the first to find no space.
    if (stop > start) this.#inner.write(source, position, start, stop)
    else this.#fileSystem.give(taken)
    if (taken < growth) throw new FileSystemError('ENOSPC', { operation: 'write', path: this.path })
  }

  truncate(size: number): void {
    const growth = size - this.#inner.size()
    if (growth > 0 && this.#fileSystem.take(growth) < growth) {
      throw new FileSystemError('ENOSPC', { operation: 'truncate', path: this.path })
    }
    this.#inner.truncate(size)
    if (growth < 0) this.#fileSystem.give(-growth)
  }

  sync(): Promise<void> {
    return this.#inner.sync()
  }

  close(): void {
    this.#inner.close()
  }
}
