import * as fs from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import {
  joinPath,
  type DirectoryLock,
  type Extent,
  type FileHandle,
  type FileStat,
  type FileSystem,
  type LockMode,
} from '../file-system.js'
import { lockDirectory } from './node-lock.js'
import type { OffloadableFile, ReadOffload } from '../read-offload.js'
import { SpareHandles } from '../spare-handles.js'
import { errorCode, FileSystemError } from '../vfs-error.js'

/** All stores of the process share its descriptors: one that needs a descriptor may close another store's handle. */
const processHandles = new SpareHandles()

/** The machine's file system through `node:fs`. Paths go to the system unchanged. */
export class NodeFileSystem implements FileSystem {
  readonly spareHandles = processHandles
  readonly isSharedByThreads = true
  /** Locked directories stay open, so that their syncs need no further descriptor. */
  readonly #lockedDirectories = new Map<string, NodeDirectory>()
  readonly #offload: ReadOffload | undefined

  /** @param offload - Where reads run. Without it they run in place. */
  constructor(offload?: ReadOffload) {
    this.#offload = offload
  }

  /** Not normalized, because `..` after a symbolic link leads elsewhere than the text says; on Windows it does not, and drives matter. */
  absolute(path: string): string {
    if (isAbsolute(path) && process.platform !== 'win32') return path
    return attempt('absolute', path, () => (process.platform === 'win32' ? resolve(path) : joinPath(process.cwd(), path)))
  }

  openRead(path: string): FileHandle {
    return this.#open(path, 'r', 'openRead')
  }

  openWrite(path: string): FileHandle {
    return this.#open(path, 'r+', 'openWrite')
  }

  create(path: string): FileHandle {
    return this.#open(path, 'wx+', 'create')
  }

  rename(from: string, to: string): void {
    attempt('rename', from, () => fs.renameSync(from, to))
  }

  link(from: string, to: string): void {
    attempt('link', to, () => fs.linkSync(from, to))
  }

  remove(path: string): void {
    attempt('remove', path, () => fs.unlinkSync(path))
  }

  removeLater(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.unlink(path, error => (error === null ? resolve() : reject(FileSystemError.from(error, 'remove', path))))
    })
  }

  removeDirectory(path: string): void {
    attempt('removeDirectory', path, () => fs.rmdirSync(path))
  }

  list(directory: string): string[] {
    return this.spareHandles.attempt(() => attempt('list', directory, () => fs.readdirSync(directory))).sort()
  }

  makeDirectory(path: string): void {
    attempt('makeDirectory', path, () => fs.mkdirSync(path, { recursive: true }))
  }

  stat(path: string): FileStat | undefined {
    let stats: fs.Stats | undefined
    try {
      stats = fs.statSync(path, { throwIfNoEntry: false })
    } catch (error) {
      if (errorCode(error) === 'ENOTDIR') return undefined
      throw FileSystemError.from(error, 'stat', path)
    }
    if (stats === undefined) return undefined
    const { size, nlink } = stats
    if (stats.isFile()) return { kind: 'file', size, ...(nlink > 1 && { hasOtherNames: true }) }
    return { kind: stats.isDirectory() ? 'directory' : 'other', size }
  }

  /** Windows has no way to sync a directory and orders its own metadata writes: there it does nothing. */
  async syncDirectory(directory: string): Promise<void> {
    const locked = this.#lockedDirectories.get(directory)
    if (locked !== undefined) return locked.sync()
    const opened = this.#openDirectory(directory)
    try {
      await opened?.sync()
    } finally {
      opened?.close()
    }
  }

  async lock(directory: string, mode: LockMode = 'exclusive'): Promise<DirectoryLock> {
    const lock = await this.spareHandles.attemptAsync(() => lockDirectory(directory, mode))
    // A reader syncs no names.
    if (mode === 'shared') return lock
    let opened: NodeDirectory | undefined
    try {
      opened = this.#openDirectory(directory)
    } catch (error) {
      await lock.release()
      throw error
    }
    if (opened === undefined) return lock
    this.#lockedDirectories.set(directory, opened)
    let releasing: Promise<void> | undefined
    const release = (): Promise<void> => {
      this.#lockedDirectories.delete(directory)
      opened.close()
      return lock.release()
    }
    return { release: () => (releasing ??= release()) }
  }

  /** `undefined` where directories cannot be opened. */
  #openDirectory(directory: string): NodeDirectory | undefined {
    try {
      return new NodeDirectory(
        directory,
        this.spareHandles.attempt(() => fs.openSync(directory, 'r')),
      )
    } catch (error) {
      if (isUnsupportedDirectorySync(error)) return undefined
      throw FileSystemError.from(error, 'syncDirectory', directory)
    }
  }

  #open(path: string, flags: string, operation: string): FileHandle {
    const descriptor = this.spareHandles.attempt(() => attempt(operation, path, () => fs.openSync(path, flags)))
    // Linux opens a directory for reading without complaint and fails only at the first read.
    if (flags === 'r' && fs.fstatSync(descriptor).isDirectory()) {
      fs.closeSync(descriptor)
      throw new FileSystemError('EISDIR', { operation, path })
    }
    return new NodeFileHandle(path, descriptor, this.#offload)
  }
}

