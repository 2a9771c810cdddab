/**
 * The B+tree: writes go to a log and into pages in memory; checkpoints bring changed pages to the data file in the background. This file is
 * the contract's side of it: it orders writers, reads, and hands out cursors.
 *
 * Invariants:
 * 1. What a batch needs to read is read before the batch goes into the log; then it is in the log before it is in the tree, in one
 *    synchronous step. So nobody sees half of it, and a page that cannot be read refuses the batch instead of breaking it in two.
 *    A long batch takes its steps in slices: readers see the tree from before until the last one is done, and no checkpoint begins.
 * 2. Writers that must wait for room are served in the order they came, and nobody overtakes them.
 * 3. A reader that outlives the call holds the root of its moment.
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
import type { Trace } from '../trace/trace.js'
import { applyBatch, applyInSlices, prepareBatch, prepareInSlices } from './tree/apply-batch.js'
import { Background } from './checkpoint/scheduler.js'
import { checkParts } from './check.js'
import { compactTree, shrinkFile, type CompactionOptions } from './checkpoint/compaction.js'
import type { HeldRoot } from './pages/held-roots.js'
import type { BtreeParts } from './parts.js'
import { RootSnapshots } from './tree/root-snapshot.js'
import { approximateBytes, shapeOf } from './shape.js'
import { statsOf } from './stats.js'
import { TreeCursor } from './tree/tree-cursor.js'
import { WriteRoom } from './checkpoint/write-room.js'

/** More free space than this share of the file is given back once the engine is asked to settle. */
const EXCESS_SHARE = 1 / 8

export class BtreeEngine implements Engine {
  readonly name = 'btree'
  readonly #parts: BtreeParts
  readonly #background: Background
  readonly #queue: WriteQueue
  readonly #room: WriteRoom
  readonly #reader = new BatchReader()
  readonly #view = new ByteView()
  readonly #touched = newReadCounts()
  readonly #snapshots: RootSnapshots
  /** Told what gets and cursors have touched; null where nobody listens. */
  readonly #trace: Trace | null
  readonly #calls = new CallTracker()
  #closing: Promise<void> | undefined

