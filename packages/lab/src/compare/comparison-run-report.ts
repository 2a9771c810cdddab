/** A comparison as the report of a run. */
import { storeParts, sumOf } from './traffic.js'
import { predict, type PredictOptions } from '../predict/predict.js'
import { predictorOf } from '../predict/predictors.js'
import type { Prediction, Work } from '../predict/prediction.js'
import { writeAmplification } from 'kvarium/trace'
import { REPORT_FORMAT, REPORT_VERSION, spreadOf } from '../report/run-report.js'
import { withVerdict } from '../report/verdict-report.js'
import type {
  EngineReport,
  MachineReport,
  OutsideReport,
  PhaseReport,
  ReadReport,
  RunReport,
  Sample,
  Spread,
  Timeline,
  WorkReport,
  WriteAccount,
} from '../report/run-report.js'
import type { Comparison, EngineResult, EngineRound, PhaseResult } from './results.js'
import { callReports, latencyReport } from './latency-report.js'
import type { Traffic } from './traffic.js'

const METHOD =
  'wchar and rchar of /proc/self/io, from before the store was opened until it settled. Progress on the terminal, ' +
  'messages between threads and reads of program files are included.'

const PEER_METHOD =
  'Of a package, the same from its first open until it settled, without what an awaited call writes to wake the event loop; ' +
  'reads through mapped memory are not included.'

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

/** Times and amplifications are spreads over the rounds; bytes and counts are those of the first. */
export function comparisonRunReport(comparison: Comparison, { predictedWork, ...about }: ComparisonAbout): RunReport {
  const rounds = Math.max(1, ...comparison.engines.map(result => result.rounds.length))
  return withVerdict({ ...reportHead(about), rounds, engines: comparison.engines.map(result => engineReport(result, predictedWork)) })
}

/** All of a report but what was measured. */
export function reportHead(about: Omit<ComparisonAbout, 'predictedWork'>): Omit<RunReport, 'rounds' | 'engines'> {
  const { title, createdAt, command, machine, versions, work } = about
  return { format: REPORT_FORMAT, version: REPORT_VERSION, title, createdAt: createdAt.toISOString(), command, machine, versions, work }
}

/** @param simulation - Of the same work under the same options; adds its rows to the predictions. */
export function engineReport(
  result: EngineResult,
  predictedWork: Work | undefined,
  simulation?: PredictOptions['simulation'],
): EngineReport {
  const { name, engine, options, phases, rounds, traffic, endOfWrites, live, disk, cacheBytes, timeline } = result
  const { found, missing, scan } = traffic
  const isPeer = result.kind === 'peer'
  const writesFiles = !isPeer && sumOf(traffic.written) > 0
  const hits = found.blocksFromCache + missing.blocksFromCache + scan.blocksFromCache
  const misses = found.blocksFromDisk + missing.blocksFromDisk + scan.blocksFromDisk
  const over = (measure: (round: EngineRound) => number): Spread => spreadOf(rounds.map(measure))
  const mean = writesFiles ? meanSpace(timeline, live.bytes) : undefined
  const outside = sumOf(traffic.written) > 0 ? outsideReport(result) : undefined
  return {
    name,
    engine,
    kind: result.kind,
    options: Object.fromEntries(Object.entries(options).filter(([, value]) => isScalar(value))) as EngineReport['options'],
    phases: phases.map((phase, index) =>
      phaseReport(
        phase,
        rounds.flatMap(round => round.phases[index] ?? []),
        isPeer,
      ),
    ),
    ...(writesFiles && {
      write: {
        atEndOfWrites: writeAccount(
          endOfWrites.traffic,
          rounds.map(round => round.endOfWrites.traffic),
        ),
        settled: writeAccount(
          traffic,
          rounds.map(round => round.traffic),
        ),
      },
    }),
    ...(outside !== undefined && { outside }),
    ...(writesFiles && { read: { found, missing, scan, blocks: blocksOf(rounds), blocksPerGet: result.blocksPerGet } }),
    space: {
      liveBytes: live.bytes,
      peakBytes: disk.peakBytes,
      atEndOfWritesBytes: endOfWrites.diskBytes,
      settledBytes: disk.bytes,
      peak: over(round => round.amplification.space.peak),
      atEndOfWrites: over(round => (round.live.bytes === 0 ? 0 : round.endOfWrites.diskBytes / round.live.bytes)),
      settled: over(round => round.amplification.space.settled),
      ...(mean !== undefined && { mean: spreadOf([mean]) }),
      files: disk.files,
    },
    memory: { peakRssBytes: over(round => round.peakRssBytes), sharesProcess: true, ...(!isPeer && { engineBytes: result.memoryBytes }) },
    cpuMs: over(round => round.cpuMs),
    ...(cacheBytes !== undefined && { cache: { hits, misses, capacityBytes: cacheBytes } }),
    ...(!isPeer && { stalls: result.stalls }),
    timeline: isPeer ? fromOutside(timeline) : timeline,
    predictions: predictions(result, predictedWork, simulation),
    verification: {
      entries: result.verification.entries,
      deleted: result.verification.deleted,
      digest: result.verification.digest,
      problems: result.problems,
      problemCount: result.problemCount,
    },
  }
}

