/**
 * Delayed writes. Where writers outrun a job of the background, each waits a little, so that none has to wait for the rest of the job.
 *
 * The rate is what is left until writers must stop, over what is left of the job that makes room. It falls as the limit comes near and rises
 * when a job ends; over many jobs it is their speed.
 *
 * Invariants:
 * 1. A delay ends by itself, after no more than `MOST_DELAY_MS`; only a limit that is reached stops writers.
 * 2. Jobs that take no longer than a delay are not paced: a store with small buffers is as if there were no pacer.
 */
import type { Clock, Scheduler } from '../../vfs/environment.js'

/** The longest delay of one write. */
const MOST_DELAY_MS = 10
/** Writes go ahead of the rate by this much: a timer ends no earlier than after a millisecond. */
const AHEAD_MS = 1
/** A shorter job is soon over. */
const SHORT_JOB_MS = 2 * MOST_DELAY_MS

/** What will stop writers, and the job that will prevent it. */
export interface WriteLimit {
  /** Bytes that may be written before writers must stop. */
  readonly leftBytes: number
  /** Time until the job is over, and the time that all of it is expected to take. */
  readonly leftMs: number
  readonly jobMs: number
}

export interface WritePacerOptions {
  readonly clock: Clock
  readonly scheduler: Scheduler
  /** The limits that come nearer while a job runs. */
  readonly limits: (now: number) => readonly WriteLimit[]
  /** Called when a delay is over. */
  readonly onDue: () => void
}

export class WritePacer {
  readonly #options: WritePacerOptions
  /** When what was written is paid for, by the rate at the time. */
  #paidAt = 0
  /** When the writer that waits may go on; 0 if none waits. */
  #dueAt = 0

  constructor(options: WritePacerOptions) {
    this.#options = options
  }

  /** Whether a write is delayed now. */
  get isDelaying(): boolean {
    return this.#dueAt > 0
  }

  /** Whether a write of this size may go ahead. If not, `onDue` is called once it may. */
  admits(bytes: number): boolean {
    const now = this.#options.clock.now()
    if (now < this.#dueAt) return false
    this.#dueAt = 0
    const aheadMs = this.#paidAt - now
    if (aheadMs > AHEAD_MS) {
      this.#delay(now, Math.min(aheadMs, MOST_DELAY_MS))
      return false
    }
    this.#paidAt = Math.max(this.#paidAt, now) + bytes * this.#msPerByte(now)
    return true
  }

  /** A job is over: what was owed to it is owed no more. */
  reset(): void {
    this.#paidAt = 0
    this.#dueAt = 0
  }

  #msPerByte(now: number): number {
    let slowest = 0
    for (const { leftBytes, leftMs, jobMs } of this.#options.limits(now)) {
      if (jobMs > SHORT_JOB_MS) slowest = Math.max(slowest, leftMs / Math.max(1, leftBytes))
    }
    return slowest
  }

  /** The delay pays for all that is owed: what is longer than a delay is left to the limit. */
  #delay(now: number, ms: number): void {
    const dueAt = now + ms
    this.#dueAt = dueAt
    this.#paidAt = dueAt
    void this.#options.scheduler.sleep(ms).then(() => {
      if (this.#dueAt !== dueAt) return
      this.#dueAt = 0
      this.#options.onDue()
    })
  }
}
