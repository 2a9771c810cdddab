/**
 * The hash engine (Bitcask): every write is appended to a log, which is a data file as it is; a directory in memory says where the newest value
 * of each key is. This file implements the contract over the parts; writes go through engine/durable/write-path.ts.
 *
 * Invariant: a reader that outlives the call holds a moment, see moments.ts.
 */
import { ByteView, KIND_PUT_EXPIRING } from '../codec/entry.js'
import { takeExpiry } from '../codec/expiry.js'
import type { WriteBatch } from '../engine/batch.js'
import { CallTracker } from '../engine/call-tracker.js'
import { DEFAULT_RETAIN_BYTES } from '../engine/changes.js'
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
  Violation,
  WriteOptions,
} from '../engine/contract.js'
import { ChangeFeed, type ChangeSource } from '../engine/durable/change-feed.js'
import { DeadSpace } from '../engine/durable/dead-space.js'
import { IdleTimer } from '../engine/durable/idle-timer.js'
import { WritePath } from '../engine/durable/write-path.js'
import { halfOpen } from '../engine/range.js'
import { TouchedCursor } from '../engine/touched-cursor.js'
import { countTouched, newReadCounts } from '../trace/ledger.js'
import type { Trace } from '../trace/span.js'
import { hashKey } from './checks.js'
import type { Found } from './entries.js'
import { HashCursor } from './hash-cursor.js'
import { HashWriter } from './hash-writer.js'
import { HashJobs } from './jobs.js'
import { RecordWalk } from './key-order.js'
import type { HashParts } from './parts.js'
import { ABSENT, FOUND, ResidentReads } from './resident-reads.js'
import { shapeOf } from './shape.js'

/** The dead share at which a closing store merges, and an idle one. */
const CLOSE_DEAD_SHARE = 1 / 8
const IDLE_DEAD_SHARE = 1 / 2
/** The most bytes of files that a close merges. */
const CLOSE_BYTES = 64 * 1024 * 1024

/** Keys whose memory is asked for at once. */
const AHEAD_KEYS = 32

export class HashEngine implements Engine {
  readonly name = 'hash'
  readonly #parts: HashParts
  readonly #jobs: HashJobs
  readonly #writes: WritePath
  readonly #calls = new CallTracker()
  readonly #changes: ChangeSource
  readonly #view = new ByteView()
  readonly #touched = newReadCounts()
  readonly #resident: ResidentReads
  readonly #isTraced: boolean
  readonly #hashes = new Uint32Array(AHEAD_KEYS)
  readonly #deadSpace: DeadSpace
  readonly #idle: IdleTimer
  readonly #io: Trace | null
  readonly #step: Trace | null
  #closing: Promise<void> | undefined

