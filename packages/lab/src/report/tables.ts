/** The tables of a report as data, for pages, Markdown and terminals alike. */
import { readAmplification, type ReadCounts } from 'kvarium/trace'
import { nameWithCalls } from './calls.js'
import type { DefinitionName } from './definitions.js'
import { formatSpread, isDurable, judge, metricsOf, type Metric } from './metrics.js'
import { bytes, count, duration, exactBytes, plural, rate, share, significant, times } from './numbers.js'
import type { EngineReport, LatencyReport, PhaseReport, RunReport } from './run-report.js'

export interface Column {
  readonly text: string
  readonly definition?: DefinitionName
  /** Text, not numbers. */
  readonly isText?: boolean
}

export interface Cell {
  readonly text: string
  /** From the minimum to the maximum of all rounds; empty with one round. */
  readonly range?: string
  /** The same, short: `±5 %`. */
  readonly vary?: string
  readonly mark?: 'best' | 'better' | 'worse'
  readonly isText?: boolean
}

export interface Row {
  readonly head: string
  readonly cells: readonly Cell[]
  /** Lines that a terminal shows under the row. */
  readonly notes?: readonly string[]
}

export interface ReportTable {
  readonly id: string
  readonly title: string
  readonly note?: string
  readonly columns: readonly Column[]
  readonly groups: readonly { readonly name?: string; readonly definition?: DefinitionName; readonly rows: readonly Row[] }[]
}

const NONE: Cell = { text: '–' }
/** Smaller shares are shown as 0. */
const LEAST_SHARE = 0.00005
/** A cell whose value is in the row of the whole. */
const EMPTY: Cell = { text: '' }

/** Every metric with the values of all engines, and the best one. */
export function verdictTable(report: RunReport): ReportTable {
  const { engines } = report
  const metrics = metricsOf(report)
  const groups = [...new Set(metrics.map(metric => metric.group))]
  const apart = engines.filter(engine => !isDurable(engine)).map(engine => engine.name)
  const reminders = [
    ...(report.rounds === 1
      ? ['One round: the spread of times is not known, so there is no verdict on them; bytes within 25 % are called no difference.']
      : []),
    ...(apart.length > 0
      ? [`${apart.join(', ')} ${apart.length === 1 ? 'keeps nothing on disk and is' : 'keep nothing on disk and are'} not ranked.`]
      : []),
  ]
  return {
    id: 'verdict',
    title: 'Verdict',
    ...(reminders.length > 0 && { note: reminders.join(' ') }),
    columns: [
      { text: 'metric', isText: true },
      ...engines.map(engine => ({ text: engine.name })),
      { text: 'best, and by how much', definition: 'verdict', isText: true },
    ],
    groups: groups.map(name => {
      const own = metrics.filter(metric => metric.group === name)
      return {
        name,
        definition: own[0].definition,
        rows: own.map(metric => metricRow(metric, engines, metric.label)),
      }
    }),
  }
}

/** The values of all engines, `undefined` for one that did not get that far, and the best one. */
export function metricRow(metric: Metric, engines: readonly (EngineReport | undefined)[], head: string): Row {
  const { best, text } = judge(
    metric,
    engines.filter(engine => engine !== undefined),
  )
  const cells = engines.map((engine): Cell => {
    const spread = engine && metric.of(engine)
    if (engine === undefined || spread === undefined) return NONE
    return { ...formatSpread(spread, metric.format), ...(best.some(one => one.engine === engine) && { mark: 'best' }) }
  })
  return { head, cells: [...cells, { text, isText: true }] }
}

/** Every phase of every engine, and the latencies of each kind of call where a phase has several. */
export function phaseTable(engine: EngineReport, report: RunReport): ReportTable {
  const hasLag = engine.phases.some(phase => phase.lag !== undefined)
  const latencies = ({ p50Us, p99Us, p999Us, maxUs }: LatencyReport): Cell[] =>
    [p50Us, p99Us, p999Us, maxUs].map(value => formatSpread(value, duration))
  const cells = ({ operations, entries, ms, perSecond, latency, lag, writtenBytes, readBytes }: PhaseReport): Cell[] => {
    const isTask = operations === 1 && entries <= 1
    return [
      { text: isTask ? '' : count(entries) },
      formatSpread(ms, value => duration(value * 1000)),
      isTask ? EMPTY : formatSpread(perSecond, rate),
      ...(operations > 1 ? latencies(latency) : [NONE, NONE, NONE, NONE]),
      ...(hasLag ? [lag === undefined ? NONE : { text: duration(lag.p99Ms * 1000) }] : []),
      writtenBytes === undefined ? NONE : { text: bytes(writtenBytes) },
      readBytes === undefined ? NONE : { text: bytes(readBytes) },
    ]
  }
  return {
    id: 'phases',
    title: `${engine.name}: phases`,
    columns: [
      { text: 'phase', isText: true },
      { text: 'entries' },
      { text: 'time', definition: 'phaseTime' },
      { text: 'entries/s', definition: 'throughput' },
      ...['p50', 'p99', 'p99.9', 'longest'].map((text): Column => ({ text, definition: 'latency' })),
      ...(hasLag ? [{ text: 'lag p99', definition: 'lag' } as const] : []),
      { text: 'written', definition: 'parts' },
      { text: 'read', definition: 'readAmplification' },
    ],
    groups: [
      {
        rows: engine.phases.flatMap(phase => [
          { head: nameWithCalls(report, phase.name), cells: cells(phase) },
          ...(phase.calls ?? []).map(({ kind, operations, latency }) => ({
            head: `${phase.name}: ${kind}`,
            cells: [{ text: count(operations) }, EMPTY, EMPTY, ...latencies(latency), ...(hasLag ? [EMPTY] : []), EMPTY, EMPTY],
          })),
        ]),
      },
    ],
  }
}

