/** What a release keeps of a run of the peers' benchmark, `bench/history/<version>.json`, and the page made of these files. */
import { median, short, table } from '../table.js'
import { ALSO, type Row } from './bars.js'
import type { Run } from './report.js'

export interface HistoryEntry {
  readonly version: string
  readonly node: string
  readonly processor: string
  readonly cores: number
  readonly entries: number
  readonly cacheMiB: number
  /** Median over the rounds of the cores that other programs kept busy. */
  readonly othersCores: number
  /** Median, least and most of the rounds, by workload and metric, then by store. */
  readonly rows: Readonly<Record<string, Readonly<Record<string, readonly [median: number, least: number, most: number]>>>>
}

const keyOf = ({ work, metric }: Row): string => `${work}/${metric}`

export function historyEntry(about: Omit<HistoryEntry, 'othersCores' | 'rows'>, runs: readonly Run[], rows: readonly Row[]): HistoryEntry {
  const measured: Record<string, Record<string, [number, number, number]>> = {}
  for (const row of [...rows, ...ALSO]) {
    for (const store of new Set(runs.map(run => run.store))) {
      const values = runs.filter(run => run.store === store && run.work === row.work).map(run => run.metrics[row.metric] ?? NaN)
      const known = values.filter(value => Number.isFinite(value)).map(value => Number(value.toPrecision(4)))
      if (store === 'null' || known.length === 0) continue
      const own = (measured[keyOf(row)] ??= {})
      own[store] = [median(known), Math.min(...known), Math.max(...known)]
    }
  }
  const others = median(runs.map(run => run.othersCores))
  return { ...about, othersCores: Number.isNaN(others) ? 0 : Number(others.toFixed(2)), rows: measured }
}

/**
 * A table a store, with a column a release. Two releases compare only as far as their machine and size are the same, so these stand above.
 * @param history - In the order of the releases.
 */
export function historyPage(history: readonly HistoryEntry[], rows: readonly Row[]): string {
  const stores = [...new Set(history.flatMap(entry => Object.values(entry.rows).flatMap(byStore => Object.keys(byStore))))]
  const labelled = [...new Map([...rows, ...ALSO].map(row => [keyOf(row), row])).values()]
  const about = history.map(({ version, node, processor, cores, entries, cacheMiB, othersCores }) => [
    version,
    node,
    `${cores} × ${processor}`,
    entries.toLocaleString('en'),
    `${cacheMiB} MiB`,
    String(othersCores),
  ])
  const sections = stores.map(store => {
    const lines = labelled.flatMap(row => {
      const values = history.map(entry => entry.rows[keyOf(row)]?.[store])
      if (values.every(value => value === undefined)) return []
      const cells = values.map(value =>
        value === undefined ? '' : `${short(value[0])}${row.unit} (${short(value[1])} to ${short(value[2])})`,
      )
      return [[row.label, ...cells]]
    })
    return `## ${store}\n\n${table(['work', ...history.map(entry => entry.version)], lines)}`
  })
  return [
    '# Benchmarks by release',
    'Medians of the rounds, with the least and the most. Compare the columns of one machine alone; [benchmarks.md](../../docs/benchmarks.md) says how.',
    table(['release', 'Node', 'machine', 'entries', 'cache', 'cores used by others'], about),
    ...sections,
    '',
  ].join('\n\n')
}
