/**
 * The lateness of a 1 ms timer. Between two firings that are `g` ms apart, a request at a random moment waits up
 * to `g - 1` ms. So a firing that is L ms late adds the values L, L-1, ... 0: otherwise one stall of a second would count
 * as a single slow event among thousands. Percentiles are over these values. A firing still missing at the end counts as
 * late until then.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { LagReport } from '../report/run-report.js'

export interface Lag {
  readonly [name: string]: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
  /** Firings per 1000 ms; about 900 when the event loop is never blocked. */
  readonly ticksPerSecond: number
  /** Node's own histogram at resolution 1, its interval included, one value per firing. */
  readonly nodeP999Ms: number
}

const INTERVAL_MS = 1

export class LagRecorder {
  readonly #lags: number[] = []
  readonly #histogram = monitorEventLoopDelay({ resolution: INTERVAL_MS })
  readonly #start = performance.now()
  readonly #timer: NodeJS.Timeout
  #last = this.#start

  constructor() {
    this.#histogram.enable()
    this.#timer = setInterval(() => this.#tick(), INTERVAL_MS).unref()
  }

  /** Stops and returns the values for a report. */
  report(): LagReport {
    const { p50Ms, p99Ms, p999Ms, maxMs, ticksPerSecond } = this.stop()
    return { p50Ms, p99Ms, p999Ms, maxMs, ticksPerSecond }
  }

  stop(): Lag {
    const ticks = this.#lags.length
    this.#tick()
    clearInterval(this.#timer)
    this.#histogram.disable()
    const waits = implied(this.#lags)
    const at = (share: number): number => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))]
    return {
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      p999Ms: at(0.999),
      maxMs: waits[waits.length - 1],
      ticksPerSecond: (ticks / (this.#last - this.#start)) * 1000,
      nodeP999Ms: this.#histogram.count === 0 ? NaN : this.#histogram.percentile(99.9) / 1e6,
    }
  }

  #tick(): void {
    const now = performance.now()
    this.#lags.push(Math.max(0, now - this.#last - INTERVAL_MS))
    this.#last = now
  }
}

function implied(lags: readonly number[]): Float64Array {
  const waits: number[] = []
  for (const lag of lags) {
    for (let wait = lag; wait > 0; wait -= INTERVAL_MS) waits.push(wait)
    if (lag === 0) waits.push(0)
  }
  return Float64Array.from(waits).sort()
}
