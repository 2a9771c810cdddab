/**
 * A version: which tables make up the store at one moment. Immutable; flushes and compactions make a new one by applying
 * an edit, and readers go on with the one they hold.
 *
 * Invariants:
 * 1. `levels[i]` holds the runs of level i, newest first; data in level i is newer than data in level i + 1 for the same
 *    key, and in a level data of an earlier run in the list is newer.
 * 2. The tables of a run are sorted by key and disjoint, bounds inclusive.
 * 3. In a leveled tree every level but 0 has at most one run.
 * 4. It has the blob files that its tables refer to, and no other.
 */
import { compareBytes, compareKeys } from '../../codec/entry.js'
import type { SortedBlock } from '../../codec/sorted-block.js'
import { CorruptionError } from '../../errors.js'
import { BlobFile, type BlobMeta } from './blob-file.js'
import { overlaps, TableFile, type KeyBounds, type TableMeta } from './table-file.js'

export interface Run {
  readonly id: number
  readonly tables: readonly TableFile[]
  /** The largest key of each table, for look-ups; made by the first one. A search in it touches fewer cache lines than one among objects. */
  bounds?: SortedBlock | undefined
}

export type Level = readonly Run[]

export interface TableChanges {
  readonly deleted: readonly number[]
  readonly added: readonly TableMeta[]
  /** Blob files that are new. */
  readonly blobs?: readonly BlobMeta[] | undefined
}

export class Version {
  readonly levels: readonly Level[]
  /** Blob files by their numbers. */
  readonly blobs: ReadonlyMap<number, BlobFile>
  /** Bytes of the values in each that a table refers to. */
  readonly liveBlobBytes: ReadonlyMap<number, number>
  /** Read states that hold this version. */
  holders = 0

  constructor(
    levels: readonly Level[] = [],
    blobs: ReadonlyMap<number, BlobFile> = NONE,
    liveBlobBytes: ReadonlyMap<number, number> = NONE,
  ) {
    this.levels = levels
    this.blobs = blobs
    this.liveBlobBytes = liveBlobBytes
  }

  *files(): Generator<TableFile> {
    for (const level of this.levels) for (const run of level) yield* run.tables
  }

  /**
   * A new version without the deleted tables and with the added ones. A table in both moves; its file stays open. Blob files that no table
   * refers to any more are not in it.
   */
  apply(changes: TableChanges): Version {
    const kept = new Map<number, TableFile>()
    for (const file of this.files()) kept.set(file.meta.number, file)
    const moving = new Map<number, TableFile>()
    for (const number of changes.deleted) {
      const file = kept.get(number)
      if (file === undefined) throw new CorruptionError(`A version edit deletes table ${number}, which is not in the version`)
      kept.delete(number)
      moving.set(number, file)
    }
    for (const meta of changes.added) {
      if (kept.has(meta.number)) throw new CorruptionError(`A version edit adds table ${meta.number} twice`)
      kept.set(meta.number, new TableFile(meta, moving.get(meta.number)?.resource))
    }
    return new Version(arrange(kept.values()), ...this.#blobsWith(changes, moving))
  }

  #blobsWith(
    { added, blobs = [] }: TableChanges,
    deleted: ReadonlyMap<number, TableFile>,
  ): [blobs: ReadonlyMap<number, BlobFile>, live: ReadonlyMap<number, number>] {
    if (this.blobs.size + blobs.length === 0) return [NONE, NONE]
    const live = new Map(this.liveBlobBytes)
    for (const { meta } of deleted.values()) for (const [file, bytes] of meta.blobs ?? []) live.set(file, (live.get(file) ?? 0) - bytes)
    for (const { blobs: refs = [] } of added) for (const [file, bytes] of refs) live.set(file, (live.get(file) ?? 0) + bytes)
    const files = new Map(this.blobs)
    for (const meta of blobs) files.set(meta.number, new BlobFile(meta))
    // No value in a blob file is empty.
    for (const [file, bytes] of live) if (bytes === 0) live.delete(file)
    for (const file of files.keys()) if (!live.has(file)) files.delete(file)
    return [files, live]
  }

  level(index: number): Level {
    return this.levels[index] ?? []
  }

  levelBytes(index: number): number {
    let bytes = 0
    for (const run of this.level(index)) for (const file of run.tables) bytes += file.meta.fileBytes
    return bytes
  }

  /** Tables of a level that share keys with the bounds. */
  overlapping(index: number, bounds: KeyBounds): TableFile[] {
    return this.level(index).flatMap(run => run.tables.filter(file => overlaps(file.meta, bounds)))
  }

  /** Index of the deepest level that holds a table; -1 when there is none. */
  get deepest(): number {
    for (let index = this.levels.length - 1; index >= 0; index--) if (this.levels[index].length > 0) return index
    return -1
  }
}

const NONE: ReadonlyMap<number, never> = new Map<number, never>()

/** Index of the first table of a run whose largest key is at or after `key`; `tables.length` if there is none. */
export function firstNotBefore(tables: readonly TableFile[], key: Uint8Array): number {
  let low = 0
  let high = tables.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const largest = tables[middle].meta.largest
    if (compareBytes(largest, 0, largest.length, key, 0, key.length) < 0) low = middle + 1
    else high = middle
  }
  return low
}

function arrange(files: Iterable<TableFile>): Level[] {
  const levels: Map<number, TableFile[]>[] = []
  for (const file of files) {
    const { level, run } = file.meta
    while (levels.length <= level) levels.push(new Map())
    const runs = levels[level]
    const tables = runs.get(run)
    if (tables === undefined) runs.set(run, [file])
    else tables.push(file)
  }
  return levels.map(runs =>
    [...runs.entries()]
      .sort(([a], [b]) => b - a)
      .map(([id, tables]) => ({ id, tables: tables.sort((a, b) => compareKeys(a.meta.smallest, b.meta.smallest)), bounds: undefined })),
  )
}

/** The blob files of a version. */
export function blobsOf(version: Version): BlobMeta[] {
  return [...version.blobs.values()].map(file => file.meta)
}
