/**
 * The open tables of a store, and the life of their files: a table is opened by its first reader, stays open while a version
 * holds it, and its file is removed when the last version that holds it is released, unless the store closes first.
 */
import type { Cache } from '../../cache/cache.js'
import type { Hash32 } from '../../codec/checksum.js'
import type { EngineStats } from '../../engine/contract.js'
import type { BlockCodec } from '../../sstable/block-codec.js'
import type { TableFilter } from '../../sstable/table-filter.js'
import type { Table } from '../../sstable/table.js'
import type { Ledger, ReadCounts } from '../../trace/ledger.js'
import { runJob, withSpan, type Trace } from '../../trace/span.js'
import type { PlatformCompression } from '../../vfs/environment.js'
import { joinPath, removeInBackground, type FileSystem } from '../../vfs/file-system.js'
import { blobName, tableName } from '../file-names.js'
import type { BlobCursor } from '../blobs/blob-cursor.js'
import type { BlobFiles } from '../blobs/blob-files.js'
import type { RunCursor } from '../read/run-cursor.js'
import { FilePool } from './file-pool.js'
import type { TableFile, TableResource } from './table-file.js'
import type { Version } from './version.js'

/** The code for tables, which must be there once there is one. */
export interface CodeOfTables {
  readonly BlobCursor: typeof BlobCursor
  readonly BlobFiles: typeof BlobFiles
  readonly Cache: typeof Cache
  readonly RunCursor: typeof RunCursor
  readonly Table: typeof Table
}

export interface TableSetOptions extends PlatformCompression {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  readonly loader: { readonly code: CodeOfTables }
  readonly cacheBytes: number
  /** Where gets count. */
  readonly counters: ReadCounts
  readonly filter?: TableFilter | undefined
  readonly blockCodec?: BlockCodec | undefined
  readonly maxOpenFiles: number
  readonly ledger: Ledger
  readonly trace: Trace | null
  /** A file that no version holds is only closed: it belongs to another thread. */
  readonly keepsFiles?: boolean
}

export class TableSet {
  readonly #options: TableSetOptions
  #cache: Cache | undefined
  #blobs: BlobFiles | undefined
  readonly #pool: FilePool
  readonly #opened = new Set<TableResource>()
  readonly #removals = new Set<Promise<void>>()
  /** Bytes of indexes, filters and range tombstones of the open tables. */
  residentBytes = 0

  constructor(options: TableSetOptions) {
    this.#options = options
    this.#pool = new FilePool(options.fileSystem, options.maxOpenFiles)
  }

  /** There must have been a table to load it for. */
  get code(): CodeOfTables {
    return this.#options.loader.code
  }

  get cache(): Cache {
    const { cacheBytes, trace } = this.#options
    return (this.#cache ??= new this.code.Cache(cacheBytes, { trace }))
  }

  /** Values apart from their keys. There must be a table that refers to one. */
  get blobs(): BlobFiles {
    return (this.#blobs ??= new this.code.BlobFiles({ ...this.#options, pool: this.#pool, cache: this.cache }))
  }

  /** What the cache of blocks did and holds. */
  get cacheCounts(): NonNullable<EngineStats['cache']> {
    const { hits = 0, misses = 0, usedBytes = 0 } = this.#cache ?? {}
    return { hits, misses, usedBytes, capacityBytes: this.#options.cacheBytes }
  }

  /** What tables must be built with to be opened here. */
  get customParts(): Pick<TableSetOptions, 'filter' | 'blockCodec'> {
    const { filter, blockCodec } = this.#options
    return { filter, blockCodec }
  }

  /** The table of a file, opened if this is the first use. */
  open(file: TableFile): Table {
    return file.resource.table ?? this.#open(file)
  }

  /** A new version holds its files. */
  hold(version: Version): void {
    for (const file of version.files()) file.resource.versions++
    for (const file of version.blobs.values()) file.resource.versions++
  }

  /** Closes and removes the files that no other version holds. */
  release(version: Version): void {
    for (const file of version.files()) {
      if (--file.resource.versions > 0) continue
      this.#close(file.resource)
      this.#remove(tableName(file.meta.number), file.meta.fileBytes)
    }
    for (const file of version.blobs.values()) {
      if (--file.resource.versions > 0) continue
      this.#blobs?.close(file)
      this.#remove(blobName(file.meta.number), file.resource.fileBytes)
    }
  }

  /** Closes every table, also those that only an unclosed cursor still holds. Resolves when removals under way have ended. */
  async closeAll(): Promise<void> {
    for (const resource of this.#opened) this.#close(resource)
    this.#blobs?.closeAll()
    await this.removed()
  }

  /** Resolves when no removal is under way. */
  async removed(): Promise<void> {
    while (this.#removals.size > 0) await Promise.all(this.#removals)
  }

  #open(file: TableFile): Table {
    return withSpan(this.#options.trace?.currentSpan?.reading('open'), () => this.#openNow(file))
  }

  #openNow(file: TableFile): Table {
    const { directory, ledger } = this.#options
    const { cache } = this
    const { number, fileBytes } = file.meta
    const path = joinPath(directory, tableName(number))
    const handle = this.#pool.openRead(path)
    try {
      const table = this.code.Table.open({ ...this.#options, cache, file: handle, fileNumber: number, size: fileBytes })
      ledger.read.open += fileBytes - table.properties.dataBytes
      this.residentBytes += table.residentBytes
      file.resource.table = table
      this.#opened.add(file.resource)
      return table
    } catch (error) {
      handle.close()
      throw error
    }
  }

  #remove(name: string, bytes: number): void {
    const { fileSystem, directory, ledger, trace, keepsFiles = false } = this.#options
    if (keepsFiles) return
    const path = joinPath(directory, name)
    const removal = runJob(trace, 'free', () => removeInBackground(fileSystem, path))
      .then(() => ledger.resize(-bytes))
      // No version names the file any more; the next open removes it.
      .catch(() => undefined)
      .finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }

  #close(resource: TableResource): void {
    const { table } = resource
    if (table === undefined) return
    resource.table = undefined
    this.#opened.delete(resource)
    this.residentBytes -= table.residentBytes
    table.close()
  }
}
