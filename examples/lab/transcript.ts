/** The recording of an example as text: what `npm run example N` prints and the golden files hold. */
import Table from 'cli-table3'
import type { Item, Recording, TableItem } from '../../packages/lab/src/replay/items.js'

const WIDTH = 100

export function transcript({ number, question, items }: Recording): string {
  const blocks = [`Example ${number}: ${question}`]
  for (const item of items) {
    const block = show(item)
    if (block !== undefined) blocks.push(block)
  }
  return `${blocks.join('\n').replace(/\n{3,}/g, '\n\n')}\n`
}

/** The text of an item in the transcript; `undefined` if it is omitted. */
export function show(item: Item): string | undefined {
  switch (item.kind) {
    case 'heading':
      return `\n${item.text}\n${'-'.repeat(item.text.length)}`
    case 'say':
      return `\n${wrap(item.text, '')}`
    case 'predict':
      return `\n${wrap(`? ${item.question}`, '  ')}`
    case 'reveal':
      return `\n${wrap(`= ${item.answer}. ${item.because}`, '  ')}`
    case 'call':
      return `\n> ${item.text}`
    case 'return':
      return item.text === '' ? undefined : `  = ${item.text}`
    case 'event':
      return item.shown ? wrap(`- ${item.text}`, '    ') : undefined
    case 'table':
      return `\n${item.title}\n${table(item)}`
    case 'lines':
      return `\n${item.title}\n${item.lines.map(line => `  ${line}`.trimEnd()).join('\n')}`
  }
}

function table({ head, rows }: TableItem): string {
  const isNumeric = head.map((_, column) =>
    rows.every(row => typeof row[column] === 'number' || /^[\d.,%×x -]*$/.test(String(row[column]))),
  )
  const drawn = new Table({
    head: [...head],
    colAligns: isNumeric.map(numeric => (numeric ? 'right' : 'left')),
    style: { head: [], border: [] },
  })
  for (const row of rows) drawn.push(row.map(cell => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell)))
  return drawn.toString()
}

/** Breaks at spaces; following lines begin with `indent`. */
export function wrap(text: string, indent: string, width = WIDTH): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = indent + word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join('\n')
}
