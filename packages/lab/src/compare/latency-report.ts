/** Latencies of all rounds in the form of a report. */
import { spreadOf, type LatencyReport, type PhaseReport, type Spread } from '../report/run-report.js'
import type { CallLatency, Latency } from './results.js'

/** The measurement of one round. */
type Measured = Pick<CallLatency, 'latency' | 'distribution'>

/** @param rounds - At least one; the distribution is that of `chosen`. */
export function latencyReport(rounds: readonly Measured[], chosen = rounds[0]): LatencyReport {
  const over = (name: keyof Latency): Spread => spreadOf(rounds.map(({ latency }) => latency[name]))
  return {
    meanUs: over('meanUs'),
    p50Us: over('p50Us'),
    p99Us: over('p99Us'),
    p999Us: over('p999Us'),
    maxUs: over('maxUs'),
    cdf: chosen.distribution,
  }
}

/** Per kind of call; empty if there is only one. */
export function callReports(rounds: readonly (readonly CallLatency[])[], chosen = rounds[0]): Pick<PhaseReport, 'calls'> {
  if (chosen.length === 0) return {}
  const calls = chosen.map(own => {
    const all = rounds.flatMap(round => round.filter(({ kind }) => kind === own.kind))
    return { kind: own.kind, operations: own.operations, latency: latencyReport(all, own) }
  })
  return { calls }
}
