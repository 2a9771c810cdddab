/**
 * Emits an event for every file that is created, read, written, synced, renamed and removed, with the operation or job it serves.
 *
 * Invariants:
 * 1. A call is emitted when it has succeeded; it belongs to the operation or job that was current when it was made.
 * 2. The emitted reads and writes add up to the ledger, part by part: see `writePartOf` and `readPartOf`.
 * 3. A job's bytes are counted at every level of the trace; events of files are emitted at level io.
 */
import type { OperationKind, TraceJobKind } from '../trace/events.js'
import type { ReadPart, WritePart } from '../trace/ledger.js'
import type { JobTracer, Owner, Trace } from '../trace/trace.js'
import type { FileHandle, FileSystem } from './file-system.js'
import { fileClassOf, type FileClass, type FileNames } from './file-classes.js'
import { ForwardingFileSystem } from './forwarding-file-system.js'

/** The file system as `job` uses it: its calls belong to the job. Returns any other file system as it is. */
export function fileSystemOf(fileSystem: FileSystem, job: JobTracer | null | undefined): FileSystem {
  return job && fileSystem instanceof TracedFileSystem ? fileSystem.forJob(job) : fileSystem
}

/** The part of the ledger that counts a write to a file of that class. Files of no class are the store's own. */
export function writePartOf(fileClass: FileClass | undefined, user: OperationKind | TraceJobKind | null): WritePart {
  if (fileClass === 'log') return 'log'
  if (fileClass === 'table') return user === 'compaction' ? 'compaction' : 'flush'
  return fileClass === 'page' ? 'page' : 'meta'
}

/** The part of the ledger that counts a read from a file of that class. */
export function readPartOf(fileClass: FileClass | undefined, user: OperationKind | TraceJobKind | null): ReadPart {
  if (user === 'open' || user === 'close' || (fileClass !== 'table' && fileClass !== 'page')) return 'open'
  if (user === 'get') return 'get'
  if (user === 'cursor' || user === 'seek' || user === 'next') return 'scan'
  // A clear or a check reads tables like a scan.
  return fileClass === 'table' && (user === 'clear' || user === 'check') ? 'scan' : 'compaction'
}

export class TracedFileSystem extends ForwardingFileSystem {
  readonly #trace: Trace
  readonly #directory: string
  readonly #files: FileNames
  /** The job that the calls belong to; null: the current operation or job. */
  readonly #job: JobTracer | null

  /**
   * @param directory Emitted names are relative to it.
   * @param files The files of the engine, by the class that decides where the ledger counts their bytes.
   */
  constructor(inner: FileSystem, trace: Trace, directory: string, files: FileNames, job: JobTracer | null = null) {
    super(inner)
    this.#files = files
    this.#trace = trace
    this.#directory = directory.endsWith('/') ? directory : `${directory}/`
    this.#job = job
  }

