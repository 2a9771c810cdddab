/**
 * The memory engine: the skiplist alone, nothing on disk. It is the smallest example of the contract, and the oracle for
 * tests of other engines.
 *
 * A write adds entries with the next sequence numbers and then moves the present past them; a reader looks for the
 * newest version at or before its moment. The arena takes inserts only. When it is full, the versions that a
 * reader can still see are copied into a new one of fitting size, which costs O(1) per write on average.
 *
 * Invariants:
 * 1. No reader sees entries above `#sequence`. Room for a whole batch is made before its first insert, so a batch
 *    that fails has changed nothing.
 * 2. A list that has been replaced never changes again: cursors that were open on it continue unaffected.
 * 3. Every version that the present or a live snapshot sees is in the current list.
 * 4. `#liveEntries` and `#liveBytes` are what a scan of the present would count.
 */
import { ByteView, EMPTY, KIND_DELETE, KIND_DELETE_RANGE, KIND_PUT, MAX_SEQUENCE } from '../codec/entry.js'
import { KvariumError, MisuseError } from '../errors.js'
import { MAX_CAPACITY } from '../skiplist/arena.js'
import { skiplistSearchPath } from '../skiplist/skiplist-shape.js'
import { Skiplist } from '../skiplist/skiplist.js'
import { Ledger } from '../trace/ledger.js'
import type { Tracer } from '../trace/span.js'
import type { Random } from '../vfs/environment.js'
import { BatchReader, type WriteBatch } from '../engine/batch.js'
import { CallTracker } from '../engine/call-tracker.js'
import type {
  Cursor,
  Engine,
  EngineFactory,
  EngineShape,
  EngineSnapshot,
  EngineStats,
  KeyRange,
  Violation,
  WriteOptions,
} from '../engine/contract.js'
import { checkVersions } from './check.js'
import { SurvivingVersions, type Clearing } from './surviving-versions.js'
import { entryBytesIn } from '../engine/estimate.js'
import { boundBytes, halfOpen, isEmptyRange, isEverything, type HalfOpenRange } from '../engine/range.js'
import { VersionCursor } from '../engine/version-cursor.js'

/** A new arena has room for 1.5 times what survives. */
const HEADROOM = 1.5
/** Copying a list in order costs per entry about an eighth of inserting a deletion at a random key. */
const COPIES_PER_DELETE = 8
const ENTRY_OVERHEAD = Skiplist.bytesFor(0, 0) + 8

export const memoryEngine: EngineFactory = {
  name: 'memory',
  durable: false,
  countsLiveBytes: true,
  options: {
    arenaSize: {
      type: 'integer',
      default: 1 << 20,
      min: 1 << 12,
      max: 1 << 30,
      unit: 'bytes',
      about: 'Memory taken at the start; more is taken as the data grows',
    },
  },
  open({ environment, options, trace }) {
    const engine = new MemoryEngine(options['arenaSize'] as number, environment.random, trace)
    trace?.emit({ type: 'engine.open', engine: 'memory', entrySequence: 0, options })
    return Promise.resolve(engine)
  },
}

class MemorySnapshot implements EngineSnapshot {
  readonly sequence: number
  readonly #owners: Set<MemorySnapshot>

  constructor(sequence: number, owners: Set<MemorySnapshot>) {
    this.sequence = sequence
    this.#owners = owners
    owners.add(this)
  }

  release(): void {
    this.#owners.delete(this)
  }
}

class MemoryEngine implements Engine {
  readonly name = 'memory'
  readonly #smallestArena: number
  readonly #random: Random
  /** Gets the events of lists and of changes in them. */
  readonly #trace: Tracer | null
  readonly #step: Tracer | null
  readonly #ledger = new Ledger()
  readonly #reader = new BatchReader()
  readonly #view = new ByteView()
  /** In the order they were taken: by ascending sequence number. */
  readonly #snapshots = new Set<MemorySnapshot>()
  #list: Skiplist
  #sequence = 0
  #liveEntries = 0
  #liveBytes = 0
  #rebuilds = 0
  readonly #calls = new CallTracker()

  constructor(arenaSize: number, random: Random, trace?: Tracer) {
    this.#smallestArena = arenaSize
    this.#random = random
    this.#trace = trace?.at('job') ?? null
    this.#step = trace?.at('step') ?? null
    this.#list = this.#newList(0, 0)
  }

  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    return this.getView(key, this.#view, snapshot) ? this.#view.copy() : undefined
  }

