/**
 * The memory engine: the skiplist alone, nothing on disk. It is the smallest example of the contract, and the oracle for
 * tests of other engines. version-list.ts has the list and its invariants.
 *
 * A reader looks for the newest version at or before its moment. A short write is one synchronous step. A long one, and one that has to
 * copy a large list, takes a turn of the event loop between its slices.
 *
 * Invariant: writes take effect in the order of their calls; between the slices of a long write there is no other.
 */
import { ByteView, KIND_PUT, KIND_PUT_EXPIRING } from '../codec/entry.js'
import { EXPIRY_BYTES, isExpired, readExpiry } from '../codec/expiry.js'
import { WriteBatch } from '../engine/batch.js'
import { CallTracker } from '../engine/call-tracker.js'
import { ChangeSignal, DEFAULT_RETAIN_BYTES } from '../engine/changes.js'
import type {
  BatchFeed,
  Cursor,
  Engine,
  EngineContext,
  EngineShape,
  EngineSnapshot,
  EngineStats,
  FeedOptions,
  KeyRange,
  Violation,
  WriteOptions,
} from '../engine/contract.js'
import { ExpiryClock } from '../engine/expiry-clock.js'
import { entryBytesIn } from '../engine/estimate.js'
import { boundBytes, halfOpen, type HalfOpenRange } from '../engine/range.js'
import { inSlices, slicesOf } from '../engine/slices.js'
import { VersionCursor } from '../engine/version-cursor.js'
import { WriteQueue } from '../engine/write-queue.js'
import { MisuseError } from '../errors.js'
import { skiplistSearchPath } from '../skiplist/skiplist-shape.js'
import type { ProbeOutcome } from '../trace/events.js'
import { Ledger } from '../trace/ledger.js'
import type { Diagnostics } from '../trace/diagnostics.js'
import type { Tracer } from '../trace/span.js'
import type { MemoryOptions } from './options.js'
import type { Environment } from '../vfs/environment.js'
import { ChangeRing, RingFeed } from './change-ring.js'
import { checkVersions } from './check.js'
import { VersionList, type Slices } from './version-list.js'

/** Opens an engine with nothing in it. */
export function openMemory({ environment, options, trace, diagnostics }: EngineContext): Engine {
  const engine = new MemoryEngine(options, environment, trace, diagnostics)
  trace?.emit({ type: 'engine.open', engine: 'memory', entrySequence: 0, options })
  return engine
}

const NO_SYNC: WriteOptions = { sync: false }

class MemorySnapshot implements EngineSnapshot {
  readonly sequence: number
  /** When it was taken. */
  readonly time: number
  readonly #owners: Set<MemorySnapshot>

  constructor(sequence: number, time: number, owners: Set<MemorySnapshot>) {
    this.sequence = sequence
    this.time = time
    this.#owners = owners
    owners.add(this)
  }

  release(): void {
    this.#owners.delete(this)
  }
}

class MemoryEngine implements Engine {
  readonly name = 'memory'
  readonly #environment: Environment
  readonly #trace: Tracer | undefined
  readonly #step: Tracer | null
  readonly #ledger = new Ledger()
  readonly #view = new ByteView()
  readonly #clock: ExpiryClock
  /** In the order they were taken: by ascending sequence number. */
  readonly #snapshots = new Set<MemorySnapshot>()
  readonly #versions: VersionList
  readonly #queue: WriteQueue
  readonly #calls = new CallTracker()
  readonly #changed = new ChangeSignal()
  /** The last batches, once a reader of changes may ask for them. */
  #ring: ChangeRing | undefined

