import { runJob, type Trace } from '../../trace/span.js'
import type { Scheduler } from '../../vfs/environment.js'
import { typedError } from '../../vfs/vfs-error.js'
import type { LogSet } from './log-set.js'

/**
 * Prepares an opened store for writes. Reads need none of it, so a full disk does not refuse them: the next write tries again.
 *
 * Invariant: a failure changes nothing that the store on disk refers to, and every step of an attempt can be repeated. Only a log that
 * cannot be synced stops writing until the store is reopened, see log-set.ts.
 */
export abstract class WriteStart {
  readonly #logs: LogSet
  #isDone = false
  #running: Promise<void> | undefined

  constructor(logs: LogSet) {
    this.#logs = logs
  }

  /** Whether the store takes writes. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** Resolves when the store takes writes; rejects with the failure. A later call tries again. */
  run(): Promise<void> {
    if (this.#isDone) return Promise.resolve()
    this.#running ??= this.#run().finally(() => (this.#running = undefined))
    return this.#running
  }

  /**
   * Begins in a turn after the opening, which waits for none of it, as a job of its own. Until then a write or the close waits for that turn.
   * `ready` resolves when the store takes writes; a failure is the next write's to repeat.
   */
  runLater(scheduler: Scheduler, trace: Trace | null | undefined, ready: () => Promise<void>): void {
    const run = (): Promise<void> => {
      this.#running = scheduler
        .turn()
        .then(() => this.#run())
        .finally(() => (this.#running = undefined))
      return ready()
    }
    runJob(trace, 'replay', run, { reason: 'the store is to take writes', fallback: true }).catch(() => undefined)
  }

  /** Resolves when no attempt is under way. */
  async rest(): Promise<void> {
    await this.#running?.catch(() => undefined)
  }

  protected abstract attempt(): Promise<void>

  async #run(): Promise<void> {
    if (this.#logs.failure !== undefined) throw this.#logs.refusal()
    try {
      await this.attempt()
      this.#isDone = true
    } catch (error) {
      throw typedError(error)
    }
  }
}
