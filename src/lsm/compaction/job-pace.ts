import type { Clock } from '../../vfs/environment.js'

/** The share of the last job in the speed that is expected of the next. */
const LAST_SHARE = 1 / 2
/** A job that takes longer than expected takes this share of its time more. */
const OVERDUE_SHARE = 1 / 4

export interface JobTime {
  /** What the job is expected to take in all, and from now on. */
  readonly jobMs: number
  readonly leftMs: number
}

/** How long jobs of one kind take by the bytes they read, and how far the one under way is by that. */
export class JobPace {
  readonly #clock: Clock
  /** `undefined` until a job has ended. */
  #msPerByte: number | undefined
  #bytes = 0
  #since: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  begin(bytes: number): void {
    this.#bytes = bytes
    this.#since = this.#clock.now()
  }

  end(succeeded: boolean): void {
    if (this.#since === undefined) return
    if (succeeded && this.#bytes > 0) {
      const last = (this.#clock.now() - this.#since) / this.#bytes
      this.#msPerByte = this.#msPerByte === undefined ? last : LAST_SHARE * last + (1 - LAST_SHARE) * this.#msPerByte
    }
    this.#since = undefined
  }

  /** `undefined` if no job is under way, or there is nothing to judge it by. */
  expect(now: number): JobTime | undefined {
    if (this.#since === undefined || this.#msPerByte === undefined) return undefined
    const jobMs = this.#bytes * this.#msPerByte
    const elapsed = now - this.#since
    return { jobMs, leftMs: Math.max(jobMs - elapsed, elapsed * OVERDUE_SHARE) }
  }
}
