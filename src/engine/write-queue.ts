import type { Clock } from '../vfs/environment.js'

/** One writer's turn: returns false while there is still no room. May throw: then that writer fails. */
export type WriteAttempt = () => boolean

interface Waiting {
  readonly attempt: WriteAttempt
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  readonly since: number
}

/** Writers that wait for room, in the order they came. */
export class WriteQueue {
  readonly #clock: Clock
  #waiting: Waiting[] = []
  /** Writers that had to wait, and how long they waited in total. */
  readonly stalls = { count: 0, totalMs: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Resolves when the attempt has succeeded. */
  wait(attempt: WriteAttempt): Promise<void> {
    this.stalls.count++
    return new Promise((resolve, reject) => {
      this.#waiting.push({ attempt, resolve, reject, since: this.#clock.now() })
    })
  }

  /** Lets writers go on until one finds no room. */
  drain(): void {
    let served = 0
    for (const { attempt, resolve, reject, since } of this.#waiting) {
      try {
        if (!attempt()) break
        resolve()
      } catch (error) {
        reject(error)
      }
      served++
      this.stalls.totalMs += this.#clock.now() - since
    }
    this.#waiting.splice(0, served)
  }

  /** Fails everybody who waits. */
  fail(error: unknown): void {
    const failed = this.#waiting
    this.#waiting = []
    for (const { reject } of failed) reject(error)
  }
}
