import { styleText } from 'node:util'
import { alignedLines, PLAIN_TEXT, type TextStyle } from 'kvarium-lab/report'

/** Colour on a terminal; plain text elsewhere. */
const COLOURED: TextStyle = {
  bold: text => styleText('bold', text),
  dim: text => styleText('dim', text),
  good: text => styleText('green', text),
  bad: text => styleText('red', text),
}

export function styleFor(stream: { readonly isTTY?: boolean }): TextStyle {
  const { NO_COLOR = '', TERM } = process.env
  return stream.isTTY === true && NO_COLOR === '' && TERM !== 'dumb' ? COLOURED : PLAIN_TEXT
}

interface TableOptions {
  /** Minimum widths of the columns. */
  readonly widths?: readonly number[]
  /** Columns with text or bars; the others hold numbers and are aligned to the right. */
  readonly left?: readonly number[]
}

/** A table without lines, indented. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  style: TextStyle,
  options: TableOptions = {},
): string {
  const { widths = [], left = [0] } = options
  const head = header.map(name => style.dim(name))
  return alignedLines({ head, rows, isText: column => left.includes(column), widths }).join('\n')
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
