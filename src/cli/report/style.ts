import { styleText } from 'node:util'
import Table from 'cli-table3'

/** How reports look: with colour on a terminal, plain text elsewhere. */
export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
}

export const PLAIN: Style = { bold: text => text, dim: text => text, good: text => text, bad: text => text }

const COLOURED: Style = {
  bold: text => styleText('bold', text),
  dim: text => styleText('dim', text),
  good: text => styleText('green', text),
  bad: text => styleText('red', text),
}

export function styleFor(stream: { readonly isTTY?: boolean }): Style {
  const { NO_COLOR = '', TERM } = process.env
  return stream.isTTY === true && NO_COLOR === '' && TERM !== 'dumb' ? COLOURED : PLAIN
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

interface TableOptions {
  /** Least widths of the columns. */
  readonly widths?: readonly number[]
  /** Columns with text or bars; the others hold numbers and are aligned to the right. */
  readonly left?: readonly number[]
}

/** A table without lines, indented. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], style: Style, options: TableOptions = {}): string {
  const { widths = [], left = [0] } = options
  const result = new Table({
    ...(widths.length > 0 && { colWidths: [...widths] }),
    head: header.map(name => style.dim(name)),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: header.map((_, column) => (left.includes(column) ? 'left' : 'right')),
  })
  result.push(...rows.map(row => [...row]))
  return indent(result.toString())
}

export function indent(text: string): string {
  return text
    .split('\n')
    .map(line => `  ${line}`.trimEnd())
    .join('\n')
}

/** Pieces side by side, on lines of at most `width`. */
export function flow(pieces: readonly string[], width: number, gap = '  '): string[] {
  const lines: string[] = []
  for (const piece of pieces) {
    const last = lines.at(-1)
    if (last === undefined || last.length + gap.length + piece.length > width) lines.push(piece)
    else lines[lines.length - 1] = last + gap + piece
  }
  return lines
}
