/**
 * The state of an open LSM tree: the present read state, the sequence number, the file numbers, the manifest. Everything that
 * changes which files make up the store goes through `apply`.
 *
 * Invariants:
 * 1. Edits are applied one after the other: durable in the manifest first, then visible to readers. After one that failed none is.
 * 2. A flushed memtable leaves the read state in the same step in which its table enters it.
 * 3. Until the manifest is begun nothing changes.
 * 4. Memtables that are filled after the opening are whole before anything looks at the state.
 * 5. `sequence` is that of the last operation that readers see. Only a long batch that is being applied has newer ones in the memtable,
 *    up to `appliedSequence`.
 */
import type { Hash32 } from '../../codec/checksum.js'
import { KvariumError } from '../../errors.js'
import type { EventBodies } from '../../trace/events.js'
import type { Ledger } from '../../trace/ledger.js'
import { withSpan, type Span, type Tracer } from '../../trace/span.js'
import { joinPath, removeInBackground, type FileSystem } from '../../vfs/file-system.js'
import { FileSystemError, isOutOfDescriptors, isOutOfSpace } from '../../vfs/vfs-error.js'
import { manifestName } from '../file-names.js'
import { ManifestWriter } from './manifest.js'
import { emitDropped, emitFrozen, emitNew } from '../memtable/memtable-trace.js'
import type { FilledMemtables, Memtable } from '../memtable/memtable.js'
import { ReadState } from '../read/read-state.js'
import { tracedBlobs, type BlobMeta } from './blob-file.js'
import type { TableMeta } from './table-file.js'
import type { TableSet } from './table-set.js'
import type { VersionEdit, WholeLog } from './version-edit.js'
import { blobsOf, type Version } from './version.js'

export interface VersionSetOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  readonly ledger: Ledger
  readonly tables: TableSet
  /** A manifest that has grown beyond this, and to twice what it began with, is replaced by one that begins with the whole version. */
  readonly manifestBytes: number
  readonly trace: Tracer | null
}

export interface VersionSetChange {
  readonly deleted?: readonly number[]
  readonly added?: readonly TableMeta[]
  /** Blob files that the added tables refer to. Their names are durable, as is what is in them. */
  readonly blobs?: readonly BlobMeta[]
  /** Memtables that are in the added tables; the oldest ones. */
  readonly flushed?: readonly Memtable[]
  /** A log whose header and name are durable, to be listed. */
  readonly log?: number
  /** The present becomes this sequence number with the change. The memtable and its log have nothing, and writers wait. */
  readonly sequence?: number
}

export class VersionSet {
  sequence: number
  /** Sequence numbers of the live snapshots, ascending. An open tree has none; the engine that hands them out sets this. */
  moments: () => readonly number[] = () => []
  #longBatchEnd = 0
  readonly #options: VersionSetOptions
  /** `undefined` until it is begun. */
  #begun: ManifestWriter | undefined
  #state: ReadState
  /** Fills the memtables; `undefined` once they are. */
  #load: (() => FilledMemtables) | undefined
  #nextFile: number
  #flushedSequence: number
  #applying: Promise<void> = Promise.resolve()
  /** The first change that failed: what the manifest says on disk is unknown since then. */
  #failure: Error | undefined
  /** Logs in the manifest that are not obsolete. */
  #logs: readonly number[] = []
  /** Logs of an earlier session that are not in the manifest yet, and not obsolete. */
  #unlistedLogs: readonly number[]
  /** Those among them that are complete. */
  #wholeLogs: readonly WholeLog[] = []

  /** Takes reads at once; changes need a manifest, see `begin`. Opens the tables with range tombstones, and throws if one is damaged. */
  constructor(options: VersionSetOptions, { version, memtable, immutable, deferred, ...start }: VersionSetStart) {
    this.#options = options
    this.#load = deferred && (() => deferred.finish())
    this.#unlistedLogs = start.unlistedLogs
    this.#state = ReadState.of(memtable, immutable, version, options.tables, [])
    this.#nextFile = start.nextFile
    this.#flushedSequence = start.flushedSequence
    this.sequence = start.sequence
  }

  /**
   * Puts a manifest in force that begins with the present state; a failure leaves the one before in force, or this one with the same
   * contents. `logs` are those whose headers and names are durable, `wholeLogs` says where those of them end that are complete.
   * Logs with numbers below `firstLog` are obsolete.
   */
  async begin(logs: readonly number[], firstLog: number, wholeLogs: ReadonlyMap<number, number>): Promise<void> {
    this.#logs = logs
    this.#wholeLogs = wholeLogsOf(wholeLogs)
    const { version } = this.#state
    await this.#startManifest(version, { lastSequence: this.#flushedSequence, firstLog }, null)
    this.#emitEdit(null, { added: wholeOf(version), deleted: [], ...tracedBlobs(blobsOf(version)), flushedLogs: [] }, true)
  }

