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
