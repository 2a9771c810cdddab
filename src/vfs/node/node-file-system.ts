import * as fs from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { joinPath, type DirectoryLock, type FileHandle, type FileStat, type FileSystem } from '../file-system.js'
import { lockDirectory } from './node-lock.js'
import { errorCode, FileSystemError } from '../vfs-error.js'

/** The machine's file system through `node:fs`. Paths are handed to the system as they are. */
export class NodeFileSystem implements FileSystem {
  /** Not normalized where `..` after a symbolic link leads elsewhere than the text says. On Windows it does not, and drives count. */
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
    return attempt('list', directory, () => fs.readdirSync(directory)).sort()
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
    return { kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other', size: stats.size }
  }

  /** Windows has no way to sync a directory and orders its own metadata writes: there it does nothing. */
  async syncDirectory(directory: string): Promise<void> {
    let descriptor: number
    try {
      descriptor = fs.openSync(directory, 'r')
    } catch (error) {
      if (isUnsupportedDirectorySync(error)) return
      throw FileSystemError.from(error, 'syncDirectory', directory)
    }
    try {
      await new Promise<void>((resolve, reject) => {
        fs.fsync(descriptor, error => (error === null || isUnsupportedDirectorySync(error) ? resolve() : reject(error)))
      })
    } catch (error) {
      throw FileSystemError.from(error, 'syncDirectory', directory)
    } finally {
      fs.closeSync(descriptor)
    }
  }

  lock(directory: string): Promise<DirectoryLock> {
    return lockDirectory(directory)
  }

  #open(path: string, flags: string, operation: string): FileHandle {
    const descriptor = attempt(operation, path, () => fs.openSync(path, flags))
    // Linux opens a directory for reading without complaint and fails only at the first read.
    if (flags === 'r' && fs.fstatSync(descriptor).isDirectory()) {
      fs.closeSync(descriptor)
      throw new FileSystemError('EISDIR', { operation, path })
    }
    return new NodeFileHandle(path, descriptor)
  }
}

class NodeFileHandle implements FileHandle {
  readonly path: string
  readonly #descriptor: number
  #isClosed = false
  #syncsInFlight = 0

  constructor(path: string, descriptor: number) {
    this.path = path
    this.#descriptor = descriptor
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
    this.#syncsInFlight++
    await new Promise<void>((resolve, reject) => {
      fs.fdatasync(this.#descriptor, error => {
        this.#syncsInFlight--
        if (error === null) resolve()
        else reject(FileSystemError.from(error, 'sync', this.path))
        // The data are synced or the sync has failed: nobody is left whom an error of this close could tell more.
        if (this.#isClosed && this.#syncsInFlight === 0) fs.close(this.#descriptor, () => {})
      })
    })
  }

  /** While a sync is in the thread pool the descriptor must not be closed: its number could go to another file. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#syncsInFlight === 0) attempt('close', this.path, () => fs.closeSync(this.#descriptor))
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