function predictions({ final }: EngineResult, work: Work | undefined, simulation: PredictOptions['simulation']): readonly Prediction[] {
  if (work === undefined || final === undefined || predictorOf(final.shape.engine) === undefined) return []
  return predict(final, work, simulation === undefined ? {} : { simulation })
}

/** @param rounds - The same phase in every round that reached it. */
function phaseReport(phase: PhaseResult, rounds: readonly PhaseResult[], isPeer: boolean): PhaseReport {
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
    ...(!isPeer && { readBytes: sumOf(traffic.read) }),
  }
}

/** @param rounds - The same traffic in every round. */
function writeAccount(traffic: Traffic, rounds: readonly Traffic[]): WriteAccount {
  const { userBytes, written, saved } = traffic
  const savedBytes = sumOf(saved)
  return {
    userBytes,
    parts: storeParts(written),
    ...(savedBytes > 0 && { savedBytes }),
    amplification: spreadOf(rounds.map(round => writeAmplification(round).total)),
  }
}

/** Blocks per operation, of the kinds of reads that there were. */
function blocksOf(rounds: readonly EngineRound[]): NonNullable<ReadReport['blocks']> {
  const over = (kind: 'found' | 'missing' | 'scan'): Partial<Record<typeof kind, Spread>> =>
    rounds.every(({ traffic }) => traffic[kind].operations > 0)
      ? { [kind]: spreadOf(rounds.map(({ amplification }) => amplification.read[kind].blocks)) }
      : {}
  return { ...over('found'), ...over('missing'), ...over('scan') }
}

/** A peer's bytes are counted by the operating system: not by cause, and without a cache. */
function fromOutside({ samples, ...timeline }: Timeline): Timeline {
  const outside = samples.map(({ written, cacheHits: _hits, cacheMisses: _misses, ...sample }): Sample =>
    written === undefined ? sample : { ...sample, outsideWrittenBytes: written.log },
  )
  return { ...timeline, samples: outside }
}

/** Bytes of files ÷ live bytes over the calls after the first phase; `undefined` where nothing was sampled. */
function meanSpace({ phases, samples }: Timeline, liveBytes: number): number | undefined {
  const from = phases[0]?.endMs ?? 0
  let calls = 0
  let sum = 0
  for (const [index, { atMs, operations, fileBytes }] of samples.entries()) {
    const weight = atMs <= from || index === 0 ? 0 : operations - samples[index - 1].operations
    calls += weight
    sum += weight * fileBytes
  }
  return calls === 0 || liveBytes === 0 ? undefined : sum / calls / liveBytes
}

function outsideReport({ kind, process, rounds, traffic, metered }: EngineResult): OutsideReport | undefined {
  if (process === undefined) return undefined
  const { userBytes } = traffic
  return {
    method: kind === 'peer' ? PEER_METHOD : METHOD,
    userBytes,
    writtenBytes: process.writtenBytes,
    readBytes: process.readBytes,
    amplification: spreadOf(
      rounds.map(round => (round.traffic.userBytes === 0 ? 0 : (round.process?.writtenBytes ?? 0) / round.traffic.userBytes)),
    ),
    ...(kind === 'kvarium' && { ledgerBytes: metered.ledgerWritten + metered.closingWritten }),
  }
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
