import { hexLine, type HexRow } from 'kvarium/inspect'

const OFFSET_DIGITS = 6

/** A row of annotated hex: offset, bytes, the same as text, and their meaning. */
export function annotatedLine(row: HexRow): string {
  const more = row.omitted === undefined ? '' : ` ... ${row.omitted} more bytes`
  return `${hexLine(row, OFFSET_DIGITS)}${more}`.trimEnd()
}
