/** The results of a workload as the report of a run. */
import { callReports, latencyReport } from '../../packages/lab/src/compare/latency-report.js'
import { resolveOptions } from '../../src/engine/options.js'
import { predict } from '../../packages/lab/src/predict/predict.js'
import type { Prediction } from '../../packages/lab/src/predict/prediction.js'
import { predictorOf } from '../../packages/lab/src/predict/predictors.js'
import {
  REPORT_FORMAT,
  REPORT_VERSION,
  spreadOf,
  type EngineReport,
  type MachineReport,
  type PhaseReport,
  type RunReport,
  type Spread,
  type WriteAccount,
} from '../../packages/lab/src/report/run-report.js'
import { withVerdict } from '../../packages/lab/src/report/verdict-report.js'
import { registry } from '../../src/node-engines.js'
import { readAmplification, writeAmplification } from '../../src/trace/ledger.js'
import type { Plan } from '../../packages/lab/src/workloads/workload.js'
import { fixedOptions, type Engine } from './engines.js'
import type { Options } from './options.js'
import { OUTSIDE_METHOD } from './outside.js'
import { findProblems, type FoundProblem } from './problems.js'
import type { Account, PhaseMeasure, RoundOutcome } from './round.js'
import { engineOptions, type WorkloadResult } from './runner.js'

export interface RunAbout {
  readonly options: Options
  readonly createdAt: Date
  readonly command: string
  readonly machine: MachineReport
  readonly versions: Readonly<Record<string, string>>
}

/** `undefined` when no engine finished. */
export function benchRunReport(result: WorkloadResult, about: RunAbout): RunReport | undefined {
  const { workload, visits } = result
  const { options, createdAt, command, machine, versions } = about
  const plan = workload.plan(options.size)
  const problems = findProblems(result)
  const engines = options.engines.flatMap(engine => {
    const outcomes = visits.flatMap(visit => (visit.engine === engine && visit.outcome !== undefined ? [visit.outcome] : []))
    if (outcomes.length === 0) return []
    const own = problems.filter(problem => problem.engine === engine)
    return [engineReport(engine, outcomes, plan, own, options)]
  })
  const first = visits.find(visit => visit.outcome !== undefined)?.outcome
  if (first === undefined) return undefined
  const others = visits.map(visit => visit.othersCores).filter(cores => !Number.isNaN(cores))
  const { entries, keyBytes, valueBytes, phases } = plan
  return withVerdict({
    format: REPORT_FORMAT,
    version: REPORT_VERSION,
    title: workload.about,
    createdAt: createdAt.toISOString(),
    command,
    machine: { ...machine, ...(others.length > 0 && { otherLoadCores: others.reduce((sum, cores) => sum + cores, 0) / others.length }) },
    versions,
    work: {
      name: workload.name,
      about: `${workload.about}. Defined by: ${workload.source}`,
      seed: options.size.seed,
      parameters: parametersOf(plan, options),
      entries,
      keyBytes,
      valueBytes,
      phases: phases.map(({ name, about: text, operations, kind }) => ({ name, about: text, operations, kind })),
      digest: first.digest,
    },
    rounds: options.rounds,
    engines,
  })
}

function parametersOf({ entries, keyBytes, valueBytes, cacheBytes }: Plan, options: Options): Record<string, string | number | boolean> {
  const dataBytes = Math.round(entries * (keyBytes + valueBytes))
  const cache = cacheBytes ?? options.cacheBytes
  return {
    n: options.size.entries,
    ops: options.size.operations,
    batch: options.size.batch,
    reads: options.size.readsSync ? 'getSync' : 'awaited get',
    cacheBytes: cache,
    dataBytes,
    dataLargerThanCache: dataBytes > cache,
    buffers: options.isScaled ? 'shrunk with the data' : "the engines' own sizes",
  }
}

