/**
 * The distribution of operations over keys. Each one draws from a given `Random`, so the seed decides everything.
 *
 * Sources: YCSB (Cooper et al., SoCC'10) for zipfian, scrambled, latest and hotspot, with the method of Gray et al. (SIGMOD'94);
 * RocksDB's db_bench and Cao et al. (FAST'20) for Pareto, power and the two-term exponential.
 */
import type { Random } from 'kvarium/vfs'
import { uniform } from 'kvarium/vfs'
import { fnv64, modulo } from './fnv.js'

/** In [0, 1), with 53 random bits. */
export function unit(random: Random): number {
  return ((random.uint32() >>> 5) * 2 ** 26 + (random.uint32() >>> 6)) / 2 ** 53
}

/** Draws numbers from 0 on. */
export interface Distribution {
  next(): number
}

/** Each of the numbers below `count` as often as any other. */
export class Uniform implements Distribution {
  readonly #random: Random
  readonly #count: number

  constructor(random: Random, count: number) {
    this.#random = random
    this.#count = count
  }

  next(): number {
    return uniform(this.#random, this.#count)
  }
}

/** YCSB's skew. */
export const ZIPFIAN_THETA = 0.99

/** The sum over 10^10 items with a skew of 0.99; computed once by YCSB's authors, because it takes minutes. */
const SCRAMBLED_ITEMS = 1e10
const SCRAMBLED_ZETA = 26.46902820178302

/** Σ 1 / i^theta for i from `from` + 1 to `to`, added to the sum of the terms before. */
export function zeta(from: number, to: number, theta: number, sum = 0): number {
  for (let i = from + 1; i <= to; i++) sum += 1 / i ** theta
  return sum
}

/**
 * Rank r, from 0, with a probability of 1 / (r + 1)^theta ÷ zeta(count). Items can be added: zeta grows by their terms and is never
 * approximated.
 */
export class Zipfian implements Distribution {
  readonly #random: Random
  readonly #theta: number
  readonly #alpha: number
  readonly #second: number
  readonly #zeta2: number
  #count: number
  #zeta: number
  #eta: number

  /** @param sum - The zeta of `count`, if known. */
  constructor(random: Random, count: number, theta = ZIPFIAN_THETA, sum = zeta(0, count, theta)) {
    this.#random = random
    this.#theta = theta
    this.#alpha = 1 / (1 - theta)
    this.#second = 1 + 0.5 ** theta
    this.#zeta2 = zeta(0, 2, theta)
    this.#count = count
    this.#zeta = sum
    this.#eta = this.#newEta()
  }

  get zeta(): number {
    return this.#zeta
  }

