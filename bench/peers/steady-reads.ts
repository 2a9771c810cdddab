/**
 * When a row of reads may end, and what it then says. Reads on a cold store measure the compiler and the warming of the cache, so a row runs
 * until its last windows agree in throughput and hit rate, and has made a million calls. Its figures are those of these windows alone.
 */

/** Calls in a part of a run. */
export interface ReadWindow {
  readonly operations: number
  readonly ms: number
  readonly cpuMs: number
  /** Look-ups of blocks or pages in the store's cache; NaN where the store does not count them. */
  readonly hits: number
  readonly misses: number
}

export interface SteadyRule {
  /** Calls before the row may end. */
  readonly leastOperations: number
  /** A row that is not steady by then ends all the same, and says so. */
  readonly mostMs: number
}

/** Windows that must agree. */
const WINDOWS = 4
/** By how much of their median the windows may differ in throughput. */
const WITHIN = 0.05
/** By how much their hit rates may differ. */
const HITS_WITHIN = 0.01

export class SteadyReads {
  readonly #rule: SteadyRule
  readonly #windows: ReadWindow[] = []
  #operations = 0
  #ms = 0

  constructor(rule: SteadyRule) {
    this.#rule = rule
  }

  add(window: ReadWindow): void {
    this.#windows.push(window)
    if (this.#windows.length > WINDOWS) this.#windows.shift()
    this.#operations += window.operations
    this.#ms += window.ms
  }

  get isDone(): boolean {
    return (this.#operations >= this.#rule.leastOperations && this.#isSteady) || this.#ms >= this.#rule.mostMs
  }

  get #isSteady(): boolean {
    if (this.#windows.length < WINDOWS) return false
    const rates = this.#windows.map(({ operations, ms }) => operations / ms).sort((a, b) => a - b)
    const hitRates = this.#windows.map(hitRate).filter(rate => !Number.isNaN(rate))
    const middle = rates[WINDOWS >> 1]
    return rates[WINDOWS - 1] - rates[0] <= middle * WITHIN && Math.max(0, ...hitRates) - Math.min(1, ...hitRates) <= HITS_WITHIN
  }

  /** The figures of the last windows. `steady` is 1 or 0, `operations` counts all calls. */
  get metrics(): Record<string, number> {
    const sum = (name: keyof ReadWindow): number => this.#windows.reduce((total, window) => total + window[name], 0)
    const operations = sum('operations')
    return {
      operationsPerSecond: (operations / sum('ms')) * 1000,
      cpuPerOperationUs: (sum('cpuMs') / operations) * 1000,
      hitRate: hitRate({ hits: sum('hits'), misses: sum('misses') }),
      steady: this.#isSteady ? 1 : 0,
      operations: this.#operations,
    }
  }
}

function hitRate({ hits, misses }: Pick<ReadWindow, 'hits' | 'misses'>): number {
  return hits / (hits + misses)
}
