/** When entries expire, as a sample of bounded size: every entry's expiry at first, then every second one's, and so on. */
export class ExpirySample {
  readonly #capacity: number
  #sample: number[] = []
  #stride = 1
  #seen = 0

  /** Keeps at most `capacity` expiries. */
  constructor(capacity = 1024) {
    this.#capacity = capacity
  }

  note(expiry: number): void {
    if (this.#seen++ % this.#stride !== 0) return
    if (this.#sample.length === this.#capacity) {
      this.#sample = this.#sample.filter((_, index) => index % 2 === 0)
      this.#stride *= 2
      if ((this.#seen - 1) % this.#stride !== 0) return
    }
    this.#sample.push(expiry)
  }

  /** About when half of `entries`, those without an expiry among them, will have expired; `undefined` if fewer expire. */
  halfOf(entries: number): number | undefined {
    const rank = Math.ceil(entries / 2)
    if (this.#seen === 0 || this.#seen < rank) return undefined
    const sorted = [...this.#sample].sort((a, b) => a - b)
    return sorted[Math.min(sorted.length, Math.ceil(rank / this.#stride)) - 1]
  }

  /** `halfOf` the entries that were noted. */
  get halfOfAll(): number | undefined {
    return this.halfOf(this.#seen)
  }
}
