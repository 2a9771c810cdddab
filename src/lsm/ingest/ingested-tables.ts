/**
 * Writes the tables of an ingest, straight from its sorted entries. They are in no version until the ingest commits.
 *
 * Invariants:
 * 1. All entries have one sequence number, which is ahead of every other that the store has used by the time of the commit.
 * 2. A table is durable before the next but one begins, and all of them are once `finish` resolves.
 */
import type { Hash32 } from '../../codec/checksum.js'
import type { ByteView } from '../../codec/entry.js'
import type { BatchReader } from '../../engine/batch.js'
import { MisuseError } from '../../errors.js'
import { SLICED_VALUE_BYTES, TableBuilder, type TableBuilderOptions } from '../../sstable/table-builder.js'
import type { Ledger } from '../../trace/ledger.js'
import type { Span } from '../../trace/span.js'
import { joinPath, type FileHandle, type FileSystem } from '../../vfs/file-system.js'
import { MeteredFileSystem } from '../../vfs/metered-file-system.js'
import { tableName } from '../file-names.js'
import type { TableMeta } from '../versions/table-file.js'

export interface IngestedTablesOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  readonly ledger: Ledger
  readonly span: Span | null
  /** The sequence number of every entry. */
  readonly sequence: number
  readonly maxFileBytes: number
  readonly table: Pick<
    TableBuilderOptions,
    'blockBytes' | 'filterBitsPerKey' | 'filter' | 'blockCodec' | 'compression' | 'deflate' | 'zstd'
  >
  allocateFile(): number
  /** Takes a turn of the event loop between the pieces of a long value. */
  turn(): Promise<void>
}

/** What the manifest needs of a table but for its place in the tree. */
export type PlacelessTable = Omit<TableMeta, 'level' | 'run'>

export class IngestedTables {
  readonly tables: PlacelessTable[] = []
  readonly #options: IngestedTablesOptions
  readonly #fileSystem: MeteredFileSystem
  readonly #created: string[] = []
  #number = 0
  #file: FileHandle | undefined
  #builder: TableBuilder | undefined
  #syncing: Promise<void> = Promise.resolve()
  #userBytes = 0
  #puts = 0
  #savedBytes = 0

  constructor(options: IngestedTablesOptions) {
    this.#options = options
    this.#fileSystem = new MeteredFileSystem(options.fileSystem)
  }

  get sequence(): number {
    return this.#options.sequence
  }

  get fileBytes(): number {
    return this.tables.reduce((sum, { fileBytes }) => sum + fileBytes, 0)
  }

  /** Adds the puts of a batch. Their keys ascend, also from one batch to the next. */
  async add(batch: BatchReader): Promise<void> {
    const { maxFileBytes } = this.#options
    while (batch.next()) {
      if (this.#builder !== undefined && this.#builder.estimatedBytes >= maxFileBytes) await this.#finishTable()
      const { key, value } = batch
      const builder = (this.#builder ??= this.#startTable())
      const { sequence } = this
      if (value.length > SLICED_VALUE_BYTES) {
        const slices = builder.addInSlices(key.bytes, key.start, key.end, value.bytes, value.start, value.end, sequence, batch.kind)
        while (slices.next().done !== true) await this.#options.turn()
      } else {
        builder.add(key.bytes, key.start, key.end, value.bytes, value.start, value.end, sequence, batch.kind)
      }
      this.#count(key, value)
    }
  }

  /** Resolves when all tables are complete and durable; their names are not. */
  async finish(): Promise<void> {
    if (this.#builder !== undefined) await this.#finishTable()
    await this.#syncing
  }

  /** Counts what was written, and, with `committed`, what the user gave. */
  settle(committed: boolean): void {
    const { ledger } = this.#options
    const { bytesWritten, syncs } = this.#fileSystem.counts().total
    ledger.written.flush += bytesWritten
    ledger.syncs += syncs
    if (!committed) return
    ledger.saved.flush += this.#savedBytes
    ledger.resize(this.fileBytes)
    ledger.userBytes += this.#userBytes
    ledger.operations.puts += this.#puts
    ledger.operations.batches++
  }

  /** Closes and removes everything. What cannot be removed, the next open removes. */
  async abandon(): Promise<void> {
    await this.#syncing.catch(() => undefined)
    try {
      this.#file?.close()
    } catch {
      // The file is to be removed.
    }
    for (const path of this.#created) {
      try {
        this.#fileSystem.remove(path)
      } catch {
        // No version names the file.
      }
    }
  }

  #count(key: ByteView, value: ByteView): void {
    this.#userBytes += key.length + value.length
    this.#puts++
  }

  #startTable(): TableBuilder {
    const { directory, hash32, span, table, allocateFile } = this.#options
    this.#number = allocateFile()
    const path = joinPath(directory, tableName(this.#number))
    this.#file = this.#fileSystem.create(path)
    this.#created.push(path)
    return new TableBuilder({ ...table, file: this.#file, fileNumber: this.#number, hash32, trace: span })
  }

  async #finishTable(): Promise<void> {
    const file = this.#file!
    const properties = this.#builder!.finish()
    this.#savedBytes += this.#builder!.savedBytes
    this.tables.push({
      number: this.#number,
      fileBytes: properties.fileBytes,
      entries: properties.entries,
      tombstones: 0,
      rangeTombstones: 0,
      rawBytes: properties.rawKeyBytes + properties.rawValueBytes,
      smallest: properties.smallest,
      largest: properties.largest,
      minSequence: properties.minSequence,
      maxSequence: properties.maxSequence,
    })
    this.#builder = undefined
    this.#file = undefined
    const earlier = this.#syncing
    this.#syncing = syncAndClose(file)
    // A failure is reported by the next wait; until then it is not unhandled.
    this.#syncing.catch(() => undefined)
    await earlier
  }
}

async function syncAndClose(file: FileHandle): Promise<void> {
  try {
    await file.sync()
  } finally {
    file.close()
  }
}

export function overtaken(): MisuseError {
  return new MisuseError(
    'LEVEL_INGEST_OVERTAKEN',
    'More operations were written during the ingest than it left sequence numbers for. Nothing was ingested; ingest fewer entries at a time',
  )
}
