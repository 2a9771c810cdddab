/**
 * Clock and scheduler of a lane: time passes only when the run takes a step, so a lane does the same whether its reader thinks for a minute between
 * two operations or all of them come at once.
 *
 * Invariants:
 * 1. Between two steps nothing happens but what promises alone carry on.
 * 2. A step is a turn of `TURN_MS` for all that wait for one, in the order of their calls. Where nothing waits, the clock jumps to the next deadline.
 */
import type { Clock, Scheduler } from 'kvarium/vfs'

/** Duration of a turn on the simulated clock, in milliseconds. */
export const TURN_MS = 0.05

/** What the wall clock shows at the beginning of a run. */
const EPOCH = Date.UTC(2026, 0, 1)

interface Sleeper {
  readonly deadline: number
  readonly wake: () => void
}

export class SteppedTime implements Clock, Scheduler {
  #nowMs = 0
  #waiting: (() => void)[] = []
  /** By deadline; equal ones in the order of their calls. */
  readonly #sleepers: Sleeper[] = []

  readonly #wallStart: number

  /** @param wallStart - What the wall clock shows when the clock is at 0, in milliseconds since the Unix epoch. */
  constructor(wallStart = EPOCH) {
    this.#wallStart = wallStart
  }

  now(): number {
    return this.#nowMs
  }

  wallTime(): number {
    return this.#wallStart + Math.floor(this.#nowMs)
  }

  turn(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  sleep(ms: number): Promise<void> {
    return new Promise(wake => {
      const deadline = this.#nowMs + Math.max(0, ms)
      const index = this.#sleepers.findIndex(sleeper => sleeper.deadline > deadline)
      this.#sleepers.splice(index < 0 ? this.#sleepers.length : index, 0, { deadline, wake })
    })
  }

  /** Whether something waits for a turn: a job that is under way. */
  get isBusy(): boolean {
    return this.#waiting.length > 0
  }

  /** Whether a step would do anything. */
  get canStep(): boolean {
    return this.isBusy || this.#sleepers.length > 0
  }

  /** Takes a step, in which the clock goes to `untilMs` at the latest. */
  step(untilMs = Infinity): void {
    const waiting = this.#waiting
    if (waiting.length > 0) {
      this.#waiting = []
      this.#nowMs += TURN_MS
      for (const resolve of waiting) resolve()
    } else this.#nowMs = Math.max(this.#nowMs, Math.min(untilMs, this.#sleepers[0]?.deadline ?? this.#nowMs))
    while (this.#sleepers.length > 0 && this.#sleepers[0].deadline <= this.#nowMs) this.#sleepers.shift()!.wake()
  }

  /** The clock goes to `ms`, if it is not there yet; no deadline may lie before. */
  advance(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, ms)
  }
}
