import type { Ledger } from '../../trace/ledger.js'
import { withSpan, type Span } from '../../trace/span.js'
import { joinPath, linkFile, removeLeftover, type FileSystem } from '../../vfs/file-system.js'
import { MeteredFileSystem } from '../../vfs/metered-file-system.js'
import { FileSystemError } from '../../vfs/vfs-error.js'
import { bindFileSystem, TracedFileSystem } from '../../vfs/traced-file-system.js'
import type { JobExecutor } from './executor.js'
import { filterBitsOfFlush } from './filter-bits.js'
import type { FlushedList } from '../memtable/memtable-list.js'
import type { Memtable } from '../memtable/memtable.js'
import type { MergeJob, MergeResult, OutputOptions } from './merge-job.js'
import { compressionAt, type LsmOptions } from '../options.js'
import { sharedBuffer } from '../shared-buffer.js'
import type { DroppedCounts } from './retention.js'
import type { BlobJob } from '../blobs/value-separation.js'
import { logName } from '../../engine/durable/log-names.js'
import { blobName } from '../file-names.js'
import { mergeBounds } from '../versions/table-file.js'
import type { Version } from '../versions/version.js'

export interface JobRunnerOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly ledger: Ledger
  readonly executor: JobExecutor
  readonly options: LsmOptions
}

/** A compaction that merges, and what the merge has to know of the store. */
export type CompactionJob = Required<
  Pick<MergeJob, 'compaction' | 'older' | 'snapshots' | 'expiryHorizon' | 'firstOutput' | 'maxOutputs'>
> &
  Pick<MergeJob, 'blobs'> & {
    /** Size of the filters, in bits per key. */
    readonly filterBits: number
  }

/** Makes jobs, has them run, counts what they cost, and makes the names of their tables durable. */
export class JobRunner {
  readonly #context: JobRunnerOptions
  readonly #cancel = new Int32Array(sharedBuffer(4))
  /** Entries that merges have dropped since open, by reason. */
  readonly dropped: DroppedCounts = { shadowed: 0, covered: 0, tombstones: 0, expired: 0 }

  constructor(context: JobRunnerOptions) {
    this.#context = context
  }

  /** Whether jobs run in another thread: memtables must be shared memory then. */
  get remote(): boolean {
    return this.#context.executor.remote
  }

  /** Writes a memtable to table `number` of level 0. No table if every entry is dropped. */
  async flush(
    memtable: Memtable,
    version: Version,
    number: number,
    snapshots: readonly number[],
    expiryHorizon: number,
    blobs: BlobJob | undefined,
    span: Span | null,
  ): Promise<MergeResult> {
    const job: MergeJob = {
      directory: this.#context.directory,
      memtable: { list: memtable.list.transferable(), ranges: memtable.ranges },
      snapshots,
      expiryHorizon,
      older: mergeBounds([...version.files()].map(file => file.meta)),
      firstOutput: number,
      maxOutputs: 1,
      output: this.#output(0, filterBitsOfFlush(this.#context.options, version, memtable.list.count)),
      blobs,
    }
    const result = await this.#run(job, span)
    const { ledger } = this.#context
    ledger.written.flush += result.io.total.bytesWritten
    ledger.saved.flush += result.savedBytes
    return result
  }

  async compact({ filterBits, ...job }: CompactionJob, span: Span | null): Promise<MergeResult> {
    const { directory, ledger } = this.#context
    const output = this.#output(job.compaction.outputLevel, filterBits)
    const result = await this.#run({ ...job, directory, output, cancel: this.#cancel }, span)
    ledger.written.compaction += result.io.total.bytesWritten
    ledger.saved.compaction += result.savedBytes
    ledger.read.compaction += result.io.total.bytesRead
    return result
  }

