/**
 * A flush or a compaction: sorted inputs become new tables. The job is plain data, so that it can run in a worker thread;
 * it reads and writes files; the caller applies the result to the version set.
 *
 * Versions of one user key are never split over two tables, and a range tombstone is cut where tables are, so the tables of
 * a run stay disjoint, range tombstones included. retention.ts decides what is dropped.
 */
import { Cache } from '../../cache/cache.js'
import type { Hash32 } from '../../codec/checksum.js'
import { compareKeys, EMPTY, KIND_BLOB, KIND_DELETE, type ByteView, type EntryCursor } from '../../codec/entry.js'
import { MAX_KEY_BYTES } from '../../codec/limits.js'
import { keyAfter } from '../../engine/range.js'
import { Skiplist } from '../../skiplist/skiplist.js'
import type { CompressionName } from '../../sstable/compression-name.js'
import { SLICED_VALUE_BYTES, TableBuilder } from '../../sstable/table-builder.js'
import { Table } from '../../sstable/table.js'
import { newReadCounts } from '../../trace/ledger.js'
import type { Tracer } from '../../trace/span.js'
import type { PlatformCompression } from '../../vfs/environment.js'
import { joinPath, type FileHandle, type FileSystem } from '../../vfs/file-system.js'
import { MeteredFileSystem, type MeterCounts } from '../../vfs/metered-file-system.js'
import { tableName } from '../file-names.js'
import { FilePool } from '../versions/file-pool.js'
import { BatchesCursor } from '../ingest/batches-cursor.js'
import type { FlushedList } from '../memtable/memtable-list.js'
import { mergeCursors } from '../read/merging-cursor.js'
import type { CustomParts } from '../custom/custom-parts.js'
import { RangeTombstones, type RangeTombstone } from '../read/range-tombstones.js'
import { ValueSeparation, type BlobJob } from '../blobs/value-separation.js'
import type { BlobMeta } from '../versions/blob-file.js'
import type { Compaction } from './compaction.js'
import { JobCancelled } from './job-cancelled.js'
import { Retention, type DroppedCounts } from './retention.js'
import { RunCursor } from '../read/run-cursor.js'
import { SavedKey } from '../read/saved-key.js'
import { TableFile, type KeyBounds, type TableMeta } from '../versions/table-file.js'
import { shortBounds } from './table-bounds.js'

/** A job has a compaction, a memtable or batches. */
export interface MergeJob {
  readonly directory: string
  readonly compaction?: Compaction
  /** The memtable to flush to level 0. */
  readonly memtable?: { readonly list: FlushedList; readonly ranges: readonly RangeTombstone[] }
  /** Encoded puts of an ingest, whose keys ascend through all batches, and the sequence number of them all. */
  readonly batches?: { readonly bytes: readonly Uint8Array[]; readonly sequence: number }
  /** Newer entries of the memtable are left out. Its range tombstones are not newer. */
  readonly newest?: number
  /** Sequence numbers of the live snapshots, ascending. */
  readonly snapshots: readonly number[]
  /** No reader sees what has expired by then, in milliseconds since the Unix epoch. */
  readonly expiryHorizon: number
  /** Where older data may lie that tombstones still have to hide; sorted and disjoint. */
  readonly older: readonly KeyBounds[]
  /** File numbers set aside for the output; the last table takes all that is left. */
  readonly firstOutput: number
  readonly maxOutputs: number
  readonly output: OutputOptions
  /** Absent where all values stay where they are. */
  readonly blobs?: BlobJob | undefined
  /** Set to 1 (from any thread) to make the job give up. */
  readonly cancel?: Int32Array
}

/** What a merge asks of its inputs. */
type MergedEntries = Pick<EntryCursor, 'valid' | 'key' | 'value' | 'sequence' | 'kind' | 'first' | 'next' | 'close'>

export interface OutputOptions {
  readonly maxFileBytes: number
  readonly blockBytes: number
  readonly filterBitsPerKey: number
  readonly compression: CompressionName
}

export interface MergeResult {
  readonly tables: readonly TableMeta[]
  /** New blob files. */
  readonly blobs: readonly BlobMeta[]
  /** What the job read, wrote and synced. */
  readonly io: MeterCounts
  /** Bytes by which the tables would be larger without compression. */
  readonly savedBytes: number
  readonly entriesRead: number
  readonly dropped: DroppedCounts
  /** Key and value bytes of the entries that had expired. */
  readonly expiredBytes: number
  /** Steps that were not recorded for lack of room, where the job ran in another thread. */
  readonly notRecorded?: number
}