/** Where every byte went, and the operating system's counts. */
export function writeTable({ engines }: RunReport): ReportTable {
  const isCompressed = engines.some(({ write }) => write?.settled.savedBytes !== undefined)
  const rows = engines.flatMap(({ name, write, outside }): Row[] => {
    const account = write?.settled
    if (account === undefined && outside === undefined) return []
    const { log = 0, flush = 0, compaction = 0, page = 0, meta = 0 } = account?.parts ?? {}
    const ledger = log + flush + compaction + page + meta
    const own = account === undefined ? Array.from({ length: 6 }, () => NONE) : [log, flush, compaction, page, meta, ledger].map(byteCell)
    const compared = outside?.ledgerBytes
    return [
      {
        head: name,
        cells: [
          byteCell(account?.userBytes ?? outside?.userBytes ?? 0),
          ...own,
          ...(isCompressed ? [account === undefined ? NONE : byteCell(ledger + (account.savedBytes ?? 0))] : []),
          outside === undefined ? NONE : byteCell(outside.writtenBytes),
          outside === undefined || compared === undefined || compared === 0
            ? NONE
            : { text: signedShare((outside.writtenBytes - compared) / compared) },
          account === undefined || account.userBytes === 0 ? NONE : { text: times(ledger / account.userBytes) },
          outside === undefined || outside.userBytes === 0 ? NONE : { text: times(outside.writtenBytes / outside.userBytes) },
        ],
      },
    ]
  })
  const methods = [...new Set(engines.flatMap(({ outside }) => (outside === undefined ? [] : [outside.method])))]
  return {
    id: 'bytes',
    title: 'Where every byte went',
    ...(methods.length > 0 && { note: `From outside: ${methods.join(' ')}` }),
    columns: [
      { text: 'engine', isText: true },
      { text: 'user bytes', definition: 'writeAmplification' },
      ...['log', 'flush', 'compaction', 'page', 'meta'].map((text): Column => ({ text, definition: 'parts' })),
      { text: '= ledger', definition: 'parts' },
      ...(isCompressed ? [{ text: 'before compression', definition: 'compression' } as const] : []),
      { text: 'from outside', definition: 'outside' },
      { text: 'difference', definition: 'outside' },
      { text: '× ledger', definition: 'writeAmplification' },
      { text: '× outside', definition: 'outside' },
    ],
    groups: [{ rows }],
  }
}

export function readTable({ engines }: RunReport): ReportTable {
  const row = (name: string, what: string, counts: ReadCounts): Row[] => {
    if (counts.operations === 0) return []
    const { blocks, blocksFromDisk, bytesFromDisk } = readAmplification(counts)
    const asked = counts.filterNegatives + counts.filterFalsePositives
    return [
      {
        head: `${name}: ${what}`,
        cells: [
          { text: count(counts.operations) },
          { text: significant(blocks) },
          { text: significant(blocksFromDisk) },
          { text: bytes(Math.round(bytesFromDisk)) },
          counts.filterProbes === 0 ? NONE : { text: significant(counts.filterProbes / counts.operations) },
          asked === 0 ? NONE : { text: share(counts.filterFalsePositives / asked) },
        ],
      },
    ]
  }
  return {
    id: 'read-amplification',
    title: 'Read amplification',
    columns: [
      { text: 'reads', isText: true },
      { text: 'operations' },
      { text: 'blocks each', definition: 'readAmplification' },
      { text: 'from files', definition: 'readAmplification' },
      { text: 'bytes from files', definition: 'readAmplification' },
      { text: 'filters asked', definition: 'filters' },
      { text: 'false positives', definition: 'filters' },
    ],
    groups: [
      {
        rows: engines.flatMap(({ name, read }) =>
          read === undefined
            ? []
            : [...row(name, 'get, found', read.found), ...row(name, 'get, missing', read.missing), ...row(name, 'scan', read.scan)],
        ),
      },
    ],
  }
}

