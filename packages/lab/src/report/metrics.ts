/** The metrics by which engines are compared, and the rule for a difference that counts. */
import { readAmplification } from 'kvarium/trace'
import { nameWithCalls } from './calls.js'
import type { DefinitionName } from './definitions.js'
import { bytes, duration, rate, share, times } from './numbers.js'
import { spreadOf, type EngineReport, type Outcome, type RunReport, type Spread } from './run-report.js'

export interface Metric {
  /** Stable, for programs: `throughput/load`. */
  readonly id: string
  readonly group: string
  readonly label: string
  readonly definition: DefinitionName
  readonly better: 'less' | 'more'
  /** Whether it is a time: times need the spread of several rounds. */
  readonly isTime: boolean
  /** Whether it is a percentile of times, which varies more from one run to another than their sum. */
  readonly isTail?: true
  /** False for a number that is shown, but says nothing about which engine is better: how long background work took to settle. */
  readonly isRanked: boolean
  readonly format: (value: number) => string
  /** `undefined` where it was not measured. */
  readonly of: (engine: EngineReport) => Spread | undefined
}

/** Fewer rounds have no verdict on times: ranges of three rounds lie as far apart as `differ` asks in 1 of 100 cases by chance, of two in 9. */
export const LEAST_ROUNDS = 3

/** The least ratio of two medians that counts: for rounds of one run, in which the engines take turns, and for two runs. */
const LEAST_RATIO = {
  'one run': { bytes: 1.005, times: 1.05, tails: 1.05 },
  // In six pairs of the same run on a quiet machine, none of 264 times differed by 1.25, but 2 of 192 percentiles did, by 1.26 and 1.45.
  'two runs': { bytes: 1.05, times: 1.25, tails: 1.5 },
} as const

/** For bytes of too few rounds: those of an LSM tree vary with the moments at which its background works, by up to a fifth. */
const LEAST_RATIO_OF_FEW = 1.25

/** Phases that wait for background work: an engine that waits longer had deferred more, which other rows count. */
const WAITS: ReadonlySet<string> = new Set(['settle', 'rest'])

/** The metrics that at least one engine has, in the order of a table: bytes, which are exact, come before times. */
export function metricsOf(report: RunReport): Metric[] {
  return [...BYTE_METRICS, ...timeMetrics(report)].filter(metric => report.engines.some(engine => metric.of(engine) !== undefined))
}

function timeMetrics(report: RunReport): Metric[] {
  const { work } = report
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
      isRanked: true,
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
      isRanked: !WAITS.has(name),
      format: value => duration(value * 1000),
      of: engine => phaseOf(engine, name)?.ms,
    })),
    ...calls
      .filter(phase => phase.operations > 1)
      .map(({ name }): Metric => ({
        id: `p99/${name}`,
        group: 'Latency, p99',
        label: nameWithCalls(report, name),
        definition: 'latency',
        better: 'less',
        isTime: true,
        isTail: true,
        isRanked: true,
        format: duration,
        of: engine => phaseOf(engine, name)?.latency.p99Us,
      })),
  ]
}

const BYTE_METRICS: readonly Metric[] = [
  amplification('write/end', 'Write amplification', 'at end of writes', 'writeAmplification', e => e.write?.atEndOfWrites.amplification),
  amplification('write/settled', 'Write amplification', 'settled', 'writeAmplification', e => e.write?.settled.amplification),
  amplification('write/outside', 'Write amplification', 'settled, from outside', 'outside', e => e.outside?.amplification),
  blocks('found', 'get, found'),
  blocks('missing', 'get, missing'),
  blocks('scan', 'scan, per entry'),
  amplification('space/peak', 'Space amplification', 'peak', 'spaceAmplification', e => onDisk(e, e.space.peak)),
  amplification('space/end', 'Space amplification', 'at end of writes', 'spaceAmplification', e => onDisk(e, e.space.atEndOfWrites)),
  amplification('space/settled', 'Space amplification', 'settled', 'spaceAmplification', e => onDisk(e, e.space.settled)),
  memory('memory/peak', 'peak resident', e => (e.memory.sharesProcess === true ? undefined : e.memory.peakRssBytes)),
  {
    ...memory('memory/shared', 'peak resident, of the process of all engines', e =>
      e.memory.sharesProcess === true ? e.memory.peakRssBytes : undefined,
    ),
    isRanked: false,
  },
  memory('memory/engine', 'held by the engine', e => (e.memory.sharesProcess === true ? undefined : once(e.memory.engineBytes))),
  {
    // kvarium compare ends by opening the store again: its memory is empty.
    ...memory('memory/reopened', 'held by the engine, opened again', e =>
      e.memory.sharesProcess === true ? once(e.memory.engineBytes) : undefined,
    ),
    isRanked: false,
  },
  {
    id: 'cache/hits',
    group: 'Memory and cache',
    label: 'cache hit rate',
    definition: 'cacheHits',
    better: 'more',
    isTime: false,
    // Engines look up other things in their caches: a B+tree each inner page, an LSM tree only blocks of data.
    isRanked: false,
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
    isRanked: false,
    format: value => (value === 0 ? 'never' : duration(value * 1000)),
    of: engine => once(engine.stalls?.totalMs),
  },
]

function amplification(id: string, group: string, label: string, definition: DefinitionName, of: Metric['of']): Metric {
  return { id, group, label, definition, better: 'less', isTime: false, isRanked: true, format: times, of }
}

