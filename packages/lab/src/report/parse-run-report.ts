/** Checks JSON against the types of `run-report.ts`. */
import type { Prediction } from '../predict/prediction.js'
import type { ReadCounts, StorePart } from 'kvarium/trace'
import {
  amount,
  arrayOf,
  count,
  flag,
  number,
  object,
  objectAt,
  oneOf,
  optional,
  orNull,
  pairOf,
  recordOf,
  refuse,
  scalar,
  string,
  type Check,
} from './json-check.js'
import type * as report from './run-report.js'
import { CORNERS, OUTCOMES, REPORT_FORMAT, REPORT_VERSION, type RunReport } from './run-report.js'

/**
 * The report in a JSON text.
 * @throws FormatError that names the first wrong field, or the newer version.
 */
export function parseRunReport(json: string): RunReport {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    return refuse('', `it is not JSON (${(error as Error).message})`)
  }
  return checkRunReport(value)
}

/** The same for parsed JSON. */
export function checkRunReport(value: unknown): RunReport {
  const { format, version } = objectAt(value, '')
  if (format !== REPORT_FORMAT) return refuse('', `its field format must be "${REPORT_FORMAT}"`)
  if (typeof version === 'number' && version > REPORT_VERSION) {
    return refuse('version', `is ${version}, this kvarium reads up to version ${REPORT_VERSION}: render it with a newer kvarium`)
  }
  const isOlder = version === 1 || version === 2 || version === 3
  const checked = runReport(isOlder ? { ...objectAt(value, ''), version: REPORT_VERSION } : value, '')
  const result = version === 1 ? ofToday(checked) : checked
  for (const [index, engine] of result.engines.entries()) {
    const path = `engines[${index}]`
    if (result.engines.findIndex(other => other.name === engine.name) !== index) refuse(`${path}.name`, `is another engine's, too`)
    for (const [at, { name }] of engine.phases.entries()) {
      const expected = result.work.phases[at]?.name
      if (name !== expected) refuse(`${path}.phases[${at}].name`, `must be that of the work's phase there, ${JSON.stringify(expected)}`)
    }
    checkTimeline(engine.timeline, `${path}.timeline`)
  }
  return result
}

/** A report of version 1, which did not say that `kvarium compare` runs all engines in one process. */
function ofToday(report: RunReport): RunReport {
  if (report.work.name !== 'dataset') return report
  return { ...report, engines: report.engines.map(engine => ({ ...engine, memory: { ...engine.memory, sharesProcess: true } })) }
}

function checkTimeline(timeline: report.Timeline | undefined, path: string): void {
  let before: report.Sample | undefined
  for (const [index, sample] of (timeline?.samples ?? []).entries()) {
    for (const name of ['atMs', 'busyMs', 'operations', 'entries', 'userBytes'] as const) {
      if (before !== undefined && sample[name] < before[name])
        refuse(`${path}.samples[${index}].${name}`, 'is less than in the sample before')
    }
    before = sample
  }
}

const parts: Check<Readonly<Record<StorePart, number>>> = object<Readonly<Record<StorePart, number>>>({
  log: count,
  flush: count,
  compaction: count,
  page: count,
  meta: count,
})

const readCounts = object<ReadCounts>({
  operations: count,
  blocksFromCache: count,
  blocksFromDisk: count,
  bytesFromDisk: count,
  filterProbes: count,
  filterNegatives: count,
  filterFalsePositives: count,
})

const spreadFields = object<report.Spread>({ median: number, min: number, max: number, values: arrayOf(number, 1) })
const spread: Check<report.Spread> = (value, path) => {
  const { median, min, max, values } = spreadFields(value, path)
  if (min > median || median > max) refuse(path, `must have min ≤ median ≤ max, but has ${min}, ${median} and ${max}`)
  return { median, min, max, values }
}

const latency = object<report.LatencyReport>({
  meanUs: spread,
  p50Us: spread,
  p99Us: spread,
  p999Us: spread,
  maxUs: spread,
  cdf: arrayOf(pairOf(amount, amount)),
})

const lag = object<report.LagReport>({
  p50Ms: amount,
  p99Ms: amount,
  p999Ms: optional(amount),
  maxMs: amount,
  ticksPerSecond: amount,
})

const phase = object<report.PhaseReport>({
  name: string,
  operations: count,
  entries: count,
  ms: spread,
  perSecond: spread,
  latency,
  calls: optional(arrayOf(object<report.CallReport>({ kind: string, operations: count, latency }))),
  lag: optional(lag),
  writtenBytes: optional(count),
  readBytes: optional(count),
})

const writeAccount = object<report.WriteAccount>({ userBytes: count, parts, savedBytes: optional(count), amplification: spread })

const outside = object<report.OutsideReport>({
  method: string,
  userBytes: count,
  writtenBytes: count,
  readBytes: optional(count),
  amplification: spread,
  ledgerBytes: optional(count),
})

