import {
  absolutePath,
  linkFile,
  removeInBackground,
  type DirectoryLock,
  type FileHandle,
  type FileStat,
  type FileSystem,
  type LockMode,
} from './file-system.js'
import type { SpareHandles } from './spare-handles.js'

/** Forwards everything to another file system: the base of file systems that observe calls and override some. */
export class ForwardingFileSystem implements FileSystem {
  /** The file system that does the work. */
  readonly inner: FileSystem

  constructor(inner: FileSystem) {
    this.inner = inner
  }

  get spareHandles(): SpareHandles | undefined {
    return this.inner.spareHandles
  }

  absolute(path: string): string {
    return absolutePath(this.inner, path)
  }

  openRead(path: string): FileHandle {
    return this.inner.openRead(path)
  }

  openWrite(path: string): FileHandle {
    return this.inner.openWrite(path)
  }

  create(path: string): FileHandle {
    return this.inner.create(path)
  }

  rename(from: string, to: string): void {
    this.inner.rename(from, to)
  }

  link(from: string, to: string): void {
    linkFile(this.inner, from, to)
  }

  remove(path: string): void {
    this.inner.remove(path)
  }

  removeLater(path: string): Promise<void> {
    return removeInBackground(this.inner, path)
  }

  removeDirectory(path: string): void {
    this.inner.removeDirectory(path)
  }

  list(directory: string): string[] {
    return this.inner.list(directory)
  }

  makeDirectory(path: string): void {
    this.inner.makeDirectory(path)
  }

  stat(path: string): FileStat | undefined {
    return this.inner.stat(path)
  }

  syncDirectory(directory: string): Promise<void> {
    return this.inner.syncDirectory(directory)
  }

  lock(directory: string, mode?: LockMode): Promise<DirectoryLock> {
    return this.inner.lock(directory, mode)
  }
}
