/**
 * The B+tree: writes go to a log and into pages in memory; checkpoints write changed pages to the data file in the background. This file
 * implements the contract: it orders writers, reads, and opens cursors.
 *
 * Invariants:
 * 1. A batch reads its pages first, then goes into the log, then into the tree, in one synchronous step. No reader sees half of it, and a
 *    page that cannot be read refuses the batch as a whole. A long batch takes these steps in slices: readers see the earlier tree until
 *    the last slice is done, and no checkpoint begins meanwhile.
 * 2. Writers that wait are served in the order they came; no later writer overtakes them.
 * 3. A reader that outlives the call holds a version of the tree.
 */
import { ByteView } from '../codec/entry.js'
import { BatchReader, WriteBatch } from '../engine/batch.js'
import { CallTracker } from '../engine/call-tracker.js'
import type { Cursor, Engine, EngineShape, EngineSnapshot, EngineStats, KeyRange, Violation, WriteOptions } from '../engine/contract.js'
import { boundBytes, halfOpen, isEmptyRange, type HalfOpenRange } from '../engine/range.js'
import { slicesOf } from '../engine/durable/slices.js'
import { TouchedCursor } from '../engine/touched-cursor.js'
import { WriteQueue, type WriteAttempt } from '../engine/durable/write-queue.js'
import { MisuseError } from '../errors.js'
import { newReadCounts, type ReadCounts } from '../trace/ledger.js'
import type { Trace } from '../trace/span.js'
import { applyBatch, applyInSlices, prepareBatch, prepareInSlices } from './tree/apply-batch.js'
import { CheckpointScheduler } from './checkpoint/scheduler.js'
import { checkParts } from './check.js'
import { compactTree, shrinkFile, type CompactionOptions } from './checkpoint/compaction.js'
import type { LiveVersion } from './pages/live-versions.js'
import type { BtreeParts } from './parts.js'
import { RootSnapshots } from './tree/root-snapshot.js'
import { approximateBytes, shapeOf } from './shape.js'
import { TreeCursor } from './tree/tree-cursor.js'
import { WriteController } from './checkpoint/write-controller.js'

/** More free space than this share of the file is given back once the engine is asked to settle. */
const EXCESS_SHARE = 1 / 8

export class BtreeEngine implements Engine {
  readonly name = 'btree'
  readonly #parts: BtreeParts
  readonly #scheduler: CheckpointScheduler
  readonly #queue: WriteQueue
  readonly #controller: WriteController
  readonly #reader = new BatchReader()
  readonly #view = new ByteView()
  readonly #touched = newReadCounts()
  readonly #snapshots: RootSnapshots
  /** Records what each read has touched; null below level io. */
  readonly #trace: Trace | null
  readonly #calls = new CallTracker()
  #closing: Promise<void> | undefined

