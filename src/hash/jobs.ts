/**
 * The background of the engine: seals logs that are no longer written, and merges data files. One job at a time, in slices on the scheduler of
 * the store's thread.
 *
 * Invariants:
 * 1. A failed job loses nothing, and is tried again after `RETRY_AFTER_MS`, or when a caller asks for it.
 * 2. Logs are sealed in their order, and before anything is merged.
 */
import { logName } from '../engine/durable/log-names.js'
import { LEAST_DEAD_BYTES } from '../engine/durable/dead-space.js'
import { MisuseError } from '../errors.js'
import { runJob, withSpan, type Span } from '../trace/span.js'
import { runWatched } from '../trace/diagnostics.js'
import { typedError } from '../vfs/vfs-error.js'
import type { DataFile } from './data-file.js'
import { planMerges, spaceOf, whyDue } from './merge-plan.js'
import { dropObsolete, Merge } from './merging.js'
import type { HashParts } from './parts.js'
import { sealLog } from './sealing.js'

const RETRY_AFTER_MS = 1000

export class HashJobs {
  readonly #parts: HashParts
  readonly #busy: () => Promise<void> | undefined
  #running: Promise<void> | undefined
  #failure: { readonly error: Error; readonly retryAt: number } | undefined
  #isClosed = false

  /** @param busy the long write under way */
  constructor(parts: HashParts, busy: () => Promise<void> | undefined) {
    this.#parts = parts
    this.#busy = busy
  }

  get pendingJobs(): number {
    return this.#running !== undefined || this.#isDue ? 1 : 0
  }

