import { asOwner, type Owner, type Trace, type Tracer } from '../trace/trace.js'
import type { Clock } from '../vfs/environment.js'

/** One writer's turn: returns false while there is still no room. May throw: then that writer fails. */
export type WriteAttempt = () => boolean

interface Waiting {
  readonly attempt: WriteAttempt
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  readonly since: number
  /** Whose turn it is. */
  readonly owner: Owner | null
}

/** Writers that wait for room, in the order they came. */
export class WriteQueue {
  readonly #clock: Clock
  readonly #trace: Trace | null
  #waiting: Waiting[] = []
  /** Writers that had to wait, and how long they waited in total. */
  readonly stalls = { count: 0, totalMs: 0 }

  constructor(clock: Clock, trace?: Tracer) {
    this.#clock = clock
    this.#trace = trace?.trace ?? null
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /**
   * Resolves when the attempt has succeeded, and then `after`. Both still belong to the operation that waits. `shortage` says what it waits
   * for, if not for others.
   */
  wait(attempt: WriteAttempt, after?: () => Promise<void> | void, shortage?: () => string | undefined): Promise<void> {
    this.stalls.count++
    const owner = this.#trace?.owner ?? null
    const reason = this.isEmpty ? (shortage?.() ?? 'there is no room in memory') : 'other writers wait'
    owner?.emit({ type: 'stall.begin', reason })
    const waited = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ attempt, resolve, reject, since: this.#clock.now(), owner })
    })
    if (after === undefined) return waited
    return waited.then(() => asOwner(this.#trace, owner, after))
  }

  /** Lets writers go on until one finds no room. */
  drain(): void {
    let served = 0
    for (const { attempt, resolve, reject, since, owner } of this.#waiting) {
      try {
        if (!asOwner(this.#trace, owner, attempt)) break
        resolve()
      } catch (error) {
        reject(error)
      }
      served++
      const waitedMs = this.#clock.now() - since
      this.stalls.totalMs += waitedMs
      owner?.emit({ type: 'stall.end', waitedMs })
    }
    this.#waiting.splice(0, served)
  }

  /** Fails everybody who waits. */
  fail(error: unknown): void {
    const failed = this.#waiting
    this.#waiting = []
    for (const { reject, owner, since } of failed) {
      owner?.emit({ type: 'stall.end', waitedMs: this.#clock.now() - since })
      reject(error)
    }
  }
}