  /** What reads look at now. The first look fills the memtables, where opening has not, and throws what keeps it from that. */
  get state(): ReadState {
    if (this.#load !== undefined) this.#fill(this.#load)
    return this.#state
  }

  get manifestNumber(): number {
    return this.#manifest.number
  }

  get #manifest(): ManifestWriter {
    if (this.#begun === undefined) throw new KvariumError('LEVEL_INTERNAL', 'There is no manifest to write to')
    return this.#begun
  }

  /** No entry is newer than this. */
  get appliedSequence(): number {
    return Math.max(this.sequence, this.#longBatchEnd)
  }

  /** A long batch, whose last operation is this, is about to be applied. */
  beginLongBatch(lastSequence: number): void {
    this.#longBatchEnd = lastSequence
  }

  /** Sets aside `count` file numbers and returns the first. */
  allocateFiles(count: number): number {
    const first = this.#nextFile
    this.#nextFile += count
    return first
  }

  /** Gives back the end of an allocation, if nothing was allocated since. */
  returnFiles(first: number, count: number): void {
    if (this.#nextFile === first + count) this.#nextFile = first
  }

  /** Makes the memtable immutable; `fresh` takes its place. */
  switchMemtable(fresh: Memtable): void {
    const { memtable, immutable } = this.#state
    this.#replace(this.#state.withMemtables(fresh, [memtable, ...immutable]))
    const { trace } = this.#options
    if (trace === null) return
    emitFrozen(trace, memtable)
    emitNew(trace, fresh)
  }

  /** Replaces the memtable, which must be empty. */
  replaceEmpty(fresh: Memtable): void {
    this.#replace(this.#state.withMemtables(fresh, this.#state.immutable))
    if (this.#options.trace !== null) emitNew(this.#options.trace, fresh)
  }

  /** Resolves when the change is durable and visible. It is emitted in the span. */
  apply(change: VersionSetChange, span: Span | null): Promise<void> {
    const applied = this.#applying.then(() => {
      if (this.#failure !== undefined) throw this.#failure
      return this.#apply(change, span)
    })
    this.#applying = applied.catch((error: unknown) => {
      this.#failure ??= error instanceof Error ? error : new Error(String(error))
    })
    return applied
  }

  /** The oldest log that still holds something unflushed. */
  get firstLog(): number {
    const { memtable, immutable } = this.#state
    return (immutable.at(-1) ?? memtable).firstLog
  }

  /**
   * Ends the manifest. `logEnds` are the logs of this session and where each ends, if all were closed cleanly: from then on every
   * byte of them counts, whatever is cut off them.
   */
  async close(logEnds: ReadonlyMap<number, number> | undefined): Promise<void> {
    await this.#applying
    try {
      if (this.#begun !== undefined) await this.#endManifest(this.#begun, logEnds)
    } catch (error) {
      // The logs are whole all the same: they count as those of a kill.
      if (!isOutOfSpace(error)) throw error
    } finally {
      await this.#options.tables.closeAll()
    }
  }

  async #endManifest(manifest: ManifestWriter, logEnds: ReadonlyMap<number, number> | undefined): Promise<void> {
    const before = trafficOf(manifest)
    try {
      if (logEnds !== undefined && !manifest.poisoned) {
        await manifest.append({ wholeLogs: wholeLogsOf(logEnds) })
        this.#emitEdit(null, { added: [], deleted: [], flushedLogs: [] }, false)
      }
    } finally {
      await manifest.close(logEnds !== undefined)
      this.#bookManifest(manifest, before)
    }
  }

  async #apply({ deleted = [], added = [], blobs = [], flushed = [], log, sequence }: VersionSetChange, span: Span | null): Promise<void> {
    const version = this.#state.version.apply({ deleted, added, blobs })
    const remaining = this.#state.immutable.filter(memtable => !flushed.includes(memtable))
    const firstLog = (remaining.at(-1) ?? this.#state.memtable).firstLog
    for (const memtable of flushed) this.#flushedSequence = Math.max(this.#flushedSequence, memtable.maxSequence)
    if (sequence !== undefined) this.#flushedSequence = sequence
    // A sync and a flush may both list a log.
    const newLog = log !== undefined && log >= firstLog && !this.#logs.includes(log) ? log : undefined
    if (newLog === undefined && deleted.length + added.length + flushed.length === 0) return
    const flushedLogs = [...this.#unlistedLogs, ...this.#logs].filter(number => number < firstLog).sort((a, b) => a - b)
    this.#unlistedLogs = this.#unlistedLogs.filter(number => number >= firstLog && number !== newLog)
    this.#logs = [...this.#logs.filter(number => number >= firstLog), ...(newLog === undefined ? [] : [newLog])]
    this.#wholeLogs = this.#wholeLogs.filter(whole => whole.number >= firstLog)
    const numbers = { nextFile: this.#nextFile, lastSequence: this.#flushedSequence, firstLog }
    const isLarge = this.#manifest.size > Math.max(this.#options.manifestBytes, 2 * this.#manifest.startBytes)
    const renews = isLarge && (await this.#renewManifest(version, numbers, span))
    if (!renews) await this.#append({ ...numbers, deleted, added, blobs, ...(newLog !== undefined && { logs: [newLog] }) }, span)
    // The memtable may have been switched while the manifest was written.
    const { memtable, immutable } = this.#state
    const stillImmutable = immutable.filter(table => !flushed.includes(table))
    if (sequence !== undefined) this.sequence = sequence
    withSpan(span, () => this.#replace(this.#state.withTables(memtable, stillImmutable, version, this.moments())))
    if (span === null) return
    const logs = newLog === undefined ? { flushedLogs } : { flushedLogs, newLog }
    this.#emitEdit(
      span,
      renews
        ? { added: wholeOf(version), deleted: [], ...tracedBlobs(blobsOf(version)), ...logs }
        : { added, deleted, ...tracedBlobs(blobs), ...logs },
      renews,
    )
    for (const table of flushed) emitDropped(span, table)
  }

  async #append(edit: VersionEdit, span: Span | null): Promise<void> {
    const before = trafficOf(this.#manifest)
    await withSpan(span, () => this.#manifest.append(edit))
    this.#bookManifest(this.#manifest, before)
  }

  /** False where there is no descriptor for a new manifest: then the old one stays in force. */
  async #renewManifest(version: Version, numbers: { lastSequence: number; firstLog: number }, span: Span | null): Promise<boolean> {
    const { fileSystem, directory, ledger } = this.#options
    const old = this.#manifest
    try {
      await this.#startManifest(version, numbers, span)
    } catch (error) {
      // CURRENT is replaced after the last file is created.
      if (!(error instanceof FileSystemError) || error.operation !== 'create' || !isOutOfDescriptors(error)) throw error
      return false
    }
    await withSpan(span, () => old.close(false))
    try {
      await withSpan(span, () => removeInBackground(fileSystem, joinPath(directory, manifestName(old.number))))
      ledger.resize(-old.bytesWritten)
    } catch {
      // CURRENT does not name it any more; the next open removes it.
    }
    return true
  }

  async #startManifest(version: Version, numbers: { lastSequence: number; firstLog: number }, span: Span | null): Promise<void> {
    const { fileSystem, directory, hash32 } = this.#options
    const number = this.allocateFiles(1)
    const whole = {
      ...numbers,
      nextFile: this.#nextFile,
      logs: this.#logs,
      wholeLogs: this.#wholeLogs,
      added: wholeOf(version),
      blobs: blobsOf(version),
    }
    this.#begun = await ManifestWriter.start(fileSystem, directory, number, hash32, whole, span)
    this.#bookManifest(this.#begun, NOTHING_WRITTEN)
  }

  #fill(load: () => FilledMemtables): void {
    const { memtable, immutable } = load()
    this.#load = undefined
    this.#replace(ReadState.of(memtable, immutable, this.#state.version, this.#options.tables, this.moments()))
  }

  #replace(next: ReadState): void {
    const last = this.#state
    this.#state = next
    last.release()
  }

  #emitEdit(span: Span | null, edit: Omit<EventBodies['manifest.edit'], 'manifest' | 'whole' | 'offset' | 'length'>, whole: boolean): void {
    const { number: manifest, lastOffset: offset, size } = this.#manifest
    const tracer = span ?? this.#options.trace
    tracer?.emit({ type: 'manifest.edit', manifest, whole, ...edit, offset, length: size - offset })
  }

