/**
 * What a reader in another thread is handed of an LSM tree: the tables of one moment, and the memtables as shared memory. Another thread may
 * not read a list that still takes inserts, so the memtable is copied; those that wait for their flush are shared as they are.
 */
import type { SharedVersion } from '../../engine/contract.js'
import { Skiplist, type SkiplistState } from '../../skiplist/skiplist.js'
import { Memtable } from '../memtable/memtable.js'
import type { BlobMeta } from '../versions/blob-file.js'
import { blobsOf } from '../versions/version.js'
import type { TableMeta } from '../versions/table-file.js'
import type { RangeTombstone } from '../read/range-tombstones.js'
import type { ReadState } from '../read/read-state.js'

export interface SharedMemtable {
  readonly list: SkiplistState
  readonly ranges: readonly RangeTombstone[]
  /** Key and value bytes. */
  readonly rawBytes: number
}

/** The `description` of a shared version. */
export interface LsmVersionDescription {
  /** Readers see entries up to this one. */
  readonly sequence: number
  readonly tables: readonly TableMeta[]
  readonly blobs: readonly BlobMeta[]
  /** Newest first; at least one. */
  readonly memtables: readonly SharedMemtable[]
}

/** Holds the tables of a read state, and describes it. */
export function shareState(state: ReadState, sequence: number): SharedVersion {
  const { memtable, immutable, version } = state
  const memtables = [sharedCopy(memtable), ...immutable.map(sharedInPlace)]
  const description: LsmVersionDescription = {
    sequence,
    tables: [...version.files()].map(({ meta }) => meta),
    blobs: blobsOf(version),
    memtables,
  }
  // Only tables have to be held: the memtable is copied, and arenas that are shared are never reused.
  const held = state.withMemtables(new Memtable(Skiplist.view(memtables[0].list), memtable.firstLog), [])
  let isReleased = false
  return {
    description,
    release: () => {
      if (!isReleased) held.release()
      isReleased = true
    },
  }
}

/** The memtable that a shared one describes. */
export function receivedMemtable({ list, ranges, rawBytes }: SharedMemtable): Memtable {
  const memtable = new Memtable(Skiplist.view(list), 0)
  memtable.ranges.push(...ranges)
  memtable.rawBytes = rawBytes
  return memtable
}

function sharedInPlace(memtable: Memtable): SharedMemtable {
  const { buffer } = arenaOf(memtable)
  if (!(buffer instanceof SharedArrayBuffer)) return sharedCopy(memtable)
  memtable.isShared = true
  return { list: { buffer }, ranges: memtable.ranges, rawBytes: memtable.rawBytes }
}

function sharedCopy(memtable: Memtable): SharedMemtable {
  return { list: copiedList(memtable), ranges: [...memtable.ranges], rawBytes: memtable.rawBytes }
}

/** A copy of a list that takes inserts, as it is now, for another thread. */
export function copiedList(memtable: Memtable): SkiplistState {
  const { bytes } = arenaOf(memtable)
  const { bytesUsed } = memtable.list
  const buffer = new SharedArrayBuffer(bytesUsed)
  new Uint8Array(buffer).set(bytes.subarray(0, bytesUsed))
  return { buffer }
}

function arenaOf({ list }: Memtable): Skiplist['arena'] {
  if (list instanceof Skiplist) return list.arena
  throw new TypeError('A memtable with an index of the user cannot be shared')
}
