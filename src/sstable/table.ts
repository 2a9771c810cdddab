import type { Cache } from '../cache/cache.js'
import type { Hash32 } from '../codec/checksum.js'
import { LEAST_BLOB_BYTES } from '../codec/blob-pointer.js'
import { ByteView, KIND_BLOB, KIND_PUT, type EntryKind } from '../codec/entry.js'
import { Cell, SortedBlock } from '../codec/sorted-block.js'
import { CorruptionError } from '../errors.js'
import type { ReadCounts } from '../trace/ledger.js'
import type { Tracer } from '../trace/span.js'
import type { PlatformCompression } from '../vfs/environment.js'
import type { FileHandle } from '../vfs/file-system.js'
import type { BlockCodec } from './block-codec.js'
import { BlockSource } from './block-source.js'
import { EntryTag, readTag } from './entry-tag.js'
import { CODEC_NONE, decodeFooter, FOOTER_BYTES, TRAILER_BYTES, verifyTrailer, type BlockHandle, type Footer } from './format.js'
import { decodeProperties, type TableProperties } from './properties.js'
import { decodeRangeTombstones, type RangeTombstone } from './range-tombstone.js'
import { TableCursor, type TableCursorOptions } from './table-cursor.js'
import { openFilter, type FilterProbe, type TableFilter } from './table-filter.js'

/** The codecs of the platform are needed to read tables that they compressed. */
export interface TableOptions extends PlatformCompression {
  /** Closed by `Table.close`. */
  readonly file: FileHandle
  /** The number under which the table was built. */
  readonly fileNumber: number
  readonly hash32: Hash32
  readonly cache: Cache
  /** Counts of `get`, and of cursors without their own counters. */
  readonly counters: ReadCounts
  /** The file's expected size in bytes: if given, a file of another size is a `CorruptionError`. */
  readonly size?: number
  /** The filter that the table may have been built with, instead of the built-in one. */
  readonly filter?: TableFilter | undefined
  /** Searches the data blocks instead of the built-in search. */
  readonly blockCodec?: BlockCodec | undefined
  /** Gets the answers of the filter. */
  readonly trace?: Tracer | null
}

/** What `Table.get` found; reused across calls. */
export class TableHit {
  kind: EntryKind = KIND_PUT
  sequence = 0
  /** Points into the cached block, whose memory is reused: valid only until the next read through the same cache. */
  readonly value = new ByteView()
}

/**
 * An open table. Footer, index, filter, properties and range tombstones stay in memory; data blocks come through the cache.
 *
 * Invariants:
 * 1. Nothing is read past a failed checksum: damage is a `CorruptionError` with file and offset, never "not found".
 * 2. `get` allocates nothing when the block is in memory.
 */
export class Table {
  readonly fileNumber: number
  readonly properties: TableProperties
  /** By first key ascending, then newest first. */
  readonly rangeTombstones: readonly RangeTombstone[]
  /** Bytes of memory while the table is open, without blocks in the cache. */
  readonly residentBytes: number
  /** Where the parts of the file are. */
  readonly footer: Readonly<Footer>
  /** The data blocks, for cursors and inspection. */
  readonly source: BlockSource
  readonly #file: FileHandle
  readonly #index: SortedBlock
  readonly #filter: FilterProbe | undefined
  readonly #counters: ReadCounts
  readonly #trace: Tracer | null
  readonly #cell = new Cell()
  readonly #tag = new EntryTag()
  #closed = false

