/**
 * Emits an event for every file that is created, read, written, synced, renamed and removed, in the span that it serves.
 *
 * Invariants:
 * 1. A call is emitted when it has succeeded, in the span that was current when it was made.
 * 2. The emitted reads and writes add up to the ledger, part by part: see `writePartOf` and `readPartOf`.
 * 3. A span counts its bytes at every level of the trace; events of files are emitted at level io.
 */
import type { ReadPart, WritePart } from '../trace/ledger.js'
import type { Span, SpanKind, Trace } from '../trace/span.js'
import type { FileHandle, FileSystem } from './file-system.js'
import { fileClassOf, type FileClass, type FileNames } from './file-classes.js'
import { ForwardingFileSystem } from './forwarding-file-system.js'

/** The traced file system with its calls in the span, whenever they are made. Returns any other file system as it is. */
export function bindFileSystem(fileSystem: FileSystem, span: Span | null): FileSystem {
  return span !== null && fileSystem instanceof TracedFileSystem ? fileSystem.bind(span) : fileSystem
}

/** The part of the ledger that counts a write to a file of that class. Files of no class are the store's own; those outside are of checkpoints. */
export function writePartOf(fileClass: FileClass | 'outside' | undefined, user: SpanKind | null): WritePart {
  if (user === 'backup' || fileClass === 'outside') return 'backup'
  if (fileClass === 'log') return 'log'
  if (fileClass === 'table') return user === 'compaction' ? 'compaction' : 'flush'
  return fileClass === 'page' ? 'page' : 'meta'
}

/** The part of the ledger that counts a read from a file of that class. */
export function readPartOf(fileClass: FileClass | 'outside' | undefined, user: SpanKind | null): ReadPart {
  if (user === 'changes' || user === 'backup') return user
  if (user === 'open' || user === 'close') return 'open'
  const isLog = fileClass === 'log'
  if (!isLog && fileClass !== 'table' && fileClass !== 'page') return 'open'
  // Replaying logs is a job of its own, so these read values.
  if (user === 'get') return 'get'
  if (user === 'cursor' || user === 'seek' || user === 'next') return 'scan'
  // A clear or a check reads tables like a scan.
  if (fileClass !== 'page' && (user === 'clear' || user === 'check')) return 'scan'
  return isLog ? 'open' : 'compaction'
}

export class TracedFileSystem extends ForwardingFileSystem {
  readonly #trace: Trace
  readonly #directory: string
  readonly #files: FileNames
  /** The span of every call; null: the span that is current at the call. */
  readonly #span: Span | null

  /**
   * @param directory Emitted names are relative to it.
   * @param files The files of the engine, by the class that decides where the ledger counts their bytes.
   */
  constructor(inner: FileSystem, trace: Trace, directory: string, files: FileNames, span: Span | null = null) {
    super(inner)
    this.#files = files
    this.#trace = trace
    this.#directory = directory.endsWith('/') ? directory : `${directory}/`
    this.#span = span
  }

  /** The same file system, whose calls belong to the span. */
  bind(span: Span): TracedFileSystem {
    return new TracedFileSystem(this.inner, this.#trace, this.#directory, this.#files, span)
  }

  get isSharedByThreads(): boolean {
    return this.inner.isSharedByThreads === true
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

  override link(from: string, to: string): void {
    super.link(from, to)
    this.#io?.emit({ type: 'file.link', file: this.#nameOf(from), name: this.#nameOf(to) })
  }

  override remove(path: string): void {
    this.inner.remove(path)
    this.#removed(path, this.#span ?? this.#trace.currentSpan)
  }

  override async removeLater(path: string): Promise<void> {
    const span = this.#span ?? this.#trace.currentSpan
    await super.removeLater(path)
    this.#removed(path, span)
  }

  override async syncDirectory(directory: string): Promise<void> {
    const tracer = this.#io && (this.#span ?? this.#trace.currentSpan ?? this.#trace)
    await this.inner.syncDirectory(directory)
    tracer?.emit({ type: 'directory.sync', directory: `${directory}/` === this.#directory ? '.' : this.#nameOf(directory) })
  }

  get #io(): Span | Trace | null {
    return (this.#span ?? this.#trace).at('io')
  }

  #opened(handle: FileHandle, writable: boolean): FileHandle {
    const file = this.#nameOf(handle.path)
    this.#io?.emit({ type: 'file.open', file, writable })
    return this.#traced(handle, file)
  }

  #traced(handle: FileHandle, file: string): FileHandle {
    const isOutside = !handle.path.startsWith(this.#directory)
    return new TracedFileHandle(handle, this.#trace, file, isOutside ? 'outside' : fileClassOf(this.#files, file), this.#span)
  }

  /** A removal outside of any span (a cursor's last table, long after the merge that replaced it) is a job of its own. */
  #removed(path: string, span: Span | null): void {
    if (this.#io === null) return
    const removal = span ?? this.#trace.startSpan('job', 'free')
    removal.emit({ type: 'file.remove', file: this.#nameOf(path) })
    if (span === null) removal.end('ok')
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
  readonly #class: FileClass | 'outside' | undefined
  readonly #bound: Span | null

  constructor(inner: FileHandle, trace: Trace, file: string, fileClass: FileClass | 'outside' | undefined, bound: Span | null) {
    this.path = inner.path
    this.#inner = inner
    this.#trace = trace
    this.#io = trace.at('io')
    this.#file = file
    this.#class = fileClass
    this.#bound = bound
  }

  size(): number {
    return this.#inner.size()
  }

  read(target: Uint8Array, position: number, start = 0, end = target.length): number {
    const length = this.#inner.read(target, position, start, end)
    const span = this.#span
    if (this.#io !== null) {
      const part = span?.readPart ?? readPartOf(this.#class, span?.kind ?? null)
      ;(span ?? this.#io).emit({ type: 'file.read', file: this.#file, offset: position, length, part })
    } else span?.count(length, 0)
    return length
  }

  write(source: Uint8Array, position: number, start = 0, end = source.length): void {
    this.#inner.write(source, position, start, end)
    const span = this.#span
    const length = end - start
    if (this.#io !== null) {
      const part = span?.writePart ?? writePartOf(this.#class, span?.kind ?? null)
      const payload = this.#trace.payloads ? { bytes: new Uint8Array(source.subarray(start, end)) } : undefined
      ;(span ?? this.#io).emit({ type: 'file.write', file: this.#file, offset: position, length, part, ...payload })
    } else span?.count(0, length)
  }

  truncate(size: number): void {
    this.#inner.truncate(size)
    this.#tracer?.emit({ type: 'file.truncate', file: this.#file, size })
  }

  async sync(): Promise<void> {
    const tracer = this.#tracer
    await this.#inner.sync()
    tracer?.emit({ type: 'file.sync', file: this.#file })
  }

  close(): void {
    this.#inner.close()
    this.#tracer?.emit({ type: 'file.close', file: this.#file })
  }

  get #span(): Span | null {
    return this.#bound ?? this.#trace.currentSpan
  }

  /** What emits events of files; null below level io. */
  get #tracer(): Span | Trace | null {
    return this.#io === null ? null : (this.#span ?? this.#io)
  }
}
