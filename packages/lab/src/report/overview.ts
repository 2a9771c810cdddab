/** Several workloads on the same engines, side by side: the summary of a suite. */
import { barChart } from './charts/bar-chart.js'
import type { DefinitionName } from './definitions.js'
import { MisuseError } from 'kvarium'
import type { Figure } from './figure.js'
import { metricsOf, type Metric } from './metrics.js'
import { count, rate, share, times } from './numbers.js'
import type { RunReport } from './run-report.js'
import { metricRow, signedShare, type Cell, type Column, type ReportTable, type Row } from './tables.js'

interface Topic {
  readonly id: string
  readonly title: string
  readonly definition: DefinitionName
  /** The metric of a workload; `undefined` where the workload does not measure it. */
  readonly metric: (report: RunReport) => string
}

/** The topic of each table, with the id of its metric. */
const TOPICS: readonly Topic[] = [
  { id: 'throughput', title: 'Throughput', definition: 'throughput', metric: report => `throughput/${runOf(report)}` },
  { id: 'p99', title: 'Latency, p99', definition: 'latency', metric: report => `p99/${runOf(report)}` },
  { id: 'outside', title: 'Write amplification, from outside', definition: 'outside', metric: () => 'write/outside' },
  { id: 'ledger', title: 'Write amplification, by the ledger', definition: 'writeAmplification', metric: () => 'write/settled' },
  { id: 'space', title: 'Space amplification, settled', definition: 'spaceAmplification', metric: () => 'space/settled' },
  { id: 'memory', title: 'Memory, peak resident', definition: 'memory', metric: () => 'memory/peak' },
]

