/**
 * A file system that fails where a test wants it to: any operation, once, for a while or from then on, before or after it has had
 * its effect, or in the middle of a write. It also reports every operation, so that a test can take a crash image at each,
 * and can delay what is asynchronous.
 *
 * Invariants:
 * 1. Nothing here is random: the same calls with the same faults do the same.
 * 2. Every operation has a number, counted from 1 in the order of the calls. `before` sees it ahead of any effect, `after` when
 *    it has succeeded. An error thrown by `before` fails the operation.
 * 3. The first fault that applies to an operation decides; a fault that has been used up applies to nothing.
 * 4. An open that fails for lack of descriptors is tried again, as another operation, as long as a spare handle can be closed.
 * 5. A `close` that fails has closed the handle all the same, as on every system.
 */
import {
  absolutePath,
  linkFile,
  removeInBackground,
  type DirectoryLock,
  type FileHandle,
  type FileStat,
  type FileSystem,
  type LockMode,
} from '../file-system.js'
import { SpareHandles } from '../spare-handles.js'
import { FileSystemError } from '../vfs-error.js'

export type FileOperationKind =
  | 'openRead'
  | 'openWrite'
  | 'create'
  | 'rename'
  | 'link'
  | 'remove'
  | 'removeDirectory'
  | 'list'
  | 'makeDirectory'
  | 'stat'
  | 'syncDirectory'
  | 'lock'
  | 'size'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'close'

export interface FileOperation {
  readonly number: number
  readonly kind: FileOperationKind
  /** For a rename or a link, the new name. */
  readonly path: string
  /** Bytes that a read asks for or a write passes; else 0. */
  readonly bytes: number
}

export interface Fault {
  /** The operations it applies to; default: every one. */
  readonly on?: (operation: FileOperation) => boolean
  /** How many of these pass first. Default: none. */
  readonly skip?: number
  /** How many of these it then hits. Default: one; `Infinity`: all. */
  readonly times?: number
  readonly effect: FaultEffect
}

export type FaultEffect =
  /** The operation throws (or rejects), having done nothing, all of it, or this many bytes of a write. */
  | { readonly kind: 'error'; readonly code: string; readonly done: 'nothing' | 'all' | number }
  /** A read returns at most this many bytes, as if the file ended there. */
  | { readonly kind: 'short read'; readonly bytes: number }

interface ActiveFault {
  readonly fault: Fault
  skip: number
  left: number
}

const CHANGES: ReadonlySet<FileOperationKind> = new Set<FileOperationKind>([
  ...(['create', 'rename', 'link', 'remove', 'removeDirectory', 'makeDirectory'] as const),
  ...(['syncDirectory', 'write', 'truncate', 'sync'] as const),
])

/** Whether the operation changes what a crash would leave. */
export function changesImage(operation: FileOperation): boolean {
  return CHANGES.has(operation.kind)
}

export class FaultyFileSystem implements FileSystem {
  /** The file system that does the work. */
  readonly inner: FileSystem
  before: ((operation: FileOperation) => void) | undefined
  after: ((operation: FileOperation) => void) | undefined
  /** Called when a fault has hit, before the caller gets its error. */
  failed: ((operation: FileOperation, fault: Fault) => void) | undefined
  /** Awaited before and after the work of syncs, of files and directories, and of background removals. */
  delay: ((operation: FileOperation, moment: 'before' | 'after') => Promise<void> | undefined) | undefined
  readonly spareHandles = new SpareHandles()
  /** Handles that are open now. */
  readonly openHandles = new Set<FileHandle>()
  #operations = 0
  #hits = 0
  #faults: ActiveFault[] = []

  constructor(inner: FileSystem) {
    this.inner = inner
  }

  /** Operations started so far. */
  get operations(): number {
    return this.#operations
  }

  /** Operations that a fault has hit. */
  get hits(): number {
    return this.#hits
  }

  inject(fault: Fault): void {
    this.#faults.push({ fault, skip: fault.skip ?? 0, left: fault.times ?? 1 })
  }

  /** Ends all faults. */
  heal(): void {
    this.#faults = []
  }

  absolute(path: string): string {
    return absolutePath(this.inner, path)
  }

  openRead(path: string): FileHandle {
    return this.#open('openRead', path, () => this.inner.openRead(path))
  }

  openWrite(path: string): FileHandle {
    return this.#open('openWrite', path, () => this.inner.openWrite(path))
  }

  create(path: string): FileHandle {
    return this.#open('create', path, () => this.inner.create(path))
  }

  rename(from: string, to: string): void {
    this.run('rename', to, 0, () => this.inner.rename(from, to))
  }

  link(from: string, to: string): void {
    this.run('link', to, 0, () => linkFile(this.inner, from, to))
  }

  remove(path: string): void {
    this.run('remove', path, 0, () => this.inner.remove(path))
  }

  removeLater(path: string): Promise<void> {
    return this.runAsync('remove', path, () => removeInBackground(this.inner, path))
  }

  removeDirectory(path: string): void {
    this.run('removeDirectory', path, 0, () => this.inner.removeDirectory(path))
  }

  list(directory: string): string[] {
    return this.spareHandles.attempt(() => this.run('list', directory, 0, () => this.inner.list(directory)))
  }

  makeDirectory(path: string): void {
    this.run('makeDirectory', path, 0, () => this.inner.makeDirectory(path))
  }

  stat(path: string): FileStat | undefined {
    return this.run('stat', path, 0, () => this.inner.stat(path))
  }

