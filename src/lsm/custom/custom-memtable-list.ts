/**
 * A custom index of a memtable: a sorted structure of objects behind the interface that the engine uses of its
 * arena skiplist. Every read, scan and flush of the memtable goes through it.
 */
import { ByteView, compareKeys, copyBytes, EMPTY, KIND_PUT, MAX_SEQUENCE, type EntryCursor, type EntryKind } from '../../codec/entry.js'
import type { Random } from '../../vfs/environment.js'
import type { MemtableList } from '../memtable/memtable-list.js'

/** One version of a key. An index may return objects of its own that have more to them. */
export interface IndexEntry {
  readonly key: Uint8Array
  /** Empty for a deletion. */
  readonly value: Uint8Array
  /** Every version has a sequence number of its own; a higher one is newer. */
  readonly sequence: number
  readonly kind: EntryKind
}

/** Keeps versions in internal order: by key ascending, and of one key the newest, with the highest sequence number, first. */
export interface MemtableIndex {
  /** Adds a version; none is ever removed or replaced. Returns the height of its tower, or 1 where there are no towers. */
  insert(key: Uint8Array, value: Uint8Array, sequence: number, kind: EntryKind): number
  /** The first version at or behind the place of (key, sequence); `undefined` if there is none. */
  seek(key: Uint8Array, sequence: number): IndexEntry | undefined
  /** The last version before the place of (key, sequence); `undefined` if there is none. */
  seekBefore(key: Uint8Array, sequence: number): IndexEntry | undefined
  /** The version right behind one that this index returned. */
  next(entry: IndexEntry): IndexEntry | undefined
  /** The version behind all others; `undefined` if there is none. */
  last(): IndexEntry | undefined
}

export interface MemtableIndexContext {
  /** Uniform in [0, 1); seeded, where a run is to be repeated. */
  random(): number
  /** The order of keys: negative, zero or positive. Counted, so that traces show what a search cost. */
  compareKeys(a: Uint8Array, b: Uint8Array): number
}

/** Makes the index of a new memtable. */
export type MakeMemtableIndex = (context: MemtableIndexContext) => MemtableIndex

/** About what an entry takes besides key and value. */
const ENTRY_BYTES = 64

export class CustomMemtableList implements MemtableList {
  readonly capacityBytes: number
  count = 0
  bytesUsed = 0
  lastHeight = 0
  /** Keys that the last search compared. */
  comparisons = 0
  readonly #make: MakeMemtableIndex
  readonly #context: MemtableIndexContext
  #index: MemtableIndex
  #found: IndexEntry | undefined

  constructor(make: MakeMemtableIndex, capacityBytes: number, random: Random) {
    this.#make = make
    this.capacityBytes = capacityBytes
    this.#context = {
      random: () => random.uint32() / 2 ** 32,
      compareKeys: (a, b) => {
        this.comparisons++
        return compareKeys(a, b)
      },
    }
    this.#index = make(this.#context)
  }

  insert(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    sequence: number,
    kind: EntryKind,
  ): boolean {
    this.lastHeight = this.#index.insert(copyBytes(key, keyStart, keyEnd), copyBytes(value, valueStart, valueEnd), sequence, kind)
    this.count++
    this.bytesUsed += keyEnd - keyStart + (valueEnd - valueStart) + ENTRY_BYTES
    return true
  }

  find(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): number {
    const sought = key.subarray(keyStart, keyEnd)
    this.comparisons = 0
    const found = this.#index.seek(sought, sequence)
    this.#found = found !== undefined && compareKeys(found.key, sought) === 0 ? found : undefined
    return this.#found === undefined ? 0 : 1
  }

  kindAt(): EntryKind {
    return this.#found!.kind
  }

  sequenceAt(): number {
    return this.#found!.sequence
  }

  setValueView(_node: number, view: ByteView): void {
    const { value } = this.#found!
    view.set(value, 0, value.length)
  }

  cursor(): EntryCursor {
    return new IndexCursor(this.#index)
  }

  transferable(): this {
    return this
  }

  reset(): void {
    this.#index = this.#make(this.#context)
    this.#found = undefined
    this.count = this.bytesUsed = this.lastHeight = 0
  }
}

class IndexCursor implements EntryCursor {
  readonly key = new ByteView()
  readonly value = new ByteView()
  readonly #index: MemtableIndex
  #entry: IndexEntry | undefined

  constructor(index: MemtableIndex) {
    this.#index = index
  }

  get valid(): boolean {
    return this.#entry !== undefined
  }

  get sequence(): number {
    return this.#entry?.sequence ?? 0
  }

  get kind(): EntryKind {
    return this.#entry?.kind ?? KIND_PUT
  }

  first(): boolean {
    return this.#moveTo(this.#index.seek(EMPTY, MAX_SEQUENCE))
  }

  last(): boolean {
    return this.#moveTo(this.#index.last())
  }

  seek(key: Uint8Array, sequence: number = MAX_SEQUENCE): boolean {
    return this.#moveTo(this.#index.seek(key, sequence))
  }

  seekBefore(key: Uint8Array): boolean {
    return this.#moveTo(this.#index.seekBefore(key, MAX_SEQUENCE))
  }

  next(): boolean {
    return this.#moveTo(this.#index.next(this.#entry!))
  }

  prev(): boolean {
    const { key, sequence } = this.#entry!
    return this.#moveTo(this.#index.seekBefore(key, sequence))
  }

  close(): void {
    this.#entry = undefined
  }

  #moveTo(entry: IndexEntry | undefined): boolean {
    this.#entry = entry
    if (entry === undefined) return false
    this.key.set(entry.key, 0, entry.key.length)
    this.value.set(entry.value, 0, entry.value.length)
    return true
  }
}
