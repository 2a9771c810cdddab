/** Columns of text side by side, without lines between them. */
import Table from 'cli-table3'

interface AlignedTable {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** Columns with words or bars; numbers are aligned to the right. */
  readonly isText: (column: number) => boolean
  /** Minimum widths of the columns. */
  readonly widths?: readonly number[]
}

const NOTHING = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '  ',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** The head and a line for each row, indented by two. */
export function alignedLines({ head, rows, isText, widths = [] }: AlignedTable): string[] {
  const table = new Table({
    ...(widths.length > 0 && { colWidths: [...widths] }),
    head: [...head],
    chars: NOTHING,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: head.map((_, column) => (isText(column) ? 'left' : 'right')),
  })
  table.push(...rows.map(row => [...row]))
  return table
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
}
