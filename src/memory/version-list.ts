/**
 * All versions of all keys in one skiplist, and the writes that change it. A write adds entries with the next sequence numbers and then
 * moves the present past them. The arena takes inserts only. When it is full, the versions that a reader can still see are copied into a
 * new one of fitting size, which costs O(1) per write on average.
 *
 * A long write is a generator that yields between its slices of 1,024 entries or 1 MiB; the caller lets no other write come between them.
 *
 * Invariants, at every yield too:
 * 1. No reader sees entries above `sequence`. Room for a whole batch is made before its first insert, so a batch that fails has changed
 *    nothing.
 * 2. A list that has been replaced never changes again: cursors that were open on it continue unaffected.
 * 3. Every version that the present or a live snapshot sees is in the current list.
 * 4. `liveEntries` and `liveBytes` are what a scan of the present would count, and expired entries until a copy leaves them out.
 */
import { ByteView, EMPTY, KIND_DELETE, KIND_PUT, KIND_PUT_EXPIRING, MAX_SEQUENCE, type EntryKind } from '../codec/entry.js'
import { EXPIRY_BYTES } from '../codec/expiry.js'
import { BatchReader, type WriteBatch } from '../engine/batch.js'
import { isEmptyRange, isEverything, type HalfOpenRange } from '../engine/range.js'
import { WORK_A_SLICE, WORK_BYTES_SHIFT } from '../engine/slices.js'
import { VersionCursor } from '../engine/version-cursor.js'
import { KvariumError } from '../errors.js'
import { MAX_CAPACITY } from '../skiplist/arena.js'
import { Skiplist } from '../skiplist/skiplist.js'
import type { Ledger } from '../trace/ledger.js'
import type { Tracer } from '../trace/span.js'
import type { Random } from '../vfs/environment.js'
import { SurvivingVersions, type Clearing } from './surviving-versions.js'

/** A new arena has room for 1.5 times what survives. */
const HEADROOM = 1.5
/** Copying a list in order costs per entry about an eighth of inserting a deletion at a random key. */
const COPIES_PER_DELETE = 8
const ENTRY_OVERHEAD = Skiplist.bytesFor(0, 0) + 8
/** Longer values are copied in pieces of this length. */
const PIECE_BYTES = 1 << 20

/** A write that yields between its slices. */
export type Slices<T = void> = Generator<void, T>

interface Copy {
  readonly list: Skiplist
  /** Entries that the copy leaves out because they have expired, and their key and value bytes. */
  readonly expiredEntries: number
  readonly expiredBytes: number
}

export interface VersionListOptions {
  /** Smallest size of an arena. */
  readonly arenaSize: number
  readonly random: Random
  /** The moments that live snapshots see, ascending. */
  readonly snapshots: () => readonly number[]
  /** No reader sees what has expired by then, now or later. */
  readonly horizon: () => number
  readonly ledger: Ledger
  readonly trace: Tracer | undefined
}

export class VersionList {
  readonly #options: VersionListOptions
  /** Gets the events of lists and of changes in them. */
  readonly #trace: Tracer | null
  readonly #step: Tracer | null
  readonly #reader = new BatchReader()
  readonly #view = new ByteView()
  #list: Skiplist
  #sequence = 0
  #liveEntries = 0
  #liveBytes = 0
  /** The counts at the end of the write under way. */
  #nextEntries = 0
  #nextBytes = 0
  #rebuilds = 0

  constructor(options: VersionListOptions) {
    this.#options = options
    this.#trace = options.trace?.at('job') ?? null
    this.#step = options.trace?.at('step') ?? null
    this.#list = this.#newList(0, 0)
  }

  get list(): Skiplist {
    return this.#list
  }

  /** The present: the newest sequence number that readers see. */
  get sequence(): number {
    return this.#sequence
  }

  get liveEntries(): number {
    return this.#liveEntries
  }

  /** Key and value bytes. */
  get liveBytes(): number {
    return this.#liveBytes
  }

  /** How often the list was replaced by a copy. */
  get rebuilds(): number {
    return this.#rebuilds
  }

  hasRoom(batch: WriteBatch): boolean {
    return this.#list.bytesUsed + roomOf(batch) <= this.#list.capacityBytes
  }

