/** What the numbers are called, what they have to reach, and the tables made of them. */
import { median, short, table } from '../table.js'

export interface Run {
  readonly round: number
  readonly store: string
  readonly work: string
  readonly metrics: Readonly<Record<string, number>>
  readonly error?: string
  /** Cores that other processes kept busy meanwhile. */
  readonly othersCores: number
}

interface Row {
  readonly work: string
  readonly metric: string
  readonly label: string
  readonly unit: string
}

/** A row that has to reach something: `ratio` times the reference, or an absolute `limit`. */
interface Bar extends Row {
  readonly against?: string
  readonly atLeast?: number
  readonly atMost?: number
  readonly below?: number
}

const CLASSIC = 'classic-level'
const RATE = 'operationsPerSecond'
const SETTLED = 'settledPerSecond'

const BARS: readonly Bar[] = [
  { work: 'get', metric: RATE, label: 'awaited get, resident data', unit: '/s', against: CLASSIC, atLeast: 10 },
  { work: 'get-sync', metric: RATE, label: 'getSync, resident data', unit: '/s', against: CLASSIC, atLeast: 2 },
  { work: 'put', metric: RATE, label: 'awaited put, default durability', unit: '/s', against: CLASSIC, atLeast: 5 },
  { work: 'fill-random', metric: SETTLED, label: 'random fill, batches of 1000, settled', unit: '/s', against: CLASSIC, atLeast: 1 },
  { work: 'put-sync', metric: RATE, label: 'durable put, 64 in flight', unit: '/s', against: CLASSIC, atLeast: 4 },
  { work: 'nextv', metric: RATE, label: 'full iteration, nextv(1000)', unit: '/s', against: CLASSIC, atLeast: 1.5 },
  { work: 'for-await', metric: RATE, label: 'full iteration, for await', unit: '/s', against: CLASSIC, atLeast: 1.5 },
  { work: 'fill-lag', metric: 'p999Ms', label: 'event-loop lag p99.9 in a batch fill', unit: ' ms', against: CLASSIC, below: 1 },
  {
    work: 'fill-random',
    metric: 'writeAmplification',
    label: 'write amplification of the random fill',
    unit: '',
    against: 'classic-level-nocompress',
    atMost: 1,
  },
  { work: 'big', metric: 'peakMiB', label: 'peak RSS, large load and read back', unit: ' MiB', below: 300 },
]

const ALSO: readonly Row[] = [
  ...[
    ['get', 'awaited get'],
    ['get-sync', 'getSync'],
    ['put', 'awaited put'],
    ['fill-random', 'an entry of the random fill, settled'],
    ['put-sync', 'durable put'],
    ['nextv', 'an entry by nextv(1000)'],
    ['for-await', 'an entry by for await'],
  ].map(([work, label]) => ({ work, metric: 'cpuPerOperationUs', label: `CPU of all threads: ${label}`, unit: ' us' })),
  { work: 'put', metric: SETTLED, label: 'awaited put, settled', unit: '/s' },
  { work: 'put', metric: 'ticksPerSecond', label: 'ticks of a 1 ms timer in a put loop', unit: '/s' },
  { work: 'put-lag', metric: RATE, label: 'awaited put, all entries', unit: '/s' },
  { work: 'put-lag', metric: 'p50Ms', label: 'event-loop lag in a put loop: p50', unit: ' ms' },
  { work: 'put-lag', metric: 'p99Ms', label: 'p99', unit: ' ms' },
  { work: 'put-lag', metric: 'p999Ms', label: 'p99.9', unit: ' ms' },
  { work: 'put-lag', metric: 'maxMs', label: 'most', unit: ' ms' },
  { work: 'fill-random', metric: RATE, label: 'random fill, to the end of writes', unit: '/s' },
  { work: 'fill-random', metric: 'stallMs', label: 'random fill: writers waited', unit: ' ms' },
  { work: 'fill-random', metric: 'writeAmplificationAtEnd', label: 'write amplification, to the end of writes', unit: '' },
  { work: 'fill-random', metric: 'ledgerWriteAmplification', label: "write amplification, the store's own ledger", unit: '' },
  { work: 'fill-random', metric: 'spaceAmplification', label: 'space amplification of the random fill', unit: '' },
  { work: 'fill-ascending', metric: RATE, label: 'ascending fill, to the end of writes', unit: '/s' },
  { work: 'fill-ascending', metric: SETTLED, label: 'ascending fill, settled', unit: '/s' },
  { work: 'fill-ascending', metric: 'writeAmplification', label: 'write amplification of the ascending fill', unit: '' },
  { work: 'put-sync', metric: 'p50Ms', label: 'durable put, 64 in flight: p50', unit: ' ms' },
  { work: 'put-sync', metric: 'p99Ms', label: 'p99', unit: ' ms' },
  { work: 'fill-lag', metric: 'p50Ms', label: 'event-loop lag in a batch fill: p50', unit: ' ms' },
  { work: 'fill-lag', metric: 'p99Ms', label: 'p99', unit: ' ms' },
  { work: 'fill-lag', metric: 'maxMs', label: 'most', unit: ' ms' },
  { work: 'fill-lag', metric: 'nodeP999Ms', label: "p99.9 in Node's histogram", unit: ' ms' },
  { work: 'fill-lag', metric: 'ticksPerSecond', label: 'ticks of a 1 ms timer in a batch fill', unit: '/s' },
  { work: 'big', metric: SETTLED, label: 'large random fill, settled', unit: '/s' },
  { work: 'big', metric: 'scansPerSecond', label: 'large: for await, checked', unit: '/s' },
  { work: 'big', metric: 'getsPerSecond', label: 'large: awaited get', unit: '/s' },
  { work: 'big', metric: 'loadedPeakMiB', label: 'large: peak RSS after the load', unit: ' MiB' },
  { work: 'big', metric: 'anonymousPeakMiB', label: 'large: peak RSS without mapped files', unit: ' MiB' },
]

