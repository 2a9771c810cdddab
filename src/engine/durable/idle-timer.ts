/**
 * Calls back once after an engine has taken no write for a while.
 *
 * Invariants:
 * 1. The timer runs only after `arm`, and ends with the call: an engine without dead data has none.
 * 2. It does not keep the process alive, and calls nothing after `stop`.
 */
import type { Scheduler } from '../../vfs/environment.js'

/** An engine that takes no write for this long is idle. */
const IDLE_MS = 1000

export interface IdleTimerOptions {
  readonly scheduler: Scheduler
  /** A number that every write changes. */
  readonly activity: () => number
  readonly onIdle: () => void
}

export class IdleTimer {
  readonly #options: IdleTimerOptions
  #isArmed = false
  #isStopped = false

  constructor(options: IdleTimerOptions) {
    this.#options = options
  }

  /** Starts the timer, unless it runs. */
  arm(): void {
    if (this.#isArmed || this.#isStopped) return
    this.#isArmed = true
    void this.#watch()
  }

  stop(): void {
    this.#isStopped = true
  }

  async #watch(): Promise<void> {
    const { scheduler, activity, onIdle } = this.#options
    for (let seen = NaN; seen !== activity();) {
      seen = activity()
      await scheduler.sleep(IDLE_MS)
      if (this.#isStopped) return
    }
    this.#isArmed = false
    onIdle()
  }
}