/** @throws MisuseError when a workload appears twice: compare those runs instead. */
export function checkOverview(reports: readonly RunReport[]): void {
  const names = reports.map(({ work }) => work.name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return
  throw new MisuseError('LEVEL_INVALID_REPORT', `Two of the reports are for ${twice}: an overview takes one report per workload`)
}

/** A table for each number: a row for each workload, a column for each engine. */
export function overviewTables(reports: readonly RunReport[]): ReportTable[] {
  const names = engineNames(reports)
  const columns: Column[] = [
    { text: 'workload', isText: true },
    ...names.map(text => ({ text })),
    { text: 'best, and by how much', definition: 'verdict', isText: true },
  ]
  const tables = TOPICS.map(({ id, title, definition, metric }): ReportTable => {
    const rows = reports.flatMap(report => rowOf(report, metric(report), names))
    return { id, title, columns: columns.map((column, index) => (index === 0 ? column : { definition, ...column })), groups: [{ rows }] }
  })
  return [...tables, totalPredictions(reports)].filter(({ groups }) => groups.some(({ rows }) => rows.length > 0))
}

export function overviewFigures(reports: readonly RunReport[]): Figure[] {
  const names = engineNames(reports)
  const throughput = {
    id: 'throughput',
    title: 'Throughput',
    description: 'Entries per second inside the store, a group of bars for each workload. Each workload has its own scale.',
  }
  const writes = {
    id: 'write-amplification',
    title: 'Write amplification, from outside',
    description: 'Bytes passed to write calls per user byte, load and run together, after background work has finished.',
  }
  return [
    figure(throughput, 'throughput', reports, names, report => `throughput/${runOf(report)}`, true),
    figure(writes, 'outside', reports.filter(hasWrites), names, () => 'write/outside', false),
  ]
}

function figure(
  about: Pick<Figure, 'id' | 'title' | 'description'>,
  definition: DefinitionName,
  reports: readonly RunReport[],
  names: readonly string[],
  id: (report: RunReport) => string,
  ownScales: boolean,
): Figure {
  const format = ownScales ? (value: number): string => `${rate(value)}/s` : times
  const groups = reports.map(report => ({
    name: report.work.name,
    bars: report.engines.flatMap(engine => {
      const spread = metricOf(report, id(report))?.of(engine)
      if (spread === undefined) return []
      const range = spread.values.length > 1 ? { range: [spread.min, spread.max] as const } : {}
      return [{ name: engine.name, look: names.indexOf(engine.name), value: spread.median, ...range }]
    }),
  }))
  const rows = groups.map(({ name, bars }) => [
    name,
    ...names.map(engine => {
      const value = bars.find(bar => bar.name === engine)?.value
      return value === undefined ? '–' : format(value)
    }),
  ])
  const drawing = barChart({ ...about, groups: groups.filter(({ bars }) => bars.length > 0), format, ownScales })
  return { ...about, definition, drawing, table: { head: ['workload', ...names], rows } }
}

/** The work of each workload and its number of operations. */
export function workTable(reports: readonly RunReport[]): ReportTable {
  const cells = (report: RunReport): Cell[] => {
    const { entries, keyBytes, valueBytes, phases } = report.work
    const run = phases.find(({ name }) => name === runOf(report))
    const size = `${count(Math.round(keyBytes))} + ${count(Math.round(valueBytes))}`
    return [{ text: count(entries) }, { text: size }, { text: count(run?.operations ?? 0) }, { text: run?.about ?? '', isText: true }]
  }
  return {
    id: 'work',
    title: 'Workloads',
    columns: [
      { text: 'workload', isText: true },
      { text: 'entries' },
      { text: 'key + value, bytes' },
      { text: 'calls' },
      { text: 'the run', isText: true },
    ],
    groups: [{ rows: reports.map(report => ({ head: report.work.name, cells: cells(report) })) }],
  }
}

/** The closest predictions of total write amplification and of the cache hit rate. */
function totalPredictions(reports: readonly RunReport[]): ReportTable {
  const rowsOf = ({ work, engines }: RunReport): Row[] =>
    engines.flatMap(({ name, predictions }) =>
      (['write amplification', 'cache hit rate'] as const).flatMap((metric): Row[] => {
        const known = predictions.filter(row => row.metric === metric && row.part === 'total' && row.error !== null)
        const [nearest] = known.sort((a, b) => Math.abs(a.error!) - Math.abs(b.error!))
        if (nearest === undefined) return []
        const { predicted, measured, error, variant } = nearest
        const show = metric === 'cache hit rate' ? share : times
        const numbers = [show(predicted), show(measured!), signedShare(error!)]
        const cells: Cell[] = [{ text: variant, isText: true }, ...numbers.map(text => ({ text }))]
        return [{ head: `${work.name}, ${name}: ${metric}`, cells }]
      }),
    )
  return {
    id: 'predictions',
    title: 'Predicted and measured, in total',
    note: 'For the run, without the load, by the closest of several formulas. The report of a workload has all formulas, with their inputs.',
    columns: [
      { text: 'workload, engine', isText: true },
      { text: 'formula', definition: 'prediction', isText: true },
      ...['predicted', 'measured', 'error'].map((text): Column => ({ text, definition: 'prediction' })),
    ],
    groups: [{ rows: reports.flatMap(rowsOf) }],
  }
}

function rowOf(report: RunReport, id: string, names: readonly string[]): Row[] {
  const metric = metricOf(report, id)
  if (metric === undefined) return []
  const engines = names.map(name => report.engines.find(engine => engine.name === name))
  return [metricRow(metric, engines, report.work.name)]
}

function metricOf(report: RunReport, id: string): Metric | undefined {
  return metricsOf(report).find(metric => metric.id === id)
}

/** The main phase of a workload: the last one that does more than wait. */
function runOf({ work }: RunReport): string {
  return (work.phases.findLast(({ kind }) => kind !== 'other') ?? work.phases[0]).name
}

function hasWrites(report: RunReport): boolean {
  return report.work.phases.some(({ name, kind }) => name === runOf(report) && kind !== 'read')
}

function engineNames(reports: readonly RunReport[]): string[] {
  return [...new Set(reports.flatMap(({ engines }) => engines.map(({ name }) => name)))]
}