/** What the thread that runs a job provides. */
export interface JobContext extends PlatformCompression {
  readonly fileSystem: FileSystem
  readonly hash32: Hash32
  /** Custom parts; only in the thread of the engine. */
  readonly parts?: CustomParts | undefined
  /** Called every few hundred entries: returns a promise when it is time to let others run. */
  breathe(): Promise<void> | undefined
  readonly trace?: Tracer | null
}

/** A slice of a merge: a few hundred small entries, or one large value. The fixed cost of an entry is that of `ENTRY_COST_BYTES` bytes. */
const SLICE_BYTES = 64 * 1024
const ENTRY_COST_BYTES = 128
const READ_AHEAD_BYTES = 256 * 1024
/** Inputs open at once: the store's readers need descriptors, too, and opening a file again is cheap beside merging what is read ahead. */
const MAX_OPEN_INPUTS = 4

export async function runMergeJob(job: MergeJob, context: JobContext): Promise<MergeResult> {
  const merge = new Merge(job, context)
  try {
    return await merge.run()
  } finally {
    await merge.release()
  }
}

class Merge {
  readonly #job: MergeJob
  readonly #context: JobContext
  readonly #fileSystem: MeteredFileSystem
  readonly #trace: Tracer | null
  readonly #step: Tracer | null
  readonly #cache = new Cache(0)
  readonly #inputs: FilePool
  readonly #handles: FileHandle[] = []
  readonly #outputs: TableMeta[] = []
  readonly #created: string[] = []
  readonly #counters = newReadCounts()
  readonly #ranges: RangeTombstone[] = []
  readonly #separation: ValueSeparation
  /** Key of the entry merged last. */
  readonly #lastKey = new SavedKey()
  #entriesRead = 0
  #savedBytes = 0
  #done = false
  #file: FileHandle | undefined
  #builder: TableBuilder | undefined
  /** Range tombstones that go on, and from where on they are not yet in a table. */
  #keptRanges: readonly RangeTombstone[] = []
  #rangesFrom: Uint8Array | undefined