export interface Verdict {
  readonly store: string
  readonly label: string
  readonly value: number
  readonly reference: number
  /** Median of the rounds' ratios, the least and the most; the value itself when the bar is absolute. */
  readonly ratio: number
  readonly least: number
  readonly most: number
  readonly pass: boolean
}

/** Every bar that was measured, for one store. */
export function judge(runs: readonly Run[], store: string): Verdict[] {
  return BARS.flatMap(bar => {
    const own = valuesOf(runs, store, bar)
    const reference = bar.against === undefined ? undefined : valuesOf(runs, bar.against, bar)
    const ratios = reference === undefined ? own : own.map((value, round) => value / (reference[round] ?? NaN))
    const ratio = median(ratios)
    if (Number.isNaN(ratio)) return []
    const pass = ratio >= (bar.atLeast ?? -Infinity) && ratio <= (bar.atMost ?? Infinity) && ratio < (bar.below ?? Infinity)
    const known = ratios.filter(value => !Number.isNaN(value))
    const verdict = { value: median(own), reference: median(reference ?? []), ratio, least: Math.min(...known), most: Math.max(...known) }
    return [{ store, label: bar.label, ...verdict, pass }]
  })
}

export function barsTable(runs: readonly Run[], store: string): string {
  const rows = judge(runs, store).map(({ label, value, reference, ratio, least, most, pass }) => {
    const { unit, against, atLeast, atMost, below } = BARS.find(bar => bar.label === label)!
    const relative = against !== undefined
    const goal = atLeast === undefined ? (atMost === undefined ? `< ${below}` : `<= ${atMost}`) : `>= ${atLeast}`
    return [
      label,
      short(value) + unit,
      relative ? short(reference) + unit : '',
      relative ? `${short(ratio)} (${short(least)}-${short(most)})` : `(${short(least)}-${short(most)})`,
      goal + (relative ? '' : unit),
      pass ? 'pass' : 'MISS',
    ]
  })
  return table(['work', store, 'reference', 'ratio (least-most)', 'bar', ''], rows)
}

/** Everything measured, by store: the median of the rounds and half the distance between the least and the most. */
export function allTable(runs: readonly Run[], stores: readonly string[]): string {
  const rows = [...BARS, ...ALSO]
    .map(row => ({ row, cells: stores.map(store => cell(runs, store, row)), harness: harnessCell(runs, row) }))
    .filter(({ cells }) => cells.some(text => text !== ''))
    .map(({ row, cells, harness }) => [row.label, ...cells, harness])
  return table(['work', ...stores, 'harness ns'], rows)
}

function cell(runs: readonly Run[], store: string, row: Row): string {
  const values = valuesOf(runs, store, row).filter(value => !Number.isNaN(value))
  if (values.length === 0) return ''
  const middle = median(values)
  const spread = middle === 0 ? 0 : ((Math.max(...values) - Math.min(...values)) / 2 / middle) * 100
  return short(middle) + row.unit + (values.length > 1 ? ` ±${spread.toFixed(0)}%` : '')
}

/** What one operation of the workload costs without a store. */
function harnessCell(runs: readonly Run[], row: Row): string {
  return row.metric === RATE ? short(1e9 / median(valuesOf(runs, 'null', row))) : ''
}

/** By round. */
function valuesOf(runs: readonly Run[], store: string, { work, metric }: Row): number[] {
  const values: number[] = []
  for (const run of runs) if (run.store === store && run.work === work) values[run.round] = run.metrics[metric] ?? NaN
  return Array.from(values, value => value ?? NaN)
}
