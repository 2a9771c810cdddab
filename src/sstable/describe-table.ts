import { newReadCounts } from '../trace/ledger.js'
import { Chunk } from './block-source.js'
import { FOOTER_BYTES, TRAILER_BYTES } from './format.js'
import type { TableProperties } from './properties.js'
import type { RangeTombstone } from './range-tombstone.js'
import type { Table } from './table.js'

/** The map of a table file, in file order and without gaps. Offsets and sizes in bytes. */
export interface TableDescription {
  readonly fileNumber: number
  readonly properties: TableProperties
  readonly rangeTombstones: readonly RangeTombstone[]
  readonly parts: readonly TablePart[]
}

export interface TablePart {
  readonly part: 'data' | 'ranges' | 'filter' | 'index' | 'properties' | 'footer'
  readonly offset: number
  /** Size in the file, trailer included. */
  readonly bytes: number
}

export interface DataBlockPart extends TablePart {
  readonly part: 'data'
  readonly ordinal: number
  /** Size of the contents once decompressed. */
  readonly rawBytes: number
  /** As in its trailer: 0 none, 1 deflate, 2 LZ4, 3 zstd. */
  readonly codec: number
  readonly entries: number
  /** Length of the prefix that all its keys share. */
  readonly prefixLength: number
  readonly firstKey: Uint8Array
  readonly lastKey: Uint8Array
  /** The key that leads to this block in the index. */
  readonly indexKey: Uint8Array
}

/** Reads every data block (past the cache) and lists all parts of the file: for inspection. Throws a `CorruptionError` on damage. */
export function describeTable(table: Table): TableDescription {
  const { footer, properties, fileNumber, rangeTombstones } = table
  const parts: TablePart[] = dataBlocks(table)
  const resident = [
    ['ranges', footer.ranges],
    ['filter', footer.filter],
    ['index', footer.index],
    ['properties', footer.properties],
  ] as const
  for (const [part, handle] of resident) {
    if (handle.bytes > 0) parts.push({ part, offset: handle.offset, bytes: handle.bytes + TRAILER_BYTES })
  }
  parts.push({ part: 'footer', offset: properties.fileBytes - FOOTER_BYTES, bytes: FOOTER_BYTES })
  return { fileNumber, properties, rangeTombstones, parts }
}

function dataBlocks({ source }: Table): DataBlockPart[] {
  const counters = newReadCounts()
  const parts: DataBlockPart[] = []
  const chunk = new Chunk()
  for (let ordinal = 0; ordinal < source.index.count; ordinal++) {
    const block = source.loadFromChunk(ordinal, chunk, 0, counters)
    const handle = source.handle(ordinal)
    parts.push({
      part: 'data',
      ordinal,
      offset: handle.offset,
      bytes: handle.bytes + TRAILER_BYTES,
      rawBytes: handle.rawBytes,
      codec: chunk.bytes[handle.offset - chunk.offset + handle.bytes],
      entries: block.count,
      prefixLength: block.prefixLength,
      firstKey: block.keyAt(0),
      lastKey: block.keyAt(block.count - 1),
      indexKey: source.index.keyAt(ordinal),
    })
  }
  return parts
}
