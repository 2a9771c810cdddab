/** A pseudo-random order of the numbers below `count`: a bijection that needs no memory. */
export class Shuffle {
  readonly #count: number
  readonly #seed: number
  readonly #mask: number
  readonly #half: number

  constructor(count: number, seed: number) {
    const bits = Math.max(2, Math.ceil(Math.log2(count)))
    this.#count = count
    this.#seed = seed
    this.#mask = 2 ** bits - 1
    this.#half = Math.ceil(bits / 2)
  }

  /** The number at place `index`, which must be below the count. */
  at(index: number): number {
    let x = index
    do {
      x = Math.imul(x ^ this.#seed, 0x9e3779b1) & this.#mask
      x ^= x >>> this.#half
      x = Math.imul(x, 0x85ebca6b) & this.#mask
      x ^= x >>> this.#half
    } while (x >= this.#count)
    return x
  }
}
