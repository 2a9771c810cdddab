/**
 * The background scheduler: flushes immutable memtables, oldest first, and runs the compactions that the picker asks for, one of
 * each at a time.
 *
 * Invariants:
 * 1. A table is synced and its name durable before the edit that adds it; logs and inputs go only after that edit. So is the header of the
 *    log that follows a flushed memtable, which the same edit lists.
 * 2. A failed job changes nothing. It is tried again when a writer needs room and some time has passed; until then the
 *    writers that need the room it would have made get the error. Damaged inputs stay damaged: those compactions are not
 *    tried again, and flushes go on without them.
 * 3. A failed manifest write stops the store's writing: what the manifest says on disk is then unknown.
 */
import type { HalfOpenRange } from '../../engine/range.js'
import { CorruptionError } from '../../errors.js'
import { runWatched, type Diagnostics } from '../../trace/diagnostics.js'
import { runJob, withSpan, type Span, type Trace } from '../../trace/span.js'
import type { Clock } from '../../vfs/environment.js'
import { typedError } from '../../vfs/vfs-error.js'
import { inputBytes, olderThanOutput, type Compaction } from './compaction.js'
import { filterBitsOfCompaction } from './filter-bits.js'
import type { CompactionPicker } from './pickers/compaction-picker.js'
import { JobPace, type JobTime } from '../../engine/durable/job-pace.js'
import type { JobRunner } from './job-runner.js'
import type { LogSet } from '../../engine/durable/log-set.js'
import type { MemtablePool } from '../memtable/memtable-pool.js'
import { JobCancelled } from './job-cancelled.js'
import type { LsmOptions } from '../options.js'
import type { SnapshotList } from '../../engine/snapshot-list.js'
import { BUSY_DEAD_SHARE, pickGarbage, SETTLED_DEAD_SHARE } from '../blobs/garbage.js'
import { logsToKeep, type ValuePlaces } from '../blobs/value-places.js'
import type { BlobJob } from '../blobs/value-separation.js'
import { blobFilesFor, type BlobMeta } from '../versions/blob-file.js'
import type { Memtable } from '../memtable/memtable.js'
import type { MergeResult } from './merge-job.js'
import { mergeBounds, overlaps, unionBounds, type KeyBounds, type TableMeta } from '../versions/table-file.js'
import type { VersionSet, VersionSetChange } from '../versions/version-set.js'
import type { Version } from '../versions/version.js'

export interface BackgroundSchedulerOptions {
  readonly clock: Clock
  readonly versions: VersionSet
  readonly logs: LogSet
  readonly pool: MemtablePool
  readonly runner: JobRunner
  readonly picker: CompactionPicker
  readonly snapshots: SnapshotList
  readonly options: LsmOptions
  readonly trace: Trace | null
  readonly diagnostics?: Diagnostics | undefined
  /** Whether the store takes writes: until then there is no manifest that a job could change. */
  readonly isStarted: () => boolean
  /** Called when a job has ended or failed: waiting writers can go on, or get the error. */
  readonly onProgress: () => void
}

const RETRY_AFTER_MS = 1000
/**
 * A compaction of no more than this share of a memtable takes less time than the flush of one, which a close may wait for. It is finished:
 * otherwise sessions that are all shorter than their compactions would pile up tables in level 0.
 */
const SMALL_COMPACTION_SHARE = 1 / 16

type JobKind = 'flush' | 'compaction'

interface Failure {
  readonly error: Error
  readonly retryAt: number
}

export class BackgroundScheduler {
  readonly #context: BackgroundSchedulerOptions
  #flushing: Promise<void> | undefined
  #compacting: Promise<void> | undefined
  /** Bounds of the tables that the compaction under way reads; it writes no key outside. */
  #compactingBounds: KeyBounds | undefined
  /** Work that no compaction may begin under. */
  #held: Promise<void> | undefined
  readonly #failures: { flush?: Failure | undefined; compaction?: Failure | undefined } = {}
  #manual: { readonly range: HalfOpenRange; readonly resolve: () => void; readonly reject: (error: Error) => void }[] = []
  #compacts = true
  /** Calls that wait for the store to settle: until then fewer values may be dead. */
  #settling = 0
  /** Bytes that the compaction under way reads, or the last one. */
  #compactionBytes = 0
  /** Whether the compaction under way makes room in level 0. */
  #drainsLevel0 = false
  readonly #flushPace: JobPace
  readonly #compactionPace: JobPace
  #closed = false

  constructor(context: BackgroundSchedulerOptions) {
    this.#context = context
    this.#flushPace = new JobPace(context.clock)
    this.#compactionPace = new JobPace(context.clock)
  }

  /** What is expected of the flush under way; `undefined` if there is none, or nothing to judge it by. */
  flushTime(now: number): JobTime | undefined {
    return this.#flushPace.expect(now)
  }

