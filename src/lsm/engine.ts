/**
 * The log-structured merge tree: writes go to a log and a skiplist in memory; full skiplists become sorted tables; tables are
 * merged in the background. This file implements the contract over the parts; writes go through engine/durable/write-path.ts.
 *
 * Invariants:
 * 1. Between the slices of a long batch the memtable is not switched.
 * 2. A read looks at sources from newest to oldest and takes the first entry it meets.
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
import { SnapshotList } from '../engine/snapshot-list.js'
import { TouchedCursor } from '../engine/touched-cursor.js'
import { MisuseError } from '../errors.js'
import { countTouched, newReadCounts } from '../trace/ledger.js'
import { withSpan, type Trace } from '../trace/span.js'
import type { HeldMoment } from './checkpoint.js'
import { IdleCompaction } from './compaction/idle-compaction.js'
import { BackgroundScheduler } from './compaction/scheduler.js'
import { MemtableWriter } from './memtable/memtable-writer.js'
import { WriteController } from './memtable/write-controller.js'
import type { Ingester } from './ingest/ingest.js'
import type { LsmParts } from './parts.js'
import { Lookup } from './read/lookup.js'
import { LsmCursor, withValues } from './read/lsm-cursor.js'
import { shareState } from './reader/shared-version.js'
import { approximateBytes, liveBytesEstimate, shapeOf } from './shape.js'

/**
 * A clean close leaves no more than this in logs: the next open replays it within a millisecond or two, while a table would cost more
 * syncs now and a merge later. More becomes a table at the close.
 */
const CLOSED_LOG_BYTES = 64 * 1024

/** A memtable with more becomes immutable where it may, and is shared in place: a copy would hold up the event loop. */
const MOST_COPIED_BYTES = 2 * 1024 * 1024

export class LsmEngine implements Engine {
  readonly name = 'lsm'
  readonly #parts: LsmParts
  readonly #scheduler: BackgroundScheduler
  readonly #snapshots: SnapshotList
  readonly #writes: WritePath
  readonly #lookup: Lookup
  readonly #entries: EntryCache | undefined
  readonly #controller: WriteController
  readonly #idle: IdleCompaction
  /** From the first ingest on. */
  #ingester: Promise<Ingester> | undefined
  readonly #value = new ByteView()
  /** Null where the level is not recorded. */
  readonly #trace: Trace | null
  readonly #io: Trace | null
  /** Reads of checks: scans, but not the user's. */
  readonly #checked = newReadCounts()
  readonly #calls = new CallTracker()
  readonly #changes: ChangeSource
  #closing: Promise<void> | undefined

