/**
 * The log-structured merge tree: writes go to a log and a skiplist in memory; full skiplists become sorted tables; tables are
 * merged in the background. This file is the contract's side of it: it orders writers, reads, and hands out cursors.
 *
 * Invariants:
 * 1. A batch is in the log before it is in the memtable. Both happen in one synchronous step, or, if the batch is long, in slices that no
 *    other writer and no freezing of the memtable comes between; the sequence number moves on at the end. So no reader sees half of it.
 * 2. Writers that must wait for room are served in the order they came, and nobody overtakes them.
 * 3. A read looks at sources from newest to oldest and takes the first version it meets.
 */
import type { Cache } from '../cache/cache.js'
import type { Hash32 } from '../codec/checksum.js'
import { ByteView } from '../codec/entry.js'
import { BatchReader, WriteBatch } from '../engine/batch.js'
import { CallTracker } from '../engine/call-tracker.js'
import type {
  Cursor,
  Engine,
  EngineContext,
  EngineShape,
  EngineSnapshot,
  EngineStats,
  KeyRange,
  Violation,
  WriteOptions,
} from '../engine/contract.js'
import { boundBytes, halfOpen, isEmptyRange, type HalfOpenRange } from '../engine/range.js'
import { newReadCounts, type Ledger, type ReadCounts } from '../trace/ledger.js'
import { withSpan, type Trace, type Tracer } from '../trace/span.js'
import { Background } from './compaction/scheduler.js'
import { checkTree } from './check.js'
import type { CompactionPicker } from './compaction/pickers/compaction-picker.js'
import type { JobRunner } from './compaction/job-runner.js'
import type { LogSet } from '../engine/durable/log-set.js'
import { slicesOf } from '../engine/durable/slices.js'
import { Lookup } from './read/lookup.js'
import { LsmCursor } from './read/lsm-cursor.js'
import type { MakeMergingCursor } from './read/merging-cursor.js'
import type { MemtablePool } from './memtable/memtable-pool.js'
import { MemtableRoom } from './memtable/write-controller.js'
import type { LsmOptions } from './options.js'
import type { Start } from './recovery/start.js'
import { approximateBytes, liveBytesEstimate, shapeOf } from './shape.js'
import { SnapshotList } from '../engine/snapshot-list.js'
import type { TableSet } from './versions/table-set.js'
import type { Tree } from './versions/version-set.js'
import { TouchedCursor } from '../engine/touched-cursor.js'
import { WriteQueue, type WriteAttempt } from '../engine/durable/write-queue.js'

/** A range with no more keys than this is cleared by a tombstone for each: cheaper to read past than a range tombstone. */
const CLEAR_KEY_BY_KEY = 32

/**
 * A clean close leaves no more than this in logs: the next open replays it within a millisecond or two, while a table would cost more
 * syncs now and a merge later. More becomes a table at the close.
 */
const CLOSED_LOG_BYTES = 64 * 1024

/** What an open engine is made of. */
export interface LsmParts {
  readonly context: EngineContext
  readonly options: LsmOptions
  readonly picker: CompactionPicker
  /** Of the user's own, for scans. */
  readonly makeMergingCursor?: MakeMergingCursor | undefined
  readonly hash32: Hash32
  readonly ledger: Ledger
  readonly cache: Cache
  /** What the get under way has touched; tables count into it. */
  readonly touched: ReadCounts
  readonly tables: TableSet
  readonly pool: MemtablePool
  readonly runner: JobRunner
  readonly logs: LogSet
  readonly tree: Tree
  /** What is to be written before the store takes writes. */
  readonly start: Start
  readonly trace: Trace | null
}

export class LsmEngine implements Engine {
  readonly name = 'lsm'
  readonly #parts: LsmParts
  readonly #background: Background
  readonly #snapshots: SnapshotList
  readonly #queue: WriteQueue
  readonly #reader = new BatchReader()
  readonly #lookup: Lookup
  readonly #room: MemtableRoom
  readonly #value = new ByteView()
  /** Null where the level is not recorded. */
  readonly #trace: Trace | null
  readonly #io: Trace | null
  readonly #step: Tracer | null
  /** Reads of checks: scans, but not the user's. */
  readonly #checked = newReadCounts()
  readonly #calls = new CallTracker()
  #closing: Promise<void> | undefined

