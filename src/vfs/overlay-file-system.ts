/**
 * A file system over another one that it never changes: writes stay in memory, on top of it.
 *
 * Invariants:
 * 1. Only reads and the lock reach the file system below, but for what concerns the directories that are passed through.
 * 2. The first change of a file copies it into memory; opening it for writing or renaming it does not.
 */
import {
  absolutePath,
  joinPath,
  linkFile,
  type DirectoryLock,
  type FileHandle,
  type FileStat,
  type FileSystem,
  type LockMode,
} from './file-system.js'
import { MemoryFileSystem } from './memory/memory-file-system.js'
import type { SpareHandles } from './spare-handles.js'
import { FileSystemError } from './vfs-error.js'

export class OverlayFileSystem implements FileSystem {
  readonly #below: FileSystem
  readonly #above = new MemoryFileSystem()
  /** Paths below that have been removed or replaced by files above. */
  readonly #hidden = new Set<string>()
  /** New paths of files below, and their own. */
  readonly #renamed = new Map<string, string>()
  /** Directories below, with a `/` at the end, whose files are written there. */
  readonly #through = new Set<string>()

  constructor(below: FileSystem) {
    this.#below = below
  }

  get spareHandles(): SpareHandles | undefined {
    return this.#below.spareHandles
  }

  absolute(path: string): string {
    return absolutePath(this.#below, path)
  }

  /** From now on everything in a directory happens below, and the overlay has no part in it. */
  passThrough(directory: string): void {
    this.#through.add(joinPath(directory, ''))
  }

  openRead(path: string): FileHandle {
    if (this.#isAbove(path)) return this.#above.openRead(path)
    return this.#below.openRead(this.#pathBelow('openRead', path))
  }

  openWrite(path: string): FileHandle {
    if (this.#isThrough(path)) return this.#below.openWrite(path)
    if (this.#isAbove(path)) return this.#above.openWrite(path)
    return new OverlaidFile(this.#below.openRead(this.#pathBelow('openWrite', path)), contents => this.#lift(path, contents))
  }

  create(path: string): FileHandle {
    if (this.#isThrough(path)) return this.#below.create(path)
    if (this.stat(path) !== undefined) throw new FileSystemError('EEXIST', { operation: 'create', path })
    this.#makeParent(path)
    return this.#above.create(path)
  }

  rename(from: string, to: string): void {
    if (this.#isThrough(to)) return this.#below.rename(from, to)
    this.#makeParent(to)
    if (this.#isAbove(from)) {
      this.#above.rename(from, to)
      this.#renamed.delete(to)
    } else {
      const below = this.#pathBelow('rename', from)
      if (this.#below.stat(below)?.kind !== 'file') throw new FileSystemError('ENOENT', { operation: 'rename', path: from })
      if (this.#isAbove(to)) this.#above.remove(to)
      this.#renamed.delete(from)
      this.#renamed.set(to, below)
    }
    this.#hidden.add(from).add(to)
  }

  /** A file below gets its second name where names are passed through; no other file does. */
  link(from: string, to: string): void {
    if (!this.#isThrough(to) || this.#isAbove(from)) throw new FileSystemError('ENOTSUP', { operation: 'link', path: to })
    linkFile(this.#below, this.#pathBelow('link', from), to)
  }

  remove(path: string): void {
    if (this.#isThrough(path)) return this.#below.remove(path)
    if (this.#isAbove(path)) this.#above.remove(path)
    else this.#pathBelow('remove', path)
    this.#renamed.delete(path)
    this.#hidden.add(path)
  }

  removeDirectory(path: string): void {
    if (this.list(path).length > 0) throw new FileSystemError('ENOTEMPTY', { operation: 'removeDirectory', path })
    if (this.#isAbove(path)) this.#above.removeDirectory(path)
    this.#hidden.add(path)
  }

  list(directory: string): string[] {
    const prefix = directory.endsWith('/') ? directory : `${directory}/`
    const isHere = (path: string): boolean => !this.#hidden.has(path)
    const below = this.#below.stat(directory) === undefined || !isHere(directory) ? undefined : this.#below.list(directory)
    if (below === undefined && !this.#isAbove(directory)) throw new FileSystemError('ENOENT', { operation: 'list', path: directory })
    const above = this.#isAbove(directory) ? this.#above.list(directory) : []
    const renamed = [...this.#renamed.keys()]
      .filter(path => path.startsWith(prefix))
      .map(path => path.slice(prefix.length))
      .filter(name => !name.includes('/'))
    return [...new Set([...(below ?? []).filter(name => isHere(prefix + name)), ...above, ...renamed])].sort()
  }

  makeDirectory(path: string): void {
    if (this.stat(path)?.kind !== 'directory') this.#above.makeDirectory(path)
  }

  stat(path: string): FileStat | undefined {
    const above = this.#above.stat(path)
    if (above !== undefined) return above
    const below = this.#renamed.get(path)
    if (below !== undefined) return this.#below.stat(below)
    return this.#hidden.has(path) ? undefined : this.#below.stat(path)
  }

  async syncDirectory(directory: string): Promise<void> {
    if (this.#isThrough(joinPath(directory, ''))) await this.#below.syncDirectory(directory)
  }

  lock(directory: string, mode?: LockMode): Promise<DirectoryLock> {
    return this.#below.lock(directory, mode)
  }

  #isThrough(path: string): boolean {
    for (const directory of this.#through) if (path.startsWith(directory)) return true
    return false
  }

  #isAbove(path: string): boolean {
    return this.#above.stat(path) !== undefined
  }

  #pathBelow(operation: string, path: string): string {
    const below = this.#renamed.get(path)
    if (below === undefined && this.#hidden.has(path)) throw new FileSystemError('ENOENT', { operation, path })
    return below ?? path
  }

  #makeParent(path: string): void {
    const slash = path.lastIndexOf('/')
    if (slash > 0) this.#above.makeDirectory(path.slice(0, slash))
  }

  /** Copies a file into memory and opens it there. */
  #lift(path: string, contents: FileHandle): FileHandle {
    this.#makeParent(path)
    const file = this.#above.create(path)
    this.#renamed.delete(path)
    const piece = new Uint8Array(64 * 1024)
    for (let at = 0; at < contents.size();) {
      const length = contents.read(piece, at)
      if (length === 0) break
      file.write(piece, at, 0, length)
      at += length
    }
    return file
  }
}

/** A file that is read from below until it is changed. */
class OverlaidFile implements FileHandle {
  readonly path: string
  readonly #lift: (contents: FileHandle) => FileHandle
  #file: FileHandle
  #isLifted = false

  constructor(below: FileHandle, lift: (contents: FileHandle) => FileHandle) {
    this.path = below.path
    this.#file = below
    this.#lift = lift
  }

  size(): number {
    return this.#file.size()
  }

  read(target: Uint8Array, position: number, start?: number, end?: number): number {
    return this.#file.read(target, position, start, end)
  }

  write(source: Uint8Array, position: number, start?: number, end?: number): void {
    this.#lifted().write(source, position, start, end)
  }

  truncate(size: number): void {
    this.#lifted().truncate(size)
  }

  async sync(): Promise<void> {}

  close(): void {
    this.#file.close()
  }

  #lifted(): FileHandle {
    if (!this.#isLifted) {
      const below = this.#file
      this.#file = this.#lift(below)
      this.#isLifted = true
      below.close()
    }
    return this.#file
  }
}
