/** Verdicts on the bars, and the tables of all measurements. */
import { median, short, table } from '../table.js'
import { ALSO, RATE, type Bar, type Row } from './bars.js'

export interface Run {
  readonly round: number
  readonly store: string
  readonly work: string
  readonly metrics: Readonly<Record<string, number>>
  readonly error?: string
  /** Cores that other processes kept busy meanwhile. */
  readonly othersCores: number
}

export interface Verdict {
  readonly store: string
  readonly bar: Bar
  readonly value: number
  readonly reference: number
  /** Median, minimum and maximum of the rounds' ratios; the value itself when the bar is absolute. */
  readonly ratio: number
  readonly least: number
  readonly most: number
  readonly pass: boolean
}

/** Every bar that was measured, for one store. */
export function judge(runs: readonly Run[], store: string, bars: readonly Bar[]): Verdict[] {
  return bars.flatMap(bar => {
    const own = valuesOf(runs, store, bar)
    const reference = bar.against === undefined ? undefined : valuesOf(runs, bar.against, bar)
    const ratios = reference === undefined ? own : own.map((value, round) => value / (reference[round] ?? NaN))
    const ratio = median(ratios)
    if (Number.isNaN(ratio)) return []
    const pass = ratio >= (bar.atLeast ?? -Infinity) && ratio <= (bar.atMost ?? Infinity) && ratio < (bar.below ?? Infinity)
    const known = ratios.filter(value => !Number.isNaN(value))
    const verdict = { value: median(own), reference: median(reference ?? []), ratio, least: Math.min(...known), most: Math.max(...known) }
    return [{ store, bar, ...verdict, pass }]
  })
}

export function barsTable(runs: readonly Run[], store: string, bars: readonly Bar[]): string {
  const rows = judge(runs, store, bars).map(({ bar, value, reference, ratio, least, most, pass }) => {
    const { label, unit, against, atLeast, atMost, below } = bar
    const relative = against !== undefined
    const goal = atLeast === undefined ? (atMost === undefined ? `< ${below}` : `<= ${atMost}`) : `>= ${atLeast}`
    return [
      label,
      short(value) + unit,
      against === undefined ? '' : `${against} ${short(reference)}${unit}`,
      relative ? `${short(ratio)} (${short(least)}-${short(most)})` : `(${short(least)}-${short(most)})`,
      goal + (relative ? '' : unit),
      pass ? 'pass' : 'MISS',
    ]
  })
  return table(['work', store, 'reference', 'ratio (least-most)', 'bar', ''], rows)
}

/** Everything measured, by store: the median of the rounds and half the distance between minimum and maximum. */
export function allTable(runs: readonly Run[], stores: readonly string[], bars: readonly Bar[]): string {
  const rows = distinct([...bars, ...ALSO])
    .map(row => ({ row, cells: stores.map(store => cell(runs, store, row)), harness: harnessCell(runs, row) }))
    .filter(({ cells }) => cells.some(text => text !== ''))
    .map(({ row, cells, harness }) => [row.label, ...cells, harness])
  return table(['work', ...stores, 'harness ns'], rows)
}

/** The rows without later ones that show the same figure, such as two bars for it. */
function distinct(rows: readonly Row[]): Row[] {
  const seen = new Map<string, Row>()
  for (const row of rows) if (!seen.has(`${row.work} ${row.metric}`)) seen.set(`${row.work} ${row.metric}`, row)
  return [...seen.values()]
}

function cell(runs: readonly Run[], store: string, row: Row): string {
  const values = valuesOf(runs, store, row).filter(value => !Number.isNaN(value))
  if (values.length === 0) return ''
  const middle = median(values)
  const spread = middle === 0 ? 0 : ((Math.max(...values) - Math.min(...values)) / 2 / middle) * 100
  return short(middle) + row.unit + (values.length > 1 ? ` ±${spread.toFixed(0)}%` : '')
}

/** The cost of one operation of the workload without a store. */
function harnessCell(runs: readonly Run[], row: Row): string {
  return row.metric === RATE ? short(1e9 / median(valuesOf(runs, 'null', row))) : ''
}

/** By round. */
function valuesOf(runs: readonly Run[], store: string, { work, metric }: Row): number[] {
  const values: number[] = []
  for (const run of runs) if (run.store === store && run.work === work) values[run.round] = run.metrics[metric] ?? NaN
  return Array.from(values, value => value ?? NaN)
}