  constructor(parts: BtreeParts) {
    this.#parts = parts
    const { trace, environment } = parts.context
    const { clock } = environment
    this.#trace = trace?.trace.at('io') ?? null
    this.#queue = new WriteQueue(clock, trace)
    this.#controller = new WriteController(parts)
    this.#snapshots = new RootSnapshots(parts.tree, trace)
    const { checkpointer, logs, log, logStart } = parts
    this.#scheduler = new CheckpointScheduler({
      clock,
      trace,
      checkpointer,
      logs,
      log,
      isStarted: () => logStart.isDone,
      whyDue: () => this.#controller.whyDue(),
      onProgress: () => this.#afterCheckpoint(),
    })
    if (parts.context.inspecting !== true) this.#scheduler.schedule()
  }

  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    const view = this.#view
    return this.getView(key, view, snapshot) ? view.copy() : undefined
  }

  getView(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean {
    this.#requireOpen()
    const { tree, store, ledger } = this.#parts
    const root = snapshot === undefined ? tree.present : this.#snapshots.resolve(snapshot).root
    const touched = this.#touched
    store.counts = touched
    try {
      const found = tree.find(root, key, 0, key.length, out)
      const counts = found ? ledger.found : ledger.missing
      counts.operations++
      this.#trace?.currentSpan?.touch({ ...touched, operations: 1 })
      counts.blocksFromCache += touched.blocksFromCache
      if (touched.blocksFromDisk > 0) {
        counts.blocksFromDisk += touched.blocksFromDisk
        counts.bytesFromDisk += touched.bytesFromDisk
        touched.blocksFromDisk = touched.bytesFromDisk = 0
      }
      return found
    } finally {
      touched.blocksFromCache = 0
      store.counts = this.#parts.inner
    }
  }

  write(batch: WriteBatch, options: WriteOptions): Promise<void> | void {
    this.#requireOpen()
    if (batch.count === 0) return
    if (!this.#queue.isEmpty || !this.#makeRoom()) return this.#wait(() => this.#tryApply(batch), options)
    if (batch.isLong) return this.#queue.occupy(this.#applyInSlices(batch), () => this.#synced(options))
    this.#apply(batch)
    return options.sync ? this.#parts.logs.sync() : undefined
  }

  clear(range: KeyRange, options: WriteOptions): Promise<void> | void {
    this.#requireOpen()
    const bounds = halfOpen(range)
    // The content of the range is known once the earlier writers are done.
    const attempt = (): boolean => {
      const { logs } = this.#parts
      // Also if there is nothing to delete: a failed write may be in the log that the next open replays.
      if (logs.failure !== undefined) throw logs.refusal()
      if (!this.#makeRoom()) return false
      const batch = this.#clearBatch(bounds)
      if (batch !== undefined) this.#append(batch)
      const { ledger } = this.#parts
      ledger.userBytes += boundBytes(bounds)
      ledger.operations.clears++
      return true
    }
    if (this.#queue.isEmpty && attempt()) return options.sync ? this.#parts.logs.sync() : undefined
    return this.#wait(attempt, options)
  }

  cursor(range: KeyRange, snapshot?: EngineSnapshot): Cursor {
    this.#requireOpen()
    const { scan } = this.#parts.ledger
    const cursor = this.#cursor(halfOpen(range), snapshot, scan)
    return this.#trace === null ? cursor : new TouchedCursor(cursor, scan, this.#trace)
  }

  snapshot(): EngineSnapshot {
    this.#requireOpen()
    return this.#snapshots.take()
  }

  approximateSize(range: KeyRange): number {
    this.#requireOpen()
    return approximateBytes(this.#parts, halfOpen(range))
  }

  flush(): Promise<void> {
    return this.#calls.run(() => this.#flush())
  }

  compact(range: KeyRange = {}): Promise<void> {
    return this.#calls.run(async () => {
      const { logStart } = this.#parts
      if (!logStart.isDone) await logStart.run()
      await compactTree({ ...this.#compaction, range: halfOpen(range) })
    })
  }

  settle(): Promise<void> {
    return this.#calls.run(() => this.#settle())
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  stats(): EngineStats {
    const { tree, store, cache, ledger, logs, file, free } = this.#parts
    ledger.read.get = ledger.found.bytesFromDisk + ledger.missing.bytesFromDisk
    ledger.read.scan = ledger.scan.bytesFromDisk
    ledger.read.compaction = file.bytesRead - ledger.read.get - ledger.read.scan
    const counts = ledger.counts(tree.present.liveBytes)
    return {
      engine: 'btree',
      ledger: { ...counts, syncs: counts.syncs + logs.syncs },
      memoryBytes: store.dirtyBytes + cache.usedBytes + free.memoryBytes,
      cache: { hits: cache.hits, misses: cache.misses, usedBytes: cache.usedBytes, capacityBytes: cache.capacityBytes },
      pending: { memoryBytes: store.dirtyBytes, jobs: this.#scheduler.pendingJobs },
      stalls: { ...this.#queue.stalls },
    }
  }

  shape(): EngineShape {
    return { ...shapeOf(this.#parts), snapshots: this.#snapshots.count }
  }

  check(): AsyncIterable<Violation> {
    return this.#calls.iterate(checkParts(this.#parts, this.#scheduler, () => this.#queue.busy))
  }

  get #compaction(): Omit<CompactionOptions, 'range'> {
    const { tree, free, context } = this.#parts
    return {
      tree,
      free,
      scheduler: context.environment.scheduler,
      flush: () => this.#scheduler.flush(),
      isFull: () => this.#controller.whyDue() !== undefined,
    }
  }

  async #flush(): Promise<void> {
    const { checkpointer, logStart } = this.#parts
    if (!logStart.isDone && checkpointer.isDue) await logStart.run()
    await this.#scheduler.flush()
  }

  async #settle(): Promise<void> {
    const { free, logStart } = this.#parts
    if (!logStart.isDone && this.#controller.whyDue() !== undefined) await logStart.run()
    await this.#scheduler.settle()
    // A checkpoint frees as much space as it wrote.
    const hasExcess = free.freeUnits > free.end * EXCESS_SHARE || this.#controller.hasExcessLog
    if (!hasExcess || !logStart.isDone) return
    await this.#scheduler.flush()
    await shrinkFile(this.#compaction)
    await this.#scheduler.settle()
  }

  #cursor(bounds: HalfOpenRange, snapshot: EngineSnapshot | undefined, counts: ReadCounts): TreeCursor {
    const { tree, store } = this.#parts
    let version: LiveVersion
    if (snapshot === undefined) {
      version = tree.versions.hold(tree.present, true)
    } else {
      version = this.#snapshots.resolve(snapshot)
      tree.versions.retain(version, true)
    }
    return new TreeCursor(store, tree.versions, version, bounds, counts)
  }

  /** Waits in the queue, makes the attempt, and syncs if the options ask for it. */
  #wait(attempt: WriteAttempt, options: WriteOptions): Promise<void> {
    return this.#queue.wait(
      attempt,
      () => this.#synced(options),
      () => this.#controller.whyFull(),
    )
  }

  #synced({ sync }: WriteOptions): Promise<void> | void {
    return sync ? this.#parts.logs.sync() : undefined
  }

  #tryApply(batch: WriteBatch): boolean | Promise<void> {
    if (!this.#makeRoom()) return false
    if (batch.isLong) return this.#applyInSlices(batch)
    this.#apply(batch)
    return true
  }

  #apply(batch: WriteBatch): void {
    this.#append(batch)
    this.#count(batch)
  }

  #applyInSlices(batch: WriteBatch): Promise<void> {
    const { tree, logs, context } = this.#parts
    const nextSlice = slicesOf(context.environment.scheduler, context.trace?.trace.currentSpan)
    return this.#scheduler.withoutStart(async () => {
      tree.beginLongBatch()
      try {
        this.#sealed(batch)
        // Also if all pages are in memory: the checkpoint under way may evict some of them.
        await prepareInSlices(tree, batch.reader(), nextSlice)
        await logs.appendInSlices(batch.bytes, batch.byteLength, nextSlice)
      } catch (error) {
        await tree.endLongBatch(nextSlice)
        throw error
      }
      try {
        await applyInSlices(tree, batch.reader(), nextSlice)
      } catch (error) {
        // Readers keep seeing the earlier tree; the next open replays the log.
        logs.poison(error)
        throw error
      }
      await nextSlice(() => {
        tree.advance(batch.count)
        this.#count(batch)
        return tree.endLongBatch(nextSlice)
      })
    })
  }

  #count(batch: WriteBatch): void {
    const { ledger } = this.#parts
    ledger.userBytes += batch.userBytes
    ledger.operations.batches++
    ledger.operations.deletes += batch.deletes
    ledger.operations.puts += batch.count - batch.deletes
  }

  /** Appends to the log, then applies to the tree. */
  #append(batch: WriteBatch): void {
    const { tree, logs, store } = this.#parts
    const reader = this.#reader
    if (!store.complete) prepareBatch(tree, reader.reset(batch.bytes, 0, this.#sealed(batch)))
    else this.#sealed(batch)
    logs.append(batch.bytes, batch.byteLength)
    applyBatch(tree, reader.reset(batch.bytes, 0, batch.byteLength))
  }

  #sealed(batch: WriteBatch): number {
    batch.seal(this.#parts.tree.sequence + 1)
    return batch.byteLength
  }

  /** Whether the tree can take more changes now. Starts the work that makes room; throws if that cannot succeed. */
  #makeRoom(): boolean {
    if (!this.#parts.logStart.isDone) return this.#startLog()
    if (this.#controller.whyDue() === undefined) return true
    this.#scheduler.schedule()
    if (this.#controller.whyFull() === undefined) return true
    const { logs } = this.#parts
    if (logs.failure !== undefined) throw logs.refusal()
    const { failure } = this.#scheduler
    if (failure !== undefined) throw failure
    return false
  }

  /** Repeats the writes that opening could not make on a full disk. Waiting writers then go on, or fail with the same error. */
  #startLog(): false {
    const { logs, logStart } = this.#parts
    if (logs.failure !== undefined) throw logs.refusal()
    logStart.run().then(
      () => {
        this.#scheduler.schedule()
        this.#queue.drain()
      },
      (error: unknown) => this.#queue.fail(error),
    )
    return false
  }

  /** The deletion of the range's current content; `undefined` if it is empty. */
  #clearBatch(bounds: HalfOpenRange): WriteBatch | undefined {
    if (isEmptyRange(bounds)) return undefined
    const cursor = this.#cursor(bounds, undefined, this.#parts.inner)
    try {
      if (!cursor.first()) return undefined
      const first = cursor.key.copy()
      cursor.last()
      const batch = new WriteBatch()
      batch.deleteRange(first, cursor.key.copy())
      return batch
    } finally {
      cursor.close()
    }
  }

  #afterCheckpoint(): void {
    this.#queue.drain()
    const failure = this.#scheduler.failure ?? this.#parts.logs.failure
    if (failure !== undefined) this.#queue.fail(failure)
  }

  async #close(): Promise<void> {
    const { logs, log, logStart, file, checkpointer, context } = this.#parts
    await this.#calls.close()
    await logStart.rest()
    try {
      while (!this.#queue.isEmpty) await (this.#queue.busy ?? this.#scheduler.flush())
    } catch {
      // The writers got the error.
    }
    await this.#queue.busy
    await this.#scheduler.close()
    this.#queue.fail(new MisuseError('LEVEL_DATABASE_NOT_OPEN', 'The engine was closed before the write found room'))
    try {
      if (context.inspecting !== true) await this.#scheduler.lastCheckpoint()
      await logs.close()
      if (logs.failure === undefined && logStart.isDone) await checkpointer.recordEnds(logs, log)
    } finally {
      file.close()
    }
  }

  #requireOpen(): void {
    this.#calls.requireOpen()
  }
}
