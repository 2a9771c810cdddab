/**
 * The B+tree: writes go to a log and into pages in memory; checkpoints write changed pages to the data file in the background. This file
 * implements the contract over the parts; writes go through engine/durable/write-path.ts.
 *
 * Invariant: a reader that outlives the call holds a version of the tree.
 */
import { ByteView } from '../codec/entry.js'
import type { WriteBatch } from '../engine/batch.js'
import { CallTracker } from '../engine/call-tracker.js'
import type {
  BatchFeed,
  Cursor,
  Engine,
  EngineCheckpoint,
  EngineShape,
  EngineSnapshot,
  EngineStats,
  FeedOptions,
  KeyRange,
  SharedVersion,
  Violation,
  WriteOptions,
} from '../engine/contract.js'
import { DEFAULT_RETAIN_BYTES } from '../engine/changes.js'
import { ChangeFeed, type ChangeSource } from '../engine/durable/change-feed.js'
import { WritePath } from '../engine/durable/write-path.js'
import type { EntryCache } from '../engine/entry-cache.js'
import { halfOpen } from '../engine/range.js'
import { TouchedCursor } from '../engine/touched-cursor.js'
import { CorruptionError, MisuseError } from '../errors.js'
import type { Trace } from '../trace/span.js'
import { compactTree, shrinkFile, type CompactionOptions } from './checkpoint/compaction.js'
import { IdleCompaction } from './checkpoint/idle-compaction.js'
import { CheckpointScheduler } from './checkpoint/scheduler.js'
import { WriteController } from './checkpoint/write-controller.js'
import type { Ingester } from './ingest/ingest.js'
import type { LiveVersion } from './pages/live-versions.js'
import type { BtreeParts } from './parts.js'
import { shareTree } from './reader/shared-tree.js'
import type { DeferredReplay } from './recovery/deferred-replay.js'
import { approximateBytes, shapeOf } from './shape.js'
import { TreeCheckpoint } from './store-checkpoint.js'
import { PointReads } from './tree/point-reads.js'
import { RootSnapshots, type RootSnapshot } from './tree/root-snapshot.js'
import { TreeCursor } from './tree/tree-cursor.js'
import { TreeWriter } from './tree/tree-writer.js'

/** More free space than this share of the file is given back once the engine is asked to settle. */
const EXCESS_SHARE = 1 / 8

export class BtreeEngine implements Engine {
  readonly name = 'btree'
  readonly #parts: BtreeParts
  readonly #scheduler: CheckpointScheduler
  readonly #writes: WritePath
  readonly #controller: WriteController
  readonly #view = new ByteView()
  readonly #reads: PointReads
  readonly #entries: EntryCache | undefined
  readonly #snapshots: RootSnapshots
  readonly #idle: IdleCompaction
  /** From the first ingest on. */
  #ingester: Promise<Ingester> | undefined
  /** Records what each read has touched; null below level io. */
  readonly #trace: Trace | null
  readonly #calls = new CallTracker()
  readonly #changes: ChangeSource
  #closing: Promise<void> | undefined
  /** The rest of a long replay, until it is finished. */
  #deferred: DeferredReplay | undefined