  getView(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean {
    const list = this.#list
    const moment = this.#momentOf(snapshot)
    const node = list.find(key, 0, key.length, moment)
    const found = node !== 0 && list.kindAt(node) === KIND_PUT
    if (this.#step !== null) this.#tellSearch(this.#step, key, moment, node)
    if (found) {
      list.setValueView(node, out)
      this.#ledger.found.operations++
    } else {
      this.#ledger.missing.operations++
    }
    return found
  }

  write(batch: WriteBatch, _options: WriteOptions): void {
    this.#requireOpen()
    const first = this.#sequence + 1
    batch.seal(first)
    const reader = this.#reader
    for (reader.reset(batch.bytes, 0, batch.byteLength); reader.next();) {
      if (reader.kind === KIND_DELETE_RANGE) throw new MisuseError('LEVEL_INVALID_BATCH', 'The memory engine clears ranges with clear()')
    }
    this.#makeRoom(batch.count * ENTRY_OVERHEAD + batch.userBytes)
    let sequence = first
    for (reader.reset(batch.bytes, 0, batch.byteLength); reader.next(); sequence++) {
      if (reader.kind === KIND_PUT) this.#put(reader.key, reader.value, sequence)
      else this.#delete(reader.key, sequence)
    }
    this.#sequence = sequence - 1
    this.#ledger.userBytes += batch.userBytes
    this.#ledger.operations.batches++
  }

  clear(keys: KeyRange, _options: WriteOptions): void {
    this.#requireOpen()
    const range = halfOpen(keys)
    const sequence = this.#sequence + 1
    if (isEverything(range) && this.#snapshots.size === 0) {
      this.#list = this.#newList(0, 0)
      this.#liveEntries = this.#liveBytes = 0
    } else if (!isEmptyRange(range)) {
      this.#clearRange(range, sequence)
    }
    this.#sequence = sequence
    this.#ledger.userBytes += boundBytes(range)
    this.#ledger.operations.clears++
  }

  cursor(range: KeyRange, snapshot?: EngineSnapshot): Cursor {
    return new VersionCursor(this.#list.cursor(), this.#momentOf(snapshot), halfOpen(range), undefined, this.#ledger.scan)
  }

  snapshot(): EngineSnapshot {
    this.#requireOpen()
    return new MemorySnapshot(this.#sequence, this.#snapshots)
  }

  approximateSize(range: KeyRange): number {
    this.#requireOpen()
    return entryBytesIn(this.#list, halfOpen(range))
  }

  async flush(): Promise<void> {
    this.#requireOpen()
  }

  async compact(range: KeyRange = {}): Promise<void> {
    this.#requireOpen()
    halfOpen(range)
    this.#rebuild(0)
  }

  async settle(): Promise<void> {
    this.#requireOpen()
  }

  async close(): Promise<void> {
    await this.#calls.close()
    this.#snapshots.clear()
    this.#view.set(EMPTY, 0, 0)
    this.#list = this.#newList(0, 0)
  }

  stats(): EngineStats {
    return {
      engine: this.name,
      ledger: this.#ledger.counts(this.#liveBytes),
      memoryBytes: this.#list.capacityBytes,
      pending: { memoryBytes: 0, jobs: 0 },
      stalls: { count: 0, totalMs: 0 },
    }
  }

  shape(): EngineShape {
    return {
      engine: this.name,
      entries: this.#liveEntries,
      versions: this.#list.count,
      arena: { usedBytes: this.#list.bytesUsed, capacityBytes: this.#list.capacityBytes, rebuilds: this.#rebuilds },
      snapshots: this.#snapshots.size,
      sequence: this.#sequence,
    }
  }

  check(): AsyncIterable<Violation> {
    return this.#calls.iterate(this.#check())
  }

  /** Walks everything in one turn, so that it sees one moment. */
  async *#check(): AsyncGenerator<Violation> {
    yield* checkVersions(this.#list, { sequence: this.#sequence, entries: this.#liveEntries, bytes: this.#liveBytes })
  }

  #put(key: ByteView, value: ByteView, sequence: number): void {
    if (!this.#uncount(key)) this.#liveEntries++
    this.#insert(this.#list, key, value, sequence, KIND_PUT)
    this.#liveBytes += key.length + value.length
    this.#ledger.operations.puts++
  }

  #delete(key: ByteView, sequence: number): void {
    // Deleting an absent key adds no entry, so that it cannot fill the arena.
    if (this.#uncount(key)) {
      this.#insert(this.#list, key, undefined, sequence, KIND_DELETE)
      this.#liveEntries--
    }
    this.#ledger.operations.deletes++
  }

  /** Subtracts the live version of the key, if there is one, from the live counts. */
  #uncount(key: ByteView): boolean {
    const list = this.#list
    const node = list.find(key.bytes, key.start, key.end, MAX_SEQUENCE)
    if (node === 0 || list.kindAt(node) !== KIND_PUT) return false
    list.setValueView(node, this.#view)
    this.#liveBytes -= key.length + this.#view.length
    return true
  }

  #insert(list: Skiplist, key: ByteView, value: ByteView | undefined, sequence: number, kind: typeof KIND_PUT | typeof KIND_DELETE): void {
    const inserted = list.insert(key.bytes, key.start, key.end, value?.bytes ?? EMPTY, value?.start ?? 0, value?.end ?? 0, sequence, kind)
    if (!inserted) throw new Error('The arena was full although room had been made')
    if (this.#step !== null) {
      const { lastHeight: height, bytesUsed } = list
      const valueBytes = value?.length ?? 0
      this.#step.emit({ type: 'memtable.insert', key: key.copy(), kind, entrySequence: sequence, valueBytes, height, bytesUsed })
    }
  }

  #tellSearch(trace: Tracer, key: Uint8Array, moment: number, node: number): void {
    const source = { in: 'memtable' } as const
    const outcome = node === 0 ? 'miss' : this.#list.kindAt(node) === KIND_PUT ? 'hit' : 'tombstone'
    trace.emit({ type: 'memtable.search', source, path: skiplistSearchPath(this.#list, key, moment), found: node !== 0 })
    trace.emit({ type: 'get.probe', source, outcome })
  }

  #clearRange(range: HalfOpenRange, sequence: number): void {
    const cursor = new VersionCursor(this.#list.cursor(), this.#sequence, range)
    let entries = 0
    let bytes = 0
    let room = 0
    for (let valid = cursor.first(); valid; valid = cursor.next()) {
      entries++
      bytes += cursor.key.length + cursor.value.length
      room += ENTRY_OVERHEAD + cursor.key.length
    }
    if (entries * COPIES_PER_DELETE > this.#liveEntries) {
      this.#rebuild(0, { range, sequence })
    } else if (entries > 0) {
      this.#makeRoom(room)
      const doomed = new VersionCursor(this.#list.cursor(), this.#sequence, range)
      for (let valid = doomed.first(); valid; valid = doomed.next()) this.#insert(this.#list, doomed.key, undefined, sequence, KIND_DELETE)
    }
    this.#liveEntries -= entries
    this.#liveBytes -= bytes
  }

  #makeRoom(bytes: number): void {
    if (this.#list.bytesUsed + bytes > this.#list.capacityBytes) this.#rebuild(bytes)
  }

  /** Replaces the list by a copy of the visible versions, with room for `bytes` more. */
  #rebuild(bytes: number, clearing?: Clearing): void {
    const snapshots = Array.from(this.#snapshots, snapshot => snapshot.sequence)
    let needed = 0
    for (const version = new SurvivingVersions(this.#list, snapshots, clearing); version.next();) {
      needed += Skiplist.bytesFor(version.key.length, version.value.length)
    }
    const list = this.#newList(needed, bytes)
    for (const version = new SurvivingVersions(this.#list, snapshots, clearing); version.next();) {
      this.#insert(list, version.key, version.value, version.sequence, version.kind === KIND_PUT ? KIND_PUT : KIND_DELETE)
    }
    this.#list = list
    this.#rebuilds++
  }

  #newList(survivingBytes: number, incomingBytes: number): Skiplist {
    const least = Skiplist.HEAD_BYTES + survivingBytes + incomingBytes
    if (least > MAX_CAPACITY) {
      throw new KvariumError(
        'LEVEL_MEMORY_FULL',
        `The memory engine would need ${least} bytes; it holds at most ${MAX_CAPACITY}. Delete something first, or use the "lsm" engine`,
      )
    }
    const wanted = Math.max(this.#smallestArena, Math.ceil(survivingBytes * HEADROOM), least)
    const list = new Skiplist({ capacityBytes: Math.min(MAX_CAPACITY, wanted), random: this.#random })
    this.#trace?.emit({ type: 'memtable.new', log: 0, bytesUsed: list.bytesUsed, capacityBytes: list.capacityBytes })
    return list
  }

  #momentOf(snapshot: EngineSnapshot | undefined): number {
    this.#requireOpen()
    if (snapshot === undefined) return this.#sequence
    if (snapshot instanceof MemorySnapshot && this.#snapshots.has(snapshot)) return snapshot.sequence
    throw new MisuseError('LEVEL_INVALID_SNAPSHOT', 'The snapshot has been released, or is not one of this engine; take a new one')
  }

  #requireOpen(): void {
    this.#calls.requireOpen()
  }
}
