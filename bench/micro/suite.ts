/**
 * What a micro-benchmark is. A case does the same operation a number of times in one call, so that the cost of the call
 * and of the clock vanishes, and returns something that depends on every result, so that none of it can be left out.
 */
import Benchmark from 'benchmark'
import { median } from '../table.js'

export interface Case {
  readonly name: string
  /** How often one call of `run` repeats the work. */
  readonly operations: number
  readonly run: () => number
}

export interface Micro {
  readonly about: string
  /** Prepares everything that is not to be timed. */
  readonly cases: () => Promise<readonly Case[]>
}

export interface Timing {
  readonly name: string
  /** Per operation: of the median sample, the fastest and the slowest. */
  readonly nanoseconds: number
  readonly leastNanoseconds: number
  readonly mostNanoseconds: number
  readonly samples: number
}

/** Where all results end up. Exported, so that they count as used. */
export let sink = 0

/** Times a case for at least `seconds`. benchmark.js warms it up, finds how often to call it, and samples. */
export function time({ name, operations, run }: Case, seconds: number): Timing {
  const benchmark = new Benchmark(() => void (sink = (sink + run()) | 0), { maxTime: seconds, minSamples: 10 })
  benchmark.run({ async: false })
  const failure = (benchmark as unknown as { readonly error?: Error }).error
  if (failure !== undefined) throw failure
  const samples = (benchmark.stats.sample as number[]).map(callSeconds => (callSeconds / operations) * 1e9)
  return {
    name,
    nanoseconds: median(samples),
    leastNanoseconds: Math.min(...samples),
    mostNanoseconds: Math.max(...samples),
    samples: samples.length,
  }
}
