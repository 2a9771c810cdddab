/** Which rows of drawings are shown. */
import { DRAWINGS, ROWS } from './drawings/catalog.js'
import type { RowName } from './drawings/drawing.js'
import { isRowLit } from './lit.js'
import { isListOfTexts, remembered } from './remembered.js'
import { look } from './state.js'

/** Bytes are many: they are shown when they are asked for. */
const hiddenRows = remembered<readonly string[]>('hidden-rows', ['bytes'], isListOfTexts)

export function isShown(row: RowName): boolean {
  return !hiddenRows.value.includes(row)
}

export function show(row: RowName, isWanted: boolean): void {
  const others = hiddenRows.peek().filter(each => each !== row)
  hiddenRows.value = isWanted ? others : [...others, row]
}

/** The rows that a lane of this run has drawings for. */
export function rowsOfRun(): typeof ROWS {
  const lanes = look.value?.lanes ?? []
  return ROWS.filter(({ row }) =>
    DRAWINGS.some(each => each.row === row && lanes.some(({ pictures }) => pictures[each.picture] !== undefined)),
  )
}

/** The rows that are shown or hold a lit drawing, by those that stand on a line: a row that continues another is with it. */
export function shownBands(): readonly (typeof ROWS)[] {
  const bands: (typeof ROWS)[number][][] = []
  for (const row of rowsOfRun().filter(({ row: name }) => isShown(name) || isRowLit(name))) {
    if (row.continues === true && bands.length > 0) bands.at(-1)!.push(row)
    else bands.push([row])
  }
  return bands
}
