import type { SpareHandles } from './spare-handles.js'
import { FileSystemError, typedError } from './vfs-error.js'

/**
 * The file-system seam. Everything above it reaches storage through these two interfaces only, so that the same
 * engine runs on a disk, in memory, in a browser, under a meter or under injected faults.
 *
 * Reads and appends are synchronous: a read served by the page cache costs 1-2 us, a thread-pool hop 20-30 us.
 * Only calls that wait for the medium (data and directory syncs, the lock) are asynchronous.
 *
 * Invariants every implementation keeps:
 * 1. `read` and `write` loop over short transfers; `read` returns fewer bytes than asked only at the end of the file.
 * 2. Written bytes survive the death of the process. Bytes written before a `sync` was called survive power loss once it
 *    has resolved. A created, renamed or removed name survives power loss only after `syncDirectory`.
 * 3. A failed operation throws a `FileSystemError` with the operation, the path and the system's code (`ENOENT`, ...).
 */
export interface FileSystem {
  /** Registry of handles that may be closed when descriptors run out. Absent where they do not. */
  readonly spareHandles?: SpareHandles | undefined
  /** Whether other threads of the process reach the same files by the same paths. */
  readonly isSharedByThreads?: boolean
  /**
   * The path in a form that a change of the process's working directory does not move; see `absolutePath`. Absent where no path
   * depends on such a directory.
   */
  absolute?(path: string): string
  /** Opens an existing file for reading. */
  openRead(path: string): FileHandle
  /** Opens an existing file for reading and writing. */
  openWrite(path: string): FileHandle
  /** Creates a file for reading and writing; fails with `EEXIST` if the name is taken. */
  create(path: string): FileHandle
  /** Atomically gives a file a new name, replacing a file that has it. */
  rename(from: string, to: string): void
  /**
   * Gives a file a second name, under which it stays when the first one is removed; fails with `EEXIST` if the name is taken. Both names are
   * the same bytes. Absent, or failing with `ENOTSUP`, `EXDEV` or `EPERM`, where that is not possible; see `linkOrCopy`.
   */
  link?(from: string, to: string): void
  remove(path: string): void
  /**
   * Removes a file off the main thread: freeing the blocks of a large file takes milliseconds. Absent where removal is
   * quick; see `removeInBackground`.
   */
  removeLater?(path: string): Promise<void>
  /** Removes an empty directory. */
  removeDirectory(path: string): void
  /** Names (not paths) in a directory, sorted. */
  list(directory: string): string[]
  /** Creates a directory and the missing ones above it; does nothing if it is there. */
  makeDirectory(path: string): void
  /** What is at the path, or `undefined` if nothing is. */
  stat(path: string): FileStat | undefined
  /** Makes created, renamed and removed names in the directory durable. */
  syncDirectory(directory: string): Promise<void>
  /**
   * Locks the directory for this open store. Rejects with a `LockedError` if another store, in this process or
   * another, holds it. The lock ends with `release()` or with the process, even if that is killed.
   * @param mode - `shared` for a store that only reads: any number of them hold it at once, and none while another holds it
   * exclusively. A file system that does not know the mode locks exclusively. Default: `exclusive`.
   */
  lock(directory: string, mode?: LockMode): Promise<DirectoryLock>
}

export interface FileHandle {
  readonly path: string
  /** Current length in bytes. */
  size(): number
  /** Fills `target[start, end)` from byte `position` of the file; returns the number of bytes read. */
  read(target: Uint8Array, position: number, start?: number, end?: number): number
  /**
   * Begins to read off the thread what a scan will read soon, where reads are slow and the scan can wait: the extents of the next `bytes` bytes,
   * which `upcoming` returns in the order in which they will be read. `unread` gets the bytes of those that are dropped unused. Absent
   * where every read runs in place.
   */
  readAhead?(upcoming: (bytes: number) => readonly Extent[], unread: (bytes: number) => void): void
  /** Whether `readAhead` would begin reads now. Ask first: to name the extents costs more. Absent where every read runs in place. */
  readonly readsAhead?: boolean
  /** Writes `source[start, end)` at byte `position` of the file, growing it if needed. */
  write(source: Uint8Array, position: number, start?: number, end?: number): void
  truncate(size: number): void
  /** Makes the file's data and length durable (fdatasync). */
  sync(): Promise<void>
  close(): void
}

/** A part of a file, in bytes. */
export interface Extent {
  readonly position: number
  readonly length: number
}

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'other'
  readonly size: number
  /** The file has further names. Absent where the file system does not count them. */
  readonly hasOtherNames?: true
}

export type LockMode = 'exclusive' | 'shared'

export interface DirectoryLock {
  release(): Promise<void>
}

/** Removes a file, off the caller's thread if the file system can. */
export async function removeInBackground(fileSystem: FileSystem, path: string): Promise<void> {
  if (fileSystem.removeLater === undefined) fileSystem.remove(path)
  else await fileSystem.removeLater(path)
}

/** Gives a file a second name. Throws `ENOTSUP` where the file system has no such names. */
export function linkFile(fileSystem: FileSystem, from: string, to: string): void {
  if (fileSystem.link === undefined) throw new FileSystemError('ENOTSUP', { operation: 'link', path: to })
  fileSystem.link(from, to)
}

/** Removes a file that nothing refers to. A failure leaves it, which costs only space. */
export function removeLeftover(fileSystem: FileSystem, path: string): void {
  try {
    fileSystem.remove(path)
  } catch {
    // The error that made it a leftover is the one to report.
  }
}

/**
 * The path in a form that later changes of the working directory do not affect, for code that keeps a path or waits before it uses one.
 * Throws an `IoError` when a relative path has no working directory left to start from.
 */
export function absolutePath(fileSystem: FileSystem, path: string): string {
  try {
    return fileSystem.absolute?.(path) ?? path
  } catch (error) {
    throw typedError(error)
  }
}

/** Joins path pieces with `/`, which every supported system accepts. */
export function joinPath(directory: string, name: string): string {
  return directory.endsWith('/') ? directory + name : `${directory}/${name}`
}
