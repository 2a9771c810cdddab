export function keyOf(number: number): string {
  return String(number).padStart(16, '0')
}

/** Keys of a range of numbers in random order, with replacement: xorshift32. */
export class RandomKeys {
  readonly #entries: number
  #state: number

  constructor(entries: number, seed: number) {
    this.#entries = entries
    this.#state = seed | 1
  }

  next(): string {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state
    return keyOf((state >>> 0) % this.#entries)
  }
}
