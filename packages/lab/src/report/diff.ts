/** Two runs of the same work: changes that exceed the variation between rounds, and between runs. */
import { MisuseError } from 'kvarium'
import { isBusy } from './machine-load.js'
import { differ, formatSpread, LEAST_ROUNDS, metricsOf, type Metric } from './metrics.js'
import { count, plural, significant, times } from './numbers.js'
import type { EngineReport, RunReport, Spread, WorkReport } from './run-report.js'
import { signedShare, type Cell, type ReportTable } from './tables.js'

export interface MetricChange {
  readonly metric: Metric
  readonly before: Spread | undefined
  readonly after: Spread | undefined
  /**
   * `none`: no more than chance explains. `unjudged`: the number is not ranked, or is a time of a run on a busy machine or of too few
   * rounds. `unknown`: only one run has it.
   */
  readonly change: 'better' | 'worse' | 'none' | 'unjudged' | 'unknown'
}

export interface EngineDiff {
  readonly name: string
  readonly changes: readonly MetricChange[]
  /** Options with another value, as `name: before → after`. */
  readonly options: readonly string[]
}

export interface ReportDiff {
  readonly before: RunReport
  readonly after: RunReport
  /** The engines of both runs. */
  readonly engines: readonly EngineDiff[]
  /** What differs in machine, versions or the set of engines, in words. */
  readonly notes: readonly string[]
  readonly summary: string
}

/**
 * Compares two runs, engine by engine.
 * @throws MisuseError with code `KVARIUM_OTHER_WORK` that names what differs, when the runs did not do the same work.
 */
export function diffReports(before: RunReport, after: RunReport): ReportDiff {
  const other = differencesOfWork(before.work, after.work)
  if (other.length > 0) {
    throw new MisuseError('KVARIUM_OTHER_WORK', `The two runs did different work, so their numbers cannot be compared: ${other.join('; ')}`)
  }
  const shared = before.engines.flatMap(engine => {
    const later = after.engines.find(one => one.name === engine.name)
    return later === undefined ? [] : [{ engine, later }]
  })
  if (shared.length === 0) {
    const names = (report: RunReport): string => report.engines.map(engine => engine.name).join(', ')
    throw new MisuseError('KVARIUM_OTHER_WORK', `The two runs have no engine in common: ${names(before)}; ${names(after)}`)
  }
  const metrics = metricsOf({ ...before, engines: [...before.engines, ...after.engines] })
  const judgesTimes = ![before, after].some(({ rounds, machine }) => rounds < LEAST_ROUNDS || isBusy(machine.otherLoadCores))
  const engines = shared.map(({ engine, later }): EngineDiff => ({
    name: engine.name,
    options: differencesOf(engine.options, later.options),
    changes: metrics.flatMap(metric => changeOf(metric, engine, later, judgesTimes)),
  }))
  return {
    before,
    after,
    engines,
    notes: notesOn(before, after),
    summary: summaryOf(
      engines.flatMap(engine => engine.changes),
      judgesTimes,
    ),
  }
}

/** `No difference in 20 numbers.` */
function summaryOf(changes: readonly MetricChange[], judgesTimes: boolean): string {
  const number = (change: MetricChange['change']): number => changes.filter(one => one.change === change).length
  const [better, worse, none] = [number('better'), number('worse'), number('none')]
  const same = plural(none, 'number')
  const found =
    better + worse === 0 ? `No difference in ${same}` : `${count(better)} better, ${count(worse)} worse, no difference in ${same}`
  return judgesTimes ? `${found}.` : `${found}; times are not compared.`
}

/** In words; empty if the work is the same. */
export function differencesOfWork(a: WorkReport, b: WorkReport): string[] {
  const named = (name: string, x: Scalar, y: Scalar): string[] => (x === y ? [] : [`${name} ${String(x)} and ${String(y)}`])
  const phases = (work: WorkReport): string => work.phases.map(phase => phase.name).join(', ')
  const operations = (work: WorkReport): string => work.phases.map(phase => phase.operations).join(', ')
  const differences = [
    ...named('workload', a.name, b.name),
    ...named('seed', a.seed, b.seed),
    ...named('entries', a.entries, b.entries),
    ...differencesOf(a.parameters, b.parameters),
    ...named('phases', phases(a), phases(b)),
  ]
  if (a.digest === b.digest && phases(a) === phases(b) && operations(a) === operations(b)) return []
  return differences.length > 0 ? differences : [`the operations themselves (digest ${a.digest} and ${b.digest}), such as other data`]
}

