import { build } from 'hdr-histogram-js'
import type { Latency } from './results.js'

const HOUR_NS = 3_600_000_000_000

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
