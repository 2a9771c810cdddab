import { compareKeys } from '../../codec/entry.js'
import type { BlobReferences } from './blob-file.js'
import type { Table } from '../../sstable/table.js'

/** What the manifest remembers of a table. Plain data: it crosses to worker threads and to simulators. */
export interface TableMeta {
  readonly number: number
  readonly level: number
  /** Tables of one run are disjoint and sorted; of two runs in a level the one with the larger id is newer. */
  readonly run: number
  readonly fileBytes: number
  readonly entries: number
  /** Point tombstones among the entries. */
  readonly tombstones: number
  readonly rangeTombstones: number
  /** Key and value bytes of the entries, before any encoding. */
  readonly rawBytes: number
  /** Bounds of the user keys, range tombstones included; both inclusive. */
  readonly smallest: Uint8Array
  readonly largest: Uint8Array
  readonly minSequence: number
  readonly maxSequence: number
  /** About when half of the entries will have expired, in milliseconds since the Unix epoch. Absent if fewer expire. */
  readonly halfExpiredAt?: number
  /** The blob files that have values of the table. Absent if there are none. */
  readonly blobs?: BlobReferences
}

/** A table's place in a version. Moving a table to another level makes a new one over the same resource. */
export class TableFile {
  readonly meta: TableMeta
  readonly resource: TableResource

  constructor(meta: TableMeta, resource = new TableResource()) {
    this.meta = meta
    this.resource = resource
  }
}

/** The file itself, shared by all versions that contain it. */
export class TableResource {
  /** Set by the first reader; here, so that the read path follows a reference instead of a look-up. */
  table: Table | undefined
  /** Versions that contain the file. It is removed when the last one is released. */
  versions = 0
}

export function metasOf(files: readonly TableFile[]): readonly TableMeta[] {
  return files.map(file => file.meta)
}

/** Inclusive bounds of user keys. */
export interface KeyBounds {
  readonly smallest: Uint8Array
  readonly largest: Uint8Array
}

export function overlaps(a: KeyBounds, b: KeyBounds): boolean {
  return compareKeys(a.smallest, b.largest) <= 0 && compareKeys(b.smallest, a.largest) <= 0
}

/** The smallest bounds that hold all of the given ones; there must be at least one. */
export function unionBounds(all: readonly KeyBounds[]): KeyBounds {
  let { smallest, largest } = all[0]
  for (const bounds of all) {
    if (compareKeys(bounds.smallest, smallest) < 0) smallest = bounds.smallest
    if (compareKeys(bounds.largest, largest) > 0) largest = bounds.largest
  }
  return { smallest, largest }
}

/** Sorted, disjoint bounds that cover exactly the same keys. */
export function mergeBounds(all: readonly KeyBounds[]): KeyBounds[] {
  const merged: { smallest: Uint8Array; largest: Uint8Array }[] = []
  for (const { smallest, largest } of [...all].sort((a, b) => compareKeys(a.smallest, b.smallest))) {
    const last = merged.at(-1)
    if (last === undefined || compareKeys(smallest, last.largest) > 0) merged.push({ smallest, largest })
    else if (compareKeys(largest, last.largest) > 0) last.largest = largest
  }
  return merged
}