export function predictionTable({ engines }: RunReport): ReportTable {
  const text = (value: string): Cell => ({ text: value, isText: true })
  return {
    id: 'predictions',
    title: 'Predicted and measured',
    columns: [
      { text: 'metric', isText: true },
      { text: 'formula', definition: 'prediction', isText: true },
      { text: 'inputs', definition: 'prediction', isText: true },
      { text: 'predicted', definition: 'prediction' },
      { text: 'measured', definition: 'prediction' },
      { text: 'error', definition: 'prediction' },
      { text: 'why they differ', definition: 'prediction', isText: true },
    ],
    groups: engines
      .filter(engine => engine.predictions.length > 0)
      .map(({ name, predictions }) => ({
        name,
        rows: predictions.map(({ metric, part, level, variant, formula, source, inputs, unit, predicted, measured, error, why }) => ({
          head: `${metric}, ${level === undefined ? part : `level ${level}`} (${variant})`,
          cells: [
            text(source === '' ? formula : `${formula} [${source}]`),
            text(inputs.map(input => `${input.name} = ${quantity(input.value, input.unit)}`).join(', ')),
            { text: quantity(predicted, unit) },
            measured === null ? NONE : { text: quantity(measured, unit) },
            error === null ? NONE : { text: signedShare(error) },
            text(why),
          ],
        })),
      })),
  }
}

/** The same for the width of a terminal, with formula, inputs and reason as notes. */
export function narrowPredictionTable(report: RunReport): ReportTable {
  const { columns, groups, ...table } = predictionTable(report)
  return {
    ...table,
    columns: columns.filter((column, index) => index === 0 || column.isText !== true),
    groups: groups.map(({ rows, ...group }) => ({
      ...group,
      rows: rows.map(({ head, cells: [formula, inputs, predicted, measured, error, why] }) => ({
        head,
        cells: [predicted, measured, error],
        notes: [`${formula.text}${inputs.text === '' ? '' : ` where ${inputs.text}`}`, why.text],
      })),
    })),
  }
}

export function optionTable({ engines }: RunReport): ReportTable {
  const names = [...new Set(engines.flatMap(engine => Object.keys(engine.options)))]
  const show = (engine: EngineReport, name: string): Cell => {
    const value = engine.options[name]
    if (value === undefined) return { text: 'default' }
    const capacity = engine.cache?.capacityBytes
    if (name === 'cacheSize' && value === 'auto' && capacity !== undefined) return { text: `auto: ${bytes(capacity)}` }
    return { text: typeof value === 'number' && value >= 1024 ? exactBytes(value) : String(value) }
  }
  return {
    id: 'options',
    title: 'Options of the engines',
    columns: [{ text: 'option', isText: true }, ...engines.map(engine => ({ text: engine.name }))],
    groups: [
      {
        rows: [
          { head: 'engine', cells: engines.map(({ engine, kind }) => ({ text: kind === 'peer' ? `${engine} (peer)` : engine })) },
          ...names.map(name => ({ head: name, cells: engines.map(engine => show(engine, name)) })),
        ],
      },
    ],
  }
}

/** Work and machine: names and values. */
export function facts({ machine, versions, work, rounds, createdAt }: RunReport): readonly (readonly [name: string, value: string])[] {
  const { cpu, cores, memoryBytes, system, fileSystem, otherLoadCores } = machine
  return [
    ['Work', `${work.name}: ${work.about}`],
    ['Entries', `${count(work.entries)} of ${significant(work.keyBytes)} + ${significant(work.valueBytes)} bytes (key + value, mean)`],
    [
      'Settings',
      [
        `seed ${work.seed}`,
        ...Object.entries(work.parameters).map(([name, value]) => `${name} ${typeof value === 'number' ? count(value) : value}`),
      ].join(', '),
    ],
    ['Operations', `digest ${work.digest}, ${plural(rounds, 'round')}`],
    ['Processor', `${cpu}, ${plural(cores, 'core')}`],
    ['Memory', bytes(memoryBytes)],
    ['System', system + (fileSystem === undefined ? '' : `, files on ${fileSystem}`)],
    ...(otherLoadCores === undefined ? [] : [['Other processes', `${significant(otherLoadCores)} cores on average`] as const]),
    [
      'Versions',
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
    ['Begun', createdAt],
  ]
}

function byteCell(value: number): Cell {
  return { text: bytes(value) }
}

/** `+3.1 %`. */
export function signedShare(value: number): string {
  if (Math.abs(value) < LEAST_SHARE) return '0.00 %'
  return `${value > 0 ? '+' : value < 0 ? '−' : ''}${share(Math.abs(value))}`
}

function quantity(value: number, unit: string): string {
  switch (unit) {
    case 'x':
      return times(value)
    case 'share':
      return share(value)
    case 'bytes':
      return bytes(Math.round(value))
    default:
      return unit === '' ? plainNumber(value) : `${plainNumber(value)} ${unit}`
  }
}

function plainNumber(value: number): string {
  return Number.isInteger(value) ? count(value) : significant(value)
}