const read = object<report.ReadReport>({
  found: readCounts,
  missing: readCounts,
  scan: readCounts,
  blocks: optional(
    object<NonNullable<report.ReadReport['blocks']>>({ found: optional(spread), missing: optional(spread), scan: optional(spread) }),
  ),
  blocksPerGet: optional(object({ found: arrayOf(count), missing: arrayOf(count) })),
})

const space = object<report.SpaceReport>({
  liveBytes: count,
  peakBytes: count,
  atEndOfWritesBytes: count,
  settledBytes: count,
  peak: spread,
  atEndOfWrites: spread,
  settled: spread,
  mean: optional(spread),
  files: optional(count),
})

const sample = object<report.Sample>({
  atMs: amount,
  busyMs: amount,
  operations: count,
  entries: count,
  userBytes: count,
  written: optional(parts),
  outsideWrittenBytes: optional(count),
  fileBytes: count,
  window: optional(object({ p50Us: amount, p99Us: amount, maxUs: amount })),
  levels: optional(arrayOf(object({ level: count, runs: count, tables: count, bytes: count }))),
  tree: optional(object({ height: count, levels: arrayOf(object({ pages: count, bytes: count })) })),
  cacheHits: optional(count),
  cacheMisses: optional(count),
})

const timeline = object<report.Timeline>({
  phases: arrayOf(object({ name: string, startMs: amount, endMs: amount })),
  samples: arrayOf(sample),
  marks: arrayOf(object({ kind: oneOf('flush', 'compaction', 'checkpoint', 'stall'), startMs: amount, endMs: amount, detail: string })),
})

const prediction = object<Prediction>({
  // New models add values; these two fields are only shown.
  metric: string as Check<Prediction['metric']>,
  part: string as Check<Prediction['part']>,
  level: optional(count),
  variant: string,
  inputs: arrayOf(object({ name: string, value: number, unit: string })),
  formula: string,
  source: string,
  unit: string,
  predicted: number,
  measured: orNull(number),
  error: orNull(number),
  why: string,
})

const engine = object<report.EngineReport>({
  name: string,
  engine: string,
  kind: oneOf('kvarium', 'peer'),
  options: recordOf(scalar),
  phases: arrayOf(phase),
  write: optional(object({ atEndOfWrites: writeAccount, settled: writeAccount })),
  outside: optional(outside),
  read: optional(read),
  space,
  memory: object<report.MemoryReport>({
    peakRssBytes: optional(spread),
    sharesProcess: optional(flag),
    engineBytes: optional(count),
  }),
  cpuMs: optional(spread),
  cache: optional(object<report.CacheReport>({ hits: count, misses: count, capacityBytes: optional(count) })),
  stalls: optional(object({ count, totalMs: amount })),
  timeline: optional(timeline),
  predictions: arrayOf(prediction),
  verification: object({
    entries: count,
    deleted: count,
    digest: string,
    problems: arrayOf(object({ kind: string, message: string })),
    problemCount: count,
  }),
})

const work = object<report.WorkReport>({
  name: string,
  about: string,
  seed: number,
  parameters: recordOf(scalar),
  entries: count,
  keyBytes: amount,
  valueBytes: amount,
  phases: arrayOf(object({ name: string, about: string, operations: count, kind: oneOf('write', 'read', 'mixed', 'other') }), 1),
  digest: string,
})

const machine = object<report.MachineReport>({
  cpu: string,
  cores: count,
  memoryBytes: count,
  system: string,
  fileSystem: optional(string),
  otherLoadCores: optional(amount),
})

const weights = object<report.AmplificationWeights>({ write: amount, read: amount, space: amount })

const map = object<report.MapReport>({
  mix: object({ reads: count, writes: count }),
  weigh: weights,
  memoryBytes: count,
  dimensions: arrayOf(object<report.MapDimension>({ engine: string, option: string, values: arrayOf(scalar, 1) })),
  leftOut: arrayOf(object<report.MapGap>({ name: string, why: oneOf('prediction', 'budget', 'interrupted') })),
  resumed: count,
})

const verdict = object<report.VerdictReport>({
  banner: optional(string),
  sentences: arrayOf(string),
  undecided: arrayOf(string),
  remark: optional(string),
  rows: arrayOf(
    object<report.VerdictRow>({
      metric: string,
      group: string,
      label: string,
      better: oneOf('less', 'more'),
      outcome: oneOf(...OUTCOMES),
      best: arrayOf(string),
      factor: optional(amount),
      text: string,
      values: recordOf(spread),
    }),
  ),
  map: optional(object<report.MapVerdict>({ frontier: arrayOf(string), suggested: string, corner: oneOf(...CORNERS), weights })),
})

const runReport = object<RunReport>({
  format: oneOf(REPORT_FORMAT),
  version: value => (value === REPORT_VERSION ? REPORT_VERSION : refuse('version', `must be ${REPORT_VERSION}`)),
  title: string,
  createdAt: string,
  command: string,
  machine,
  versions: recordOf(string),
  work,
  rounds: count,
  engines: arrayOf(engine, 1),
  verdict: optional(verdict),
  map: optional(map),
})
