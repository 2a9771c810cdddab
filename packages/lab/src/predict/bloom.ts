/** Formulas for the false positives of bloom filters. */

/**
 * p = (1 − e^(−k/b))^k: every one of k positions is set already, when each is set with probability 1 − e^(−k/b).
 * Source: Bloom 1970 in today's form, Broder and Mitzenmacher 2004.
 *
 * @param bitsPerKey b, in bits
 * @param probes k, positions per key
 * @returns a share, 0 to 1; 1 without a filter
 */
export function filterFalsePositives(bitsPerKey: number, probes: number): number {
  if (bitsPerKey <= 0 || probes <= 0) return 1
  return (1 - Math.exp(-probes / bitsPerKey)) ** probes
}

/** k = b · ln 2, the number of positions with the fewest false positives (Bloom 1970), as a whole number of at least 1. */
export function bestProbes(bitsPerKey: number): number {
  return Math.max(1, Math.round(bitsPerKey * Math.LN2))
}

/**
 * The exact rate of one filter: p = Σ P(i bits are set) · (i/m)^k, where the distribution of set bits follows from throwing k · n
 * positions one by one. The usual formula is a little low, notably for small filters. Takes m · k · n steps.
 * Source: Bose, Guo, Kranakis et al. 2008; Christensen, Roginsky and Jimeno 2010.
 *
 * @param bits m, of the whole filter
 * @param keys n, in the filter
 * @param probes k, positions per key
 */
export function exactFilterFalsePositives(bits: number, keys: number, probes: number): number {
  const probability = new Float64Array(bits + 1)
  probability[0] = 1
  const thrown = keys * probes
  for (let ball = 0; ball < thrown; ball++) {
    // Downwards, so that the distribution before this position is still there.
    for (let set = Math.min(bits, ball + 1); set > 0; set--) {
      probability[set] = (probability[set] * set) / bits + (probability[set - 1] * (bits - set + 1)) / bits
    }
    probability[0] = 0
  }
  let rate = 0
  for (let set = 0; set <= bits; set++) rate += probability[set] * (set / bits) ** probes
  return rate
}

/**
 * R = Σ p over the runs that a look-up of an absent key probes: data blocks it reads in vain. With the same bits per key everywhere
 * that is runs · p. Source: O'Neil 1996 without filters, Monkey (Dayan, Athanassoulis and Idreos, SIGMOD 2017) with them.
 *
 * @returns blocks per look-up
 */
export function absentKeyReads(runs: number, falsePositives: number): number {
  return runs * falsePositives
}

/**
 * The false positives of each run when p_i is proportional to its entries, p_i = c · n_i, for the same memory as with equal bits per key:
 * Σ n_i · ln(1/p_i) = b · ln²2 · Σ n_i. A run whose p_i would be more than 1 has no filter.
 * Source: Monkey (SIGMOD 2017), appendix on the optimal allocation.
 *
 * @param entries n_i, of each run
 * @param bitsPerKey b, on average over all entries
 * @returns shares, 0 to 1, in the order of the runs
 */
export function monkeyFalsePositives(entries: readonly number[], bitsPerKey: number): number[] {
  const exponent = bitsPerKey * Math.LN2 ** 2 * entries.reduce((sum, n) => sum + n, 0)
  const ascending = entries.filter(n => n > 0).sort((a, b) => a - b)
  for (let filtered = ascending.length; filtered > 0; filtered--) {
    const runs = ascending.slice(0, filtered)
    const keys = runs.reduce((sum, n) => sum + n, 0)
    const share = Math.exp(-(exponent + runs.reduce((sum, n) => sum + n * Math.log(n), 0)) / keys)
    if (share * runs[filtered - 1] <= 1) return entries.map(n => Math.min(1, share * n))
  }
  return entries.map(() => 1)
}

/**
 * Monkey's allocation: p_i grows with the size of the level, so that the sum over all levels converges. The cost of a look-up for an
 * absent key is then about e^(−(M/N) · ln²2) · T^(T/(T−1)) / (T−1), for any number of levels.
 * Source: Monkey (SIGMOD 2017), leveling.
 *
 * @param bitsPerKey M/N, filter bits for each entry of the store
 * @param fanOut T
 * @returns blocks per look-up
 */
export function monkeyAbsentKeyReads(bitsPerKey: number, fanOut: number): number {
  return (Math.exp(-bitsPerKey * Math.LN2 ** 2) * fanOut ** (fanOut / (fanOut - 1))) / (fanOut - 1)
}