  /** Logs that are no longer written, the oldest first. */
  get #sealable(): DataFile[] {
    return this.#parts.files.list.slice(0, -1).filter(file => file.isLog)
  }

  get #sealed(): DataFile[] {
    return this.#parts.files.list.filter(file => !file.isLog)
  }

  /** Why a merge is due, if there is something that it can make smaller. */
  get #mergeReason(): string | undefined {
    const { mergeThreshold, maxFileSize } = this.#parts.options
    const sealed = this.#sealed
    const reason = whyDue(sealed, mergeThreshold, maxFileSize, maxFileSize)
    return reason !== undefined && planMerges(sealed, maxFileSize).length > 0 ? reason : undefined
  }

  get #isDue(): boolean {
    return this.#sealable.length > 0 || this.#mergeReason !== undefined
  }

  get #isReady(): boolean {
    const { start, logs, context } = this.#parts
    return start.isDone && logs.failure === undefined && context.inspecting !== true
  }

  /** Begins the next log. The one before is to be sealed. */
  rotate(): void {
    const { files, logs, numbers, entries, context, ledger } = this.#parts
    const { fileSystem } = context.environment
    const number = numbers.take()
    logs.start(number, async () => {
      ledger.syncs++
      await fileSystem.syncDirectory(context.directory)
    })
    const file = files.open({ number, from: number, to: number }, logName(number))
    file.bytes = logs.size
    file.firstSequence = entries.sequence + 1
    file.lastSequence = entries.sequence
    files.list.push(file)
    this.#parts.traced.changed()
    this.schedule()
  }

  /** Starts what is due, if nothing runs. */
  schedule(): void {
    if (this.#running !== undefined || this.#isClosed || !this.#isReady) return
    if (this.#failure !== undefined && this.#failure.retryAt > this.#parts.context.environment.clock.now()) return
    if (!this.#isDue) return
    this.#begin(() => this.#runDue()).catch(() => undefined)
  }

  /** Resolves when nothing runs or is due. */
  async settle(): Promise<void> {
    while (this.#running !== undefined) await this.#running.catch(() => undefined)
    while (this.#isReady && this.#isDue) await this.#exclusively(() => this.#runDue())
  }

  /** Resolves when everything written so far is in data files. */
  async flush(): Promise<void> {
    const { start } = this.#parts
    if (!start.isDone) await start.run()
    await this.#exclusively(async () => {
      await this.#rotateIfFilled()
      await this.#sealAll()
    })
  }

  /** Merges all that can be made smaller. */
  async compact(reason = 'asked for'): Promise<void> {
    const { start } = this.#parts
    if (!start.isDone) await start.run()
    await this.#exclusively(async () => {
      await this.#rotateIfFilled()
      await this.#sealAll(reason)
      await this.#merge(true, reason)
    })
  }

  /** Whether this share of the files is dead, and much enough to be worth a merge. Files that held moments need would stay. */
  isWorthIt(share: number): boolean {
    const { deadBytes, totalBytes } = spaceOf(this.#parts.files.list.filter(({ pins }) => pins === 0))
    return deadBytes >= LEAST_DEAD_BYTES && deadBytes >= totalBytes * share
  }

  /** Removes what only a moment has kept that is held no more. */
  dropObsolete(): void {
    if (!this.#parts.files.all.some(file => file.isObsolete && file.pins === 0)) return
    if (this.#running === undefined && this.#isReady && !this.#isClosed)
      this.#begin(() => runJob(this.#parts.context.trace?.trace, 'free', span => dropObsolete(this.#parts, span))).catch(() => undefined)
  }

  /**
   * Runs `work` with a number for a file that comes after all that is written, and before what will be; all of that is in data files then. No
   * writer comes in between, by the caller's care.
   */
  async between(work: (number: number) => Promise<void>): Promise<void> {
    await this.#exclusively(async () => {
      const { logs, numbers } = this.#parts
      if (logs.failure !== undefined) throw logs.refusal()
      const number = numbers.take()
      this.rotate()
      await this.#sealAll()
      await work(number)
    })
  }

  /** Ends the job under way, and leaves no log with records: the next opening reads hint files, which also say how long the files are. */
  async close(): Promise<void> {
    this.#isClosed = true
    while (this.#running !== undefined) await this.#running.catch(() => undefined)
    if (!this.#isReady) return
    await this.#rotateIfFilled()
    await this.#sealAll()
  }

  async #exclusively(work: () => Promise<void>): Promise<void> {
    while (this.#running !== undefined) await this.#running.catch(() => undefined)
    if (this.#isClosed) throw new MisuseError('LEVEL_DATABASE_NOT_OPEN', 'The engine was closed')
    await this.#begin(work)
  }

  #begin(work: () => Promise<void>): Promise<void> {
    const { clock } = this.#parts.context.environment
    const run = async (): Promise<void> => {
      try {
        await work()
        this.#failure = undefined
      } catch (error) {
        this.#failure = { error: typedError(error), retryAt: clock.now() + RETRY_AFTER_MS }
        throw this.#failure.error
      } finally {
        this.#running = undefined
      }
    }
    // What `work` does at once must find a job under way.
    this.#running = Promise.resolve().then(run)
    return this.#running
  }

  async #runDue(): Promise<void> {
    await this.#sealAll()
    const reason = this.#mergeReason
    if (reason !== undefined) await this.#merge(false, reason)
  }

  async #rotateIfFilled(): Promise<void> {
    while (this.#busy() !== undefined) await this.#busy()
    const { files, logs } = this.#parts
    const current = files.list[files.list.length - 1]
    if (logs.failure !== undefined) throw logs.refusal()
    if (current.lastSequence >= current.firstSequence) this.rotate()
  }

  async #sealAll(reason = 'a log is full'): Promise<void> {
    const { files, logs } = this.#parts
    for (const file of this.#sealable) {
      if (file.lastSequence < file.firstSequence) {
        await runJob(this.#parts.context.trace?.trace, 'free', async span => {
          await logs.sync()
          await withSpan(span, () => logs.release(file.to + 1))
        })
        files.list = files.list.filter(each => each !== file)
        files.drop(file)
        this.#parts.traced.changed()
        continue
      }
      await this.#job('flush', reason, span => sealLog(this.#parts, file, span))
    }
  }

  async #merge(isAll: boolean, reason: string): Promise<void> {
    const { entries, expiryClock, options } = this.#parts
    const horizon = isAll ? entries.moments.expiryHorizon(expiryClock.now()) : undefined
    const runs = planMerges(this.#sealed, options.maxFileSize, horizon)
    for (const run of runs) await this.#job('compaction', reason, span => new Merge(this.#parts, run).run(span))
  }

  #job(kind: 'flush' | 'compaction', reason: string, work: (span: Span | null) => Promise<void>): Promise<void> {
    const { trace, diagnostics, environment } = this.#parts.context
    return runWatched(kind, () => runJob(trace?.trace, kind, work, { reason }), { diagnostics, clock: environment.clock, reason })
  }
}
