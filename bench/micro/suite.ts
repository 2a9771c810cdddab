/**
 * A micro-benchmark. A case repeats the same operation in one call, so that the cost of the call and of the clock
 * becomes negligible, and returns a value that depends on every result, so that the compiler cannot omit any of it.
 */
import Benchmark from 'benchmark'
import { median } from '../table.js'

export interface Case {
  readonly name: string
  /** Operations in one call of `run`. */
  readonly operations: number
  readonly run: () => number
}

export interface Micro {
  readonly about: string
  /** Prepares everything that is not timed. */
  readonly cases: () => Promise<readonly Case[]>
}

export interface Timing {
  readonly name: string
  /** Per operation: the median, the fastest and the slowest sample. */
  readonly nanoseconds: number
  readonly leastNanoseconds: number
  readonly mostNanoseconds: number
  readonly samples: number
}

/** Collects all results. Exported, so that they count as used. */
export let sink = 0

/** Times a case for at least `seconds`. benchmark.js warms it up, chooses the number of calls, and samples. */
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
