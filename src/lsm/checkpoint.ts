/**
 * A checkpoint of the tree: the tables of one moment get second names in another directory, the memtables of that moment become tables there, and a
 * manifest of its own puts all of them in force. The copy has no logs: it is as after a flush.
 *
 * Invariants:
 * 1. The read state of the moment is held until the release, so that no table of it is removed.
 * 2. What the live memtable takes later, and what of a long batch no reader sees yet, has a higher sequence number and is left out.
 * 3. Numbers of files come from the counter of this store: no name in the copy is given twice.
 */
import { linkOrCopy } from '../engine/durable/file-copy.js'
import { AbortError } from '../errors.js'
import type { Span } from '../trace/span.js'
import { joinPath } from '../vfs/file-system.js'
import { MeteredFileSystem } from '../vfs/metered-file-system.js'
import { bindFileSystem } from '../vfs/traced-file-system.js'
import { filterBitsOfFlush } from './compaction/filter-bits.js'
import { JobCancelled } from './compaction/job-cancelled.js'
import type { MergeResult } from './compaction/merge-job.js'
import { blobName, tableName } from './file-names.js'
import type { FlushedList } from './memtable/memtable-list.js'
import type { Memtable } from './memtable/memtable.js'
import type { LsmParts } from './parts.js'
import { copiedList } from './reader/shared-version.js'
import type { RangeTombstone } from './read/range-tombstones.js'
import type { ReadState } from './read/read-state.js'
import { sharedBuffer } from './shared-buffer.js'
import { ManifestWriter } from './versions/manifest.js'
import { blobsOf } from './versions/version.js'
import { mergeBounds, type TableMeta } from './versions/table-file.js'

/** A link takes some 10 us. */
const LINKS_A_TURN = 64

/** What the tree held at a moment. The read state is held until its release. */
export interface HeldMoment {
  readonly state: ReadState
  readonly sequence: number
  /** Newest first, with the range tombstones of the moment. */
  readonly memtables: readonly { readonly memtable: Memtable; readonly ranges: readonly RangeTombstone[] }[]
}

export class LsmCheckpoint {
  readonly #parts: LsmParts
  readonly #moment: HeldMoment
  readonly #span: Span | null

  constructor(parts: LsmParts, moment: HeldMoment, span: Span | null) {
    this.#parts = parts
    this.#moment = moment
    this.#span = span
  }

  async write(directory: string, signal?: AbortSignal): Promise<void> {
    const { context, ledger } = this.#parts
    const files = new MeteredFileSystem(bindFileSystem(context.environment.fileSystem, this.#span))
    try {
      const linked = await this.#linkTables(files, directory, signal)
      const written = await this.#writeMemtables(directory, linked, signal)
      await this.#writeManifest(files, directory, [...linked, ...written])
    } finally {
      const { total, directorySyncs } = files.counts()
      ledger.written.backup += total.bytesWritten
      ledger.read.backup += total.bytesRead
      ledger.syncs += total.syncs + directorySyncs
    }
  }

  async #linkTables(fileSystem: MeteredFileSystem, directory: string, signal: AbortSignal | undefined): Promise<TableMeta[]> {
    const { context } = this.#parts
    const { scheduler } = context.environment
    const { version } = this.#moment.state
    const tables = [...version.files()].map(({ meta }) => meta)
    const names = [...tables.map(({ number }) => tableName(number)), ...blobsOf(version).map(({ number }) => blobName(number))]
    for (const [index, name] of names.entries()) {
      await linkOrCopy({ fileSystem, scheduler, signal }, joinPath(context.directory, name), joinPath(directory, name))
      if ((index + 1) % LINKS_A_TURN === 0) await scheduler.turn()
    }
    return tables
  }

  async #writeMemtables(directory: string, linked: readonly TableMeta[], signal: AbortSignal | undefined): Promise<TableMeta[]> {
    const { versions, runner, options } = this.#parts
    const written: TableMeta[] = []
    const cancel = new Int32Array(sharedBuffer(4))
    const onAbort = (): number => Atomics.store(cancel, 0, 1)
    signal?.addEventListener('abort', onAbort)
    try {
      for (const { memtable, ranges } of this.#moment.memtables.toReversed()) {
        if (signal?.aborted === true) throw new AbortError()
        if (memtable.isEmpty) continue
        const older = mergeBounds([...linked, ...written])
        const job = { directory, newest: this.#moment.sequence, older, firstOutput: versions.allocateFiles(1), cancel }
        const filterBits = filterBitsOfFlush(options, this.#moment.state.version, memtable.list.count)
        const result = await runner.copyMemtable({ list: this.#listOf(memtable), ranges: [...ranges] }, job, filterBits, this.#span)
        this.#book(result)
        written.push(...result.tables)
      }
    } catch (error) {
      throw error instanceof JobCancelled ? new AbortError() : error
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
    return written
  }

  /** Another thread may not read a list that still takes inserts. */
  #listOf(memtable: Memtable): FlushedList {
    const { runner, versions } = this.#parts
    return runner.remote && memtable === versions.state.memtable ? copiedList(memtable) : memtable.list.transferable()
  }

  async #writeManifest(fileSystem: MeteredFileSystem, directory: string, added: readonly TableMeta[]): Promise<void> {
    const { versions, hash32 } = this.#parts
    const number = versions.allocateFiles(1)
    const nextFile = number + 1
    const blobs = blobsOf(this.#moment.state.version)
    const whole = { nextFile, lastSequence: this.#moment.sequence, firstLog: nextFile, added, blobs }
    const manifest = await ManifestWriter.start(fileSystem, directory, number, hash32, whole, this.#span)
    await manifest.close(true)
  }

  #book({ io }: MergeResult): void {
    const { ledger } = this.#parts
    ledger.written.backup += io.total.bytesWritten
    ledger.syncs += io.total.syncs
  }
}
