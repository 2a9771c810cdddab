/**
 * The order in which calls are answered: one after the other, but calls that only look need not wait for those that perform operations.
 *
 * Invariants:
 * 1. Calls that look are answered in their order, one at a time; so are all others.
 * 2. A call that looks finds every moment whole; what is under way meanwhile only adds moments, or puts another run in the place of this one.
 */
import type { AllCalls } from './protocol.js'

const LOOKING: ReadonlySet<keyof AllCalls> = new Set<keyof AllCalls>([
  'look',
  'seek',
  'operations',
  'timeline',
  'openHere',
  'types',
  'words',
  'engineOptions',
  'hex',
  'table',
  'history',
  'keyPlaces',
  'receipt',
])

export class CallOrder {
  #looking: Promise<unknown> = Promise.resolve()
  #performing: Promise<unknown> = Promise.resolve()

  /** Runs the work of a call when it is its turn. The work must not reject. */
  take(call: keyof AllCalls, work: () => Promise<void>): void {
    if (LOOKING.has(call)) this.#looking = this.#looking.then(work)
    else this.#performing = this.#performing.then(work)
  }
}