  /** Applies a batch that is not long and that has room, at once. */
  apply(batch: WriteBatch): void {
    batch.seal(this.#sequence + 1)
    const reader = this.#reader.reset(batch.bytes, 0, batch.byteLength)
    while (reader.next()) this.#add(reader)
    this.#commit(batch.count)
  }

  *write(batch: WriteBatch): Slices {
    yield* this.#makeRoom(roomOf(batch))
    yield* batch.encodeInSlices()
    batch.seal(this.#sequence + 1)
    const reader = batch.reader()
    for (let work = 0; reader.next();) {
      const { length } = reader.value
      if (length > PIECE_BYTES) yield* this.#addLong(reader)
      else this.#add(reader)
      work += 1 + (length >>> WORK_BYTES_SHIFT)
      if (work < WORK_A_SLICE) continue
      work = 0
      yield
    }
    this.#commit(batch.count)
  }

  *clear(range: HalfOpenRange): Slices {
    if (isEverything(range) && this.#options.snapshots().length === 0) {
      this.#list = this.#newList(0, 0)
      this.#nextEntries = this.#nextBytes = 0
    } else if (!isEmptyRange(range)) {
      yield* this.#clearRange(range)
    }
    this.#commit(1)
  }

  /** Replaces the list by a copy of the visible versions, with room for `bytes` more. */
  *rebuild(bytes: number, clearing?: Clearing): Slices {
    const snapshots = this.#options.snapshots()
    const horizon = this.#options.horizon()
    let copy = yield* this.#copy(bytes, snapshots, horizon, clearing)
    if (clearing !== undefined && this.#options.snapshots().some(moment => !snapshots.includes(moment))) {
      // A snapshot that was taken meanwhile sees what the clear removes. Any further one sees the same moment.
      copy = yield* this.#copy(bytes, [...snapshots.filter(moment => moment < this.#sequence), this.#sequence], horizon, clearing)
    }
    this.#list = copy.list
    this.#rebuilds++
    if (copy.expiredEntries > 0) this.#expired(copy)
  }

  /** Releases everything. */
  drop(): void {
    this.#view.set(EMPTY, 0, 0)
    this.#list = this.#newList(0, 0)
  }

  #commit(operations: number): void {
    this.#sequence += operations
    this.#liveEntries = this.#nextEntries
    this.#liveBytes = this.#nextBytes
  }

  #add({ kind, key, value, sequence }: BatchReader): void {
    if (kind === KIND_PUT || kind === KIND_PUT_EXPIRING) {
      this.#count(key, value, kind)
      this.#insert(this.#list, key, value, sequence, kind)
    } else if (this.#uncount(key)) {
      // Deleting an absent key adds no entry, so that it cannot fill the arena.
      this.#insert(this.#list, key, undefined, sequence, KIND_DELETE)
      this.#nextEntries--
    }
  }