function blocks(kind: 'found' | 'missing' | 'scan', label: string): Metric {
  const of = ({ read }: EngineReport): Spread | undefined => {
    if (read === undefined || read[kind].operations === 0) return undefined
    return read.blocks?.[kind] ?? once(readAmplification(read[kind]).blocks)
  }
  return {
    ...amplification(`read/${kind}`, 'Read amplification, blocks', label, 'readAmplification', of),
    format: value => times(value).replace('×', ''),
  }
}

function memory(id: string, label: string, of: Metric['of']): Metric {
  return { id, group: 'Memory and cache', label, definition: 'memory', better: 'less', isTime: false, isRanked: true, format: bytes, of }
}

/** Whether the engine keeps data on disk: one that does not is not ranked with those that do. */
export function isDurable({ kind, write, space }: EngineReport): boolean {
  return write !== undefined || (kind === 'peer' && space.peakBytes > 0)
}

function onDisk(engine: EngineReport, spread: Spread): Spread | undefined {
  return engine.space.peakBytes === 0 ? undefined : spread
}

function once(value: number | undefined): Spread | undefined {
  return value === undefined ? undefined : spreadOf([value])
}

export type NumberKind = Pick<Metric, 'isTime' | 'isTail'>

/**
 * Whether two values differ by more than chance explains: their ranges over all rounds lie apart by more than the wider of them spans, and
 * their medians have at least the ratio of `LEAST_RATIO`. Two runs meet the machine in two states, which the rounds of one do not show: their
 * ranges lie apart by more than both together.
 */
export function differ(a: Spread, b: Spread, { isTime, isTail }: NumberKind, of: 'one run' | 'two runs' = 'one run'): boolean {
  const rounds = Math.min(a.values.length, b.values.length)
  if (isTime && rounds < LEAST_ROUNDS) return false
  const gap = Math.max(a.min - b.max, b.min - a.max)
  const [narrow, wide] = [a.max - a.min, b.max - b.min].sort((x, y) => x - y)
  if (gap <= (of === 'one run' ? wide : wide + narrow)) return false
  const least = Math.min(a.median, b.median)
  if (least <= 0) return true
  const ratio = Math.max(a.median, b.median) / least
  return ratio > (isTime ? LEAST_RATIO[of][isTail ? 'tails' : 'times'] : leastRatioOfBytes(rounds, wide === 0, of))
}

function leastRatioOfBytes(rounds: number, isExact: boolean, of: 'one run' | 'two runs'): number {
  // The same bytes in each round: these do not depend on the moments of background work.
  if (isExact && rounds > 1) return LEAST_RATIO['one run'].bytes
  return rounds < LEAST_ROUNDS ? LEAST_RATIO_OF_FEW : LEAST_RATIO[of].bytes
}

export interface Candidate {
  readonly engine: EngineReport
  readonly spread: Spread
}

export interface Verdict {
  /** The engines with the best value, best first; empty if there is no winner. */
  readonly best: readonly Candidate[]
  /** Those that are worse than all of the best, best first. */
  readonly others: readonly Candidate[]
  /** How many times better the best one is than the next of the others; `undefined` if a ratio has no meaning. */
  readonly factor: number | undefined
  readonly outcome: Outcome
  /** `lsm-leveled, 1.3×`, `no difference`. */
  readonly text: string
}

/** The best engines by a metric, among those that keep their data. */
export function judge(metric: Metric, engines: readonly EngineReport[]): Verdict {
  const none = (outcome: Outcome, text: string = outcome): Verdict => ({ best: [], others: [], factor: undefined, outcome, text })
  const candidates = candidatesFor(metric, engines)
  if (candidates.length < 2) return none('nothing to compare', '–')
  if (!metric.isRanked) return none('not ranked')
  const rounds = Math.min(...candidates.map(({ spread }) => spread.values.length))
  if (metric.isTime && rounds < LEAST_ROUNDS) return none('too few rounds', rounds === 1 ? 'one round' : `${rounds} rounds`)
  const [first] = candidates
  const isWorse = (than: Candidate, one: Candidate): boolean => differ(than.spread, one.spread, metric)
  const best = candidates.filter(one => one === first || !isWorse(first, one))
  const others = candidates.filter(one => !best.includes(one) && best.every(winner => isWorse(winner, one)))
  if (others.length === 0) return none('no difference')
  const factor = factorBetween(first.spread, others[0].spread)
  const names = best.map(({ engine }) => engine.name).join(', ')
  return { best, others, factor, outcome: 'best', text: factor === undefined ? names : `${names}, ${times(factor)}` }
}

/** The engines that keep their data and have the number, best first. */
export function candidatesFor(metric: Metric, engines: readonly EngineReport[]): Candidate[] {
  return engines
    .filter(isDurable)
    .flatMap(engine => {
      const spread = metric.of(engine)
      return spread === undefined ? [] : [{ engine, spread }]
    })
    .sort((a, b) => (metric.better === 'less' ? a.spread.median - b.spread.median : b.spread.median - a.spread.median))
}

/** The ratio of two medians, at least 1; `undefined` if one of them is not above 0. */
export function factorBetween(a: Spread, b: Spread): number | undefined {
  const [low, high] = [a.median, b.median].sort((x, y) => x - y)
  return low > 0 ? high / low : undefined
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
