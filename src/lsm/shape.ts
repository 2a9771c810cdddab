/** The tree in numbers: for stats, for drawing, for estimates. */
import { readUtf8 } from '../codec/text.js'
import { compareKeys } from '../codec/entry.js'
import type { EngineShape, LevelShape } from '../engine/contract.js'
import { entryBytesIn } from '../engine/estimate.js'
import type { HalfOpenRange } from '../engine/range.js'
import type { Memtable } from './memtable/memtable.js'
import type { ReadState } from './read/read-state.js'
import type { BlobMeta } from './versions/blob-file.js'
import type { TableMeta } from './versions/table-file.js'
import type { TableSet } from './versions/table-set.js'
import type { Level, Version } from './versions/version.js'

export interface LsmShape extends EngineShape {
  readonly levels: readonly LsmLevelShape[]
  readonly memtable: MemtableShape
  /** Newest first. */
  readonly frozen: readonly MemtableShape[]
  /** The oldest first. Absent if there are none. */
  readonly blobs?: readonly BlobShape[]
}

/** A blob file. */
export interface BlobShape extends BlobMeta {
  /** Bytes of the values in it that a table refers to. */
  readonly liveBytes: number
}

export interface LsmLevelShape extends LevelShape {
  /** Newest first. */
  readonly runTables: readonly (readonly TableShape[])[]
}

export interface MemtableShape {
  readonly entries: number
  readonly bytes: number
  readonly capacityBytes: number
  readonly rangeTombstones: number
}

/** Keys are shown as UTF-8 text. */
export interface TableShape extends Omit<TableMeta, 'smallest' | 'largest'> {
  readonly smallest: string
  readonly largest: string
}

export function shapeOf(state: ReadState): LsmShape {
  return {
    engine: 'lsm',
    levels: levelShapes(state.version),
    memtable: memtableShape(state.memtable),
    frozen: state.immutable.map(memtableShape),
    ...blobShapes(state.version),
  }
}

export function blobShapes({ blobs, liveBlobBytes }: Version): { readonly blobs?: readonly BlobShape[] } {
  const shapes = [...blobs.values()]
    .map(({ meta }) => ({ ...meta, liveBytes: liveBlobBytes.get(meta.number) ?? 0 }))
    .sort((a, b) => a.number - b.number)
  return shapes.length === 0 ? {} : { blobs: shapes }
}

export function levelShapes(version: Version): LsmLevelShape[] {
  return version.levels.map((level, index) => levelShape(level, index))
}

function levelShape(level: Level, index: number): LsmLevelShape {
  const metas = level.flatMap(run => run.tables.map(file => file.meta))
  return {
    level: index,
    runs: level.length,
    tables: metas.length,
    entries: metas.reduce((sum, meta) => sum + meta.entries, 0),
    bytes: metas.reduce((sum, meta) => sum + meta.fileBytes, 0),
    runTables: level.map(run => run.tables.map(({ meta }) => ({ ...meta, smallest: text(meta.smallest), largest: text(meta.largest) }))),
  }
}

function memtableShape({ list, ranges }: Memtable): MemtableShape {
  return { entries: list.count, bytes: list.bytesUsed, capacityBytes: list.capacityBytes, rangeTombstones: ranges.length }
}

function text(key: Uint8Array): string {
  return readUtf8(key, 0, key.length)
}

/**
 * Key and value bytes that a scan would return, estimated as RocksDB does: the deepest run is taken as live, and of newer runs
 * only what lies outside of its bounds. Exact after a full compaction; low where new keys lie between old ones, high where old
 * ones are deleted. Before the first compaction everything written is taken as live.
 */
export function liveBytesEstimate(version: Version, memtables: readonly Memtable[]): number {
  const runs = version.levels.flatMap(level => level.map(run => run.tables.map(file => file.meta)))
  const deepest = version.deepest > 0 ? runs.at(-1) : undefined
  if (deepest === undefined) {
    return memtables.reduce((sum, memtable) => sum + memtable.rawBytes, 0) + runs.flat().reduce((sum, meta) => sum + meta.rawBytes, 0)
  }
  const smallest = deepest[0].smallest
  const largest = deepest.at(-1)!.largest
  const outside = runs
    .slice(0, -1)
    .flat()
    .filter(meta => compareKeys(meta.largest, smallest) < 0 || compareKeys(meta.smallest, largest) > 0)
  return [...deepest, ...outside].reduce((sum, meta) => sum + meta.rawBytes, 0)
}

/**
 * Bytes between the bounds: of the tables, to about a block, and of the memtables, whose entries will be in tables. All versions count,
 * and tombstones with their keys.
 */
export function approximateBytes({ memtable, immutable, version }: ReadState, tables: TableSet, range: HalfOpenRange): number {
  const { lower, upper } = range
  let bytes = [memtable, ...immutable].reduce((sum, { list }) => sum + entryBytesIn(list, range), 0)
  for (const file of version.files()) {
    const { smallest, largest, fileBytes } = file.meta
    if ((lower !== undefined && compareKeys(largest, lower) < 0) || (upper !== undefined && compareKeys(smallest, upper) >= 0)) continue
    const startsInside = lower === undefined || compareKeys(smallest, lower) >= 0
    const endsInside = upper === undefined || compareKeys(largest, upper) < 0
    if (startsInside && endsInside) {
      bytes += fileBytes
      continue
    }
    const table = tables.open(file)
    const from = lower === undefined ? 0 : table.approximateOffset(lower)
    const to = upper === undefined ? table.properties.dataBytes : table.approximateOffset(upper)
    bytes += Math.max(0, to - from)
  }
  return bytes
}