  constructor(options: EngineContext['options'], environment: Environment, trace?: Tracer, diagnostics?: Diagnostics) {
    const { arenaSize, changesRetainBytes } = options as unknown as MemoryOptions
    if (changesRetainBytes > 0) this.#ring = new ChangeRing(changesRetainBytes, 0)
    this.#environment = environment
    this.#clock = new ExpiryClock(environment.clock)
    this.#trace = trace
    this.#step = trace?.at('step') ?? null
    this.#queue = new WriteQueue(environment.clock, trace, diagnostics)
    const snapshots = (): number[] => Array.from(this.#snapshots, snapshot => snapshot.sequence)
    const horizon = (): number => this.#snapshots.values().next().value?.time ?? this.#clock.now()
    this.#versions = new VersionList({ arenaSize, random: environment.random, snapshots, horizon, ledger: this.#ledger, trace })
  }

  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    return this.getView(key, this.#view, snapshot) ? this.#view.copy() : undefined
  }

  getView(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean {
    const { list } = this.#versions
    const moment = this.#momentOf(snapshot)
    const node = list.find(key, 0, key.length, moment)
    let found = false
    if (node !== 0) {
      const kind = list.kindAt(node)
      if (kind === KIND_PUT) {
        found = true
        list.setValueView(node, out)
      } else if (kind === KIND_PUT_EXPIRING) {
        list.setValueView(node, out)
        found = readExpiry(out.bytes, out.start) > this.#timeOf(snapshot)
        out.start += EXPIRY_BYTES
      }
    }
    if (this.#step !== null) this.#emitSearch(this.#step, key, moment, node, snapshot)
    if (found) {
      this.#ledger.found.operations++
    } else {
      this.#ledger.missing.operations++
    }
    return found
  }

  expiresAt(key: Uint8Array, snapshot?: EngineSnapshot): number | undefined {
    const { list } = this.#versions
    const node = list.find(key, 0, key.length, this.#momentOf(snapshot))
    if (node === 0 || list.kindAt(node) !== KIND_PUT_EXPIRING) return undefined
    const view = this.#view
    list.setValueView(node, view)
    const expiry = readExpiry(view.bytes, view.start)
    return expiry > this.#timeOf(snapshot) ? expiry : undefined
  }

  write(batch: WriteBatch, options: WriteOptions): Promise<void> | void {
    this.#requireOpen()
    if (batch.hasRanges) throw new MisuseError('LEVEL_INVALID_BATCH', 'The memory engine clears ranges with clear()')
    if (this.#queue.isEmpty && !batch.isLong && this.#versions.hasRoom(batch)) {
      options.precondition?.()
      this.#versions.apply(batch)
      this.#countBatch(batch)
      options.applied?.()
      return
    }
    return this.#inSlices(() => this.#write(batch, options))
  }

  clear(keys: KeyRange, options: WriteOptions): Promise<void> | void {
    this.#requireOpen()
    const range = halfOpen(keys)
    return this.#inSlices(() => this.#clear(range, options))
  }

  ingest(batches: AsyncIterable<WriteBatch>): Promise<void> {
    return this.#calls.run(async () => {
      const whole = new WriteBatch()
      for await (const batch of batches) {
        for (const reader = batch.reader(); reader.next();) whole.put(viewed(reader.key), viewed(reader.value))
      }
      if (whole.count > 0) await this.#inSlices(() => this.#write(whole, NO_SYNC))
    })
  }

  cursor(range: KeyRange, snapshot?: EngineSnapshot): Cursor {
    const moment = this.#momentOf(snapshot)
    const entries = this.#versions.list.cursor()
    return new VersionCursor(entries, moment, halfOpen(range), undefined, this.#ledger.scan, undefined, this.#timeOf(snapshot))
  }

  snapshot(): EngineSnapshot {
    this.#requireOpen()
    return new MemorySnapshot(this.#versions.sequence, this.#clock.now(), this.#snapshots)
  }

  changes(options: FeedOptions): BatchFeed {
    this.#requireOpen()
    const ring = (this.#ring ??= new ChangeRing(DEFAULT_RETAIN_BYTES, this.#versions.sequence))
    return new RingFeed({ ring, signal: this.#changed, calls: this.#calls, sequence: () => this.#versions.sequence }, options)
  }

  approximateSize(range: KeyRange): number {
    this.#requireOpen()
    return entryBytesIn(this.#versions.list, halfOpen(range))
  }

  async flush(): Promise<void> {
    this.#requireOpen()
  }

  compact(range: KeyRange = {}): Promise<void> {
    return this.#calls.run(async () => {
      halfOpen(range)
      await this.#inSlices(() => this.#versions.rebuild(0))
    })
  }

  async settle(): Promise<void> {
    this.#requireOpen()
  }

  async close(): Promise<void> {
    const closed = this.#calls.close()
    this.#changed.notify()
    await closed
    while (!this.#queue.isEmpty) await this.#queue.busy
    this.#snapshots.clear()
    this.#versions.drop()
  }

  stats(): EngineStats {
    return {
      engine: this.name,
      ledger: this.#ledger.counts(this.#versions.liveBytes),
      memoryBytes: this.#versions.list.capacityBytes + (this.#ring?.bytes ?? 0),
      pending: { memoryBytes: 0, jobs: 0 },
      stalls: { ...this.#queue.stalls },
    }
  }

  shape(): EngineShape {
    const { list, liveEntries, rebuilds, sequence } = this.#versions
    return {
      engine: this.name,
      entries: liveEntries,
      versions: list.count,
      arena: { usedBytes: list.bytesUsed, capacityBytes: list.capacityBytes, rebuilds },
      snapshots: this.#snapshots.size,
      sequence,
    }
  }

  check(): AsyncIterable<Violation> {
    return this.#calls.iterate(this.#check())
  }

  /** Walks everything in one turn, so that it sees one moment, with no write half done. */
  async *#check(): AsyncGenerator<Violation> {
    while (this.#queue.busy !== undefined) await this.#queue.busy
    const { list, sequence, liveEntries: entries, liveBytes: bytes } = this.#versions
    yield* checkVersions(list, { sequence, entries, bytes })
  }

  /** Runs a write in its turn: its first slice at once if no other write is under way. */
  #inSlices(begin: () => Slices): Promise<void> | void {
    const attempt = (): true | Promise<void> => {
      const slices = begin()
      if (slices.next().done === true) return true
      return inSlices(slices, slicesOf(this.#environment.scheduler, this.#trace?.trace.currentSpan))
    }
    if (!this.#queue.isEmpty) return this.#queue.wait(attempt)
    const rest = attempt()
    if (rest !== true) return this.#queue.occupy(rest, () => undefined)
  }

  *#write(batch: WriteBatch, { precondition, applied }: WriteOptions): Slices {
    precondition?.()
    const copy = this.#ring && (yield* ChangeRing.copy(batch))
    yield* this.#versions.write(batch)
    this.#countBatch(batch, copy)
    applied?.()
  }

  *#clear(range: HalfOpenRange, { precondition, applied }: WriteOptions): Slices {
    precondition?.()
    const change = this.#clearBatch(range)
    yield* this.#versions.clear(range)
    if (change !== undefined) this.#keep(change)
    this.#ledger.userBytes += boundBytes(range)
    this.#ledger.operations.clears++
    applied?.()
  }

  /** The deletion of the range's present content, as the engines on disk log it; `undefined` if it is empty. */
  #clearBatch(range: HalfOpenRange): WriteBatch | undefined {
    const { list, sequence } = this.#versions
    const cursor = new VersionCursor(list.cursor(), sequence, range)
    if (!cursor.first()) return undefined
    const first = cursor.key.copy()
    cursor.last()
    const batch = new WriteBatch()
    batch.deleteRange(first, cursor.key.copy())
    batch.seal(sequence + 1)
    return batch
  }

  #keep(batch: WriteBatch, copy?: Uint8Array): void {
    this.#ring?.add(batch, copy)
    this.#changed.notify()
  }

  /** Counts a batch that is committed, and keeps it for readers of changes. */
  #countBatch(batch: WriteBatch, copy?: Uint8Array): void {
    if (this.#ring !== undefined) this.#keep(batch, copy)
    this.#ledger.userBytes += batch.userBytes
    this.#ledger.operations.batches++
    this.#ledger.operations.deletes += batch.deletes
    this.#ledger.operations.puts += batch.count - batch.deletes
  }

  #emitSearch(trace: Tracer, key: Uint8Array, moment: number, node: number, snapshot: EngineSnapshot | undefined): void {
    const { list } = this.#versions
    const source = { in: 'memtable' } as const
    const outcome = node === 0 ? 'miss' : this.#outcomeAt(node, snapshot)
    trace.emit({ type: 'memtable.search', source, path: skiplistSearchPath(list, key, moment), found: node !== 0 })
    trace.emit({ type: 'get.probe', source, outcome })
  }

  #outcomeAt(node: number, snapshot: EngineSnapshot | undefined): ProbeOutcome {
    const { list } = this.#versions
    const kind = list.kindAt(node)
    if (kind !== KIND_PUT_EXPIRING) return kind === KIND_PUT ? 'hit' : 'tombstone'
    const value = new ByteView()
    list.setValueView(node, value)
    return isExpired(kind, value, this.#timeOf(snapshot)) ? 'expired' : 'hit'
  }

  /** The time of a read at the snapshot, which `#momentOf` has accepted. */
  #timeOf(snapshot: EngineSnapshot | undefined): number {
    return snapshot === undefined ? this.#clock.now() : (snapshot as MemorySnapshot).time
  }

  #momentOf(snapshot: EngineSnapshot | undefined): number {
    this.#requireOpen()
    if (snapshot === undefined) return this.#versions.sequence
    if (snapshot instanceof MemorySnapshot && this.#snapshots.has(snapshot)) return snapshot.sequence
    throw new MisuseError('LEVEL_INVALID_SNAPSHOT', 'The snapshot has been released, or is not one of this engine; take a new one')
  }

  #requireOpen(): void {
    this.#calls.requireOpen()
  }
}

function viewed({ bytes, start, end }: ByteView): Uint8Array {
  return bytes.subarray(start, end)
}
