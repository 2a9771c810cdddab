import type { Diagnostics } from '../trace/diagnostics.js'
import { withSpan, type Span, type Trace, type Tracer } from '../trace/span.js'
import type { Clock } from '../vfs/environment.js'

/**
 * One writer's turn: returns false while there is still no room, and a promise if the write takes several turns of the event loop. May
 * throw: then that writer fails.
 */
export type WriteAttempt = () => boolean | Promise<void>

interface Waiting {
  readonly attempt: WriteAttempt
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  readonly since: number
  readonly reason: string
  readonly span: Span | null
}

/**
 * Writers that wait for room, or for the end of a long write, in the order they came.
 *
 * Invariant: between the slices of a long write no other writer gets a turn.
 */
export class WriteQueue {
  readonly #clock: Clock
  readonly #trace: Trace | null
  readonly #diagnostics: Diagnostics | undefined
  #waiting: Waiting[] = []
  /** Resolves at the end of the long write under way. */
  #busy: Promise<void> | undefined
  /** Writers that had to wait, and how long they waited in total. */
  readonly stalls = { count: 0, totalMs: 0 }

  constructor(clock: Clock, trace?: Tracer, diagnostics?: Diagnostics) {
    this.#clock = clock
    this.#trace = trace?.trace ?? null
    this.#diagnostics = diagnostics
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#busy === undefined
  }

  /** Resolves at the end of the long write under way, `undefined` if there is none. A caller that awaits it continues before the next writer. */
  get busy(): Promise<void> | undefined {
    return this.#busy
  }

  /** Makes writers wait until `write` has settled, then runs `after` in the span that is current now. */
  occupy(write: Promise<void>, after: () => Promise<void> | void): Promise<void> {
    const span = this.#trace?.currentSpan
    return this.#occupy(write).then(() => withSpan(span, after))
  }

  /** Runs work that takes several turns in the place of a writer: after those that wait already, and before later ones. */
  hold(work: () => Promise<void>): Promise<void> {
    return this.isEmpty ? this.occupy(work(), () => undefined) : this.wait(work)
  }

  /**
   * Resolves when the attempt has succeeded, and then `after`. Both run in the span of the waiting operation. `shortage` says what it waits
   * for, if not for others.
   */
  wait(attempt: WriteAttempt, after?: () => Promise<void> | void, shortage?: () => string | undefined): Promise<void> {
    this.stalls.count++
    const span = this.#trace?.currentSpan ?? null
    const reason = this.isEmpty ? (shortage?.() ?? 'there is no room in memory') : 'other writers wait'
    span?.emit({ type: 'stall.begin', reason })
    const waited = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ attempt, resolve, reject, since: this.#clock.now(), reason, span })
    })
    if (after === undefined) return waited
    return waited.then(() => withSpan(span, after))
  }

  /** Lets writers go on until one finds no room or takes several turns. */
  drain(): void {
    if (this.#busy !== undefined) return
    let served = 0
    for (const { attempt, resolve, reject, since, reason, span } of this.#waiting) {
      try {
        const outcome = withSpan(span, attempt)
        if (outcome === false) break
        if (outcome === true) resolve()
        else this.#occupy(outcome).then(resolve, reject)
      } catch (error) {
        reject(error)
      }
      served++
      const waitedMs = this.#clock.now() - since
      this.stalls.totalMs += waitedMs
      span?.emit({ type: 'stall.end', waitedMs })
      this.#diagnostics?.publish('stall', { reason, waitedMs })
      if (this.#busy !== undefined) break
    }
    this.#waiting.splice(0, served)
  }

  /** Fails all waiting writers. */
  fail(error: unknown): void {
    const failed = this.#waiting
    this.#waiting = []
    for (const { reject, span, since, reason } of failed) {
      const waitedMs = this.#clock.now() - since
      span?.emit({ type: 'stall.end', waitedMs })
      this.#diagnostics?.publish('stall', { reason, waitedMs })
      reject(error)
    }
  }

  #occupy(write: Promise<void>): Promise<void> {
    const free = (): void => {
      this.#busy = undefined
    }
    const busy = write.then(free, free)
    this.#busy = busy
    void busy.then(() => undefined).then(() => this.drain())
    return write
  }
}