  constructor(parts: LsmParts) {
    this.#parts = parts
    const { trace } = parts
    const { clock } = parts.context.environment
    this.#trace = trace
    this.#io = trace?.at('io') ?? null
    // Events come in the order of the keys, and parts of the user's are asked no more than needed.
    const isPlain = trace === null && !parts.hasCustomParts
    this.#lookup = new Lookup(parts, trace?.at('step') ?? null, isPlain)
    this.#entries = parts.entries
    this.#snapshots = new SnapshotList(
      parts.expiryClock,
      () => {
        this.#scheduler.schedule()
        this.#idle.onDeleted()
      },
      trace,
    )
    parts.versions.moments = () => this.#snapshots.sequences()
    this.#scheduler = new BackgroundScheduler({
      ...parts,
      clock,
      diagnostics: parts.context.diagnostics,
      snapshots: this.#snapshots,
      isStarted: () => parts.start.isDone,
      onProgress: () => {
        this.#controller.onProgress()
        this.#writes.queue.drain()
        this.#idle.onTables()
      },
    })
    this.#controller = new WriteController(parts, this.#scheduler, () => this.#writes.queue.drain())
    this.#writes = new WritePath({
      ...parts,
      clock,
      trace: parts.context.trace,
      diagnostics: parts.context.diagnostics,
      writer: new MemtableWriter(parts, this.#controller),
      onStarted: () => {
        this.#scheduler.schedule()
        this.#idle.onStarted()
      },
      onDeleted: () => this.#idle.onDeleted(),
    })
    this.#changes = {
      ...parts,
      fileSystem: parts.context.environment.fileSystem,
      directory: parts.context.directory,
      trace: parts.context.trace,
      signal: this.#writes.changed,
      calls: this.#calls,
      firstSequences: new Map(),
      sequence: () => parts.versions.sequence,
      ready: async () => {
        if (!parts.start.isDone) await this.#writes.ready()
      },
    }
    this.#idle = new IdleCompaction({
      parts,
      scheduler: this.#scheduler,
      snapshots: this.#snapshots,
      flush: reason => this.#flush(reason),
    })
    if (parts.context.inspecting === true) return
    this.#scheduler.schedule()
    // A failure is the next write's to repeat.
    parts.deferred?.runAsJob(() => this.#writes.ready()).catch(() => undefined)
  }

  /** Starts writing once the opening is over. */
  startLater(): void {
    const { start, context } = this.#parts
    start.runLater(context.environment.scheduler, context.trace?.trace, () => this.#writes.ready())
  }

  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    const value = this.#value
    return this.getView(key, value, snapshot) ? value.copy() : undefined
  }

  getView(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean {
    this.#requireOpen()
    if (this.#entries !== undefined && snapshot === undefined) return this.#findCached(this.#entries, key, out)
    const sequence = this.#snapshots.resolve(snapshot, this.#parts.versions.sequence)
    const found = this.#lookup.find(key, sequence, out, snapshot && this.#snapshots.timeOf(snapshot))
    this.#count(found)
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
    const sequence = this.#snapshots.resolve(snapshot, this.#parts.versions.sequence)
    const counted = (found: boolean): boolean => {
      this.#count(found)
      return each(found)
    }
    return this.#lookup.findMany(keys, count, sequence, out, counted, snapshot && this.#snapshots.timeOf(snapshot))
  }

  expiresAt(key: Uint8Array, snapshot?: EngineSnapshot): number | undefined {
    this.#requireOpen()
    const sequence = this.#snapshots.resolve(snapshot, this.#parts.versions.sequence)
    const found = this.#lookup.find(key, sequence, this.#value, snapshot && this.#snapshots.timeOf(snapshot))
    this.#count(found)
    return found ? this.#lookup.expiry : undefined
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
    const span = this.#parts.trace?.currentSpan ?? null
    return this.#calls.run(async () => {
      this.#ingester ??= this.#newIngester()
      return (await this.#ingester).run(batches, span)
    })
  }

  cursor(range: KeyRange, snapshot?: EngineSnapshot): Cursor {
    this.#requireOpen()
    const { versions, tables, ledger, makeMergingCursor } = this.#parts
    const moment = { sequence: this.#snapshots.resolve(snapshot, versions.sequence), time: this.#snapshots.timeOf(snapshot) }
    const { state } = versions
    const entries = new LsmCursor(state, tables, halfOpen(range), moment, ledger.scan, versions.moments, makeMergingCursor)
    const cursor = withValues(entries, state, tables, ledger.scan)
    return this.#io === null ? cursor : new TouchedCursor(cursor, ledger.scan, this.#io)
  }

  snapshot(): EngineSnapshot {
    this.#requireOpen()
    return this.#snapshots.take(this.#parts.versions.sequence)
  }

  approximateSize(range: KeyRange): number {
    this.#requireOpen()
    return approximateBytes(this.#parts.versions.state, this.#parts.tables, halfOpen(range))
  }

  flush(): Promise<void> {
    return this.#calls.run(() => this.#flush())
  }

  compact(range: KeyRange = {}): Promise<void> {
    return this.#calls.run(async () => {
      const bounds = halfOpen(range)
      await this.#flush()
      await this.#scheduler.compact(bounds)
      if (this.#parts.versions.state.version.blobs.size > 0) await this.#scheduler.settle()
      await this.#rest()
    })
  }

  settle(): Promise<void> {
    return this.#calls.run(async () => {
      const { start, deferred } = this.#parts
      await start.rest()
      if (!start.isDone && (deferred !== undefined || this.#scheduler.pendingJobs > 0)) await this.#writes.ready()
      await this.#scheduler.settle()
      await this.#rest()
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  stats(): EngineStats {
    const { versions, tables, ledger, logs } = this.#parts
    const cache = tables.cacheCounts
    const { memtable, immutable, version } = versions.state
    const memtables = [memtable, ...immutable]
    ledger.read.get = ledger.found.bytesFromDisk + ledger.missing.bytesFromDisk
    ledger.read.scan = ledger.scan.bytesFromDisk + this.#checked.bytesFromDisk
    const counts = ledger.counts(liveBytesEstimate(version, memtables))
    return {
      engine: this.name,
      ledger: { ...counts, syncs: counts.syncs + logs.syncs },
      memoryBytes: memtables.reduce((sum, { list }) => sum + list.bytesUsed, 0) + cache.usedBytes + tables.residentBytes,
      cache,
      ...(this.#entries && { entryCache: this.#entries.stats }),
      pending: { memoryBytes: memtables.reduce((sum, { list }) => sum + list.bytesUsed, 0), jobs: this.#scheduler.pendingJobs },
      stalls: { ...this.#writes.queue.stalls },
      idleCompaction: { ...this.#idle.counts },
      executor: this.#parts.runner.remote ? 'worker' : 'inline',
    }
  }

  shape(): EngineShape {
    const { versions, runner, picker } = this.#parts
    return {
      ...shapeOf(versions.state),
      picker: picker.name,
      sequence: versions.sequence,
      snapshots: this.#snapshots.count,
      dropped: { ...runner.dropped },
    }
  }

  check(): AsyncIterable<Violation> {
    return this.#calls.iterate(this.#check())
  }

  share(): Promise<SharedVersion> {
    return this.#calls.run(() => this.#share())
  }

  checkpoint(): EngineCheckpoint {
    this.#requireOpen()
    this.#freezeIfLarge('a checkpoint')
    const moment = this.#hold()
    let isReleased = false
    return {
      write: (directory, signal) => {
        const span = this.#trace?.currentSpan ?? null
        return this.#calls.run(async () => {
          const { LsmCheckpoint } = await import('./checkpoint.js')
          await new LsmCheckpoint(this.#parts, moment, span).write(directory, signal)
        })
      },
      release: () => {
        if (!isReleased) moment.state.release()
        isReleased = true
      },
    }
  }

  changes(options: FeedOptions): BatchFeed {
    this.#requireOpen()
    this.#parts.logs.retain(DEFAULT_RETAIN_BYTES)
    return new ChangeFeed(this.#changes, options)
  }

  async #share(): Promise<SharedVersion> {
    const { versions, hasCustomParts } = this.#parts
    if (hasCustomParts) {
      throw new MisuseError('LEVEL_NOT_SUPPORTED', 'An engine with parts of your own cannot be shared: they exist in this thread only')
    }
    this.#freezeIfLarge('shared with readers')
    return shareState(versions.state, versions.sequence)
  }

  /** Finds what a key has now, in the cache of entries or behind it. */
  #findCached(entries: EntryCache, key: Uint8Array, out: ByteView): boolean {
    const isAsked = entries.isAsked()
    if (isAsked && entries.find(key, out)) {
      this.#parts.ledger.found.operations++
      return true
    }
    const found = this.#lookup.find(key, this.#parts.versions.sequence, out)
    this.#count(found)
    if (isAsked && found && this.#lookup.expiry === undefined) entries.offer(key, out)
    return found
  }

  /** Counts a get by what it has found and touched. */
  #count(found: boolean): void {
    const { ledger, touched } = this.#parts
    const counts = found ? ledger.found : ledger.missing
    counts.operations++
    this.#io?.currentSpan?.touch({ ...touched, operations: 1 })
    countTouched(touched, counts)
  }

  /** The present moment. Memtables take more range tombstones later. */
  #hold(): HeldMoment {
    const { versions } = this.#parts
    const { sequence } = versions
    const state = versions.state.hold()
    const memtables = [state.memtable, ...state.immutable].map(memtable => ({
      memtable,
      ranges: memtable.ranges.filter(range => range.sequence <= sequence),
    }))
    return { state, sequence, memtables }
  }

  /** Makes a memtable that is too large to be copied immutable, where that is possible now. */
  #freezeIfLarge(reason: string): void {
    const { versions, start, logs } = this.#parts
    const isLarge = versions.state.memtable.list.bytesUsed > MOST_COPIED_BYTES
    // A memtable with a part of a batch cannot be switched.
    const maySwitch = start.isDone && logs.failure === undefined && this.#writes.queue.busy === undefined && !this.#controller.isFull
    if (isLarge && maySwitch) this.#controller.switchMemtable(0, reason)
  }

  async *#check(): AsyncGenerator<Violation> {
    const { checkTree } = await import('./check.js')
    const { versions, tables, context, hash32, touched } = this.#parts
    const counters = this.#checked
    yield* checkTree({
      state: versions.state,
      newest: () => versions.appliedSequence,
      tables,
      hash32,
      counters,
      bookGet: () => countTouched(touched, counters),
      scheduler: context.environment.scheduler,
    })
  }

  async #newIngester(): Promise<Ingester> {
    const { Ingester } = await import('./ingest/ingest.js')
    return new Ingester({
      parts: this.#parts,
      scheduler: this.#scheduler,
      ready: () => this.#writes.ready(),
      flush: reason => this.#flush(reason),
      flushHeld: reason => this.#flushHeld(reason),
      hold: work => this.#writes.queue.hold(() => this.#entries?.paused(work) ?? work()),
    })
  }

  async #flush(reason?: string): Promise<void> {
    const { versions, start } = this.#parts
    if (!start.isDone) await this.#writes.ready()
    const span = this.#trace?.currentSpan
    const { queue } = this.#writes
    for (;;) {
      // A memtable with a part of a batch cannot be switched.
      if (queue.busy !== undefined) await queue.busy
      else if (!versions.state.memtable.isEmpty && this.#controller.isFull) await this.#scheduler.flushed()
      else break
    }
    if (!versions.state.memtable.isEmpty) withSpan(span, () => this.#controller.switchMemtable(0, reason))
    await this.#scheduler.flushed()
  }

  /** The flush of a writer whose turn it is: it waits for no other. */
  async #flushHeld(reason: string): Promise<void> {
    const { versions } = this.#parts
    const span = this.#trace?.currentSpan
    while (!versions.state.memtable.isEmpty && this.#controller.isFull) await this.#scheduler.flushed()
    if (!versions.state.memtable.isEmpty) withSpan(span, () => this.#controller.switchMemtable(0, reason))
    await this.#scheduler.flushed()
  }

  /** What is left to do when the background has nothing to do. */
  async #rest(): Promise<void> {
    this.#parts.pool.releaseIdle()
    await this.#parts.tables.removed()
  }

  async #close(): Promise<void> {
    const { versions, logs, start } = this.#parts
    this.#controller.isClosing = true
    const { queue } = this.#writes
    queue.drain()
    const closed = this.#calls.close()
    this.#writes.changed.notify()
    await closed
    await start.rest()
    while (!queue.isEmpty) await queue.busy
    await this.#idle.close()
    await this.#scheduler.endCompactions()
    await this.#flushBeforeClose()
    await this.#scheduler.close()
    this.#parts.deferred?.close()
    try {
      await logs.close({ isStarted: start.isDone })
    } finally {
      await versions.close(logs.failure === undefined && start.isDone ? logs.ends : undefined)
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
