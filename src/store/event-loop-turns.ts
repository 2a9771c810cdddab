/**
 * Yields to the event loop, so that a tight loop of awaited operations does not starve it. Reads and most writes finish synchronously:
 * awaiting them costs only a microtask, and timers and sockets would wait for as long as the loop runs. Every 32 operations (or
 * their equivalent in bytes) the store reads the clock. If the last turn of the event loop that it knows of is more than a
 * millisecond ago, the operation resolves after the next turn. Costs about 2 ns per operation.
 *
 * Invariant: once an operation waits for a turn, every operation that ends before that turn waits for it too. Otherwise a turn would
 * come only after each caller in flight had used up its share, one after another.
 */
import type { Clock, Scheduler } from '../vfs/environment.js'

const WORK_PER_LOOK = 32
const TURN_EVERY_MS = 1
/** Bytes that count as one operation of work. */
const WORK_BYTES_SHIFT = 12

export class EventLoopTurns {
  readonly #clock: Clock
  readonly #scheduler: Scheduler
  #credit = WORK_PER_LOOK
  #lastTurn: number
  #turn: Promise<void> | undefined

  constructor(clock: Clock, scheduler: Scheduler) {
    this.#clock = clock
    this.#scheduler = scheduler
    this.#lastTurn = clock.now()
  }

  /** Counts operations and the bytes they moved; true when the event loop is due a turn. */
  isDue(operations: number, bytes: number): boolean {
    this.#credit -= operations + (bytes >>> WORK_BYTES_SHIFT)
    return this.#turn !== undefined || (this.#credit <= 0 && this.#look())
  }

  /** Resolves after a turn. All callers in the same turn share it. */
  turn(): Promise<void> {
    this.#turn ??= this.#takeTurn()
    return this.#turn
  }

  /** Resolves with the value after a turn. */
  async after<T>(value: T): Promise<T> {
    await this.turn()
    return value
  }

  #look(): boolean {
    this.#credit = WORK_PER_LOOK
    return this.#clock.now() - this.#lastTurn > TURN_EVERY_MS
  }

  async #takeTurn(): Promise<void> {
    try {
      await this.#scheduler.turn()
    } finally {
      this.#turn = undefined
      this.#lastTurn = this.#clock.now()
    }
  }
}