  /** Sets the number of items, which never falls. */
  grow(count: number): void {
    if (count === this.#count) return
    if (count < this.#count) throw new RangeError(`${count} items are fewer than the ${this.#count} there are`)
    this.#zeta = zeta(this.#count, count, this.#theta, this.#zeta)
    this.#count = count
    this.#eta = this.#newEta()
  }

  next(): number {
    const drawn = unit(this.#random)
    const scaled = drawn * this.#zeta
    if (scaled < 1) return 0
    if (scaled < this.#second) return Math.min(1, this.#count - 1)
    return Math.min(this.#count - 1, Math.floor(this.#count * (this.#eta * drawn - this.#eta + 1) ** this.#alpha))
  }

  #newEta(): number {
    return (1 - (2 / this.#count) ** (1 - this.#theta)) / (1 - this.#zeta2 / this.#zeta)
  }
}

/** Zipfian over 10^10 items, each mapped by its hash to one of `count` places, so that popular ones are spread. */
export class ScrambledZipfian implements Distribution {
  readonly #ranks: Zipfian
  readonly #count: number

  constructor(random: Random, count: number) {
    this.#ranks = new Zipfian(random, SCRAMBLED_ITEMS, ZIPFIAN_THETA, SCRAMBLED_ZETA)
    this.#count = count
  }

  next(): number {
    return modulo(fnv64(this.#ranks.next()), this.#count)
  }
}

/** The newest item is the most popular one, the one before the second; by rank zipfian. */
export class Latest implements Distribution {
  readonly #ages: Zipfian
  #count: number

  constructor(random: Random, count: number) {
    this.#ages = new Zipfian(random, count)
    this.#count = count
  }

  grow(count: number): void {
    this.#ages.grow(count)
    this.#count = count
  }

  next(): number {
    return this.#count - 1 - this.#ages.next()
  }
}

/** A share of the operations goes to a hot share of the items, the first ones; both parts are uniform. */
export class Hotspot implements Distribution {
  readonly #random: Random
  readonly #count: number
  readonly #hot: number
  readonly #share: number

  constructor(random: Random, count: number, hotSet: number, hotOperations: number) {
    this.#random = random
    this.#count = count
    this.#hot = Math.min(count, Math.max(1, Math.floor(count * hotSet)))
    this.#share = hotOperations
  }

  next(): number {
    const isHot = this.#hot === this.#count || unit(this.#random) < this.#share
    return isHot ? uniform(this.#random, this.#hot) : this.#hot + uniform(this.#random, this.#count - this.#hot)
  }
}

/**
 * The generalized Pareto distribution by inversion: location theta, shape k, scale sigma. Its mean is theta + sigma / (1 - k) for k < 1;
 * with k = 0 it is exponential.
 */
export function generalizedPareto(random: Random, theta: number, k: number, sigma: number): number {
  const drawn = 1 - unit(random)
  return k === 0 ? theta - sigma * Math.log(drawn) : theta + (sigma * (drawn ** -k - 1)) / k
}

/** Pareto's own distribution: at least `least`, P(X > x) = (least / x)^alpha. */
export function pareto(random: Random, least: number, alpha: number): number {
  return least * (1 - unit(random)) ** (-1 / alpha)
}

/** The inverse of y = a·x^b. */
export function powerInverse(y: number, a: number, b: number): number {
  return (y / a) ** (1 / b)
}

export interface KeyRangeModel {
  /** The popularity of range x, from 1: a·e^(b·x) + c·e^(d·x). */
  readonly ranges: number
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
  /** The popularity of keys in a range: y = keyA·x^keyB. */
  readonly keyA: number
  readonly keyB: number
}

/**
 * mixgraph's model of "All_dist with prefixes": ranges of keys, some of them hot by a two-term exponential, lie in random order; within a
 * range few keys get most of the operations, by a power law.
 */
export class KeyRanges implements Distribution {
  readonly #random: Random
  readonly #model: KeyRangeModel
  readonly #rangeKeys: number
  /** Cumulative accesses of the ranges, in key order. */
  readonly #ends: readonly number[]

  constructor(random: Random, count: number, model: KeyRangeModel) {
    this.#random = random
    this.#model = model
    this.#rangeKeys = Math.floor(count / model.ranges)
    if (this.#rangeKeys < 1) throw new RangeError(`${model.ranges} ranges need as many keys, not ${count}`)
    const weights = Array.from({ length: model.ranges }, (_, index) => Math.max(0, rangeWeight(model, model.ranges - index)))
    for (let left = weights.length; left > 1; left--) {
      const index = uniform(random, left)
      ;[weights[left - 1], weights[index]] = [weights[index], weights[left - 1]]
    }
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    let end = 0
    this.#ends = weights.map(weight => (end += weight / total))
  }

  next(): number {
    const { keyA, keyB } = this.#model
    const at = unit(this.#random)
    const found = this.#ends.findIndex(end => at < end)
    const range = found === -1 ? this.#ends.length - 1 : found
    const key = Math.ceil(powerInverse(unit(this.#random), keyA, keyB))
    return range * this.#rangeKeys + modulo(fnv64(key), this.#rangeKeys)
  }
}

/** Weight of range `x`, from 1. */
export function rangeWeight({ a, b, c, d }: KeyRangeModel, x: number): number {
  return a * Math.exp(b * x) + c * Math.exp(d * x)
}
