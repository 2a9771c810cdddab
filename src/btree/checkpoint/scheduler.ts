/**
 * The checkpoint scheduler: runs a checkpoint when enough has changed, or when a caller asks for one. One at a time.
 *
 * Invariants:
 * 1. A failed checkpoint loses nothing and frees nothing: its log is kept, and it is retried after `RETRY_AFTER_MS`. Until then writers
 *    that wait get the error. A checkpoint that met damage is not retried.
 * 2. While the tree is checked, nothing is written.
 */
import type { LogSet } from '../../engine/durable/log-set.js'
import { CorruptionError, MisuseError } from '../../errors.js'
import { runWatched, type Diagnostics } from '../../trace/diagnostics.js'
import { runJob, type Tracer } from '../../trace/span.js'
import type { Clock } from '../../vfs/environment.js'
import { typedError } from '../../vfs/vfs-error.js'
import type { Checkpointer } from './checkpoint.js'
import type { CurrentLog } from './current-log.js'

export interface CheckpointSchedulerOptions {
  readonly clock: Clock
  readonly trace?: Tracer | undefined
  readonly diagnostics?: Diagnostics | undefined
  readonly checkpointer: Checkpointer
  readonly logs: LogSet
  readonly log: CurrentLog
  /** Whether the store takes writes: until then it has no log that a checkpoint could rotate. */
  readonly isStarted: () => boolean
  /** Why a checkpoint is due, or `undefined`. */
  readonly whyDue: () => string | undefined
  /** Called when a checkpoint has ended or failed: waiting writers can go on, or get the error. */
  readonly onProgress: () => void
}

const RETRY_AFTER_MS = 1000

export class CheckpointScheduler {
  readonly #context: CheckpointSchedulerOptions
  #running: Promise<void> | undefined
  #failure: { readonly error: Error; readonly retryAt: number } | undefined
  #started = 0
  #completed = 0
  #pauses = 0
  readonly #resumed: (() => void)[] = []
  #closed = false

  constructor(context: CheckpointSchedulerOptions) {
    this.#context = context
  }

  /** Why the last checkpoint failed, or `undefined`. */
  get failure(): Error | undefined {
    return this.#failure?.error
  }

  /** Checkpoints running or due. */
  get pendingJobs(): number {
    return this.#running !== undefined || this.#context.whyDue() !== undefined ? 1 : 0
  }

  /** Starts a checkpoint if one is due and none is running. */
  schedule(): void {
    const reason = this.#context.whyDue()
    if (reason !== undefined) this.#start(reason)
  }

  /** Resolves when no checkpoint is running or due; rejects with the failure of the last one. */
  async settle(): Promise<void> {
    for (;;) {
      this.schedule()
      if (this.#running !== undefined) await this.#running
      else if (this.#failure !== undefined) throw this.#failure.error
      else if (this.#pauses > 0 && this.#context.whyDue() !== undefined) await this.#unpaused()
      else return
    }
  }

  /** Resolves when the tree of this moment is on disk. */
  async flush(reason = 'asked for'): Promise<void> {
    const { checkpointer } = this.#context
    const wanted = this.#started + 1
    while (checkpointer.isDue && this.#completed < wanted) {
      if (this.#pauses > 0 && this.#running === undefined) await this.#unpaused()
      this.#start(reason)
      if (this.#running === undefined) throw this.#failure?.error ?? this.#refusal()
      await this.#running
    }
  }

  /** Runs `work` while no checkpoint is under way. */
  paused(work: () => Promise<void>): Promise<void> {
    return this.withoutStart(async () => {
      while (this.#running !== undefined) await this.#running
      await work()
    })
  }

  /** Runs `work` while no checkpoint begins; one that is under way goes on. */
  async withoutStart(work: () => Promise<void>): Promise<void> {
    this.#pauses++
    try {
      await work()
    } finally {
      if (--this.#pauses === 0) {
        for (const resolve of this.#resumed.splice(0)) resolve()
        this.schedule()
        this.#context.onProgress()
      }
    }
  }

  /** Finishes the running checkpoint; `schedule` starts no other one. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#running !== undefined) await this.#running
    while (this.#pauses > 0) await this.#unpaused()
  }

  /** After `close`: writes a last checkpoint, so that the next open has nothing to replay. If it fails, the logs have the changes. */
  async lastCheckpoint(): Promise<void> {
    const { checkpointer, logs, isStarted } = this.#context
    if (checkpointer.isDue && logs.failure === undefined && isStarted()) await this.#checkpoint('the store is closed')
  }

  #refusal(): Error {
    return this.#closed ? new MisuseError('LEVEL_DATABASE_NOT_OPEN', 'The engine was closed') : this.#context.logs.refusal()
  }

  #unpaused(): Promise<void> {
    return new Promise(resolve => this.#resumed.push(resolve))
  }

  #start(reason: string): void {
    const { clock, checkpointer, logs } = this.#context
    const mayRun = !this.#closed && this.#pauses === 0 && this.#context.isStarted() && logs.failure === undefined
    if (this.#running !== undefined || !mayRun || !checkpointer.isDue) return
    if (this.#failure !== undefined && clock.now() < this.#failure.retryAt) return
    this.#failure = undefined
    const ordinal = ++this.#started
    this.#running = this.#run(ordinal, reason)
  }

  /** Never rejects. */
  async #run(ordinal: number, reason: string): Promise<void> {
    if (await this.#checkpoint(reason)) this.#completed = ordinal
    this.#running = undefined
    this.#context.onProgress()
    if (this.#failure === undefined) this.schedule()
  }

  /** Never rejects; resolves to whether the checkpoint succeeded. */
  async #checkpoint(reason: string): Promise<boolean> {
    const { clock, trace, diagnostics, checkpointer, logs, log } = this.#context
    const run = (): Promise<void> =>
      runJob(trace?.trace, 'checkpoint', span => checkpointer.run(logs, log, span), { reason, fallback: true })
    try {
      await runWatched('checkpoint', run, { diagnostics, clock, reason })
      return true
    } catch (error) {
      const retryAt = error instanceof CorruptionError ? Infinity : clock.now() + RETRY_AFTER_MS
      this.#failure = { error: typedError(error), retryAt }
      return false
    }
  }
}
