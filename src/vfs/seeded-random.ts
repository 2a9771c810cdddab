import type { Random } from './environment.js'

/**
 * Reproducible random numbers: sfc32 (Chris Doty-Humphrey's Small Fast Counter, of the PractRand tests), whose state is filled
 * from the seed by splitmix32 so that neighbouring seeds give unrelated sequences. Not for secrets.
 */
export class SeededRandom implements Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** @param seed - any safe integer; the same seed gives the same sequence on every platform. */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed)) throw new TypeError(`a seed is a safe integer, not ${seed}`)
    this.#a = mix(seed | 0)
    this.#b = mix((Math.floor(seed / 2 ** 32) ^ 0x9e3779b9) | 0)
    this.#c = mix(this.#a ^ this.#b)
    for (let i = 0; i < 12; i++) this.uint32()
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** Uniform in [0, n), `n` from 1 to 2^32. */
  uniform(n: number): number {
    return uniform(this, n)
  }
}

/** Uniform in [0, n), `n` from 1 to 2^32: draws again for numbers of the incomplete last range. */
export function uniform(random: Random, n: number): number {
  if (!(n >= 1 && n <= 2 ** 32)) throw new RangeError(`a range of ${n} numbers: it must hold 1 to 2^32`)
  const limit = 2 ** 32 - (2 ** 32 % n)
  let drawn = random.uint32()
  while (drawn >= limit) drawn = random.uint32()
  return drawn % n
}

function mix(seed: number): number {
  let z = (seed + 0x9e3779b9) | 0
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return z ^ (z >>> 15)
}
