/**
 * Writes the tables of an ingest, straight from its sorted entries. Entries are collected until they fill a table, which a job then writes, in another thread
 * where there is one, while the next entries arrive. The tables are in no version until the ingest commits.
 *
 * Invariants:
 * 1. All entries have one sequence number, which is ahead of every other that the store has used by the time of the commit.
 * 2. At most `MOST_JOBS` tables are being written, so memory holds the entries of one table more, and of each up to `MOST_COLLECTED_BYTES`.
 */
import type { WriteBatch } from '../../engine/batch.js'
import { MisuseError } from '../../errors.js'
import type { Ledger } from '../../trace/ledger.js'
import type { Span } from '../../trace/span.js'
import { joinPath, removeLeftover, type FileSystem } from '../../vfs/file-system.js'
import type { JobRunner } from '../compaction/job-runner.js'
import { sharedBuffer } from '../shared-buffer.js'
import { tableName } from '../file-names.js'
import type { TableMeta } from '../versions/table-file.js'

const MOST_JOBS = 2
/** Entries are collected for a table by their bytes before compression, which may be this many times those of the table. */
const MOST_COMPRESSION = 4
const MOST_COLLECTED_BYTES = 32 << 20

export interface IngestedTablesOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly ledger: Ledger
  readonly runner: JobRunner
  readonly span: Span | null
  /** The sequence number of every entry. */
  readonly sequence: number
  readonly maxFileBytes: number
  /** The level whose compression the tables have. */
  readonly level: number
  /** Size of their filters, in bits per key. */
  readonly filterBits: number
  allocateFile(): number
}

export class IngestedTables {
  /** Those that are complete, ascending. */
  readonly tables: TableMeta[] = []
  readonly #options: IngestedTablesOptions
  readonly #numbers: number[] = []
  readonly #jobs: Promise<void>[] = []
  #batches: Uint8Array[] = []
  #bytes = 0
  #enough: number
  #userBytes = 0
  #puts = 0
  #savedBytes = 0
  #bytesWritten = 0
  #syncs = 0

  constructor(options: IngestedTablesOptions) {
    this.#options = options
    this.#enough = Math.min(options.maxFileBytes, MOST_COLLECTED_BYTES)
  }

  get sequence(): number {
    return this.#options.sequence
  }

  get fileBytes(): number {
    return this.tables.reduce((sum, { fileBytes }) => sum + fileBytes, 0)
  }

  /** Adds the puts of a sealed batch. Their keys ascend, also from one batch to the next. */
  async add(batch: WriteBatch): Promise<void> {
    this.#batches.push(sharedCopy(batch.bytes, batch.byteLength))
    this.#bytes += batch.byteLength
    this.#userBytes += batch.userBytes
    this.#puts += batch.count
    if (this.#bytes < this.#enough) return
    this.#startTable()
    if (this.#jobs.length > MOST_JOBS) await this.#jobs.shift()
  }

  /** Resolves when all tables are complete and durable; their names are not. */
  async finish(): Promise<void> {
    if (this.#batches.length > 0) this.#startTable()
    await Promise.all(this.#jobs.splice(0))
    this.tables.sort((a, b) => a.number - b.number)
  }

  /** Counts what was written, and, with `committed`, what the user gave. */
  settle(committed: boolean): void {
    const { ledger } = this.#options
    ledger.written.flush += this.#bytesWritten
    ledger.syncs += this.#syncs
    if (!committed) return
    ledger.saved.flush += this.#savedBytes
    ledger.resize(this.fileBytes)
    ledger.userBytes += this.#userBytes
    ledger.operations.puts += this.#puts
    ledger.operations.batches++
  }

  /** Removes everything. What cannot be removed, the next open removes. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#jobs)
    const { fileSystem, directory } = this.#options
    for (const number of this.#numbers) removeLeftover(fileSystem, joinPath(directory, tableName(number)))
  }

  #startTable(): void {
    const { allocateFile, runner, sequence, span } = this.#options
    const number = allocateFile()
    this.#numbers.push(number)
    const rawBytes = this.#bytes
    const job = runner.ingest({ bytes: this.#batches, sequence }, number, this.#options, span).then(({ tables, io, savedBytes }) => {
      this.tables.push(...tables)
      this.#savedBytes += savedBytes
      this.#bytesWritten += io.total.bytesWritten
      this.#syncs += io.total.syncs
      this.#expect(rawBytes / tables.reduce((sum, { fileBytes }) => sum + fileBytes, 0))
    })
    // A failure is reported by the wait for the job; until then it is not unhandled.
    job.catch(() => undefined)
    this.#jobs.push(job)
    this.#batches = []
    this.#bytes = 0
  }

  #expect(compression: number): void {
    this.#enough = Math.min(this.#options.maxFileBytes * Math.min(MOST_COMPRESSION, Math.max(1, compression)), MOST_COLLECTED_BYTES)
  }
}

/** Other threads reach it without a copy of their own. */
function sharedCopy(bytes: Uint8Array, length: number): Uint8Array {
  const copy = new Uint8Array(sharedBuffer(length))
  copy.set(bytes.subarray(0, length))
  return copy
}

export function overtaken(): MisuseError {
  return new MisuseError(
    'LEVEL_INGEST_OVERTAKEN',
    'More operations were written during the ingest than it left sequence numbers for. Nothing was ingested; ingest fewer entries at a time',
  )
}