  /** The same file system, whose calls belong to `job`. */
  forJob(job: JobTracer): TracedFileSystem {
    return new TracedFileSystem(this.inner, this.#trace, this.#directory, this.#files, job)
  }

  override openRead(path: string): FileHandle {
    return this.#opened(this.inner.openRead(path), false)
  }

  override openWrite(path: string): FileHandle {
    return this.#opened(this.inner.openWrite(path), true)
  }

  override create(path: string): FileHandle {
    const handle = this.inner.create(path)
    const file = this.#nameOf(path)
    this.#io?.emit({ type: 'file.create', file })
    return this.#traced(handle, file)
  }

  override rename(from: string, to: string): void {
    this.inner.rename(from, to)
    this.#io?.emit({ type: 'file.rename', from: this.#nameOf(from), to: this.#nameOf(to) })
  }

  override remove(path: string): void {
    this.inner.remove(path)
    this.#removed(path, this.#job ?? this.#trace.owner)
  }

  override async removeLater(path: string): Promise<void> {
    const owner = this.#job ?? this.#trace.owner
    await super.removeLater(path)
    this.#removed(path, owner)
  }

  override async syncDirectory(directory: string): Promise<void> {
    const tracer = this.#io && (this.#job ?? this.#trace.owner ?? this.#trace)
    await this.inner.syncDirectory(directory)
    tracer?.emit({ type: 'directory.sync', directory: `${directory}/` === this.#directory ? '.' : this.#nameOf(directory) })
  }

  get #io(): JobTracer | Trace | null {
    return (this.#job ?? this.#trace).at('io')
  }

  #opened(handle: FileHandle, writable: boolean): FileHandle {
    const file = this.#nameOf(handle.path)
    this.#io?.emit({ type: 'file.open', file, writable })
    return this.#traced(handle, file)
  }

  #traced(handle: FileHandle, file: string): FileHandle {
    return new TracedFileHandle(handle, this.#trace, file, fileClassOf(this.#files, file), this.#job)
  }

  /** A removal outside of any operation or job (a cursor's last table, long after the merge that replaced it) is a job of its own. */
  #removed(path: string, owner: Owner | null): void {
    if (this.#io === null) return
    const job = owner === null ? this.#trace.job('free') : undefined
    ;(owner ?? job)?.emit({ type: 'file.remove', file: this.#nameOf(path) })
    job?.end('ok')
  }

  #nameOf(path: string): string {
    return path.startsWith(this.#directory) ? path.slice(this.#directory.length) : path
  }
}

class TracedFileHandle implements FileHandle {
  readonly path: string
  readonly #inner: FileHandle
  readonly #trace: Trace
  readonly #io: Trace | null
  readonly #file: string
  readonly #class: FileClass | undefined
  readonly #job: JobTracer | null

  constructor(inner: FileHandle, trace: Trace, file: string, fileClass: FileClass | undefined, job: JobTracer | null) {
    this.path = inner.path
    this.#inner = inner
    this.#trace = trace
    this.#io = trace.at('io')
    this.#file = file
    this.#class = fileClass
    this.#job = job
  }

  size(): number {
    return this.#inner.size()
  }

  read(target: Uint8Array, position: number, start = 0, end = target.length): number {
    const length = this.#inner.read(target, position, start, end)
    const owner = this.#owner
    if (this.#io !== null) {
      const part = this.#trace.readPart ?? readPartOf(this.#class, owner?.kind ?? null)
      ;(owner ?? this.#io).emit({ type: 'file.read', file: this.#file, offset: position, length, part })
    } else if (owner !== null && 'bytesRead' in owner) owner.bytesRead += length
    return length
  }

  write(source: Uint8Array, position: number, start = 0, end = source.length): void {
    this.#inner.write(source, position, start, end)
    const owner = this.#owner
    const length = end - start
    if (this.#io !== null) {
      const part = this.#trace.writePart ?? writePartOf(this.#class, owner?.kind ?? null)
      const payload = this.#trace.payloads ? { bytes: new Uint8Array(source.subarray(start, end)) } : undefined
      ;(owner ?? this.#io).emit({ type: 'file.write', file: this.#file, offset: position, length, part, ...payload })
    } else if (owner !== null && 'bytesWritten' in owner) owner.bytesWritten += length
  }

  truncate(size: number): void {
    this.#inner.truncate(size)
    this.#tell()?.emit({ type: 'file.truncate', file: this.#file, size })
  }

  async sync(): Promise<void> {
    const tracer = this.#tell()
    await this.#inner.sync()
    tracer?.emit({ type: 'file.sync', file: this.#file })
  }

  close(): void {
    this.#inner.close()
    this.#tell()?.emit({ type: 'file.close', file: this.#file })
  }

  get #owner(): Owner | null {
    return this.#job ?? this.#trace.owner
  }

  #tell(): Owner | Trace | null {
    return this.#io === null ? null : (this.#owner ?? this.#io)
  }
}
