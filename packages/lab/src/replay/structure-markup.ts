/**
 * The structure of an engine, drawn.
 *
 * Invariants:
 * 1. The text of a drawing says everything that the drawing shows; nothing depends on colour, place or size alone.
 * 2. A drawing is bounded: a line gives the number of tables that are not drawn.
 */
import type { EngineShape } from 'kvarium/engine'
import type { LsmLevelShape, MemtableShape, TableShape } from 'kvarium/lsm'
import { element, type Content, type Markup } from '../report/charts/markup.js'
import { bytes, plural } from '../report/numbers.js'
import { isBtree, isLsm, levelText, MEMORY_UNKNOWN, memtableText, structureLines, tableText, type KnownLsmShape } from './structure-text.js'
import { placeName, tableName, touchText, type Touch } from './touched.js'
import { btreeMarkup } from './btree-markup.js'
import { barMarkup } from './bar-markup.js'

const MAX_TABLES = 1500
const MAX_TOUCHED = 50

export interface StructureView {
  readonly shape: EngineShape
  /** The shape before the current event. */
  readonly before: EngineShape | undefined
  /** The places that the current operation has searched. */
  readonly touched: readonly Touch[]
}

export function structureMarkup(view: StructureView): Content {
  const { shape, before, touched } = view
  return [
    isLsm(shape) ? lsmMarkup(shape, before !== undefined && isLsm(before) ? before : undefined, touched) : undefined,
    isBtree(shape) ? btreeMarkup(shape) : undefined,
    touched.length === 0 ? undefined : touchedMarkup(touched),
    element(
      'details',
      isLsm(shape) || isBtree(shape) ? {} : { open: '' },
      element('summary', {}, 'The structure as text'),
      element('pre', { tabindex: 0, 'aria-label': 'The structure as text' }, structureLines(shape).join('\n')),
    ),
  ]
}

function lsmMarkup(shape: KnownLsmShape, before: KnownLsmShape | undefined, touched: readonly Touch[]): Content {
  const { memtable, frozen = [], levels } = shape
  const tables = levels.flatMap(level => level.runTables.flat())
  const known = before && new Set(before.levels.flatMap(level => level.runTables.flat().map(table => table.number)))
  const outcomes = outcomesOf(touched)
  const drawn = new Set(tables.slice(0, MAX_TABLES))
  const scale = keyScale([...drawn])
  const note = (table: TableShape): string =>
    [known?.has(table.number) === false ? 'new' : '', outcomes.get(tableName(table.number)) ?? ''].filter(Boolean).join(', ')
  return [
    memtable === undefined ? element('p', { class: 'lead' }, MEMORY_UNKNOWN) : memoryMarkup('memtable', memtable, outcomes.get('memtable')),
    frozen.map((one, index) => memoryMarkup(`immutable memtable ${index}`, one, outcomes.get(`frozen ${index}`))),
    levels.filter(level => level.tables > 0).map(level => levelMarkup(level, drawn, scale, note, outcomes)),
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

function levelMarkup(
  level: LsmLevelShape,
  drawn: ReadonlySet<TableShape>,
  scale: KeyScale,
  note: (table: TableShape) => string,
  outcomes: ReadonlyMap<string, string>,
): Markup {
  const skipped = level.runTables.flatMap(([first]) => outcomes.get(placeName({ in: 'run', level: level.level, run: first.run })) ?? [])
  return element(
    'div',
    { class: 'level' },
    element('h3', {}, levelText(level), skipped.map(noteMarkup)),
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
    element('span', { class: 'hidden' }, tableText(table)),
    note === '' ? undefined : noteMarkup(note),
    element('span', { 'aria-hidden': 'true' }, `${table.number} · ${bytes(table.fileBytes)}`),
    element('span', { class: 'keys', 'aria-hidden': 'true' }, `${table.smallest} – ${table.largest}`),
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
    height: ({ fileBytes }) => 75 + (25 * fileBytes) / most,
  }
}

/** Outcomes of a get, or inputs of a compaction, by the name of the place. */
function outcomesOf(touched: readonly Touch[]): Map<string, string> {
  const outcomes = new Map<string, string>()
  for (const touch of touched) {
    if (touch.type === 'get.probe') outcomes.set(placeName(touch.source), touch.outcome)
    if (touch.type === 'compaction.pick') for (const file of touch.inputs.flat()) outcomes.set(tableName(file), 'input')
  }
  return outcomes
}

function touchedMarkup(touched: readonly Touch[]): Content {
  return [
    element('h3', {}, 'Search path'),
    element(
      'ol',
      { class: 'touched' },
      touched.slice(-MAX_TOUCHED).map(touch => element('li', {}, touchText(touch))),
    ),
  ]
}
