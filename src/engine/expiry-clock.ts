import { wallTimeOf, type Clock, type Environment } from '../vfs/environment.js'

/**
 * The time by which an engine hides expired entries: the wall clock, which never goes back while the engine is open.
 *
 * Invariant: what one read did not show, no later read shows. So a merge may drop what has expired for the oldest reader.
 */
export class ExpiryClock {
  readonly #wallTime: () => number
  #latest = 0

  constructor(clock: Clock) {
    this.#wallTime = wallTimeOf(clock)
  }

  /** Milliseconds since the Unix epoch. */
  readonly now = (): number => {
    const time = this.#wallTime()
    if (time > this.#latest) this.#latest = time
    return this.#latest
  }
}

/**
 * The same environment with a wall clock that never goes back, for a store that counts each `ttl` from the time by which its engine hides entries.
 * With a clock of its own, what is put after the wall clock was set back would be expired at once.
 */
export function withExpiryClock(environment: Environment): Environment {
  const { clock } = environment
  return { ...environment, clock: { now: () => clock.now(), wallTime: new ExpiryClock(clock).now } }
}
