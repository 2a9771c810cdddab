/**
 * The background writer: makes a checkpoint when enough has changed, or when somebody asks for one. One at a time.
 *
 * Invariants:
 * 1. A failed checkpoint loses nothing and frees nothing: its log goes on, and it is tried again when some time has passed. Until then
 *    writers that need room get the error. Damage stays damage: it is not tried again.
 * 2. While the tree is checked, nothing is written.
 */
import type { LogSet } from '../../engine/durable/log-set.js'
import { CorruptionError, MisuseError } from '../../errors.js'
import type { Tracer } from '../../trace/trace.js'
import type { Clock } from '../../vfs/environment.js'
import { typedError } from '../../vfs/vfs-error.js'
import type { Checkpointer } from './checkpoint.js'
import type { CurrentLog } from './current-log.js'

export interface BackgroundOptions {
  readonly clock: Clock
  readonly trace?: Tracer | undefined
  readonly checkpointer: Checkpointer
  readonly logs: LogSet
  readonly log: CurrentLog
  /** Whether the store takes writes: until then there is nothing that a checkpoint could go on from. */
  readonly isStarted: () => boolean
  /** Why a checkpoint is due: so much has changed. `undefined` if none is. */
  readonly whyDue: () => string | undefined
  /** Called when a checkpoint has ended, well or badly: waiting writers may go on or must be told. */
  readonly onProgress: () => void
}

const RETRY_AFTER_MS = 1000

export class Background {
  readonly #context: BackgroundOptions
  #running: Promise<void> | undefined
  #failure: { readonly error: Error; readonly retryAt: number } | undefined
  #started = 0
  #completed = 0
  #pauses = 0
  readonly #resumed: (() => void)[] = []
  #closed = false

  constructor(context: BackgroundOptions) {
    this.#context = context
  }

  /** Why background work does not go on, or `undefined`. */
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

  /** Resolves when nothing is running or due; rejects with what keeps it from getting there. */
  async settle(): Promise<void> {
    for (;;) {
      this.schedule()
      if (this.#running !== undefined) await this.#running
      else if (this.#failure !== undefined) throw this.#failure.error
      else if (this.#pauses > 0 && this.#context.whyDue() !== undefined) await this.#unpaused()
      else return
    }
  }

  /** Resolves when all that is in the tree now is on disk. */
  async flush(): Promise<void> {
    const { checkpointer } = this.#context
    const wanted = this.#started + 1
    while (checkpointer.isDue && this.#completed < wanted) {
      if (this.#pauses > 0 && this.#running === undefined) await this.#unpaused()
      this.#start('asked for')
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

  /** Finishes what is running; nothing starts any more by itself. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#running !== undefined) await this.#running
    while (this.#pauses > 0) await this.#unpaused()
  }

  /** After `close`: brings what is not on disk yet there, so that the next open has nothing to replay. If that fails, the logs have it. */
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

  /** Never rejects; resolves to whether it went well. */
  async #checkpoint(reason: string): Promise<boolean> {
    const { clock, trace, checkpointer, logs, log } = this.#context
    const job = trace?.trace.job('checkpoint', reason)
    try {
      if (job === undefined) await checkpointer.run(logs, log)
      else await checkpointer.runAs(job, logs, log)
      job?.end('ok')
      return true
    } catch (error) {
      job?.end('failed', error)
      const retryAt = error instanceof CorruptionError ? Infinity : clock.now() + RETRY_AFTER_MS
      this.#failure = { error: typedError(error), retryAt }
      return false
    }
  }
}
