import { describe, expect, it } from 'vitest'
import {
  generalizedPareto,
  Hotspot,
  KeyRanges,
  Latest,
  pareto,
  powerInverse,
  rangeWeight,
  ScrambledZipfian,
  Uniform,
  unit,
  Zipfian,
  ZIPFIAN_THETA,
  zeta,
  type Distribution,
} from '../../packages/lab/src/workloads/distributions.js'
import { decimal, fnv64, modulo } from '../../packages/lab/src/workloads/fnv.js'
import { MIXGRAPH_KEYS, MIXGRAPH_VALUES } from '../../packages/lab/src/workloads/mixgraph.js'
import { SeededRandom } from '../../src/vfs/seeded-random.js'

const DRAWS = 200_000

function countsOf(distribution: Distribution, size: number, draws = DRAWS): Float64Array {
  const counts = new Float64Array(size)
  for (let i = 0; i < draws; i++) counts[distribution.next()]++
  return counts
}

/** Pearson's statistic in standard deviations from its expectation; a fit is within about ±4. */
function misfit(counts: ArrayLike<number>, expected: (index: number) => number, draws = DRAWS): number {
  let chi = 0
  for (let i = 0; i < counts.length; i++) chi += (counts[i] - expected(i) * draws) ** 2 / (expected(i) * draws)
  const freedom = counts.length - 1
  return (chi - freedom) / Math.sqrt(2 * freedom)
}

describe('the hash of YCSB', () => {
  const reference = (value: number): bigint => {
    let hash = 0xcbf29ce484222325n
    for (let i = 0n; i < 8n; i++) hash = BigInt.asUintN(64, (hash ^ ((BigInt(value) >> (8n * i)) & 0xffn)) * 1099511628211n)
    const signed = BigInt.asIntN(64, hash)
    return signed < 0n ? -signed : signed
  }

  it('two halves of a number hash like one of 64 bits, also beyond 32 bits and with a sign to drop', () => {
    const random = new SeededRandom(7)
    const values = [0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 12345, Number.MAX_SAFE_INTEGER]
    for (let i = 0; i < 2000; i++) values.push(Math.floor(unit(random) * 2 ** (1 + (i % 52))))
    for (const value of values) {
      const hash = fnv64(value)
      expect(decimal(hash)).toBe(String(reference(value)))
      expect(modulo(hash, 1_000_003)).toBe(Number(reference(value) % 1_000_003n))
      expect(modulo(hash, 2 ** 35)).toBe(Number(reference(value) % 2n ** 35n))
    }
  })

  it('record 0 has the key that YCSB gives it', () => {
    expect(decimal(fnv64(0))).toBe('6284781860667377211')
  })
})

describe('uniform numbers', () => {
  it('no number is preferred', () => {
    expect(Math.abs(misfit(countsOf(new Uniform(new SeededRandom(1), 1000), 1000), () => 1 / 1000))).toBeLessThan(4)
  })

  it('a unit never reaches 1 and its mean is a half', () => {
    const random = new SeededRandom(2)
    const drawn = Float64Array.from({ length: DRAWS }, () => unit(random)).sort()
    expect(drawn[0]).toBeGreaterThanOrEqual(0)
    expect(drawn[DRAWS - 1]).toBeLessThan(1)
    expect(Math.abs(drawn.reduce((sum, value) => sum + value) / DRAWS - 0.5)).toBeLessThan(0.003)
  })
})

describe('zipfian numbers', () => {
  it('the most popular item is drawn once in zeta times, the second 2^0.99 times less often', () => {
    const items = 1000
    const sum = zeta(0, items, ZIPFIAN_THETA)
    const counts = countsOf(new Zipfian(new SeededRandom(3), items), items)
    expect(Math.abs(counts[0] / DRAWS - 1 / sum)).toBeLessThan(0.003)
    expect(Math.abs(counts[1] / DRAWS - 0.5 ** ZIPFIAN_THETA / sum)).toBeLessThan(0.003)
  })

  it('each tenfold of ranks is drawn as often as theory says, to a hundredth', () => {
    const items = 100_000
    const sum = zeta(0, items, ZIPFIAN_THETA)
    const counts = countsOf(new Zipfian(new SeededRandom(4), items), items)
    for (const [from, to] of [
      [0, 10],
      [10, 100],
      [100, 1000],
      [1000, 10_000],
      [10_000, 100_000],
    ]) {
      const share = counts.slice(from, to).reduce((total, count) => total + count, 0) / DRAWS
      expect(Math.abs(share - zeta(from, to, ZIPFIAN_THETA) / sum)).toBeLessThan(0.012)
    }
  })

  it('zeta grows by the terms of new items and stays what it is from scratch', () => {
    const grown = new Zipfian(new SeededRandom(5), 100)
    for (const items of [101, 150, 5000]) grown.grow(items)
    expect(grown.zeta).toBeCloseTo(zeta(0, 5000, ZIPFIAN_THETA), 10)
    const fresh = new Zipfian(new SeededRandom(5), 5000)
    for (let i = 0; i < 1000; i++) expect(grown.next()).toBe(fresh.next())
    expect(() => grown.grow(10)).toThrow(RangeError)
  })

  it("YCSB's published zeta of 10^10 items fits the integral", () => {
    // Σ i^-θ from 1 to n is (n^(1-θ) - 1) / (1-θ) + a constant computed from the first 10^5 terms.
    const n = 1e5
    const power = 1 - ZIPFIAN_THETA
    const rest = (1e10 ** power - n ** power) / power
    expect(zeta(0, n, ZIPFIAN_THETA) + rest).toBeCloseTo(26.46902820178302, 4)
  })

  it('scrambled: the most popular item is the hash of rank 0, with a share of 1 in 26.469, and the others lie anywhere', () => {
    const items = 10_000
    const counts = countsOf(new ScrambledZipfian(new SeededRandom(6), items), items)
    const most = counts.indexOf(Math.max(...counts))
    expect(most).toBe(modulo(fnv64(0), items))
    expect(Math.abs(counts[most] / DRAWS - 1 / 26.46902820178302)).toBeLessThan(0.003)
    const hot = [...counts.keys()].sort((a, b) => counts[b] - counts[a]).slice(0, 100)
    const firstHalf = hot.filter(item => item < items / 2).length
    expect(firstHalf).toBeGreaterThan(30)
    expect(firstHalf).toBeLessThan(70)
  })

  it('latest: the newest item is the most popular, also after more have come', () => {
    const latest = new Latest(new SeededRandom(7), 1000)
    latest.grow(2000)
    const counts = countsOf(latest, 2000)
    expect(counts.indexOf(Math.max(...counts))).toBe(1999)
    expect(counts[1999] / DRAWS).toBeCloseTo(1 / zeta(0, 2000, ZIPFIAN_THETA), 2)
    expect(counts[1998]).toBeGreaterThan(counts[1990])
  })
})

