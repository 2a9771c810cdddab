import { build } from 'hdr-histogram-js'
import type { CallLatency, Latency } from './results.js'

const HOUR_NS = 3_600_000_000_000
/** The percentiles that are kept: dense in the tail. */
const PERCENTILES = [
  0, 1, 2, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 92, 94, 96, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.99, 100,
]

/** Latencies of calls of different kinds, together and per kind. */
export class MixedLatencies {
  readonly all = new LatencyRecorder()
  readonly #byKind = new Map<string, LatencyRecorder>()

  record(kind: string, ms: number): void {
    this.all.record(ms)
    let recorder = this.#byKind.get(kind)
    if (recorder === undefined) this.#byKind.set(kind, (recorder = new LatencyRecorder()))
    recorder.record(ms)
  }

  /** Per kind, in the order of first calls; empty if there is only one. */
  byKind(): CallLatency[] {
    if (this.#byKind.size < 2) return []
    return [...this.#byKind].map(([kind, recorder]) => ({
      kind,
      operations: recorder.count,
      latency: recorder.summary(),
      distribution: recorder.distribution(),
    }))
  }
}

/** The latencies of a phase, in an HDR histogram of nanoseconds with three significant digits. */
export class LatencyRecorder {
  readonly #histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: HOUR_NS, numberOfSignificantValueDigits: 3 })
  #totalMs = 0
  #maxNs = 0

  record(ms: number): void {
    const ns = Math.max(1, Math.min(HOUR_NS, Math.round(ms * 1e6)))
    this.#totalMs += ms
    if (ns > this.#maxNs) this.#maxNs = ns
    this.#histogram.recordValue(ns)
  }

  get totalMs(): number {
    return this.#totalMs
  }

  get count(): number {
    return this.#histogram.totalCount
  }

  /** Drops all values. */
  reset(): void {
    this.#histogram.reset()
    this.#totalMs = 0
    this.#maxNs = 0
  }

  /** The cumulative distribution: microseconds, and the share of the calls that took at most as long. */
  distribution(): (readonly [us: number, share: number])[] {
    if (this.#histogram.totalCount === 0) return []
    const points: (readonly [number, number])[] = []
    for (const percentile of PERCENTILES) {
      const us = Math.min(this.#maxNs, this.#histogram.getValueAtPercentile(percentile)) / 1000
      // If several percentiles have the same value, only the last one gives the share of calls that took at most that.
      if (points.at(-1)?.[0] === us) points.pop()
      points.push([us, percentile / 100])
    }
    return points
  }

  summary(): Latency {
    const count = this.#histogram.totalCount
    const us = (percentile: number): number =>
      count === 0 ? 0 : Math.min(this.#maxNs, this.#histogram.getValueAtPercentile(percentile)) / 1000
    return {
      meanUs: count === 0 ? 0 : (this.#totalMs * 1000) / count,
      p50Us: us(50),
      p99Us: us(99),
      p999Us: us(99.9),
      maxUs: this.#maxNs / 1000,
    }
  }
}