  #bookManifest(manifest: ManifestWriter, before: ManifestTraffic): void {
    const { ledger } = this.#options
    const { bytes, syncs } = trafficOf(manifest)
    ledger.written.meta += bytes - before.bytes
    ledger.syncs += syncs - before.syncs
    ledger.resize(bytes - before.bytes)
  }
}

interface ManifestTraffic {
  readonly bytes: number
  readonly syncs: number
}

const NOTHING_WRITTEN: ManifestTraffic = { bytes: 0, syncs: 0 }

function trafficOf(manifest: ManifestWriter): ManifestTraffic {
  return { bytes: manifest.bytesWritten, syncs: manifest.syncs }
}

export interface VersionSetStart extends FilledMemtables {
  readonly version: Version
  /** Fills the memtables, which are empty until then. */
  readonly deferred: { finish(): FilledMemtables } | undefined
  /** Logs that these come from and that the manifest does not name. */
  readonly unlistedLogs: readonly number[]
  readonly nextFile: number
  /** Sequence numbers of the last operation, and of the last one that is in tables. */
  readonly sequence: number
  readonly flushedSequence: number
}

function wholeLogsOf(ends: ReadonlyMap<number, number>): WholeLog[] {
  return [...ends].map(([number, bytes]) => ({ number, bytes }))
}

function wholeOf(version: Version): TableMeta[] {
  return [...version.files()].map(file => file.meta)
}