  constructor(parts: BtreeParts) {
    this.#parts = parts
    const { trace, environment } = parts.context
    const { clock } = environment
    this.#trace = trace?.trace.at('io') ?? null
    this.#queue = new WriteQueue(clock, trace)
    this.#room = new WriteRoom(parts)
    this.#snapshots = new RootSnapshots(parts.tree, trace)
    const { checkpointer, logs, log, logStart } = parts
    this.#background = new Background({
      clock,
      trace,
      checkpointer,
      logs,
      log,
      isStarted: () => logStart.isDone,
      whyDue: () => this.#room.whyDue(),
      onProgress: () => this.#afterCheckpoint(),
    })
    if (parts.context.inspecting !== true) this.#background.schedule()
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
      if (this.#trace !== null) this.#trace.touched = { ...touched, operations: 1 }
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
    // What the range holds is known only once the writers before have had their turn.
    const attempt = (): boolean => {
      const { logs } = this.#parts
      // Even if there is nothing to delete: what has failed may be there after the next open.
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
    return statsOf(this.#parts, this.#background.pendingJobs, this.#queue.stalls)
  }

  shape(): EngineShape {
    return { ...shapeOf(this.#parts), snapshots: this.#snapshots.count }
  }

  check(): AsyncIterable<Violation> {
    return this.#calls.iterate(checkParts(this.#parts, this.#background, () => this.#queue.busy))
  }

  get #compaction(): Omit<CompactionOptions, 'range'> {
    const { tree, free, context } = this.#parts
    return {
      tree,
      free,
      scheduler: context.environment.scheduler,
      flush: () => this.#background.flush(),
      isFull: () => this.#room.whyDue() !== undefined,
    }
  }

  async #flush(): Promise<void> {
    const { checkpointer, logStart } = this.#parts
    if (!logStart.isDone && checkpointer.isDue) await logStart.run()
    await this.#background.flush()
  }

  async #settle(): Promise<void> {
    const { free, logStart } = this.#parts
    if (!logStart.isDone && this.#room.whyDue() !== undefined) await logStart.run()
    await this.#background.settle()
    // A checkpoint leaves as much free space behind as it wrote.
    const hasExcess = free.freeUnits > free.end * EXCESS_SHARE || this.#room.hasExcessLog
    if (!hasExcess || !logStart.isDone) return
    await this.#background.flush()
    await shrinkFile(this.#compaction)
    await this.#background.settle()
  }

  #cursor(bounds: HalfOpenRange, snapshot: EngineSnapshot | undefined, counts: ReadCounts): TreeCursor {
    const { tree, store } = this.#parts
    let held: HeldRoot
    if (snapshot === undefined) {
      held = tree.held.hold(tree.present, true)
    } else {
      held = this.#snapshots.resolve(snapshot)
      tree.held.holdAgain(held, true)
    }
    return new TreeCursor(store, tree.held, held, bounds, counts)
  }

  /** Waits for room, then makes the attempt, and syncs if that is asked for. */
  #wait(attempt: WriteAttempt, options: WriteOptions): Promise<void> {
    return this.#queue.wait(
      attempt,
      () => this.#synced(options),
      () => this.#room.whyFull(),
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
    this.#book(batch)
  }

  #applyInSlices(batch: WriteBatch): Promise<void> {
    const { tree, logs, context } = this.#parts
    const nextSlice = slicesOf(context.environment.scheduler, context.trace?.trace ?? null)
    return this.#background.withoutStart(async () => {
      tree.beginLongBatch()
      try {
        this.#sealed(batch)
        // Also if all pages are in memory: the checkpoint under way may let some of them leave it.
        await prepareInSlices(tree, batch.reader(), nextSlice)
        await logs.appendInSlices(batch.bytes, batch.byteLength, nextSlice)
      } catch (error) {
        await tree.endLongBatch(nextSlice)
        throw error
      }
      try {
        await applyInSlices(tree, batch.reader(), nextSlice)
      } catch (error) {
        // Readers go on to see the tree from before; what is in the log comes with the next open.
        logs.poison(error)
        throw error
      }
      await nextSlice(() => {
        tree.advance(batch.count)
        this.#book(batch)
        return tree.endLongBatch(nextSlice)
      })
    })
  }

  #book(batch: WriteBatch): void {
    const { ledger } = this.#parts
    ledger.userBytes += batch.userBytes
    ledger.operations.batches++
    ledger.operations.deletes += batch.deletes
    ledger.operations.puts += batch.count - batch.deletes
  }

  /** Into the log, then into the tree. */
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

  /** True when the tree can take more changes now. Starts what will make room, and throws if nothing will. */
  #makeRoom(): boolean {
    if (!this.#parts.logStart.isDone) return this.#startLog()
    if (this.#room.whyDue() === undefined) return true
    this.#background.schedule()
    if (this.#room.whyFull() === undefined) return true
    const { logs } = this.#parts
    if (logs.failure !== undefined) throw logs.refusal()
    const { failure } = this.#background
    if (failure !== undefined) throw failure
    return false
  }

  /** Begins what opening could not do for want of space; those who wait then go on, or fail with what is missing. */
  #startLog(): false {
    const { logs, logStart } = this.#parts
    if (logs.failure !== undefined) throw logs.refusal()
    logStart.run().then(
      () => {
        this.#background.schedule()
        this.#queue.drain()
      },
      (error: unknown) => this.#queue.fail(error),
    )
    return false
  }

  /** The deletion of what the range holds now; `undefined` if it holds nothing. */
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
    const failure = this.#background.failure ?? this.#parts.logs.failure
    if (failure !== undefined) this.#queue.fail(failure)
  }

  async #close(): Promise<void> {
    const { logs, log, logStart, file, checkpointer, context } = this.#parts
    await this.#calls.close()
    await logStart.rest()
    try {
      while (!this.#queue.isEmpty) await (this.#queue.busy ?? this.#background.flush())
    } catch {
      // The writers have been told.
    }
    await this.#queue.busy
    await this.#background.close()
    this.#queue.fail(new MisuseError('LEVEL_DATABASE_NOT_OPEN', 'The engine was closed before the write found room'))
    try {
      if (context.inspecting !== true) await this.#background.lastCheckpoint()
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