  *#addLong({ key, value, sequence, kind }: BatchReader): Slices {
    this.#count(key, value, kind)
    yield* this.#insertLong(this.#list, key, value, sequence, kind)
  }

  #count(key: ByteView, value: ByteView, kind: EntryKind): void {
    if (!this.#uncount(key)) this.#nextEntries++
    this.#nextBytes += key.length + valueBytes(value, kind)
  }

  /** Subtracts the live version of the key, if there is one, from the live counts. */
  #uncount(key: ByteView): boolean {
    const list = this.#list
    const node = list.find(key.bytes, key.start, key.end, MAX_SEQUENCE)
    if (node === 0 || list.kindAt(node) === KIND_DELETE) return false
    list.setValueView(node, this.#view)
    this.#nextBytes -= key.length + valueBytes(this.#view, list.kindAt(node))
    return true
  }

  #insert(list: Skiplist, key: ByteView, value: ByteView | undefined, sequence: number, kind: EntryKind): void {
    const inserted = list.insert(key.bytes, key.start, key.end, value?.bytes ?? EMPTY, value?.start ?? 0, value?.end ?? 0, sequence, kind)
    if (!inserted) throw noRoom()
    if (this.#step !== null) this.#emitInsert(this.#step, list, key, value?.length ?? 0, sequence, kind)
  }

  *#insertLong(list: Skiplist, key: ByteView, { bytes, start, end }: ByteView, sequence: number, kind: EntryKind): Slices {
    const node = list.insertBlank(key.bytes, key.start, key.end, end - start, sequence, kind)
    if (node === 0) throw noRoom()
    for (let from = start; from < end; from += PIECE_BYTES) {
      list.fillValue(node, from - start, bytes, from, Math.min(end, from + PIECE_BYTES))
      yield
    }
    if (this.#step !== null) this.#emitInsert(this.#step, list, key, end - start, sequence, kind)
  }

  #emitInsert(
    trace: Tracer,
    { lastHeight: height, bytesUsed }: Skiplist,
    key: ByteView,
    valueBytes: number,
    entrySequence: number,
    kind: EntryKind,
  ): void {
    trace.emit({ type: 'memtable.insert', key: key.copy(), kind, entrySequence, valueBytes, height, bytesUsed })
  }

  *#clearRange(range: HalfOpenRange): Slices {
    let entries = 0
    let bytes = 0
    let room = 0
    const cursor = new VersionCursor(this.#list.cursor(), this.#sequence, range)
    for (let valid = cursor.first(); valid; valid = cursor.next()) {
      entries++
      bytes += cursor.key.length + cursor.value.length
      room += ENTRY_OVERHEAD + cursor.key.length
      if (entries % WORK_A_SLICE === 0) yield
    }
    const sequence = this.#sequence + 1
    if (entries * COPIES_PER_DELETE > this.#liveEntries) {
      yield* this.rebuild(0, { range, sequence })
    } else if (entries > 0) {
      yield* this.#makeRoom(room)
      let deleted = 0
      const doomed = new VersionCursor(this.#list.cursor(), this.#sequence, range)
      for (let valid = doomed.first(); valid; valid = doomed.next()) {
        this.#insert(this.#list, doomed.key, undefined, sequence, KIND_DELETE)
        if (++deleted % WORK_A_SLICE === 0) yield
      }
    }
    this.#nextEntries -= entries
    this.#nextBytes -= bytes
  }

  *#makeRoom(bytes: number): Slices {
    if (this.#list.bytesUsed + bytes > this.#list.capacityBytes) yield* this.rebuild(bytes)
  }

  *#copy(bytes: number, snapshots: readonly number[], horizon: number, clearing: Clearing | undefined): Slices<Copy> {
    let needed = 0
    let versions = 0
    for (const version = new SurvivingVersions(this.#list, snapshots, horizon, clearing); version.next();) {
      needed += Skiplist.bytesFor(version.key.length, version.value.length)
      if (++versions % WORK_A_SLICE === 0) yield
    }
    const list = this.#newList(needed, bytes)
    let work = 0
    const version = new SurvivingVersions(this.#list, snapshots, horizon, clearing)
    while (version.next()) {
      const { key, value, sequence, kind } = version
      if (value.length > PIECE_BYTES) yield* this.#insertLong(list, key, value, sequence, kind)
      else this.#insert(list, key, value, sequence, kind)
      work += 1 + (value.length >>> WORK_BYTES_SHIFT)
      if (work < WORK_A_SLICE) continue
      work = 0
      yield
    }
    const { expiredEntries, expiredBytes } = version
    return { list, expiredEntries, expiredBytes }
  }

  /** A copy has left out entries that were counted as live. */
  #expired({ expiredEntries: entries, expiredBytes: bytes }: Copy): void {
    this.#liveEntries -= entries
    this.#nextEntries -= entries
    this.#liveBytes -= bytes
    this.#nextBytes -= bytes
    this.#options.ledger.expiredBytes += bytes
    this.#trace?.emit({ type: 'entries.expire', entries, bytes })
  }

  #newList(survivingBytes: number, incomingBytes: number): Skiplist {
    const least = Skiplist.HEAD_BYTES + survivingBytes + incomingBytes
    if (least > MAX_CAPACITY) {
      throw new KvariumError(
        'LEVEL_MEMORY_FULL',
        `The memory engine would need ${least} bytes; it holds at most ${MAX_CAPACITY}. Delete something first, or use the "lsm" engine`,
      )
    }
    const wanted = Math.max(this.#options.arenaSize, Math.ceil(survivingBytes * HEADROOM), least)
    const list = new Skiplist({ capacityBytes: Math.min(MAX_CAPACITY, wanted), random: this.#options.random })
    this.#trace?.emit({ type: 'memtable.new', log: 0, bytesUsed: list.bytesUsed, capacityBytes: list.capacityBytes })
    return list
  }
}

/** Bytes of a value without its expiry. */
function valueBytes({ length }: ByteView, kind: EntryKind): number {
  return kind === KIND_PUT_EXPIRING ? length - EXPIRY_BYTES : length
}

/** Arena bytes that a batch can take at the most. */
function roomOf(batch: WriteBatch): number {
  return batch.count * ENTRY_OVERHEAD + batch.userBytes
}

function noRoom(): KvariumError {
  return new KvariumError('LEVEL_INTERNAL', 'The arena was full although room had been made')
}