  constructor(parts: LsmParts) {
    this.#parts = parts
    const { trace } = parts
    const { clock } = parts.context.environment
    this.#trace = trace
    this.#io = trace?.at('io') ?? null
    this.#step = trace?.at('step') ?? null
    this.#lookup = new Lookup(parts, this.#step)
    this.#snapshots = new SnapshotList(() => this.#background.schedule(), trace)
    parts.tree.moments = () => this.#snapshots.sequences()
    this.#queue = new WriteQueue(clock, parts.context.trace)
    this.#background = new Background({
      ...parts,
      clock,
      snapshots: this.#snapshots,
      isStarted: () => parts.start.isDone,
      onProgress: () => this.#queue.drain(),
    })
    this.#room = new MemtableRoom(parts, this.#background)
    if (parts.context.inspecting !== true) this.#background.schedule()
  }

  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    const value = this.#value
    return this.getView(key, value, snapshot) ? value.copy() : undefined
  }

  getView(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean {
    this.#requireOpen()
    const { tree, ledger, touched } = this.#parts
    const sequence = this.#snapshots.resolve(snapshot, tree.sequence)
    const found = this.#lookup.find(key, sequence, out)
    const counts = found ? ledger.found : ledger.missing
    counts.operations++
    this.#io?.currentSpan?.touch({ ...touched, operations: 1 })
    if (touched.filterProbes !== 0 || touched.blocksFromCache !== 0 || touched.blocksFromDisk !== 0) book(touched, counts)
    return found
  }

  write(batch: WriteBatch, options: WriteOptions): Promise<void> | void {
    this.#requireOpen()
    if (batch.count === 0) return
    if (!this.#queue.isEmpty || !this.#makeRoom(batch)) return this.#wait(() => this.#tryApply(batch), options)
    if (batch.isLong) return this.#queue.occupy(this.#applyInSlices(batch), () => this.#synced(options))
    this.#apply(batch)
    return options.sync ? this.#parts.logs.sync() : undefined
  }

  clear(range: KeyRange, options: WriteOptions): Promise<void> | void {
    this.#requireOpen()
    const bounds = halfOpen(range)
    // What the range holds is known only once the writers before have had their turn.
    const attempt = (): boolean => {
      const { logs, start } = this.#parts
      // Even if there is nothing to delete: what has failed may be there after the next open.
      if (logs.failure !== undefined) throw logs.refusal()
      if (!start.isDone) return this.#start()
      const batch = this.#clearBatch(range)
      if (batch !== undefined && !this.#makeRoom(batch)) return false
      if (batch !== undefined) this.#append(batch)
      this.#bookClear(bounds)
      return true
    }
    if (this.#queue.isEmpty && attempt()) return options.sync ? this.#parts.logs.sync() : undefined
    return this.#wait(attempt, options)
  }

  cursor(range: KeyRange, snapshot?: EngineSnapshot): Cursor {
    this.#requireOpen()
    const cursor = this.#cursor(range, snapshot)
    return this.#io === null ? cursor : new TouchedCursor(cursor, this.#parts.ledger.scan, this.#io)
  }

  snapshot(): EngineSnapshot {
    this.#requireOpen()
    return this.#snapshots.take(this.#parts.tree.sequence)
  }

  approximateSize(range: KeyRange): number {
    this.#requireOpen()
    return approximateBytes(this.#parts.tree.state, this.#parts.tables, halfOpen(range))
  }

  flush(): Promise<void> {
    return this.#calls.run(() => this.#flush())
  }

  compact(range: KeyRange = {}): Promise<void> {
    return this.#calls.run(async () => {
      const bounds = halfOpen(range)
      await this.#flush()
      await this.#background.compact(bounds)
      await this.#rest()
    })
  }

  settle(): Promise<void> {
    return this.#calls.run(async () => {
      if (!this.#parts.start.isDone && this.#background.pendingJobs > 0) await this.#ready()
      await this.#background.settle()
      await this.#rest()
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  stats(): EngineStats {
    const { tree, tables, cache, ledger, logs } = this.#parts
    const { memtable, frozen, version } = tree.state
    const memtables = [memtable, ...frozen]
    ledger.read.get = ledger.found.bytesFromDisk + ledger.missing.bytesFromDisk
    ledger.read.scan = ledger.scan.bytesFromDisk + this.#checked.bytesFromDisk
    const counts = ledger.counts(liveBytesEstimate(version, memtables))
    return {
      engine: this.name,
      ledger: { ...counts, syncs: counts.syncs + logs.syncs },
      memoryBytes: memtables.reduce((sum, { list }) => sum + list.bytesUsed, 0) + cache.usedBytes + tables.residentBytes,
      cache: { hits: cache.hits, misses: cache.misses, usedBytes: cache.usedBytes, capacityBytes: cache.capacityBytes },
      pending: { memoryBytes: memtables.reduce((sum, { list }) => sum + list.bytesUsed, 0), jobs: this.#background.pendingJobs },
      stalls: { ...this.#queue.stalls },
      executor: this.#parts.runner.remote ? 'worker' : 'inline',
    }
  }

  shape(): EngineShape {
    const { tree, runner, picker } = this.#parts
    return {
      ...shapeOf(tree.state),
      picker: picker.name,
      sequence: tree.sequence,
      snapshots: this.#snapshots.count,
      dropped: { ...runner.dropped },
    }
  }

  check(): AsyncIterable<Violation> {
    const { tree, tables, context, hash32, touched } = this.#parts
    const counters = this.#checked
    const violations = checkTree({
      state: tree.state,
      newest: () => tree.appliedSequence,
      tables,
      hash32,
      counters,
      bookGet: () => book(touched, counters),
      scheduler: context.environment.scheduler,
    })
    return this.#calls.iterate(violations)
  }

  async #flush(): Promise<void> {
    const { tree, start } = this.#parts
    if (!start.isDone) await this.#ready()
    const span = this.#trace?.currentSpan
    for (;;) {
      // A memtable with a part of a batch cannot be frozen.
      if (this.#queue.busy !== undefined) await this.#queue.busy
      else if (!tree.state.memtable.isEmpty && this.#room.isFrozenFull) await this.#background.flushed()
      else break
    }
    if (!tree.state.memtable.isEmpty) withSpan(span, () => this.#room.rotate(0))
    await this.#background.flushed()
  }

  /** What is left to do when the background has nothing to do. */
  async #rest(): Promise<void> {
    this.#parts.pool.releaseIdle()
    await this.#parts.tables.removed()
  }

  /** Waits for room, then makes the attempt, and syncs if that is asked for. */
  #wait(attempt: WriteAttempt, options: WriteOptions): Promise<void> {
    return this.#queue.wait(
      attempt,
      () => this.#synced(options),
      () => this.#room.shortage(),
    )
  }

  #synced({ sync }: WriteOptions): Promise<void> | void {
    return sync ? this.#parts.logs.sync() : undefined
  }

  #tryApply(batch: WriteBatch): boolean | Promise<void> {
    if (!this.#makeRoom(batch)) return false
    if (batch.isLong) return this.#applyInSlices(batch)
    this.#apply(batch)
    return true
  }

  /** True when the memtable can take the batch now; otherwise starts what will make room, or throws if nothing will. */
  #makeRoom({ byteLength, count }: WriteBatch): boolean {
    return this.#parts.start.isDone ? this.#room.make(byteLength, count) : this.#start()
  }

  /** Writes what opening could not for want of space; those who wait then go on, or fail with what is missing. */
  #start(): false {
    const { logs } = this.#parts
    if (logs.failure !== undefined) throw logs.refusal()
    this.#ready().catch((error: unknown) => this.#queue.fail(error))
    return false
  }

  /** Resolves when the store takes writes, and those who wait for that have gone on. */
  async #ready(): Promise<void> {
    await this.#parts.start.run()
    this.#background.schedule()
    this.#queue.drain()
  }

  #apply(batch: WriteBatch): void {
    this.#append(batch)
    this.#book(batch)
  }

  async #applyInSlices(batch: WriteBatch): Promise<void> {
    const { tree, logs, context } = this.#parts
    const { memtable } = tree.state
    const nextSlice = slicesOf(context.environment.scheduler, this.#trace?.currentSpan)
    batch.seal(tree.sequence + 1)
    await logs.appendInSlices(batch.bytes, batch.byteLength, nextSlice)
    tree.beginLongBatch(tree.sequence + batch.count)
    await memtable.applyInSlices(batch.reader(), this.#step, nextSlice)
    tree.sequence += batch.count
    this.#book(batch)
  }

  #book(batch: WriteBatch): void {
    const { ledger } = this.#parts
    ledger.userBytes += batch.userBytes
    ledger.operations.batches++
    ledger.operations.deletes += batch.deletes
    ledger.operations.puts += batch.count - batch.deletes
  }

  #bookClear(bounds: HalfOpenRange): void {
    const { ledger } = this.#parts
    ledger.userBytes += boundBytes(bounds)
    ledger.operations.clears++
  }

  /** Into the log, then into the memtable. */
  #append(batch: WriteBatch): void {
    const { tree, logs } = this.#parts
    batch.seal(tree.sequence + 1)
    logs.append(batch.bytes, batch.byteLength)
    const { state } = tree
    const ranges = state.memtable.apply(this.#reader.reset(batch.bytes, 0, batch.byteLength), this.#step)
    tree.sequence += batch.count
    if (ranges > 0) state.addTombstones(state.memtable.ranges.slice(-ranges), tree.moments())
  }

  #cursor(range: KeyRange, snapshot?: EngineSnapshot): LsmCursor {
    const { tree, tables, ledger, makeMergingCursor } = this.#parts
    const sequence = this.#snapshots.resolve(snapshot, tree.sequence)
    return new LsmCursor(tree.state, tables, halfOpen(range), sequence, ledger.scan, tree.moments, makeMergingCursor)
  }

  /** The deletion of what the range holds now; `undefined` if it holds nothing. */
  #clearBatch(range: KeyRange): WriteBatch | undefined {
    if (isEmptyRange(halfOpen(range))) return undefined
    const batch = new WriteBatch()
    const cursor = this.#cursor(range)
    try {
      let keys = 0
      for (cursor.first(); cursor.valid && keys <= CLEAR_KEY_BY_KEY; cursor.next(), keys++) batch.del(cursor.key.copy())
      if (keys <= CLEAR_KEY_BY_KEY) return keys === 0 ? undefined : batch
      batch.clear()
      cursor.first()
      const first = cursor.key.copy()
      cursor.last()
      batch.deleteRange(first, cursor.key.copy())
      return batch
    } finally {
      cursor.close()
    }
  }

  async #close(): Promise<void> {
    const { tree, logs, start } = this.#parts
    this.#room.forAll = true
    this.#queue.drain()
    await this.#calls.close()
    await start.rest()
    while (!this.#queue.isEmpty) await this.#queue.busy
    await this.#background.endCompactions()
    await this.#flushBeforeClose()
    await this.#background.close()
    try {
      await logs.close()
    } finally {
      await tree.close(logs.failure === undefined && start.isDone ? logs.ends : undefined)
    }
  }

  /** What cannot be flushed, on a full disk say, stays in the logs. */
  async #flushBeforeClose(): Promise<void> {
    const { logs, context, start } = this.#parts
    if (context.inspecting === true || !start.isDone || logs.failure !== undefined || logs.totalBytes <= CLOSED_LOG_BYTES) return
    try {
      await this.#flush()
    } catch {
      // Everything acknowledged is in the logs.
    }
  }

  #requireOpen(): void {
    this.#calls.requireOpen()
  }
}

/** Moves what a get has touched to where it belongs. */
function book(touched: ReadCounts, counts: ReadCounts): void {
  counts.filterProbes += touched.filterProbes
  counts.filterNegatives += touched.filterNegatives
  counts.filterFalsePositives += touched.filterFalsePositives
  counts.blocksFromCache += touched.blocksFromCache
  counts.blocksFromDisk += touched.blocksFromDisk
  counts.bytesFromDisk += touched.bytesFromDisk
  touched.filterProbes = touched.filterNegatives = touched.filterFalsePositives = 0
  touched.blocksFromCache = touched.blocksFromDisk = touched.bytesFromDisk = 0
}
