/** A table that may be damaged, read block by block: a block that fails is told and skipped. Filter and properties are not needed. */
import { Cache } from '../cache/cache.js'
import type { Hash32 } from '../codec/checksum.js'
import { KIND_DELETE_RANGE } from '../codec/entry.js'
import { Cell, SortedBlock } from '../codec/sorted-block.js'
import type { Loss } from '../engine/contract.js'
import { messageOf, placeOf, type Version } from '../engine/log-salvage.js'
import { CorruptionError } from '../errors.js'
import { BlockSource, Chunk, createReadCounters } from '../sstable/block-source.js'
import { EntryTag, readTag } from '../sstable/entry-tag.js'
import { decodeFooter, FOOTER_BYTES, TRAILER_BYTES, verifyTrailer, type BlockHandle } from '../sstable/format.js'
import { decodeRangeTombstones, type RangeTombstone } from '../sstable/range-tombstone.js'
import type { BlockCompression } from '../vfs/environment.js'
import type { FileHandle } from '../vfs/file-system.js'

export interface SalvagedTableOptions {
  /** Closed by `close`, or when opening fails. */
  readonly file: FileHandle
  readonly number: number
  readonly hash32: Hash32
  readonly deflate: BlockCompression | undefined
  lost(loss: Loss): void
}

export class SalvagedTable {
  readonly rangeTombstones: readonly RangeTombstone[]
  readonly #options: SalvagedTableOptions
  readonly #source: BlockSource

  private constructor(options: SalvagedTableOptions, source: BlockSource, rangeTombstones: readonly RangeTombstone[]) {
    this.#options = options
    this.#source = source
    this.rangeTombstones = rangeTombstones
  }

  /** Throws when footer or index cannot be read: then nothing can. */
  static open(options: SalvagedTableOptions): SalvagedTable {
    const { file, number, hash32, deflate, lost } = options
    try {
      const offset = file.size() - FOOTER_BYTES
      if (offset < 0) throw new CorruptionError(`${file.size()} bytes are too few for a table`, { file: file.path })
      const footer = decodeFooter(readExactly(file, offset, FOOTER_BYTES), hash32, number, file.path, offset)
      const index = readBlock(options, footer.index)
      const dataEnd = [footer.ranges, footer.filter, footer.index].find(handle => handle.bytes > 0)!.offset
      let rangeTombstones: readonly RangeTombstone[] = []
      try {
        if (footer.ranges.bytes > 0) rangeTombstones = decodeRangeTombstones(readBlock(options, footer.ranges))
      } catch (error) {
        lost({ ...placeOf(error, file.path), message: `range deletions are lost, what they deleted may come back: ${messageOf(error)}` })
      }
      return new SalvagedTable(options, new BlockSource(file, number, hash32, new Cache(0), deflate, index, dataEnd), rangeTombstones)
    } catch (error) {
      file.close()
      throw error
    }
  }

  /** The entries of every block that can be read, in their order. */
  *versions(): Generator<Version> {
    const { index } = this.#source
    const counters = createReadCounters()
    for (let ordinal = 0; ordinal < index.count; ordinal++) {
      let versions: Version[]
      try {
        versions = versionsOf(this.#source.loadFromChunk(ordinal, new Chunk(), 0, counters))
      } catch (error) {
        const { file, lost } = this.#options
        const keys = { ...(ordinal > 0 && { smallest: index.keyAt(ordinal - 1) }), largest: index.keyAt(ordinal) }
        lost({ ...placeOf(error, file.path), message: `a block of the table is lost: ${messageOf(error)}`, keys })
        continue
      }
      yield* versions
    }
  }

  close(): void {
    this.#options.file.close()
  }
}

function versionsOf(block: SortedBlock): Version[] {
  const cell = new Cell()
  const tag = new EntryTag()
  const versions: Version[] = []
  for (let i = 0; i < block.count; i++) {
    block.readCell(i, cell)
    readTag(block, cell, tag)
    if (tag.kind === KIND_DELETE_RANGE) throw block.corruption('a data block holds a range tombstone')
    const { sequence, kind } = tag
    versions.push({ key: block.keyAt(i), sequence, kind, value: block.bytes.slice(tag.end, cell.payloadEnd) })
  }
  return versions
}

function readBlock({ file, number, hash32 }: SalvagedTableOptions, { offset, bytes }: BlockHandle): SortedBlock {
  const stored = readExactly(file, offset, bytes + TRAILER_BYTES)
  verifyTrailer(stored, bytes, hash32, number, file.path, offset)
  return new SortedBlock(stored, bytes, file.path, offset)
}

function readExactly(file: FileHandle, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  if (file.read(bytes, offset) !== length) throw new CorruptionError('the file ends early', { file: file.path, offset })
  return bytes
}