  constructor(parts: HashParts) {
    this.#parts = parts
    const { context, logs, ledger, entries, start, traced } = parts
    const { trace, diagnostics, environment, directory } = context
    this.#io = trace?.trace.at('io') ?? null
    this.#step = trace?.trace.at('step') ?? null
    this.#isTraced = this.#io !== null || this.#step !== null
    this.#resident = new ResidentReads(entries.directory, parts.files, parts.cache)
    this.#jobs = new HashJobs(parts, () => this.#writes.queue.busy)
    const onDeleted = (): void => {
      if (parts.options.idleCompaction && context.inspecting !== true) this.#idle.arm()
    }
    this.#writes = new WritePath({
      logs,
      ledger,
      clock: environment.clock,
      trace,
      diagnostics,
      start,
      writer: new HashWriter(parts, this.#jobs),
      onStarted: () => {
        traced.changed()
        this.#jobs.schedule()
        if (this.#jobs.isWorthIt(IDLE_DEAD_SHARE)) onDeleted()
      },
      onDeleted,
    })
    this.#deadSpace = new DeadSpace(ledger)
    this.#idle = new IdleTimer({
      scheduler: environment.scheduler,
      activity: () => entries.sequence,
      onIdle: () => {
        if (this.#jobs.isWorthIt(IDLE_DEAD_SHARE)) void this.#deadSpace.run(() => this.#jobs.compact('idle'))
      },
    })
    entries.onUnpinned = () => {
      this.#jobs.dropObsolete()
      if (this.#jobs.isWorthIt(IDLE_DEAD_SHARE)) onDeleted()
    }
    entries.onSort = (records, sorted) => {
      trace?.emit({ type: 'directory.sort', records, sorted })
      traced.changed()
    }
    entries.moments.onChange = () => traced.changed()
    traced.opened()
    this.#changes = {
      ...parts,
      fileSystem: environment.fileSystem,
      directory,
      trace,
      signal: this.#writes.changed,
      calls: this.#calls,
      firstSequences: new Map(),
      sequence: () => entries.sequence,
      ready: async () => {
        if (!start.isDone) await this.#writes.ready()
      },
    }
    if (start.isDone) this.#jobs.schedule()
  }

  /** Starts writing once the opening is over. */
  startLater(): void {
    const { start, context } = this.#parts
    start.runLater(context.environment.scheduler, context.trace?.trace, () => this.#writes.ready())
  }

  get(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    const view = this.#view
    return this.getView(key, view, snapshot) ? view.copy() : undefined
  }

  getView(key: Uint8Array, out: ByteView, snapshot?: EngineSnapshot): boolean {
    this.#calls.requireOpen()
    return this.#getHashed(key, hashKey(key, 0, key.length), out, snapshot)
  }

  getViews(
    keys: readonly Uint8Array[],
    count: number,
    out: ByteView,
    each: (found: boolean) => boolean,
    snapshot?: EngineSnapshot,
  ): number {
    this.#calls.requireOpen()
    const hashes = this.#hashes
    for (let i = 0; i < count; i++) {
      if (i % hashes.length === 0) this.#resident.touch(keys, i, Math.min(hashes.length, count - i), hashes)
      if (each(this.#getHashed(keys[i], hashes[i % hashes.length], out, snapshot))) return i + 1
    }
    return count
  }

  expiresAt(key: Uint8Array, snapshot?: EngineSnapshot): number | undefined {
    this.#calls.requireOpen()
    const { entries, files, expiryClock } = this.#parts
    const held = snapshot === undefined ? undefined : entries.moments.resolve(snapshot)
    const hash = hashKey(key, 0, key.length)
    const found = entries.find(hash, key, held?.sequence ?? entries.sequence)
    if (found?.kind !== KIND_PUT_EXPIRING) return undefined
    files.counts = this.#parts.ledger.found
    files.read(found, hash, this.#view)
    return takeExpiry(this.#view, held?.time ?? expiryClock.now())
  }

  write(batch: WriteBatch, options: WriteOptions): Promise<void> | void {
    this.#calls.requireOpen()
    return this.#writes.write(batch, options)
  }

  clear(range: KeyRange, options: WriteOptions): Promise<void> | void {
    this.#calls.requireOpen()
    return this.#writes.clear(halfOpen(range), options)
  }

  ingest(batches: AsyncIterable<WriteBatch>): Promise<void> {
    return this.#calls.run(async () => {
      const { Ingest } = await import('./ingest.js')
      if (!this.#parts.start.isDone) await this.#writes.ready()
      await new Ingest(this.#parts).run(batches, commit => this.#writes.queue.hold(() => this.#jobs.between(commit)))
      this.#writes.changed.notify()
    })
  }

  cursor(range: KeyRange, snapshot?: EngineSnapshot): Cursor {
    this.#calls.requireOpen()
    const { entries, ledger, expiryClock } = this.#parts
    const held = snapshot === undefined ? undefined : entries.moments.resolve(snapshot)
    const bounds = halfOpen(range)
    const moment = entries.moments.hold(held?.sequence ?? entries.sequence, held?.time ?? expiryClock.now())
    const cursor = new HashCursor(entries, moment, bounds, ledger.scan)
    return this.#io === null ? cursor : new TouchedCursor(cursor, ledger.scan, this.#io)
  }

  snapshot(): EngineSnapshot {
    this.#calls.requireOpen()
    const { entries, expiryClock, context } = this.#parts
    const { moments, sequence } = entries
    const moment = moments.hold(sequence, expiryClock.now())
    const { trace } = context
    if (trace === undefined) return moment
    trace.emit({ type: 'snapshot.take', entrySequence: sequence, live: moments.count })
    const release = moment.release.bind(moment)
    moment.release = () => {
      if (moment.isReleased) return
      release()
      trace.emit({ type: 'snapshot.release', entrySequence: sequence, live: moments.count })
    }
    return moment
  }

  approximateSize(range: KeyRange): number {
    this.#calls.requireOpen()
    const { lower, upper } = halfOpen(range)
    const { entries } = this.#parts
    const { directory } = entries
    const walk = new RecordWalk(directory, entries.sorted())
    walk.seek(lower)
    let bytes = 0
    for (let record = walk.ahead; record !== 0; record = walk.ahead) {
      if (upper !== undefined && directory.compareWith(record, upper) >= 0) break
      if (directory.isPut(record)) bytes += directory.keyLengthAt(record) + directory.lengthAt(record)
      for (const version of directory.older.get(record) ?? [])
        if (version.kind !== 0) bytes += directory.keyLengthAt(record) + version.length
      walk.forward()
    }
    return bytes
  }

  flush(): Promise<void> {
    return this.#calls.run(() => this.#jobs.flush())
  }

  compact(range: KeyRange = {}): Promise<void> {
    return this.#calls.run(async () => {
      halfOpen(range)
      await this.#jobs.compact()
    })
  }

  settle(): Promise<void> {
    return this.#calls.run(async () => {
      await this.#parts.start.rest()
      await this.#jobs.settle()
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  stats(): EngineStats {
    const { ledger, entries, cache, logs } = this.#parts
    ledger.read.get = ledger.found.bytesFromDisk + ledger.missing.bytesFromDisk
    ledger.read.scan = ledger.scan.bytesFromDisk
    const counts = ledger.counts(entries.liveBytes)
    return {
      engine: this.name,
      ledger: { ...counts, syncs: counts.syncs + logs.syncs },
      memoryBytes: entries.memoryBytes + cache.usedBytes,
      cache: { hits: cache.hits, misses: cache.misses, usedBytes: cache.usedBytes, capacityBytes: cache.capacityBytes },
      pending: { memoryBytes: 0, jobs: this.#jobs.pendingJobs },
      stalls: { ...this.#writes.queue.stalls },
      idleCompaction: { ...this.#deadSpace.counts },
    }
  }

  shape(): EngineShape {
    return { ...shapeOf(this.#parts) }
  }

  check(): AsyncIterable<Violation> {
    return this.#calls.iterate(this.#check())
  }

  checkpoint(): EngineCheckpoint {
    this.#calls.requireOpen()
    const { entries, expiryClock } = this.#parts
    const moment = entries.moments.hold(entries.sequence, expiryClock.now())
    return {
      write: (directory, signal) =>
        this.#calls.run(async () => {
          const { writeCheckpoint } = await import('./store-checkpoint.js')
          await writeCheckpoint(this.#parts, moment, directory, signal)
        }),
      release: () => moment.release(),
    }
  }

  changes(options: FeedOptions): BatchFeed {
    this.#calls.requireOpen()
    this.#parts.logs.retain(DEFAULT_RETAIN_BYTES)
    return new ChangeFeed(this.#changes, options)
  }

  async *#check(): AsyncGenerator<Violation> {
    const { checkParts } = await import('./check.js')
    while (this.#writes.queue.busy !== undefined) await this.#writes.queue.busy
    yield* checkParts(this.#parts)
  }

  #getHashed(key: Uint8Array, hash: number, out: ByteView, snapshot: EngineSnapshot | undefined): boolean {
    const { entries, ledger, files, expiryClock } = this.#parts
    if (snapshot === undefined && !entries.isAhead && !this.#isTraced) {
      const look = this.#resident.find(key, hash, out)
      if (look === FOUND) {
        ledger.found.operations++
        ledger.found.blocksFromCache++
        return true
      }
      if (look === ABSENT) {
        ledger.missing.operations++
        return false
      }
    }
    const held = snapshot === undefined ? undefined : entries.moments.resolve(snapshot)
    const found = entries.find(hash, key, held === undefined ? entries.sequence : held.sequence)
    const touched = this.#touched
    let isLive = false
    try {
      if (found !== undefined) {
        isLive = true
        files.counts = touched
        files.readAt(found.file, found.offset, found.length, found.checksum, hash, out)
        if (found.kind === KIND_PUT_EXPIRING) {
          isLive = takeExpiry(out, held === undefined ? expiryClock.now() : held.time) !== undefined
        }
      }
    } finally {
      this.#count(key, found, isLive)
    }
    const counts = isLive ? ledger.found : ledger.missing
    counts.operations++
    return isLive
  }

  #count(key: Uint8Array, found: Found | undefined, isLive: boolean): void {
    const { ledger, files } = this.#parts
    if (this.#io !== null) this.#io.currentSpan?.touch({ ...this.#touched })
    if (this.#step !== null) {
      const outcome = found === undefined ? 'miss' : isLive ? 'hit' : 'expired'
      const place = found && { file: files.at(found.file).number, offset: found.offset, length: found.length }
      this.#step.emit({ type: 'directory.search', key: key.slice(), outcome, ...place })
    }
    countTouched(this.#touched, isLive ? ledger.found : ledger.missing)
  }

  async #close(): Promise<void> {
    const { logs, start, files } = this.#parts
    this.#idle.stop()
    const closed = this.#calls.close()
    this.#writes.changed.notify()
    await closed
    await start.rest()
    while (!this.#writes.queue.isEmpty) await this.#writes.queue.busy
    try {
      const isWorthIt = this.#parts.options.idleCompaction && this.#jobs.isWorthIt(CLOSE_DEAD_SHARE)
      const bytes = files.list.reduce((sum, file) => sum + file.bytes, 0)
      if (isWorthIt && bytes <= CLOSE_BYTES && start.isDone && logs.failure === undefined && this.#parts.context.inspecting !== true)
        await this.#deadSpace.run(() => this.#jobs.compact('closing'))
      // What is not sealed is in the logs.
      await this.#jobs.close().catch(() => undefined)
      await logs.close({ isStarted: start.isDone })
    } finally {
      files.closeAll()
    }
  }
}