function engineReport(
  engine: Engine,
  outcomes: readonly RoundOutcome[],
  plan: Plan,
  problems: readonly FoundProblem[],
  options: Options,
): EngineReport {
  const one = representative(outcomes)
  const over = (measure: (outcome: RoundOutcome) => number): Spread => spreadOf(outcomes.map(measure))
  const space = (bytes: (outcome: RoundOutcome) => number): Spread =>
    over(outcome => (outcome.contents.bytes === 0 ? 0 : bytes(outcome) / outcome.contents.bytes))
  const account = (of: (outcome: RoundOutcome) => Account): WriteAccount => ({
    userBytes: of(one).userBytes,
    parts: of(one).written!,
    amplification: over(outcome => writeAmplification({ userBytes: of(outcome).userBytes, written: of(outcome).written! }).total),
  })
  const hasLedger = one.settled.written !== undefined
  const outsideBytes = one.settled.outsideBytes
  const ledgerBytes = hasLedger ? Object.values(one.settled.written).reduce((sum, bytes) => sum + bytes, 0) : undefined
  return {
    name: engine.name,
    engine: engine.engine,
    kind: engine.isKvarium ? 'kvarium' : 'peer',
    options: optionsOf(engine, plan, options),
    phases: one.phases.map((phase, index) =>
      phaseReport(
        phase,
        outcomes.map(outcome => outcome.phases[index]),
      ),
    ),
    ...(hasLedger && { write: { atEndOfWrites: account(outcome => outcome.atEndOfWrites), settled: account(outcome => outcome.settled) } }),
    ...(outsideBytes !== undefined && {
      outside: {
        method: OUTSIDE_METHOD,
        userBytes: one.settled.userBytes,
        writtenBytes: outsideBytes,
        ...(one.outsideReadBytes !== undefined && { readBytes: one.outsideReadBytes }),
        amplification: over(({ settled }) => (settled.outsideBytes ?? 0) / settled.userBytes),
        ...(ledgerBytes !== undefined && { ledgerBytes }),
      },
    }),
    ...(one.reads !== undefined && { read: { ...one.reads, blocks: blocksOf(outcomes) } }),
    space: {
      liveBytes: one.contents.bytes,
      peakBytes: one.peakFileBytes,
      atEndOfWritesBytes: one.atEndOfWrites.fileBytes,
      settledBytes: one.settled.fileBytes,
      peak: space(outcome => outcome.peakFileBytes),
      atEndOfWrites: space(outcome => outcome.atEndOfWrites.fileBytes),
      settled: space(outcome => outcome.settled.fileBytes),
      files: one.files,
    },
    memory: {
      peakRssBytes: over(outcome => outcome.peakRssBytes),
      ...(one.engineBytes !== undefined && { engineBytes: one.engineBytes }),
    },
    ...(one.cache !== undefined && { cache: { hits: one.cache.hits, misses: one.cache.misses, capacityBytes: one.cache.capacityBytes } }),
    ...(one.stalls !== undefined && { stalls: { count: one.stalls.count, totalMs: one.stalls.totalMs } }),
    timeline: one.timeline,
    predictions: predictionsOf(engine, one, plan, options),
    verification: {
      entries: one.contents.entries,
      deleted: 0,
      digest: one.contents.digest,
      problems: problems.map(({ kind, message }) => ({ kind, message })),
      problemCount: problems.length,
    },
  }
}

/** Blocks per operation in every round, of the kinds of reads that there were. */
function blocksOf(outcomes: readonly RoundOutcome[]): NonNullable<NonNullable<EngineReport['read']>['blocks']> {
  const reads = outcomes.flatMap(outcome => outcome.reads ?? [])
  const kinds = (['found', 'missing', 'scan'] as const).filter(kind => reads.every(read => read[kind].operations > 0))
  return Object.fromEntries(kinds.map(kind => [kind, spreadOf(reads.map(read => readAmplification(read[kind]).blocks))]))
}

function predictionsOf(engine: Engine, { final, contents }: RoundOutcome, plan: Plan, options: Options): readonly Prediction[] {
  const { predictedWork } = plan
  if (final === undefined || predictedWork === undefined || predictorOf(engine.engine) === undefined) return []
  const { engine: _engine, ...own }: Readonly<Record<string, unknown>> = {
    cacheSize: plan.cacheBytes ?? options.cacheBytes,
    ...fixedOptions(engine),
    ...engineOptions(options, engine, plan),
  }
  const resolved = resolveOptions(registry.resolve(engine.engine).options, own)
  const rows = predict({ options: resolved, ...final, liveBytes: contents.bytes }, predictedWork)
  // A run without writes has no write amplification.
  return rows.filter(
    ({ metric, predicted, inputs }) =>
      [predicted, ...inputs.map(({ value }) => value)].every(Number.isFinite) &&
      (predictedWork.puts > 0 || metric !== 'write amplification'),
  )
}

function phaseReport(one: PhaseMeasure, all: readonly PhaseMeasure[]): PhaseReport {
  const over = (measure: (phase: PhaseMeasure) => number): Spread => spreadOf(all.map(measure))
  const { name, operations, entries, lag, writtenBytes, readBytes } = one
  return {
    name,
    operations,
    entries,
    ms: over(phase => phase.ms),
    perSecond: over(phase => (phase.ms === 0 ? 0 : (phase.entries * 1000) / phase.ms)),
    latency: latencyReport(all, one),
    ...callReports(
      all.map(phase => phase.calls),
      one.calls,
    ),
    lag,
    ...(writtenBytes !== undefined && { writtenBytes }),
    ...(readBytes !== undefined && { readBytes }),
  }
}

/** The round whose longest phase has the median duration. */
function representative(outcomes: readonly RoundOutcome[]): RoundOutcome {
  const total = ({ phases }: RoundOutcome): number => phases.reduce((sum, { ms }) => sum + ms, 0)
  const sorted = [...outcomes].sort((a, b) => total(a) - total(b))
  return sorted[(sorted.length - 1) >> 1]
}

function optionsOf(engine: Engine, plan: Plan, options: Options): Record<string, string | number | boolean> {
  const own = { ...fixedOptions(engine), ...engineOptions(options, engine, plan) }
  const hasCache = engine.durable && engine.engine !== 'lmdb'
  const given: Record<string, string | number | boolean> = hasCache ? { cacheSize: plan.cacheBytes ?? options.cacheBytes } : {}
  for (const [name, value] of Object.entries(own)) {
    const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    if (isScalar && name !== 'engine') given[name] = value
  }
  return { ...given, acknowledged: engine.durability }
}