  private constructor(options: TableOptions, fileBytes: number, footer: Footer, meta: MetaBlocks) {
    const { file, fileNumber, hash32, cache, deflate, zstd } = options
    const dataEnd = footer.ranges.bytes > 0 ? footer.ranges.offset : footer.filter.bytes > 0 ? footer.filter.offset : footer.index.offset
    this.fileNumber = fileNumber
    this.footer = footer
    this.#file = file
    this.#counters = options.counters
    this.#trace = options.trace?.at('step') ?? null
    this.#index = meta.block(footer.index)
    this.properties = decodeProperties(meta.block(footer.properties), fileBytes)
    if (this.properties.blocks !== this.#index.count) throw this.#index.corruption('the index and the properties disagree on the blocks')
    this.rangeTombstones = footer.ranges.bytes > 0 ? decodeRangeTombstones(meta.block(footer.ranges)) : []
    this.#filter = footer.filter.bytes > 0 ? meta.filter(footer.filter) : undefined
    this.source = new BlockSource(file, fileNumber, hash32, cache, { deflate, zstd }, this.#index, dataEnd, options.blockCodec)
    this.residentBytes = meta.bytes.length + this.#index.count * 20 + 1024
  }

  /** Reads and checks everything but the data blocks. On an error the file stays open: the caller closes it. */
  static open(options: TableOptions): Table {
    const { file, fileNumber, hash32 } = options
    const size = file.size()
    if (options.size !== undefined && options.size !== size) {
      throw new CorruptionError(`the table has ${size} bytes instead of ${options.size}`, { file: file.path })
    }
    if (size < FOOTER_BYTES) throw new CorruptionError(`${size} bytes are too few for a table`, { file: file.path })
    const offset = size - FOOTER_BYTES
    const footer = decodeFooter(readExactly(file, offset, FOOTER_BYTES), hash32, fileNumber, file.path, offset)
    // The blocks the footer names stand together at the end of the file.
    const start = [footer.ranges, footer.filter, footer.index, footer.properties]
      .filter(handle => handle.bytes > 0)
      .reduce((smallest, handle) => Math.min(smallest, handle.offset), offset)
    const meta = new MetaBlocks(readExactly(file, start, offset - start), start, options)
    return new Table(options, size, footer, meta)
  }

  /**
   * The newest version of `key` that is not newer than `sequence`, range tombstones aside. `hash` is `keyHash(hash32, key)`.
   * Returns `false` if there is none; then `hit` is unchanged.
   */
  get(key: Uint8Array, hash: number, sequence: number, hit: TableHit): boolean {
    const counters = this.#counters
    const filter = this.#filter
    if (filter !== undefined) {
      counters.filterProbes++
      if (this.#trace !== null) this.#tellProbe(this.#trace, filter, hash)
      if (!filter.mayContain(hash)) {
        counters.filterNegatives++
        return false
      }
    }
    return this.getFrom(this.#index.lowerBound(key, 0, key.length), -1, key, sequence, hit)
  }

  /** Whether the filter lets a key with this hash pass. Counts nothing. */
  mayContain(hash: number): boolean {
    return this.#filter === undefined || this.#filter.mayContain(hash)
  }

  /**
   * What is left of `get` behind the filter, where data block `ordinal` is known as the first that may hold the key. There it is most likely entry
   * `near`; -1 if that is not known.
   */
  getFrom(ordinal: number, near: number, key: Uint8Array, sequence: number, hit: TableHit): boolean {
    const counters = this.#counters
    const { length } = key
    const { count } = this.#index
    let present = false
    for (; ordinal < count; ordinal++) {
      const block = this.source.contentsOf(ordinal, counters)
      let i = near < 0 ? block.find(key, 0, length) : block.findNear(near, key, 0, length)
      near = -1
      // Absent; after the first block that means that the versions ended with the block before.
      if (i < 0) break
      present = true
      do {
        if (this.#take(block, i, sequence, hit)) return true
        i++
      } while (i < block.count && block.keyEquals(i, key, 0, length))
      // Only where versions fill the block to its end may the next block hold more.
      if (i < block.count) break
    }
    if (!present && this.#filter !== undefined) counters.filterFalsePositives++
    return false
  }

  cursor(options: TableCursorOptions = {}): TableCursor {
    return new TableCursor(this.source, options, this.#counters)
  }

  /** Whether `get` asks a filter. */
  get hasFilter(): boolean {
    return this.#filter !== undefined
  }

  /** Approximate bytes of the file before `key`. */
  approximateOffset(key: Uint8Array): number {
    const ordinal = this.#index.lowerBound(key, 0, key.length)
    return ordinal < this.#index.count ? this.source.handle(ordinal).offset : this.properties.dataBytes
  }

  /** Removes the blocks from the cache and closes the file. Cursors must be closed first. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.source.dropAll()
    this.#file.close()
  }

  #tellProbe(trace: Tracer, filter: FilterProbe, hash: number): void {
    const mayContain = filter.mayContain(hash)
    trace.emit({ type: 'bloom.probe', file: this.fileNumber, positions: filter.positions(hash), mayContain })
  }

  #take(block: SortedBlock, i: number, sequence: number, hit: TableHit): boolean {
    const cell = this.#cell
    const tag = this.#tag
    block.readCell(i, cell)
    readTag(block, cell, tag)
    if (tag.sequence > sequence) return false
    if (tag.kind === KIND_BLOB && cell.payloadEnd - tag.end < LEAST_BLOB_BYTES)
      throw block.corruption('a data block holds a range tombstone')
    hit.kind = tag.kind
    hit.sequence = tag.sequence
    hit.value.set(block.bytes, tag.end, cell.payloadEnd)
    return true
  }
}

/** The end of the file without the footer: the blocks that stay in memory. */
class MetaBlocks {
  readonly bytes: Uint8Array
  readonly #start: number
  readonly #options: TableOptions

  constructor(bytes: Uint8Array, start: number, options: TableOptions) {
    this.bytes = bytes
    this.#start = start
    this.#options = options
  }

  block(handle: BlockHandle): SortedBlock {
    const contents = this.#contents(handle)
    return new SortedBlock(contents, contents.length, this.#options.file.path, handle.offset)
  }

  filter(handle: BlockHandle): FilterProbe {
    const { file, filter } = this.#options
    return openFilter(this.#contents(handle), filter, { file: file.path, offset: handle.offset })
  }

  #contents(handle: BlockHandle): Uint8Array {
    const { file, fileNumber, hash32 } = this.#options
    const at = handle.offset - this.#start
    const stored = this.bytes.subarray(at, at + handle.bytes + TRAILER_BYTES)
    const codec = verifyTrailer(stored, handle.bytes, hash32, fileNumber, file.path, handle.offset)
    if (codec !== CODEC_NONE) throw new CorruptionError('a resident block claims compression', { file: file.path, offset: handle.offset })
    return stored.subarray(0, handle.bytes)
  }
}

function readExactly(file: FileHandle, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  if (file.read(bytes, offset) !== length) throw new CorruptionError('the file ends early', { file: file.path, offset })
  return bytes
}