type Scalar = string | number | boolean

function differencesOf(a: Readonly<Record<string, Scalar>>, b: Readonly<Record<string, Scalar>>): string[] {
  const show = (value: Scalar | undefined): string => (value === undefined ? 'not set' : String(value))
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter(name => a[name] !== b[name])
    .map(name => `${name}: ${show(a[name])} → ${show(b[name])}`)
}

function changeOf(metric: Metric, a: EngineReport, b: EngineReport, judgesTimes: boolean): MetricChange[] {
  const before = metric.of(a)
  const after = metric.of(b)
  if (before === undefined && after === undefined) return []
  if (before === undefined || after === undefined) return [{ metric, before, after, change: 'unknown' }]
  if (!metric.isRanked || (metric.isTime && !judgesTimes)) return [{ metric, before, after, change: 'unjudged' }]
  if (!differ(before, after, metric, 'two runs')) return [{ metric, before, after, change: 'none' }]
  const isMore = after.median > before.median
  return [{ metric, before, after, change: isMore === (metric.better === 'more') ? 'better' : 'worse' }]
}

function notesOn(before: RunReport, after: RunReport): string[] {
  const { otherLoadCores: loadBefore, ...machineBefore } = before.machine
  const { otherLoadCores: loadAfter, ...machineAfter } = after.machine
  const busy = Math.max(loadBefore ?? 0, loadAfter ?? 0)
  const rounds = Math.min(before.rounds, after.rounds)
  const only = (a: RunReport, b: RunReport, which: string): string[] =>
    a.engines.filter(({ name }) => !b.engines.some(one => one.name === name)).map(({ name }) => `${name} is only in the ${which} run`)
  return [
    ...differencesOf({ ...machineBefore }, { ...machineAfter }).map(text => `another machine, ${text}`),
    ...differencesOf(before.versions, after.versions).map(text => `another version, ${text}`),
    ...(isBusy(busy) ? [`other programs kept ${significant(busy)} cores busy in one of the runs: times are not compared`] : []),
    ...(rounds < LEAST_ROUNDS
      ? [`a run of ${plural(rounds, 'round')} does not show how much times vary: they are not compared; --rounds ${LEAST_ROUNDS} is enough`]
      : []),
    ...only(before, after, 'first'),
    ...only(after, before, 'second'),
  ]
}

/** The changes of one engine. */
export function compareTable({ name, changes, options }: EngineDiff): ReportTable {
  const groups = [...new Set(changes.map(({ metric }) => metric.group))]
  const cell = (spread: Spread | undefined, { format }: Metric): Cell =>
    spread === undefined ? { text: '–' } : formatSpread(spread, format)
  return {
    id: 'changes',
    title: name,
    ...(options.length > 0 && { note: `Other options: ${options.join(', ')}` }),
    columns: [
      { text: 'metric', isText: true },
      { text: 'before', definition: 'spread' },
      { text: 'after', definition: 'spread' },
      { text: 'change' },
      { text: 'verdict', definition: 'verdict', isText: true },
    ],
    groups: groups.map(group => {
      const own = changes.filter(({ metric }) => metric.group === group)
      return {
        name: group,
        definition: own[0].metric.definition,
        rows: own.map(change => ({
          head: change.metric.label,
          cells: [cell(change.before, change.metric), cell(change.after, change.metric), amountOf(change), verdictOf(change)],
        })),
      }
    }),
  }
}

function amountOf({ before, after }: MetricChange): Cell {
  if (before === undefined || after === undefined) return { text: '–' }
  if (before.median === after.median) return { text: '0 %' }
  return { text: before.median === 0 ? '–' : signedShare((after.median - before.median) / before.median) }
}

function verdictOf({ change, before, after }: MetricChange): Cell {
  if (change === 'none') return { text: 'no difference', isText: true }
  if (change === 'unjudged') return { text: '–', isText: true }
  if (change === 'unknown' || before === undefined || after === undefined) return { text: 'only in one run', isText: true }
  const [low, high] = [before.median, after.median].sort((a, b) => a - b)
  return { text: low > 0 ? `${change}, ${times(high / low)}` : change, isText: true, mark: change }
}
