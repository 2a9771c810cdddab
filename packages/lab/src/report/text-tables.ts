/** Tables for terminals, and in Markdown. */
import { alignedLines } from './aligned-table.js'
import type { Cell, ReportTable } from './tables.js'

/** Emphasis on a terminal; plain text elsewhere. */
export interface TextStyle {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
}

export const PLAIN_TEXT: TextStyle = { bold: text => text, dim: text => text, good: text => text, bad: text => text }

/** Removes control characters: names of engines, phases and settings come from files and must not control the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '�')
}

export function terminalTable({ title, note, columns, groups }: ReportTable, style: TextStyle): string {
  const shown: string[][] = []
  const notesOf: (readonly string[])[] = [[]]
  for (const { name, rows } of groups) {
    if (name !== undefined) {
      shown.push([style.bold(printable(name)), ...columns.slice(1).map(() => '')])
      notesOf.push([])
    }
    for (const { head, cells, notes = [] } of rows) {
      shown.push([`${name === undefined ? '' : '  '}${printable(head)}`, ...cells.map(cell => terminalCell(cell, style))])
      notesOf.push(notes)
    }
  }
  const lines = alignedLines({
    head: columns.map(({ text }) => style.dim(printable(text))),
    rows: shown,
    isText: column => columns[column].isText ?? false,
  }).flatMap((line, index) => [line, ...notesOf[index].map(note => style.dim(`      ${printable(note)}`))])
  return [style.bold(printable(title)), ...lines, ...(note === undefined ? [] : [style.dim(`  ${printable(note)}`)])].join('\n')
}

function terminalCell({ text, vary = '', mark }: Cell, style: TextStyle): string {
  const shown = printable(vary === '' ? text : `${text} ${vary}`)
  if (mark === 'best' || mark === 'better') return style.good(mark === 'best' ? `* ${shown}` : shown)
  return mark === 'worse' ? style.bad(shown) : shown
}

export function markdownTable({ columns, groups, note }: ReportTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rows = groups.flatMap(({ name, rows: own }) => [
    ...(name === undefined ? [] : [line([`**${markdownText(name)}**`, ...columns.slice(1).map(() => '')])]),
    ...own.map(({ head, cells }) => line([markdownText(head), ...cells.map(markdownCell)])),
  ])
  const head = [line(columns.map(({ text }) => markdownText(text))), line(columns.map(({ isText = false }) => (isText ? '---' : '---:')))]
  return [...head, ...rows, ...(note === undefined ? [] : ['', markdownText(note)])].join('\n')
}

function markdownCell({ text, range = '', mark }: Cell): string {
  const shown = markdownText(text)
  const marked = mark === undefined ? shown : `**${shown}**`
  return range === '' ? marked : `${marked}<br>${markdownText(range)}`
}

/** Text that Markdown shows as it is. */
export function markdownText(text: string): string {
  return printable(text.replace(/[\t\r\n]+/g, ' '))
    .replace(/[\\`*_{}[\]<>#|~]/g, character => `\\${character}`)
    .replaceAll('&', '&amp;')
}
