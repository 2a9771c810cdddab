/**
 * The structure of an engine, drawn.
 *
 * Invariants:
 * 1. What is drawn is also there as text; nothing is said by colour, place or size alone.
 * 2. A drawing is bounded: of more tables than fit, the number is told.
 */
import type { EngineShape } from '../../../src/engine/contract.js'
import type { FoldedLsmShape } from '../../../src/lsm/fold-shape.js'
import type { LsmLevelShape, MemtableShape, TableShape } from '../../../src/lsm/shape.js'
import { element, type Content, type Markup } from '../../../src/report/charts/markup.js'
import { bytes, plural } from '../../../src/report/numbers.js'
import type { ProbeSource, TraceEvent } from '../../../src/trace/events.js'
import { isLsm, levelText, memtableText, structureLines, tableText } from '../structure-text.js'

const MAX_TABLES = 1500

export interface StructureView {
  readonly shape: EngineShape
  /** Before the event that is shown: what is not in it is new. */
  readonly before: EngineShape | undefined
  /** What the operation under way has looked at. */
  readonly touched: readonly TraceEvent[]
}

export function structureMarkup(view: StructureView): Content {
  const { shape, before, touched } = view
  const drawing = isLsm(shape) ? lsmMarkup(shape, before !== undefined && isLsm(before) ? before : undefined, touched) : undefined
  return [
    drawing,
    element(
      'details',
      drawing === undefined ? { open: '' } : {},
      element('summary', {}, 'The structure as text'),
      element('pre', { tabindex: 0, 'aria-label': 'The structure as text' }, structureLines(shape).join('\n')),
    ),
  ]
}

function lsmMarkup(shape: FoldedLsmShape, before: FoldedLsmShape | undefined, touched: readonly TraceEvent[]): Content {
  const { memtable, frozen, levels } = shape
  const tables = levels.flatMap(level => level.runTables.flat())
  const known = before && new Set(before.levels.flatMap(level => level.runTables.flat().map(table => table.number)))
  const outcomes = outcomesOf(touched)
  const drawn = new Set(tables.slice(0, MAX_TABLES))
  const scale = keyScale([...drawn])
  const note = (table: TableShape): string =>
    [known?.has(table.number) === false ? 'new' : '', outcomes.get(`table ${table.number}`) ?? ''].filter(Boolean).join(', ')
  return [
    memoryMarkup('memtable', memtable, outcomes.get('memtable')),
    frozen.map((one, index) => memoryMarkup(`frozen memtable ${index}`, one, outcomes.get(`frozen ${index}`))),
    levels.filter(level => level.tables > 0).map(level => levelMarkup(level, drawn, scale, note)),
    tables.length > MAX_TABLES
      ? element('p', { class: 'lead' }, `${plural(tables.length - MAX_TABLES, 'more table')} below are not drawn.`)
      : undefined,
    tables.length === 0
      ? element('p', { class: 'lead' }, 'No tables yet.')
      : element('p', { class: 'lead' }, 'From left to right: keys in ascending order. The higher a table, the more bytes.'),
  ]
}

function memoryMarkup(name: string, memtable: MemtableShape, outcome: string | undefined): Markup {
  const share = memtable.capacityBytes === 0 ? 0 : memtable.bytes / memtable.capacityBytes
  return element(
    'div',
    { class: outcome === undefined ? 'memory' : 'memory noted' },
    element('h3', {}, name),
    element('p', {}, memtableText(memtable), outcome === undefined ? undefined : noteMarkup(outcome)),
    barMarkup(share),
  )
}

/** A share as a bar; the text beside it says the numbers. */
export function barMarkup(share: number): Markup {
  const width = `width:${(Math.min(1, share) * 100).toFixed(1)}%`
  return element('div', { class: 'fill', 'aria-hidden': 'true' }, element('div', { style: width }))
}

function levelMarkup(level: LsmLevelShape, drawn: ReadonlySet<TableShape>, scale: KeyScale, note: (table: TableShape) => string): Markup {
  return element(
    'div',
    { class: 'level' },
    element('h3', {}, levelText(level)),
    level.runTables.map((run, index) =>
      element(
        'ul',
        { class: 'run', 'aria-label': level.runs > 1 ? `run ${index + 1} of ${level.runs}, newest first` : 'tables' },
        run.filter(table => drawn.has(table)).map(table => tableMarkup(table, scale, note(table))),
      ),
    ),
  )
}

function tableMarkup(table: TableShape, { left, width, height }: KeyScale, note: string): Markup {
  const style = `left:${left(table).toFixed(2)}%;width:${width(table).toFixed(2)}%;height:${height(table).toFixed(0)}%`
  return element(
    'li',
    { class: note === '' ? 'table' : 'table noted', style, title: `${tableText(table)}${note === '' ? '' : `: ${note}`}` },
    element('span', { 'aria-hidden': 'true' }, `${table.number} · ${bytes(table.fileBytes)}`),
    element('span', { class: 'hidden' }, tableText(table)),
    note === '' ? undefined : noteMarkup(note),
  )
}

function noteMarkup(text: string): Markup {
  return element('b', { class: 'note' }, text)
}

interface KeyScale {
  left(table: TableShape): number
  width(table: TableShape): number
  height(table: TableShape): number
}

/** Places by the rank of the bounds among all bounds, so that no table is too small to be seen. */
function keyScale(tables: readonly TableShape[]): KeyScale {
  const bounds = [...new Set(tables.flatMap(({ smallest, largest }) => [smallest, largest]))].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const ranks = new Map(bounds.map((bound, rank) => [bound, rank]))
  const rank = (bound: string): number => ranks.get(bound)!
  const most = Math.max(...tables.map(({ fileBytes }) => fileBytes))
  return {
    left: ({ smallest }) => (100 * rank(smallest)) / bounds.length,
    width: ({ smallest, largest }) => (100 * (rank(largest) - rank(smallest) + 1)) / bounds.length,
    height: ({ fileBytes }) => 50 + (50 * fileBytes) / most,
  }
}

/** What a get found where, by the name of the place. */
function outcomesOf(touched: readonly TraceEvent[]): Map<string, string> {
  const outcomes = new Map<string, string>()
  for (const event of touched) if (event.type === 'get.probe') outcomes.set(placeName(event.source), event.outcome)
  return outcomes
}

function placeName(source: ProbeSource): string {
  if (source.in === 'memtable') return 'memtable'
  if (source.in === 'frozen') return `frozen ${source.index}`
  return source.in === 'table' ? `table ${source.file}` : `run ${source.run} of level ${source.level}`
}