  /** The same of the compaction that makes room in level 0. */
  level0Time(now: number): JobTime | undefined {
    return this.#drainsLevel0 ? this.#compactionPace.expect(now) : undefined
  }

  /** Why there will be no room, for a memtable or, with `level0Full`, in level 0; `undefined` while there is hope. */
  whyNoRoom(level0Full: boolean): Error | undefined {
    return this.#failures.flush?.error ?? (level0Full ? this.#failures.compaction?.error : undefined)
  }

  /** Jobs running or known to be due. */
  get pendingJobs(): number {
    const due = this.#compacting === undefined && this.#pick() !== undefined ? 1 : 0
    return this.#context.versions.state.immutable.length + (this.#compacting === undefined ? due : 1) + this.#manual.length
  }

  /** Starts what is due and not running. */
  schedule(): void {
    if (this.#closed || !this.#context.isStarted() || this.#context.logs.failure !== undefined) return
    if (this.#flushing === undefined && this.#context.versions.state.immutable.length > 0 && this.#mayTry('flush')) {
      this.#flushing = this.#guard('flush', this.#flushOldest()).then(() => {
        this.#flushing = undefined
        this.#next('flush')
      })
    }
    if (this.#compacting === undefined && this.#held === undefined && this.#compacts && this.#mayTry('compaction')) {
      const work = this.#startCompaction()
      if (work === undefined) return
      this.#compacting = this.#guard('compaction', work).then(() => {
        this.#compacting = undefined
        this.#compactingBounds = undefined
        this.#next('compaction')
      })
    }
  }

  /** Resolves when nothing is running or due; rejects with what keeps it from getting there. */
  async settle(): Promise<void> {
    this.#settling++
    try {
      for (;;) {
        this.schedule()
        const running = this.#flushing ?? this.#compacting ?? this.#held
        if (running !== undefined) await running
        else if (this.pendingJobs > 0) throw this.#obstacle()
        else return
      }
    } finally {
      this.#settling--
    }
  }

  /** Runs the compactions that are due, as long as their inputs together have no more than `budgetBytes`. */
  async compactWithin(budgetBytes: number): Promise<void> {
    for (let left = budgetBytes; ;) {
      this.schedule()
      if (this.#compacting === undefined) return
      left -= this.#compactionBytes
      if (left < 0) return
      await this.#compacting
    }
  }

  /** Resolves when the memtables that are immutable now are in tables. */
  async flushed(): Promise<void> {
    const waitFor = new Set(this.#context.versions.state.immutable)
    while (this.#context.versions.state.immutable.some(memtable => waitFor.has(memtable))) {
      this.schedule()
      if (this.#flushing !== undefined) await this.#flushing
      else throw this.#obstacle()
    }
  }

  /** Compacts everything that has keys in the range, as soon as the compaction under way is done. */
  compact(range: HalfOpenRange): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#manual.push({ range, resolve, reject })
      this.schedule()
      if (this.#compacting === undefined && this.#held === undefined) this.#rejectManual(this.#obstacle())
    })
  }

  /** Whether the compaction under way may put a table where it shares keys with the bounds. */
  mayMoveInto(bounds: KeyBounds): boolean {
    return this.#compactingBounds !== undefined && overlaps(this.#compactingBounds, bounds)
  }

  /** Runs `work` while no compaction begins; one that is under way goes on. One call at a time. */
  async withoutCompactionStart(work: () => Promise<void>): Promise<void> {
    const held = work()
    this.#held = held.catch(() => undefined)
    try {
      await held
    } finally {
      this.#held = undefined
      this.schedule()
    }
  }

  /** Gives up a compaction that is running, unless it is small; none starts any more. Flushes go on. No call may be under way. */
  async endCompactions(): Promise<void> {
    this.#compacts = false
    const { runner, options } = this.#context
    if (this.#compactionBytes > options.writeBufferSize * SMALL_COMPACTION_SHARE) runner.cancelCompactions()
    await this.#compacting
  }

  /** Waits for the job that is running; nothing starts any more. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#flushing
  }

  /** Why nothing starts although something is due. */
  #obstacle(): Error {
    return this.#failures.flush?.error ?? this.#failures.compaction?.error ?? this.#context.logs.refusal()
  }

  /** Ends a job of either kind: never rejects. */
  async #guard(kind: JobKind, work: Promise<void>): Promise<void> {
    try {
      await work
    } catch (error) {
      this.#paceOf(kind).end(false)
      if (error instanceof JobCancelled && !this.#compacts) return
      const retryAt = error instanceof CorruptionError ? Infinity : this.#context.clock.now() + RETRY_AFTER_MS
      const reason = typedError(error)
      this.#failures[kind] = { error: reason, retryAt }
      if (kind === 'compaction') this.#rejectManual(reason)
    }
  }

  #paceOf(kind: JobKind): JobPace {
    return kind === 'flush' ? this.#flushPace : this.#compactionPace
  }

  /** After a failure the time has come for another try, or there was none. */
  #mayTry(kind: JobKind): boolean {
    const failure = this.#failures[kind]
    if (failure !== undefined && this.#context.clock.now() < failure.retryAt) return false
    this.#failures[kind] = undefined
    return true
  }

  #next(ended: JobKind): void {
    this.#context.onProgress()
    if (this.#failures[ended] === undefined) this.schedule()
    if (this.#compacting === undefined && this.#held === undefined && this.#manual.length > 0) this.#rejectManual(this.#obstacle())
  }

  #rejectManual(error: Error): void {
    const waiting = this.#manual
    this.#manual = []
    for (const { reject } of waiting) reject(error)
  }

  #flushOldest(): Promise<void> {
    const { trace, diagnostics, clock, runner } = this.#context
    const { flushReason } = this.#context.versions.state.immutable.at(-1)!
    const reason = flushReason === undefined ? {} : { reason: flushReason }
    const flush = (): Promise<void> => runJob(trace, 'flush', span => this.#flush(span), { ...reason, remote: runner.remote })
    return runWatched('flush', flush, { diagnostics, clock, ...reason })
  }

  async #flush(span: Span | null): Promise<void> {
    const { versions, logs, pool, runner, snapshots } = this.#context
    const { immutable, memtable: newest, version } = versions.state
    const memtable = immutable.at(-1)!
    const { firstLog: log } = immutable.at(-2) ?? newest
    this.#flushPace.begin(memtable.list.bytesUsed)
    const separation = memtable.places && this.#separation(memtable, memtable.places, span)
    const table = versions.allocateFiles(1)
    const { tables: added, blobs } = await runner.flush(
      memtable,
      version,
      table,
      snapshots.sequences(),
      snapshots.expiryHorizon,
      separation?.job,
      span,
    )
    const kept = separation && (await separation.kept(added))
    if (added.length === 0) await runner.syncNames(span)
    await logs.headerDurable(log)
    if (logs.isRetaining) await logs.sync()
    await this.#apply({ added, flushed: [memtable], log, ...(kept && { blobs: [...kept, ...blobs] }) }, span)
    this.#flushPace.end(true)
    logs.registered(log)
    pool.retire(memtable)
    await withSpan(span, () => logs.release(versions.firstLog))
  }

  /** What a flush does with large values: the logs that have little else become blob files. */
  #separation(
    memtable: Memtable,
    places: ValuePlaces,
    span: Span | null,
  ): { readonly job: BlobJob; kept(tables: readonly TableMeta[]): Promise<BlobMeta[]> } {
    const { versions, logs, runner, options } = this.#context
    const linked = logsToKeep(places).filter(({ log }) => runner.linkLog(log, span))
    const lengths = linked.map(({ log }) => withSpan(span, () => logs.durable(log)))
    // A failure is that of `kept`, which waits for it.
    for (const length of lengths) length.catch(() => undefined)
    const maxOutputs = blobFilesFor(memtable.rawBytes)
    const job = {
      threshold: options.valueThreshold,
      places: places.in(new Set(linked.map(({ log }) => log))),
      relocated: [],
      firstOutput: versions.allocateFiles(maxOutputs),
      maxOutputs,
    }
    const kept = async (tables: readonly TableMeta[]): Promise<BlobMeta[]> => {
      const used = new Set(tables.flatMap(({ blobs = [] }) => blobs.map(([file]) => file)))
      const metas: BlobMeta[] = []
      for (const [index, { log, largeBytes, otherBytes }] of linked.entries()) {
        const fileBytes = (await lengths[index]) ?? 0
        if (!used.has(log)) {
          runner.unlinkLog(log, span)
          continue
        }
        runner.keptLog(fileBytes)
        metas.push({ number: log, fileBytes, valueBytes: largeBytes + otherBytes })
      }
      return metas
    }
    return { job, kept }
  }

  #startCompaction(): Promise<void> | undefined {
    const manual = this.#manual.shift()
    if (manual === undefined) {
      const compaction = this.#pick()
      return compaction === undefined ? undefined : this.#compact(compaction)
    }
    const { range, resolve, reject } = manual
    const { picker, versions } = this.#context
    const bounds = boundsOf(versions.state.version, range)
    const compaction = bounds === undefined ? undefined : picker.pickRange(versions.state.version, bounds)
    const work = compaction === undefined ? Promise.resolve() : this.#compact(compaction)
    work.then(resolve, (error: unknown) => reject(error as Error))
    return work
  }

  #pick(): Compaction | undefined {
    const { picker, versions, snapshots } = this.#context
    const { version, tableRanges } = versions.state
    const picked = picker.pick(version, {
      oldestSnapshot: snapshots.sequences()[0] ?? Infinity,
      rangeTombstones: tableRanges,
      time: snapshots.expiryHorizon,
    })
    return picked ?? pickGarbage(version, picker, this.#settling > 0 ? SETTLED_DEAD_SHARE : BUSY_DEAD_SHARE)
  }

  #compact(compaction: Compaction): Promise<void> {
    const { trace, diagnostics, clock, runner } = this.#context
    const remote = runner.remote && !compaction.move && !compaction.drop
    const isCancelled = (error: unknown): boolean => error instanceof JobCancelled
    const options = { reason: compaction.reason, remote, isCancelled }
    const compact = (): Promise<void> => runJob(trace, 'compaction', span => this.#runCompaction(compaction, span), options)
    return runWatched('compaction', compact, { diagnostics, clock, ...options })
  }

  #emitPick(span: Span, compaction: Compaction): void {
    const { picker, versions } = this.#context
    const { reason, inputs, outputLevel, drop, move } = compaction
    const overlapping = inputs.flat().filter(meta => meta.level === outputLevel)
    span.emit({
      type: 'compaction.pick',
      reason,
      scores: picker.scores(versions.state.version),
      inputs: inputs.map(run => run.map(meta => meta.number)),
      outputLevel,
      outcome: drop ? 'drop' : move ? 'move' : 'merge',
      overlapBytes: overlapping.reduce((sum, meta) => sum + meta.fileBytes, 0),
      inputBytes: inputBytes(compaction),
    })
  }

  async #runCompaction(compaction: Compaction, span: Span | null): Promise<void> {
    if (span !== null) this.#emitPick(span, compaction)
    const { versions } = this.#context
    const { inputs, outputLevel, outputRun, move, drop } = compaction
    this.#compactionBytes = move || drop ? 0 : inputBytes(compaction)
    this.#drainsLevel0 = inputs.flat().some(meta => meta.level === 0)
    this.#compactingBounds = unionBounds(inputs.flat())
    const deleted = inputs.flat().map(meta => meta.number)
    if (drop) return this.#apply({ deleted }, span)
    if (move) {
      const run = outputRun === 'new' ? versions.allocateFiles(1) : outputRun
      return this.#apply({ deleted, added: inputs.flat().map(meta => ({ ...meta, level: outputLevel, run })) }, span)
    }
    this.#compactionPace.begin(this.#compactionBytes)
    const { tables: added, blobs } = await this.#merge(compaction, span)
    await this.#apply({ deleted, added, blobs }, span)
    this.#compactionPace.end(true)
  }

  async #merge(compaction: Compaction, span: Span | null): Promise<MergeResult> {
    const { versions, options, runner, snapshots } = this.#context
    const maxOutputs = Math.ceil((this.#compactionBytes * 1.25) / options.maxFileSize) + 2
    const firstOutput = versions.allocateFiles(maxOutputs)
    const { version } = versions.state
    const older = olderThanOutput(version, compaction)
    const filterBits = filterBitsOfCompaction(options, version, compaction)
    const kept = { older, snapshots: snapshots.sequences(), expiryHorizon: snapshots.expiryHorizon }
    const blobs = this.#blobJob(compaction)
    const result = await runner.compact({ compaction, filterBits, ...kept, firstOutput, maxOutputs, blobs }, span)
    versions.returnFiles(firstOutput + result.tables.length, maxOutputs - result.tables.length)
    return result
  }

  /** What a compaction does with values. */
  #blobJob({ inputs, relocated = [] }: Compaction): BlobJob | undefined {
    const { versions, options } = this.#context
    const { valueThreshold: threshold } = options
    if (threshold === 0 && relocated.length === 0) return undefined
    const maxOutputs = blobFilesFor(inputs.flat().reduce((sum, { rawBytes }) => sum + rawBytes, 0))
    return { threshold, relocated, firstOutput: versions.allocateFiles(maxOutputs), maxOutputs }
  }

  async #apply(change: VersionSetChange, span: Span | null): Promise<void> {
    try {
      await this.#context.versions.apply(change, span)
    } catch (error) {
      this.#context.logs.poison(error)
      throw error
    }
  }
}

/** Inclusive bounds of the tables' keys within the range; `undefined` where there are no tables. */
function boundsOf(version: Version, { lower, upper }: HalfOpenRange): KeyBounds | undefined {
  const all = mergeBounds([...version.files()].map(file => file.meta))
  const first = all[0]
  const last = all.at(-1)
  if (first === undefined || last === undefined) return undefined
  return { smallest: lower ?? first.smallest, largest: upper ?? last.largest }
}
