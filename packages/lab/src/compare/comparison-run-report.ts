/** A comparison as the report of a run. */
import { storeParts, sumOf } from './traffic.js'
import { predict } from '../predict/predict.js'
import { predictorOf } from '../predict/predictors.js'
import type { Prediction, Work } from '../predict/prediction.js'
import { writeAmplification } from 'kvarium/trace'
import { REPORT_FORMAT, REPORT_VERSION, spreadOf } from '../report/run-report.js'
import type {
  EngineReport,
  MachineReport,
  OutsideReport,
  PhaseReport,
  RunReport,
  Spread,
  WorkReport,
  WriteAccount,
} from '../report/run-report.js'
import type { Comparison, EngineResult, PhaseResult } from './results.js'
import { callReports, latencyReport } from './latency-report.js'
import type { Traffic } from './traffic.js'

export interface ComparisonAbout {
  readonly title: string
  /** When it started. */
  readonly createdAt: Date
  /** The command that reproduces this run. */
  readonly command: string
  readonly machine: MachineReport
  /** Versions of the software, by name. */
  readonly versions: Readonly<Record<string, string>>
  readonly work: WorkReport
  /** The work for the formulas; without it nothing is predicted. */
  readonly predictedWork?: Work
}

/** Times are spreads over the rounds; bytes and counts are those of the first. */
export function comparisonRunReport(comparison: Comparison, about: ComparisonAbout): RunReport {
  const { title, createdAt, command, machine, versions, work, predictedWork } = about
  return {
    format: REPORT_FORMAT,
    version: REPORT_VERSION,
    title,
    createdAt: createdAt.toISOString(),
    command,
    machine,
    versions,
    work,
    rounds: Math.max(1, ...comparison.engines.map(({ rounds }) => rounds.length)),
    engines: comparison.engines.map(result => engineReport(result, predictedWork)),
  }
}

function engineReport(result: EngineResult, predictedWork: Work | undefined): EngineReport {
  const { name, engine, options, phases, traffic, endOfWrites, live, disk, cacheBytes, timeline } = result
  const { found, missing, scan } = traffic
  const writesFiles = sumOf(traffic.written) > 0
  const hits = found.blocksFromCache + missing.blocksFromCache + scan.blocksFromCache
  const misses = found.blocksFromDisk + missing.blocksFromDisk + scan.blocksFromDisk
  const atEndOfWrites = live.bytes === 0 ? 0 : endOfWrites.diskBytes / live.bytes
  const outside = writesFiles ? outsideReport(result) : undefined
  return {
    name,
    engine,
    kind: 'kvarium',
    options: Object.fromEntries(Object.entries(options).filter(([, value]) => isScalar(value))) as EngineReport['options'],
    phases: phases.map((phase, index) =>
      phaseReport(
        phase,
        result.rounds.flatMap(round => round[index] ?? []),
      ),
    ),
    ...(writesFiles && { write: { atEndOfWrites: writeAccount(endOfWrites.traffic), settled: writeAccount(traffic) } }),
    ...(outside !== undefined && { outside }),
    ...(writesFiles && { read: { found, missing, scan, blocksPerGet: result.blocksPerGet } }),
    space: {
      liveBytes: live.bytes,
      peakBytes: disk.peakBytes,
      atEndOfWritesBytes: endOfWrites.diskBytes,
      settledBytes: disk.bytes,
      peak: once(result.amplification.space.peak),
      atEndOfWrites: once(atEndOfWrites),
      settled: once(result.amplification.space.settled),
      files: disk.files,
    },
    memory: { peakRssBytes: once(result.peakRssBytes), engineBytes: result.memoryBytes },
    ...(cacheBytes !== undefined && { cache: { hits, misses, capacityBytes: cacheBytes } }),
    stalls: result.stalls,
    timeline,
    predictions: predictions(result, predictedWork),
    verification: {
      entries: result.verification.entries,
      deleted: result.verification.deleted,
      digest: result.verification.digest,
      problems: result.problems,
      problemCount: result.problemCount,
    },
  }
}

function predictions({ final }: EngineResult, work: Work | undefined): readonly Prediction[] {
  if (work === undefined || final === undefined || predictorOf(final.shape.engine) === undefined) return []
  return predict(final, work)
}

/** @param rounds - The same phase in every round that reached it. */
function phaseReport(phase: PhaseResult, rounds: readonly PhaseResult[]): PhaseReport {
  const { name, operations, entries, lag, traffic } = phase
  return {
    name,
    operations,
    entries,
    ms: spreadOf(rounds.map(({ ms }) => ms)),
    perSecond: spreadOf(rounds.map(({ entriesPerSecond }) => entriesPerSecond)),
    latency: latencyReport(rounds),
    ...callReports(rounds.map(({ calls }) => calls)),
    lag,
    writtenBytes: sumOf(traffic.written),
    readBytes: sumOf(traffic.read),
  }
}

function writeAccount(traffic: Traffic): WriteAccount {
  const { userBytes, written, saved } = traffic
  const savedBytes = sumOf(saved)
  return {
    userBytes,
    parts: storeParts(written),
    ...(savedBytes > 0 && { savedBytes }),
    amplification: once(writeAmplification(traffic).total),
  }
}

function outsideReport({ process, traffic, metered }: EngineResult): OutsideReport | undefined {
  if (process === undefined) return undefined
  const { userBytes } = traffic
  return {
    method:
      'wchar and rchar of /proc/self/io, from before the store was opened until it settled. Progress on the terminal, ' +
      'messages between threads and reads of program files are included.',
    userBytes,
    writtenBytes: process.writtenBytes,
    readBytes: process.readBytes,
    amplification: once(userBytes === 0 ? 0 : process.writtenBytes / userBytes),
    ledgerBytes: metered.ledgerWritten + metered.closingWritten,
  }
}

function once(value: number): Spread {
  return spreadOf([value])
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
