/** A part of the memory budget, held by one store. */
export interface MemoryShare {
  readonly bytes: number
  /** Gives the part back. */
  release(): void
}

/** The part of what is left that one store takes. */
const PART = 1 / 4

/**
 * Divides the memory that the process may still take among the stores that ask for a part. Each gets a quarter of what others have left: so
 * many stores together never take all of it, and the first does not leave the second without.
 */
export class MemoryBudget {
  readonly #available: () => number
  #held = 0

  /** @param available - Bytes that the process may still take from the system. Called at each `take`. */
  constructor(available: () => number) {
    this.#available = available
  }

  /** A quarter of what is left, in bytes, but not under `least` and not above `most`. */
  take(least: number, most: number): MemoryShare {
    const left = Math.max(0, this.#available() - this.#held)
    const bytes = Math.min(most, Math.max(least, Math.floor(left * PART)))
    this.#held += bytes
    let isHeld = true
    const release = (): void => {
      if (isHeld) this.#held -= bytes
      isHeld = false
    }
    return { bytes, release }
  }
}