  syncDirectory(directory: string): Promise<void> {
    return this.spareHandles.attemptAsync(() => this.runAsync('syncDirectory', directory, () => this.inner.syncDirectory(directory)))
  }

  lock(directory: string, mode?: LockMode): Promise<DirectoryLock> {
    const release = (lock: DirectoryLock): Promise<void> => lock.release()
    return this.spareHandles.attemptAsync(() => this.runAsync('lock', directory, () => this.inner.lock(directory, mode), release))
  }

  /** @internal `undo` reverts a result that the caller does not get. */
  run<Result>(kind: FileOperationKind, path: string, bytes: number, work: () => Result, undo?: (result: Result) => void): Result {
    const operation = this.#begin(kind, path, bytes)
    const fault = this.#faultFor(operation)
    if (fault?.effect.kind === 'error') {
      if (fault.effect.done === 'all') {
        const result = work()
        undo?.(result)
      }
      throw this.#hit(operation, fault, fault.effect.code)
    }
    const result = work()
    this.after?.(operation)
    return result
  }

  /** @internal */
  async runAsync<Result>(
    kind: FileOperationKind,
    path: string,
    work: () => Promise<Result>,
    undo?: (result: Result) => Promise<void>,
  ): Promise<Result> {
    const operation = this.#begin(kind, path, 0)
    const fault = this.#faultFor(operation)
    await this.delay?.(operation, 'before')
    if (fault?.effect.kind === 'error') {
      if (fault.effect.done === 'all') {
        const result = await work()
        await undo?.(result)
      }
      throw this.#hit(operation, fault, fault.effect.code)
    }
    const result = await work()
    this.after?.(operation)
    await this.delay?.(operation, 'after')
    return result
  }

  /** @internal */
  read(inner: FileHandle, target: Uint8Array, position: number, start: number, end: number): number {
    const operation = this.#begin('read', inner.path, end - start)
    const fault = this.#faultFor(operation)
    if (fault?.effect.kind === 'error') throw this.#hit(operation, fault, fault.effect.code)
    let stop = end
    if (fault?.effect.kind === 'short read') {
      stop = Math.min(end, start + fault.effect.bytes)
      this.#note(operation, fault)
    }
    const count = inner.read(target, position, start, stop)
    this.after?.(operation)
    return count
  }

  /** @internal */
  write(inner: FileHandle, source: Uint8Array, position: number, start: number, end: number): void {
    const operation = this.#begin('write', inner.path, end - start)
    const fault = this.#faultFor(operation)
    if (fault?.effect.kind === 'error') {
      const { code, done } = fault.effect
      const kept = done === 'all' ? end - start : done === 'nothing' ? 0 : Math.min(done, end - start)
      if (kept > 0) inner.write(source, position, start, start + kept)
      throw this.#hit(operation, fault, code)
    }
    inner.write(source, position, start, end)
    this.after?.(operation)
  }

  /** @internal */
  close(handle: FileHandle, inner: FileHandle): void {
    const operation = this.#begin('close', inner.path, 0)
    const fault = this.#faultFor(operation)
    this.openHandles.delete(handle)
    inner.close()
    if (fault?.effect.kind === 'error') throw this.#hit(operation, fault, fault.effect.code)
    this.after?.(operation)
  }

  #begin(kind: FileOperationKind, path: string, bytes: number): FileOperation {
    const operation = { number: ++this.#operations, kind, path, bytes }
    this.before?.(operation)
    return operation
  }

  #faultFor(operation: FileOperation): Fault | undefined {
    for (const active of this.#faults) {
      const { fault } = active
      if (active.left <= 0 || fault.on?.(operation) === false) continue
      if (active.skip > 0) {
        active.skip--
        continue
      }
      active.left--
      return fault
    }
    return undefined
  }

  #hit(operation: FileOperation, fault: Fault, code: string): FileSystemError {
    this.#note(operation, fault)
    return new FileSystemError(code, { operation: operation.kind, path: operation.path })
  }

  #note(operation: FileOperation, fault: Fault): void {
    this.#hits++
    this.failed?.(operation, fault)
  }

  #open(kind: 'openRead' | 'openWrite' | 'create', path: string, open: () => FileHandle): FileHandle {
    const inner = this.spareHandles.attempt(() => this.run(kind, path, 0, open, closeHandle))
    const handle = new FaultyFileHandle(inner, this)
    this.openHandles.add(handle)
    return handle
  }
}

class FaultyFileHandle implements FileHandle {
  readonly path: string
  readonly #inner: FileHandle
  readonly #fileSystem: FaultyFileSystem

  constructor(inner: FileHandle, fileSystem: FaultyFileSystem) {
    this.path = inner.path
    this.#inner = inner
    this.#fileSystem = fileSystem
  }

  size(): number {
    return this.#fileSystem.run('size', this.path, 0, () => this.#inner.size())
  }

  read(target: Uint8Array, position: number, start = 0, end = target.length): number {
    return this.#fileSystem.read(this.#inner, target, position, start, end)
  }

  write(source: Uint8Array, position: number, start = 0, end = source.length): void {
    this.#fileSystem.write(this.#inner, source, position, start, end)
  }

  truncate(size: number): void {
    this.#fileSystem.run('truncate', this.path, 0, () => this.#inner.truncate(size))
  }

  sync(): Promise<void> {
    return this.#fileSystem.runAsync('sync', this.path, () => this.#inner.sync())
  }

  close(): void {
    this.#fileSystem.close(this, this.#inner)
  }
}

function closeHandle(handle: FileHandle): void {
  handle.close()
}