/** An open directory, to sync its names. */
class NodeDirectory {
  readonly #path: string
  readonly #descriptor: number
  #isClosed = false
  #syncsInFlight = 0

  constructor(path: string, descriptor: number) {
    this.#path = path
    this.#descriptor = descriptor
  }

  async sync(): Promise<void> {
    this.#syncsInFlight++
    await new Promise<void>((resolve, reject) => {
      fs.fsync(this.#descriptor, error => {
        this.#syncsInFlight--
        if (error === null || isUnsupportedDirectorySync(error)) resolve()
        else reject(FileSystemError.from(error, 'syncDirectory', this.#path))
        if (this.#isClosed && this.#syncsInFlight === 0) fs.close(this.#descriptor, () => {})
      })
    })
  }

  /** Syncs under way end first: until then the descriptor stays open. */
  close(): void {
    this.#isClosed = true
    if (this.#syncsInFlight === 0) fs.closeSync(this.#descriptor)
  }
}

class NodeFileHandle implements FileHandle, OffloadableFile {
  readonly path: string
  readonly #descriptor: number
  readonly #offload: ReadOffload | undefined
  #isClosed = false
  /** Syncs and reads in the thread pool. */
  #callsInFlight = 0

  constructor(path: string, descriptor: number, offload: ReadOffload | undefined) {
    this.path = path
    this.#descriptor = descriptor
    this.#offload = offload
  }

  size(): number {
    this.#assertOpen('size')
    try {
      return fs.fstatSync(this.#descriptor).size
    } catch (error) {
      throw FileSystemError.from(error, 'size', this.path)
    }
  }

  read(target: Uint8Array, position: number, start = 0, end = target.length): number {
    this.#assertOpen('read')
    const offload = this.#offload
    return offload === undefined ? this.readInPlace(target, position, start, end) : offload.read(this, target, position, start, end)
  }

  get readsAhead(): boolean {
    return this.#offload?.readsAhead === true
  }

  readAhead(upcoming: (bytes: number) => readonly Extent[], unread: (bytes: number) => void): void {
    this.#assertOpen('read')
    this.#offload?.readAhead(this, upcoming, unread)
  }

  readInPlace(target: Uint8Array, position: number, start: number, end: number): number {
    let at = start
    try {
      while (at < end) {
        const count = fs.readSync(this.#descriptor, target, at, end - at, position + at - start)
        if (count === 0) break
        at += count
      }
    } catch (error) {
      throw FileSystemError.from(error, 'read', this.path)
    }
    return at - start
  }

  async readOffThread(position: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    let at = 0
    this.#callsInFlight++
    try {
      while (at < length) {
        const count = await this.#readSome(bytes, at, position + at)
        if (count === 0) break
        at += count
      }
    } finally {
      this.#ended()
    }
    return bytes.subarray(0, at)
  }

  #readSome(target: Uint8Array, start: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#descriptor, target, start, target.length - start, position, (error, count) => {
        if (error === null) resolve(count)
        else reject(FileSystemError.from(error, 'read', this.path))
      })
    })
  }

  write(source: Uint8Array, position: number, start = 0, end = source.length): void {
    this.#assertOpen('write')
    let at = start
    try {
      while (at < end) {
        const count = fs.writeSync(this.#descriptor, source, at, end - at, position + at - start)
        if (count === 0) throw new FileSystemError('EIO', { operation: 'write', path: this.path })
        at += count
      }
    } catch (error) {
      throw FileSystemError.from(error, 'write', this.path)
    }
  }

  truncate(size: number): void {
    this.#assertOpen('truncate')
    attempt('truncate', this.path, () => fs.ftruncateSync(this.#descriptor, size))
  }

  async sync(): Promise<void> {
    this.#assertOpen('sync')
    this.#callsInFlight++
    await new Promise<void>((resolve, reject) => {
      fs.fdatasync(this.#descriptor, error => {
        if (error === null) resolve()
        else reject(FileSystemError.from(error, 'sync', this.path))
        this.#ended()
      })
    })
  }

  /** A call of the thread pool has ended. Its caller knows by then how: none is left to report an error of closing to. */
  #ended(): void {
    this.#callsInFlight--
    if (this.#isClosed && this.#callsInFlight === 0) fs.close(this.#descriptor, () => {})
  }

  /** While a sync or a read is in the thread pool the descriptor must not be closed: its number could go to another file. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#callsInFlight === 0) attempt('close', this.path, () => fs.closeSync(this.#descriptor))
  }

  #assertOpen(operation: string): void {
    if (this.#isClosed) throw new FileSystemError('EBADF', { operation, path: this.path })
  }
}

function attempt<Result>(operation: string, path: string, action: () => Result): Result {
  try {
    return action()
  } catch (error) {
    throw FileSystemError.from(error, operation, path)
  }
}

function isUnsupportedDirectorySync(error: unknown): boolean {
  const code = errorCode(error)
  return process.platform === 'win32' && (code === 'EPERM' || code === 'EISDIR' || code === 'EACCES')
}