  constructor(parts: BtreeParts) {
    this.#parts = parts
    const { trace, environment } = parts.context
    const { clock } = environment
    this.#trace = trace?.trace.at('io') ?? null
    this.#reads = new PointReads(parts, this.#trace)
    this.#entries = parts.entries
    this.#controller = new WriteController(parts, () => this.#writes.queue.drain())
    this.#snapshots = new RootSnapshots(parts.tree, parts.expiryClock, trace)
    const { checkpointer, logs, log, logStart, ledger } = parts
    this.#scheduler = new CheckpointScheduler({
      clock,
      trace,
      diagnostics: parts.context.diagnostics,
      checkpointer,
      logs,
      log,
      isStarted: () => logStart.isDone,
      whyDue: () => this.#controller.whyDue(),
      onProgress: () => this.#afterCheckpoint(),
    })
    this.#writes = new WritePath({
      logs,
      ledger,
      clock,
      trace,
      diagnostics: parts.context.diagnostics,
      start: logStart,
      writer: new TreeWriter(parts, this.#controller, this.#scheduler),
      onStarted: () => {
        this.#scheduler.schedule()
        this.#idle.onFreed()
      },
      onDeleted: () => this.#idle.onDeleted(),
      onExpiring: () => this.#idle.onExpiring(),
    })
    this.#changes = {
      ...parts,
      fileSystem: environment.fileSystem,
      directory: parts.context.directory,
      trace,
      signal: this.#writes.changed,
      calls: this.#calls,
      firstSequences: new Map(),
      sequence: () => parts.tree.sequence,
      ready: async () => {
        if (!logStart.isDone) await this.#writes.ready()
      },
    }
    this.#idle = new IdleCompaction({ parts, compaction: this.#compaction, flush: reason => this.#flush(reason) })
    parts.tree.versions.onUnread = () => this.#idle.onFreed()
    if (parts.context.inspecting !== true) this.#scheduler.schedule()
    this.#deferred = parts.deferred
    // A failure is the next write's to repeat.
    this.#deferred?.runAsJob(trace, () => this.#writes.ready()).catch(() => undefined)
  }

  /** Starts writing once the opening is over. */
  startLater(): void {
    const { logStart, context } = this.#parts
    logStart.runLater(context.environment.scheduler, context.trace?.trace, () => this.#writes.ready())
  }

  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    const view = this.#view
    return this.getView(key, view, snapshot) ? view.copy() : undefined
  }

  getView(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean {
    this.#requireOpen()
    if (this.#deferred !== undefined) this.#replayKey(key)
    const { tree } = this.#parts
    if (snapshot !== undefined) {
      const { version, time } = this.#snapshots.resolve(snapshot)
      return this.#reads.find(tree, version.root, key, out, time)
    }
    const entries = this.#entries
    if (entries === undefined || !entries.isAsked()) return this.#reads.find(tree, tree.present, key, out)
    if (entries.find(key, out)) {
      this.#parts.ledger.found.operations++
      return true
    }
    const found = this.#reads.find(tree, tree.present, key, out)
    if (found && !tree.found.expires) entries.offer(key, out)
    return found
  }

  getViews(
    keys: readonly Uint8Array[],
    count: number,
    out: ByteView,
    each: (found: boolean) => boolean,
    snapshot?: EngineSnapshot,
  ): number {
    this.#requireOpen()
    for (let i = 0; i < count && this.#deferred !== undefined; i++) this.#replayKey(keys[i])
    const { tree } = this.#parts
    if (snapshot === undefined) return this.#reads.findMany(tree, tree.present, keys, count, out, each)
    const { version, time } = this.#snapshots.resolve(snapshot)
    return this.#reads.findMany(tree, version.root, keys, count, out, each, time)
  }

  expiresAt(key: Uint8Array, snapshot?: EngineSnapshot): number | undefined {
    this.#requireOpen()
    if (this.#deferred !== undefined) this.#replayKey(key)
    const { tree } = this.#parts
    if (snapshot === undefined) return this.#reads.expiresAt(tree, tree.present, key, this.#view)
    const { version, time } = this.#snapshots.resolve(snapshot)
    return this.#reads.expiresAt(tree, version.root, key, this.#view, time)
  }

  write(batch: WriteBatch, options: WriteOptions): Promise<void> | void {
    this.#requireOpen()
    return this.#writes.write(batch, options)
  }

  clear(range: KeyRange, options: WriteOptions): Promise<void> | void {
    this.#requireOpen()
    return this.#writes.clear(halfOpen(range), options)
  }

  ingest(batches: AsyncIterable<WriteBatch>): Promise<void> {
    return this.#calls.run(async () => {
      this.#ingester ??= this.#newIngester()
      return (await this.#ingester).run(batches)
    })
  }

  cursor(range: KeyRange, snapshot?: EngineSnapshot): Cursor {
    this.#requireOpen()
    this.#finishReplay()
    const { tree, store, ledger, expiryClock } = this.#parts
    const { scan } = ledger
    const held = snapshot === undefined ? undefined : this.#snapshots.resolve(snapshot)
    const version = this.#hold(held)
    const cursor = new TreeCursor(store, tree.versions, version, halfOpen(range), scan, held?.time ?? expiryClock.now())
    return this.#trace === null ? cursor : new TouchedCursor(cursor, scan, this.#trace)
  }

  snapshot(): EngineSnapshot {
    this.#requireOpen()
    this.#finishReplay()
    return this.#snapshots.take()
  }

  approximateSize(range: KeyRange): number {
    this.#requireOpen()
    this.#finishReplay()
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
    this.#finishReplayIfReadable()
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
      ...(this.#entries && { entryCache: this.#entries.stats }),
      pending: { memoryBytes: store.dirtyBytes, jobs: this.#scheduler.pendingJobs },
      stalls: { ...this.#writes.queue.stalls },
      idleCompaction: { ...this.#idle.counts },
    }
  }

  shape(): EngineShape {
    this.#finishReplayIfReadable()
    return { ...shapeOf(this.#parts), snapshots: this.#snapshots.count }
  }

  check(): AsyncIterable<Violation> {
    this.#finishReplayIfReadable()
    return this.#calls.iterate(this.#check())
  }

  /** The tree on disk is the one to share: a checkpoint puts everything acknowledged into it. */
  share(): Promise<SharedVersion> {
    return this.#calls.run(async () => {
      await this.#flush('shared with readers')
      return shareTree(this.#parts)
    })
  }

  checkpoint(): EngineCheckpoint {
    this.#requireOpen()
    this.#finishReplay()
    return new TreeCheckpoint(this.#parts, this.#calls)
  }

  changes(options: FeedOptions): BatchFeed {
    this.#requireOpen()
    this.#finishReplay()
    this.#parts.logs.retain(DEFAULT_RETAIN_BYTES)
    return new ChangeFeed(this.#changes, options)
  }

  get #compaction(): Omit<CompactionOptions, 'range'> {
    const { tree, free, context } = this.#parts
    return {
      tree,
      free,
      scheduler: context.environment.scheduler,
      flush: () => this.#scheduler.flush(),
      isFull: () => this.#controller.whyDue() !== undefined,
      busy: () => this.#writes.queue.busy,
    }
  }

  async *#check(): AsyncGenerator<Violation> {
    const { checkParts } = await import('./check.js')
    yield* checkParts(this.#parts, this.#scheduler, () => this.#writes.queue.busy)
  }

  async #newIngester(): Promise<Ingester> {
    const { Ingester } = await import('./ingest/ingest.js')
    return new Ingester({
      parts: this.#parts,
      scheduler: this.#scheduler,
      ready: () => this.#writes.ready(),
      hold: work => this.#writes.queue.hold(() => this.#entries?.paused(work) ?? work()),
      onCommit: () => this.#writes.changed.notify(),
    })
  }

  async #flush(reason?: string): Promise<void> {
    const { checkpointer, logStart } = this.#parts
    if (!logStart.isDone && checkpointer.isDue) await logStart.run()
    await this.#scheduler.flush(reason)
  }

  async #settle(): Promise<void> {
    const { free, logStart } = this.#parts
    await logStart.rest()
    if (!logStart.isDone && (this.#deferred !== undefined || this.#controller.whyDue() !== undefined)) await logStart.run()
    await this.#scheduler.settle()
    // A checkpoint frees as much space as it wrote.
    const hasExcess = free.freeUnits > free.end * EXCESS_SHARE || this.#controller.hasExcessLog
    if (!hasExcess || !logStart.isDone) return
    await this.#scheduler.flush()
    await shrinkFile(this.#compaction)
    await this.#scheduler.settle()
  }

  #replayKey(key: Uint8Array): void {
    this.#deferred!.applyKey(key)
    if (this.#deferred!.isDone) this.#deferred = undefined
  }

  #finishReplay(): void {
    this.#deferred?.finish()
    this.#deferred = undefined
  }

  /** Numbers of a tree with a page that cannot be read lack what the log has for that page. */
  #finishReplayIfReadable(): void {
    try {
      this.#finishReplay()
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error
    }
  }

  /** The version that a cursor reads, held. */
  #hold(snapshot: RootSnapshot | undefined): LiveVersion {
    const { tree } = this.#parts
    if (snapshot === undefined) return tree.versions.hold(tree.present, true)
    const { version } = snapshot
    tree.versions.retain(version, true)
    return version
  }

  #afterCheckpoint(): void {
    const { queue } = this.#writes
    this.#controller.onCheckpoint()
    queue.drain()
    const failure = this.#scheduler.failure ?? this.#parts.logs.failure
    if (failure !== undefined) queue.fail(failure)
    this.#idle.onFreed()
  }

  async #close(): Promise<void> {
    const { logs, log, logStart, file, checkpointer, context } = this.#parts
    const { queue } = this.#writes
    const closed = this.#calls.close()
    this.#writes.changed.notify()
    await closed
    await logStart.rest()
    this.#controller.isClosing = true
    queue.drain()
    try {
      while (!queue.isEmpty) await (queue.busy ?? this.#scheduler.flush())
    } catch {
      // The writers got the error.
    }
    await queue.busy
    await this.#idle.close()
    await this.#scheduler.close()
    queue.fail(new MisuseError('LEVEL_DATABASE_NOT_OPEN', 'The engine was closed before the write found room'))
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
