/** The metrics by which engines are compared, and the rule for a significant difference. */
import { readAmplification, type ReadCounts } from 'kvarium/trace'
import type { DefinitionName } from './definitions.js'
import { bytes, duration, rate, share, times } from './numbers.js'
import { spreadOf, type EngineReport, type RunReport, type Spread } from './run-report.js'

export interface Metric {
  /** Stable, for programs: `throughput/load`. */
  readonly id: string
  readonly group: string
  readonly label: string
  readonly definition: DefinitionName
  readonly better: 'less' | 'more'
  /** Whether it is a time: times vary from round to round, bytes hardly. */
  readonly isTime: boolean
  readonly format: (value: number) => string
  /** `undefined` where it was not measured. */
  readonly of: (engine: EngineReport) => Spread | undefined
}

/** Bytes of one round differ only above this ratio; of times, one round says nothing. */
const EQUAL_BYTES = 1.005

/** The metrics that at least one engine has, in the order of a table: bytes, which are exact, come before times. */
export function metricsOf(report: RunReport): Metric[] {
  return [...BYTE_METRICS, ...timeMetrics(report)].filter(metric => report.engines.some(engine => metric.of(engine) !== undefined))
}

function timeMetrics({ work }: RunReport): Metric[] {
  const calls = work.phases.filter(phase => phase.kind !== 'other')
  const tasks = work.phases.filter(phase => phase.kind === 'other')
  const phaseOf = (engine: EngineReport, name: string) => engine.phases.find(phase => phase.name === name)
  return [
    ...calls.map(({ name }): Metric => ({
      id: `throughput/${name}`,
      group: 'Throughput',
      label: name,
      definition: 'throughput',
      better: 'more',
      isTime: true,
      format: value => `${rate(value)}/s`,
      of: engine => phaseOf(engine, name)?.perSecond,
    })),
    ...tasks.map(({ name }): Metric => ({
      id: `time/${name}`,
      group: 'Time of tasks',
      label: name,
      definition: 'phaseTime',
      better: 'less',
      isTime: true,
      format: value => duration(value * 1000),
      of: engine => phaseOf(engine, name)?.ms,
    })),
    ...calls
      .filter(phase => phase.operations > 1)
      .map(({ name }): Metric => ({
        id: `p99/${name}`,
        group: 'Latency, p99',
        label: name,
        definition: 'latency',
        better: 'less',
        isTime: true,
        format: duration,
        of: engine => phaseOf(engine, name)?.latency.p99Us,
      })),
  ]
}

const BYTE_METRICS: readonly Metric[] = [
  amplification('write/end', 'Write amplification', 'at end of writes', 'writeAmplification', e => e.write?.atEndOfWrites.amplification),
  amplification('write/settled', 'Write amplification', 'settled', 'writeAmplification', e => e.write?.settled.amplification),
  amplification('write/outside', 'Write amplification', 'settled, from outside', 'outside', e => e.outside?.amplification),
  blocks('read/found', 'get, found', e => e.read?.found),
  blocks('read/missing', 'get, missing', e => e.read?.missing),
  blocks('read/scan', 'scan, per entry', e => e.read?.scan),
  amplification('space/peak', 'Space amplification', 'peak', 'spaceAmplification', e => onDisk(e, e.space.peak)),
  amplification('space/end', 'Space amplification', 'at end of writes', 'spaceAmplification', e => onDisk(e, e.space.atEndOfWrites)),
  amplification('space/settled', 'Space amplification', 'settled', 'spaceAmplification', e => onDisk(e, e.space.settled)),
  memory('memory/peak', 'peak resident', e => e.memory.peakRssBytes),
  memory('memory/engine', 'held by the engine', e => once(e.memory.engineBytes)),
  {
    id: 'cache/hits',
    group: 'Memory and cache',
    label: 'cache hit rate',
    definition: 'cacheHits',
    better: 'more',
    isTime: false,
    format: share,
    of: ({ cache }) =>
      cache === undefined || cache.hits + cache.misses === 0 ? undefined : once(cache.hits / (cache.hits + cache.misses)),
  },
  {
    id: 'stalls',
    group: 'Memory and cache',
    label: 'writers waited',
    definition: 'stalls',
    better: 'less',
    isTime: true,
    format: value => (value === 0 ? 'never' : duration(value * 1000)),
    of: engine => once(engine.stalls?.totalMs),
  },
]

