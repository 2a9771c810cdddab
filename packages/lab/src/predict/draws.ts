/**
 * Formulas for keys drawn repeatedly from a fixed set: how many different ones are drawn, and how many draws hit a cache.
 *
 * Zipfian: key number i of N has probability (1 / i^θ) / ζ(N, θ), as in YCSB (after Gray et al., SIGMOD 1994), θ below 1.
 */
import type { Distribution } from './prediction.js'

export const YCSB_THETA = 0.99

/**
 * N · (1 − (1 − 1/N)^n): different items among n uniform draws of N with replacement.
 * Source: Cárdenas 1975; for pages of a file, which {@link distinctPages} does exactly.
 */
export function distinctUniform(items: number, draws: number): number {
  return items <= 0 ? 0 : -items * Math.expm1(draws * Math.log1p(-1 / Math.max(items, 1 + 1e-12)))
}

/**
 * Pages touched by n different records of N that lie evenly on m pages: m · (1 − Π (N − N/m − i + 1) / (N − i + 1)), i = 1 .. n.
 * Source: Yao, CACM 1977 (and in use for B-trees since).
 */
export function distinctPages(records: number, pages: number, chosen: number): number {
  if (pages <= 0) return 0
  const elsewhere = records - records / pages
  if (chosen > elsewhere) return pages
  let missed = 1
  for (let i = 1; i <= chosen && missed > 1e-18; i++) missed *= (elsewhere - i + 1) / (records - i + 1)
  return pages * (1 - missed)
}

/** Draws after which `distinct` of N items are expected to be drawn: the inverse of {@link distinctUniform}. `Infinity` for all. */
export function drawsFor(items: number, distinct: number): number {
  return distinct >= items ? Infinity : Math.log1p(-distinct / items) / Math.log1p(-1 / items)
}

/** Different keys among n puts. */
export function distinctKeys(distribution: Distribution, keys: number, puts: number, theta = YCSB_THETA): number {
  if (distribution === 'ascending') return Math.min(keys, puts)
  if (distribution === 'uniform') return distinctUniform(keys, puts)
  const mass = zeta(keys, theta)
  return sumOver(keys, rank => -Math.expm1(puts * Math.log1p(-Math.min(1 - 1e-12, 1 / (rank ** theta * mass)))))
}

/** ζ(n, θ) = Σ 1 / i^θ for i = 1 .. n, by Euler and Maclaurin beyond the first thousand. */
export function zeta(n: number, theta: number): number {
  const exact = Math.min(n, 1000)
  let sum = 0
  for (let i = 1; i <= exact; i++) sum += i ** -theta
  if (n <= exact) return sum
  const integral = theta === 1 ? Math.log(n / exact) : (n ** (1 - theta) - exact ** (1 - theta)) / (1 - theta)
  return sum + integral + (n ** -theta - exact ** -theta) / 2
}

export type Access = { readonly distribution: 'uniform' } | { readonly distribution: 'zipfian'; readonly theta?: number }

/**
 * Share of draws that hit a cache of C of N items if it always holds the likeliest ones: C/N, or ζ(C, θ) / ζ(N, θ). No policy
 * does better without knowing the future (the independent reference model; Coffman and Denning 1973, A0).
 */
export function idealHitRate(items: number, cached: number, access: Access): number {
  if (cached >= items) return 1
  if (access.distribution === 'uniform') return cached / items
  const theta = access.theta ?? YCSB_THETA
  return zeta(cached, theta) / zeta(items, theta)
}

/**
 * Share of draws that hit an LRU cache: Σ p · (1 − e^(−p · t)), where t, the time an item stays, is such that
 * Σ (1 − e^(−p · t)) = C. Source: Che, Tung and Wang 2002.
 */
export function lruHitRate(items: number, cached: number, access: Access): number {
  return pageHitRate({ records: items, pages: items, cached }, access)
}

export interface CachedPages {
  /** Records to draw from. */
  readonly records: number
  /** Pages of the records; the most popular records lie on different pages, as after hashing. */
  readonly pages: number
  /** Pages that fit in the cache. */
  readonly cached: number
  /** Draws since the cache was empty. Default: enough that the start does not matter. */
  readonly draws?: number
}

/**
 * The same for pages: each has its share of the records, and at most one of the most popular ones. An empty cache misses
 * each page once until it is full: Σ (1 − e^(−p · n)) of n draws. Source: Che, Tung and Wang 2002; Cárdenas 1975 for the beginning.
 */
export function pageHitRate({ records, pages, cached, draws = Infinity }: CachedPages, access: Access): number {
  if (cached <= 0 || pages <= 0) return 0
  const rate = pageRates(records, pages, access)
  const held = (time: number): number => sumOver(pages, rank => -Math.expm1(-time * rate(rank)))
  const time = cached >= pages ? Infinity : timeToFill(held, cached)
  if (draws <= time) return draws === Infinity ? 1 : Math.max(0, 1 - held(draws) / draws)
  const steady = sumOver(pages, rank => -Math.expm1(-time * rate(rank)) * rate(rank))
  return draws === Infinity ? steady : Math.max(0, 1 - (cached + (draws - time) * (1 - steady)) / draws)
}

/** Probability of the page with the likeliest record, the second likeliest and so on; other records are spread evenly. */
function pageRates(records: number, pages: number, access: Access): (rank: number) => number {
  if (access.distribution === 'uniform') return () => 1 / pages
  const theta = access.theta ?? YCSB_THETA
  const mass = zeta(records, theta)
  const others = pages >= records ? 0 : (1 - zeta(pages, theta) / mass) / pages
  return rank => 1 / (rank ** theta * mass) + others
}

function timeToFill(held: (time: number) => number, cached: number): number {
  let low = 0
  let high = cached
  while (held(high) < cached) high *= 2
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (held(middle) < cached) low = middle
    else high = middle
  }
  return high
}

/** Σ f(i) for i = 1 .. n of a smooth f: one by one at first, then by Simpson's rule over ranges that grow by a hundredth. */
function sumOver(n: number, f: (rank: number) => number): number {
  let sum = 0
  let from = 1
  for (; from <= n && from <= 256; from++) sum += f(from)
  while (from <= n) {
    const last = Math.min(n, from + Math.floor(from / 100))
    // The sum over whole numbers is the integral from half below the first to half above the last.
    const [a, b] = [from - 0.5, last + 0.5]
    sum += ((b - a) / 6) * (f(a) + 4 * f((a + b) / 2) + f(b))
    from = last + 1
  }
  return sum
}
