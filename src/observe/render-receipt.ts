import type { Amounts, LaterLine, Receipt } from './receipt.js'

const WIDTH = 56
const RULE = '-'.repeat(WIDTH)

/** A receipt as plain text, in the form of one from a shop: immediate costs, later costs, and the sum. */
export function renderReceipt(receipt: Receipt): string {
  const { operation, kind, status, entries, userBytes, valueBytes, now, commits, later, state, writtenBytes, writeAmplification } = receipt
  const isWrite = kind === 'write' || kind === 'clear'
  const about = isWrite
    ? `${kind}, ${count(entries, 'entry', 'entries')}, ${bytes(userBytes)} of user data`
    : `${kind}, ${bytes(valueBytes)}`
  const lines = [row(`RECEIPT of operation ${operation}`, status), about, RULE, 'now', ...written(now, '  ')]
  if (commits.length > 0) lines.push(row(`  sync, shared by ${commits.join(' and ')}`, syncs(now)))
  else if (now.microSyncs > 0) lines.push(row('  sync', syncs(now)))
  lines.push(...searched(receipt), ...read(now, '  '))
  if (lines.at(-1) === 'now') lines.push('  nothing')
  if (later.length > 0) lines.push('later', ...later.flatMap(laterRows))
  if (isWrite) {
    lines.push(RULE, row('written', bytes(writtenBytes)))
    lines.push(row('write amplification', `${writeAmplification.toFixed(2)}x`))
  }
  if (state !== undefined) {
    const levels = state.levels.length === 0 ? '' : `, in ${state.levels.map(level => `level ${level}`).join(', ')}`
    lines.push(row('state', `${state.phase}${levels}`))
  }
  return `${lines.join('\n')}\n`
}

function searched({ searched: { memtables, tables, pages, touched } }: Receipt): string[] {
  const rows: string[] = []
  const add = (label: string, value: number): void => {
    if (value > 0) rows.push(row(`  ${label}`, String(value)))
  }
  add('memtables searched', memtables)
  add('tables asked', tables)
  add('pages visited', pages)
  add('filters asked', touched.filterProbes)
  add('  that said no', touched.filterNegatives)
  add('  that said maybe, wrongly', touched.filterFalsePositives)
  add('blocks from the cache', touched.blocksFromCache)
  add('blocks from disk', touched.blocksFromDisk)
  return rows
}

function laterRows({ cause, level, jobs, amounts }: LaterLine): string[] {
  const names = { log: 'its log', flush: 'flush', checkpoint: 'checkpoint', compaction: `compaction into level ${level ?? '?'}` }
  const detail = [...written(amounts, '    '), ...read(amounts, '    ')]
  if (amounts.microSyncs > 0) detail.push(row('    syncs', syncs(amounts)))
  return detail.length === 0 ? [] : [row(`  ${names[cause]}`, jobs > 1 && cause !== 'log' ? `${jobs} jobs` : ''), ...detail]
}

function written({ written: parts }: Amounts, indent: string): string[] {
  const names = { log: 'log', flush: 'table', compaction: 'table', page: 'pages', meta: 'manifest, meta page' }
  return Object.entries(names).flatMap(([part, name]) => {
    const length = parts[part as keyof typeof names]
    return length === 0 ? [] : [row(`${indent}${name}`, bytes(length))]
  })
}

function read({ read: parts }: Amounts, indent: string): string[] {
  const length = Object.values(parts).reduce((a, b) => a + b, 0)
  return length === 0 ? [] : [row(`${indent}read`, bytes(length))]
}

function row(label: string, value: string): string {
  return `${label.padEnd(WIDTH - value.length)}${value}`.trimEnd()
}

function bytes(value: number): string {
  return `${value.toLocaleString('en-US')} B`
}

function syncs({ microSyncs }: Amounts): string {
  return String(Number((microSyncs / 1e6).toPrecision(3)))
}

function count(value: number, one: string, many: string): string {
  return `${value} ${value === 1 ? one : many}`
}