  constructor(job: MergeJob, context: JobContext) {
    this.#job = job
    this.#context = context
    this.#fileSystem = new MeteredFileSystem(context.fileSystem)
    this.#inputs = new FilePool(this.#fileSystem, MAX_OPEN_INPUTS)
    this.#trace = context.trace ?? null
    this.#step = context.trace?.at('step') ?? null
    this.#separation = new ValueSeparation({
      job: job.blobs,
      fileSystem: this.#fileSystem,
      directory: job.directory,
      hash32: context.hash32,
      inputs: this.#inputs,
      breathe: () => context.breathe(),
    })
  }

  async run(): Promise<MergeResult> {
    const entries = this.#openInputs()
    const { snapshots, expiryHorizon, older } = this.#job
    const ranges = RangeTombstones.of(this.#ranges, snapshots)
    const retention = new Retention(snapshots, expiryHorizon, older, ranges)
    this.#keptRanges = ranges?.pieces().filter(range => retention.keepsRange(range)) ?? []
    await this.#mergeEntries(entries, retention)
    await this.#finishLast()
    await this.#separation.finish()
    this.#done = true
    return {
      tables: this.#outputs,
      blobs: this.#separation.files,
      io: this.#fileSystem.counts(),
      savedBytes: this.#savedBytes,
      entriesRead: this.#entriesRead,
      dropped: retention.dropped,
      expiredBytes: retention.expiredBytes,
    }
  }

  /** Closes everything; the files of an unfinished job are removed. */
  async release(): Promise<void> {
    await this.#separation.close()
    for (const handle of [...this.#handles, this.#file]) {
      try {
        handle?.close()
      } catch {
        // What was only read, or is to be removed, is not at stake.
      }
    }
    if (this.#done) return
    for (const path of [...this.#created, ...this.#separation.paths]) {
      try {
        this.#fileSystem.remove(path)
      } catch {
        // The next open removes what no version names.
      }
    }
  }

  #openInputs(): MergedEntries {
    const cursors: EntryCursor[] = []
    const { memtable, compaction, batches } = this.#job
    if (batches !== undefined) return new BatchesCursor(batches.bytes, batches.sequence)
    if (memtable !== undefined) {
      const { list } = memtable
      cursors.push('cursor' in list ? list.cursor() : Skiplist.view(list).cursor())
      this.#ranges.push(...memtable.ranges)
    }
    for (const run of compaction?.inputs ?? []) {
      const tables = run.map(meta => new TableFile(meta))
      for (const file of tables) if (file.meta.rangeTombstones > 0) this.#ranges.push(...this.#openTable(file).rangeTombstones)
      cursors.push(new RunCursor(tables, file => this.#openTable(file).cursor({ readAheadBytes: READ_AHEAD_BYTES })))
    }
    return mergeCursors(cursors, this.#context.parts?.mergingCursor)
  }

  #openTable(file: TableFile): Table {
    if (file.resource.table !== undefined) return file.resource.table
    const { hash32, deflate, zstd } = this.#context
    const handle = this.#inputs.openRead(joinPath(this.#job.directory, tableName(file.meta.number)))
    this.#handles.push(handle)
    const table = Table.open({
      file: handle,
      fileNumber: file.meta.number,
      size: file.meta.fileBytes,
      hash32,
      cache: this.#cache,
      counters: this.#counters,
      deflate,
      zstd,
      filter: this.#context.parts?.filter,
    })
    file.resource.table = table
    return table
  }

  async #mergeEntries(entries: MergedEntries, retention: Retention): Promise<void> {
    const { cancel } = this.#job
    entries.first()
    while (entries.valid) {
      if (cancel !== undefined && Atomics.load(cancel, 0) !== 0) throw new JobCancelled('The job was cancelled')
      const turn = this.#context.breathe()
      if (turn !== undefined) await turn
      const end = this.#mergeSlice(entries, retention)
      if (end === 'table full') await this.#finishTable(this.#lastKey.copy(), entries.key.copy())
      else if (end === 'long value') await this.#addLongValue(entries)
    }
    entries.close()
  }

  /** Merges a slice, or up to where the table is full, with the next entry still to come, or up to a long value that is still to be added. */
  #mergeSlice(entries: MergedEntries, retention: Retention): 'slice done' | 'table full' | 'long value' {
    const lastKey = this.#lastKey
    const { newest = Infinity } = this.#job
    let left = SLICE_BYTES
    while (left > 0 && entries.valid) {
      if (entries.sequence > newest) {
        left -= ENTRY_COST_BYTES
        entries.next()
        continue
      }
      const key = entries.key
      const isNewKey = !lastKey.equals(key)
      if (isNewKey) {
        if (this.#mayEndTable()) return 'table full'
        lastKey.save(key)
      }
      const sequence = entries.sequence
      const kind = entries.kind
      const value = entries.value
      left -= ENTRY_COST_BYTES + value.end - value.start
      const isKept = retention.keeps(key, lastKey, isNewKey, sequence, kind, value)
      if (this.#step !== null) {
        const fate = isKept && !retention.isTombstone ? 'kept' : retention.dropReason
        this.#step.emit({ type: 'compaction.key', key: key.copy(), entrySequence: sequence, kind, fate, valueBytes: value.length })
      }
      if (isKept) {
        this.#builder ??= this.#startTable()
        if (retention.isTombstone) {
          this.#builder.add(key.bytes, key.start, key.end, EMPTY, 0, 0, sequence, KIND_DELETE)
          this.#entriesRead++
          entries.next()
          continue
        }
        if (this.#separation.applies(kind, value)) {
          if (!this.#separation.place(key, value, sequence, kind)) return 'long value'
          this.#addPointer(this.#builder, key, sequence)
          if (kind === KIND_BLOB) left -= this.#separation.workBytes
          this.#entriesRead++
          entries.next()
          continue
        }
        if (value.end - value.start > SLICED_VALUE_BYTES) return 'long value'
        this.#builder.add(key.bytes, key.start, key.end, value.bytes, value.start, value.end, sequence, kind)
      }
      this.#entriesRead++
      entries.next()
    }
    return 'slice done'
  }

  async #addLongValue(entries: MergedEntries): Promise<void> {
    if (this.#separation.applies(entries.kind, entries.value)) await this.#addLongPointer(this.#builder!, entries)
    else await this.#addInSlices(this.#builder!, entries)
    this.#entriesRead++
    entries.next()
  }

  async #addLongPointer(builder: TableBuilder, { key, value, sequence, kind }: MergedEntries): Promise<void> {
    await this.#separation.placeInSlices(key, value, sequence, kind)
    this.#addPointer(builder, key, sequence)
  }

  #addPointer(builder: TableBuilder, key: ByteView, sequence: number): void {
    const { pointer, stored, storedEnd } = this.#separation
    builder.addPointer(key.bytes, key.start, key.end, stored, 0, storedEnd, sequence, pointer)
  }

  async #addInSlices(builder: TableBuilder, { key, value, sequence, kind }: MergedEntries): Promise<void> {
    const slices = builder.addInSlices(key.bytes, key.start, key.end, value.bytes, value.start, value.end, sequence, kind)
    while (slices.next().done !== true) {
      const turn = this.#context.breathe()
      if (turn !== undefined) await turn
    }
  }

  #mayEndTable(): boolean {
    if (this.#builder === undefined || this.#builder.estimatedBytes < this.#job.output.maxFileBytes) return false
    // A range tombstone that goes on behind this table starts at the key after its last, which must be a legal key.
    return this.#outputs.length + 1 < this.#job.maxOutputs && this.#lastKey.length < MAX_KEY_BYTES
  }

  #startTable(): TableBuilder {
    const { hash32, deflate, zstd } = this.#context
    const { output, firstOutput, directory } = this.#job
    const fileNumber = firstOutput + this.#outputs.length
    const path = joinPath(directory, tableName(fileNumber))
    this.#file = this.#fileSystem.create(path)
    this.#created.push(path)
    return new TableBuilder({
      file: this.#file,
      fileNumber,
      hash32,
      blockBytes: output.blockBytes,
      filterBitsPerKey: output.filterBitsPerKey,
      filter: this.#context.parts?.filter,
      blockCodec: this.#context.parts?.blockCodec,
      compression: output.compression,
      deflate,
      zstd,
      trace: this.#trace,
    })
  }

  /** Ends the table under way behind `lastKey`; the next one begins at `nextKey`. Both are `undefined` at the end of the job. */
  async #finishTable(lastKey?: Uint8Array, nextKey?: Uint8Array): Promise<void> {
    const builder = this.#builder!
    const file = this.#file!
    for (const range of this.#keptRanges) {
      const first = this.#rangesFrom === undefined || compareKeys(range.first, this.#rangesFrom) > 0 ? range.first : this.#rangesFrom
      const last = lastKey === undefined || compareKeys(range.last, lastKey) < 0 ? range.last : lastKey
      if (compareKeys(first, last) <= 0) builder.addRangeTombstone(first, last, range.sequence)
    }
    if (lastKey !== undefined) this.#rangesFrom = keyAfter(lastKey)
    const properties = builder.finish(exact => this.#boundsOf(exact, nextKey))
    const { halfExpiredAt, blobs } = builder
    this.#savedBytes += builder.savedBytes
    await file.sync()
    file.close()
    this.#file = undefined
    this.#builder = undefined
    const { firstOutput, compaction } = this.#job
    const { outputLevel = 0, outputRun = 'new' } = compaction ?? {}
    const meta = {
      number: firstOutput + this.#outputs.length,
      level: outputLevel,
      run: outputRun === 'new' ? firstOutput : outputRun,
      fileBytes: properties.fileBytes,
      entries: properties.entries,
      tombstones: properties.pointTombstones,
      rangeTombstones: properties.rangeTombstones,
      rawBytes: properties.rawKeyBytes + properties.rawValueBytes,
      smallest: properties.smallest,
      largest: properties.largest,
      minSequence: properties.minSequence,
      maxSequence: properties.maxSequence,
      ...(halfExpiredAt !== undefined && { halfExpiredAt }),
      ...(blobs !== undefined && { blobs }),
    }
    this.#outputs.push(meta)
    this.#trace?.emit({ type: 'table.built', ...meta, blocks: properties.blocks })
  }

  /** Range tombstones that go on are cut at exact keys. */
  #boundsOf(exact: KeyBounds, behind: Uint8Array | undefined): KeyBounds {
    // What another job of the same ingest writes next to this table is not known here.
    if (this.#keptRanges.length > 0 || this.#job.batches !== undefined) return exact
    return shortBounds(exact, { before: this.#outputs.at(-1)?.largest, behind }, this.#job.compaction?.inputs.flat() ?? [])
  }

  async #finishLast(): Promise<void> {
    const from = this.#rangesFrom
    const rangesLeft = this.#keptRanges.some(range => from === undefined || compareKeys(range.last, from) >= 0)
    if (this.#builder === undefined && rangesLeft) this.#builder = this.#startTable()
    if (this.#builder !== undefined) await this.#finishTable()
  }
}