  /** Gives a log a second name, as a blob file. False where the file system has no such names. */
  linkLog(number: number, span: Span | null): boolean {
    const { directory } = this.#context
    const fileSystem = bindFileSystem(this.#context.fileSystem, span)
    try {
      linkFile(fileSystem, joinPath(directory, logName(number)), joinPath(directory, blobName(number)))
      return true
    } catch (error) {
      // An attempt before this one may have come so far.
      return error instanceof FileSystemError && error.code === 'EEXIST'
    }
  }

  /** A log has become a blob file of that length. */
  keptLog(fileBytes: number): void {
    this.#context.ledger.resize(fileBytes)
  }

  /** Takes the second name of a log away. */
  unlinkLog(number: number, span: Span | null): void {
    const { directory } = this.#context
    removeLeftover(bindFileSystem(this.#context.fileSystem, span), joinPath(directory, blobName(number)))
  }

  /** Writes what a memtable held at a moment to a table of level 0 in another directory, which is not one of the store's. */
  copyMemtable(
    { list, ranges }: Pick<Memtable, 'ranges'> & { readonly list: FlushedList },
    copy: Pick<MergeJob, 'directory' | 'newest' | 'older' | 'firstOutput' | 'cancel'>,
    filterBits: number,
    span: Span | null,
  ): Promise<MergeResult> {
    return this.#writeApart({ ...copy, memtable: { list, ranges } }, this.#output(0, filterBits), span)
  }

  /** Writes the puts of an ingest to table `number`, which is in no version yet. */
  ingest(
    batches: NonNullable<MergeJob['batches']>,
    number: number,
    { level, filterBits }: { readonly level: number; readonly filterBits: number },
    span: Span | null,
  ): Promise<MergeResult> {
    const output = this.#output(level, filterBits)
    return this.#writeApart({ directory: this.#context.directory, batches, older: [], firstOutput: number }, output, span)
  }

  /** Makes the compaction under way, and every later one, give up with `JobCancelled`. */
  cancelCompactions(): void {
    Atomics.store(this.#cancel, 0, 1)
  }

  #output(level: number, filterBitsPerKey: number): OutputOptions {
    const { maxFileSize, blockSize, compression } = this.#context.options
    return { maxFileBytes: maxFileSize, blockBytes: blockSize, filterBitsPerKey, compression: compressionAt(level, compression) }
  }

  /** Writes one table that is in no version. The caller counts it. */
  async #writeApart(
    job: Omit<MergeJob, 'snapshots' | 'expiryHorizon' | 'maxOutputs' | 'output'>,
    output: OutputOptions,
    span: Span | null,
  ): Promise<MergeResult> {
    const whole = { ...job, snapshots: [], expiryHorizon: 0, maxOutputs: 1, output }
    const result = await this.#context.executor.run(whole, span)
    this.#absorb(result)
    return result
  }

  async #run(job: MergeJob, span: Span | null): Promise<MergeResult> {
    const { executor, ledger } = this.#context
    const result = await executor.run(job, span)
    this.#absorb(result)
    for (const meta of [...result.tables, ...result.blobs]) ledger.resize(meta.fileBytes)
    ledger.syncs += result.io.total.syncs
    this.dropped.shadowed += result.dropped.shadowed
    this.dropped.covered += result.dropped.covered
    this.dropped.tombstones += result.dropped.tombstones
    this.dropped.expired += result.dropped.expired
    ledger.expiredBytes += result.expiredBytes
    const { expired, ...dropped } = result.dropped
    if (expired > 0) span?.emit({ type: 'entries.expire', entries: expired, bytes: result.expiredBytes })
    span?.emit({
      type: 'merge.end',
      entriesRead: result.entriesRead,
      dropped: expired > 0 ? result.dropped : dropped,
      tables: result.tables.map(meta => meta.number),
      notRecorded: result.notRecorded ?? 0,
    })
    if (result.tables.length > 0) await this.syncNames(span)
    return result
  }

  /** What another thread has read and written, the meter of this one has not seen. */
  #absorb({ io }: MergeResult): void {
    const { executor, fileSystem } = this.#context
    const untraced = fileSystem instanceof TracedFileSystem ? fileSystem.inner : fileSystem
    if (executor.remote && untraced instanceof MeteredFileSystem) untraced.absorb(io)
  }

  /** Resolves when the names of the files that exist now are durable. */
  async syncNames(span: Span | null): Promise<void> {
    const { fileSystem, directory, ledger } = this.#context
    await withSpan(span, () => fileSystem.syncDirectory(directory))
    ledger.syncs++
  }
}
