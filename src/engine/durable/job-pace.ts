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

/** How long jobs of one kind take by their bytes, and how far the one under way is by that, or by what it has done. */
export class JobPace {
  readonly #clock: Clock
  #msPerByte: number | undefined
  #bytes = 0
  #since: number | undefined

  /** `msPerByte` is assumed until a job has ended; without it nothing is. */
  constructor(clock: Clock, msPerByte?: number) {
    this.#clock = clock
    this.#msPerByte = msPerByte
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

  /** `undefined` if no job is under way, or there is nothing to judge it by. `doneBytes`: what the job has done of its bytes, if it says so. */
  expect(now: number, doneBytes = 0): JobTime | undefined {
    if (this.#since === undefined || (this.#msPerByte === undefined && doneBytes === 0)) return undefined
    const elapsed = now - this.#since
    const leftByProgress = doneBytes > 0 ? elapsed * Math.max(0, this.#bytes / doneBytes - 1) : 0
    const jobMs = this.#msPerByte === undefined ? elapsed + leftByProgress : this.#bytes * this.#msPerByte
    return { jobMs, leftMs: Math.max(jobMs - elapsed, leftByProgress, elapsed * OVERDUE_SHARE) }
  }
}