function amplification(id: string, group: string, label: string, definition: DefinitionName, of: Metric['of']): Metric {
  return { id, group, label, definition, better: 'less', isTime: false, format: times, of }
}

function blocks(id: string, label: string, counts: (engine: EngineReport) => ReadCounts | undefined): Metric {
  const of = (engine: EngineReport): Spread | undefined => {
    const read = counts(engine)
    return read === undefined || read.operations === 0 ? undefined : once(readAmplification(read).blocks)
  }
  return {
    ...amplification(id, 'Read amplification, blocks', label, 'readAmplification', of),
    format: value => times(value).replace('×', ''),
  }
}

function memory(id: string, label: string, of: Metric['of']): Metric {
  return { id, group: 'Memory and cache', label, definition: 'memory', better: 'less', isTime: false, format: bytes, of }
}

/** Whether the engine keeps data on disk: one that does not is not ranked with those that do. */
export function isDurable({ kind, write }: EngineReport): boolean {
  return kind === 'peer' || write !== undefined
}

function onDisk(engine: EngineReport, spread: Spread): Spread | undefined {
  return engine.space.peakBytes === 0 ? undefined : spread
}

function once(value: number | undefined): Spread | undefined {
  return value === undefined ? undefined : spreadOf([value])
}

/** Whether two values differ by more than their rounds vary. Times of one round never do: their spread is not known. */
export function differ(a: Spread, b: Spread, isTime: boolean): boolean {
  if (a.values.length > 1 && b.values.length > 1) return a.max < b.min || b.max < a.min
  if (isTime) return false
  const least = Math.min(a.median, b.median)
  const most = Math.max(a.median, b.median)
  if (least <= 0) return most > 0
  return most / least > EQUAL_BYTES
}

export interface Verdict {
  /** The engines with the best value; empty if there was nothing to compare. */
  readonly best: readonly EngineReport[]
  /** How many times better than the next one; `undefined` if a ratio has no meaning. */
  readonly factor: number | undefined
  /** `lsm-leveled, 1.3×`, `no difference`. */
  readonly text: string
}

/** The best engines by a metric, among those that keep their data. */
export function judge(metric: Metric, engines: readonly EngineReport[]): Verdict {
  const candidates = engines
    .filter(isDurable)
    .flatMap(engine => {
      const spread = metric.of(engine)
      return spread === undefined ? [] : [{ engine, spread }]
    })
    .sort((a, b) => (metric.better === 'less' ? a.spread.median - b.spread.median : b.spread.median - a.spread.median))
  if (candidates.length < 2) return { best: [], factor: undefined, text: '–' }
  if (metric.isTime && candidates.some(({ spread }) => spread.values.length < 2)) return { best: [], factor: undefined, text: 'one round' }
  const [first] = candidates
  const equal = candidates.filter(({ spread }) => spread === first.spread || !differ(first.spread, spread, metric.isTime))
  const best = equal.map(({ engine }) => engine)
  if (equal.length === candidates.length) return { best: [], factor: 1, text: 'no difference' }
  const next = candidates.find(candidate => !equal.includes(candidate))!
  const [low, high] = [first.spread.median, next.spread.median].sort((a, b) => a - b)
  const factor = low > 0 ? high / low : undefined
  const names = best.map(engine => engine.name).join(', ')
  return { best, factor, text: factor === undefined ? names : `${names}, ${times(factor)}` }
}

export interface FormattedSpread {
  readonly text: string
  /** From the minimum to the maximum; empty with one round. */
  readonly range: string
  /** `±5 %`: how far the outermost round is from the median; empty with one round. */
  readonly vary: string
}

export function formatSpread({ median, min, max, values }: Spread, format: (value: number) => string): FormattedSpread {
  if (values.length < 2) return { text: format(median), range: '', vary: '' }
  const furthest = median === 0 ? 0 : Math.max(max - median, median - min) / Math.abs(median)
  return { text: format(median), range: `${format(min)} – ${format(max)}`, vary: `±${Math.round(furthest * 100)} %` }
}
