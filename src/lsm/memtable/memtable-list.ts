import type { ByteView, EntryCursor, EntryKind } from '../../codec/entry.js'
import type { SkiplistState } from '../../skiplist/skiplist.js'

/** Takes the entries of a memtable that is filled. */
export interface EntrySink {
  readonly bytesUsed: number
  /** Height of the tower of the last insert. */
  readonly lastHeight: number
  insert(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    sequence: number,
    kind: EntryKind,
  ): boolean
}

/** Fills an empty list with entries by ascending sequence number. It holds them from `finish` on. */
export interface ListLoad extends EntrySink {
  finish(): void
}

/** What a memtable keeps its entries in: the arena skiplist, or a custom index. */
export interface MemtableList extends EntrySink {
  readonly count: number
  readonly capacityBytes: number
  /** Begins to fill the empty list at once, cheaper than by inserts. It grows as it needs to. */
  load?(): ListLoad
  /** `insert` of an entry whose value is filled in later, before any reader may see it. Returns its node, or 0 when it does not fit. */
  insertBlank?(key: Uint8Array, keyStart: number, keyEnd: number, valueLength: number, sequence: number, kind: EntryKind): number
  /** Writes the part from byte `at` on of the value of such an entry. */
  fillValue?(node: number, at: number, value: Uint8Array, start: number, end: number): void
  /** The newest version of the key with a sequence up to the given one, to be read before the next call; 0 if there is none. */
  find(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): number
  kindAt(node: number): EntryKind
  sequenceAt(node: number): number
  setValueView(node: number, view: ByteView): void
  cursor(): EntryCursor
  /** What a flush reads. */
  transferable(): FlushedList
  /** Empties the list, for reuse. */
  reset(): void
}

/** What a flush reads: the state of the arena skiplist, which can go to another thread, or a custom index itself. */
export type FlushedList = SkiplistState | Pick<MemtableList, 'cursor'>