describe('other distributions', () => {
  it('hotspot: the hot share gets its operations, and both parts are even', () => {
    const counts = countsOf(new Hotspot(new SeededRandom(8), 1000, 0.2, 0.8), 1000)
    expect(Math.abs(misfit(counts, index => (index < 200 ? 0.8 / 200 : 0.2 / 800)))).toBeLessThan(4)
    expect(countsOf(new Hotspot(new SeededRandom(8), 10, 1, 0.5), 10, 100).reduce((a, b) => a + b)).toBe(100)
  })

  it("mixgraph's sizes of values have the mean σ / (1 - k) and the quantiles of their distribution", () => {
    const { theta, k, sigma } = MIXGRAPH_VALUES
    const random = new SeededRandom(9)
    const drawn = Float64Array.from({ length: DRAWS }, () => generalizedPareto(random, theta, k, sigma)).sort()
    const mean = drawn.reduce((sum, value) => sum + value, 0) / DRAWS
    expect(sigma / (1 - k)).toBeCloseTo(34.46, 2)
    expect(Math.abs(mean - sigma / (1 - k))).toBeLessThan(0.7)
    for (const share of [0.1, 0.5, 0.9, 0.99]) {
      const quantile = (sigma * ((1 - share) ** -k - 1)) / k
      expect(Math.abs(drawn[Math.floor(share * DRAWS)] / quantile - 1)).toBeLessThan(0.04)
    }
  })

  it('without a shape it is exponential', () => {
    const random = new SeededRandom(10)
    let sum = 0
    for (let i = 0; i < DRAWS; i++) sum += generalizedPareto(random, 5, 0, 20)
    expect(Math.abs(sum / DRAWS - 25)).toBeLessThan(0.2)
  })

  it("Pareto's own never falls below its least, and has his quantiles", () => {
    const random = new SeededRandom(11)
    const drawn = Float64Array.from({ length: DRAWS }, () => pareto(random, 3, 2)).sort()
    expect(drawn[0]).toBeGreaterThanOrEqual(3)
    expect(drawn[DRAWS >> 1]).toBeCloseTo(3 * Math.SQRT2, 1)
  })

  it('the inverse of a power is one', () => {
    for (const x of [1, 5, 1000]) expect(powerInverse(0.002312 * x ** 0.3467, 0.002312, 0.3467)).toBeCloseTo(x, 6)
  })

  it("mixgraph's ranges get the shares of their two-term exponential, in another order, and few keys of a range get most", () => {
    const items = 30_000
    const draws = DRAWS
    const counts = countsOf(new KeyRanges(new SeededRandom(12), items, MIXGRAPH_KEYS), items, draws)
    const shares = Array.from({ length: 30 }, (_, range) => counts.slice(range * 1000, range * 1000 + 1000).reduce((a, b) => a + b) / draws)
    const weights = Array.from({ length: 30 }, (_, index) => rangeWeight(MIXGRAPH_KEYS, index + 1))
    const total = weights.reduce((a, b) => a + b)
    const sorted = [...shares].sort((a, b) => b - a)
    for (const [index, weight] of weights.sort((a, b) => b - a).entries())
      expect(Math.abs(sorted[index] - weight / total)).toBeLessThan(0.005)
    expect(shares).not.toEqual(sorted)
    const hottest = shares.indexOf(sorted[0])
    // The first step of the power law ends at a: its key gets that much more than the others, which share what is left nearly evenly.
    const accesses = shares[hottest] * draws
    const first = counts[hottest * 1000 + modulo(fnv64(1), 1000)] / accesses
    expect(first).toBeGreaterThan(MIXGRAPH_KEYS.keyA)
    expect(first).toBeLessThan(MIXGRAPH_KEYS.keyA + 2 / 1000)
  })
})
