/** The results of one engine: its phases, its levels, where every byte went, and whether all answers were right. */
import { sumOf } from 'kvarium-lab/compare'
import type { EngineResult, PhaseResult } from 'kvarium-lab/compare'
import type { LevelShape } from 'kvarium/engine'
import { briefDuration, bytes, count, duration, manyPerCall, plural, rate, times } from 'kvarium-lab/report'
import type { TextStyle } from 'kvarium-lab/report'
import { indent, table } from './style.js'

const BAR_WIDTH = 30

export function engineReport(result: EngineResult, style: TextStyle): string {
  const { name, problems } = result
  const sections = [
    style.bold(name) + style.dim(` ${'─'.repeat(Math.max(0, 97 - name.length))}`),
    phaseTable(result.phases, style),
    ...(result.levels.length === 0 ? [] : [levelChart(result.levels, style)]),
    byteAccount(result, style),
    ...cacheLine(result),
    verdict(result, style),
  ]
  return `${sections.join('\n\n')}\n${problems.length === 0 ? '' : `\n${problemList(result, style)}\n`}`
}

function phaseTable(phases: readonly PhaseResult[], style: TextStyle): string {
  const header = ['phase', 'entries', 'time', 'entries/s', 'p50', 'p99', 'p99.9', 'max', 'written', 'read']
  const rows = phases.map(phase => {
    const { name, operations, entries, ms, entriesPerSecond, latency, traffic } = phase
    const isTask = operations === 1 && entries === 1
    const written = sumOf(traffic.written)
    const read = sumOf(traffic.read)
    return [
      name,
      isTask ? '' : count(entries),
      briefDuration(ms * 1000),
      isTask || entries === 0 ? '' : rate(entriesPerSecond),
      ...(operations > 1 ? [latency.p50Us, latency.p99Us, latency.p999Us, latency.maxUs].map(briefDuration) : ['', '', '', '']),
      written === 0 ? '' : bytes(written),
      read === 0 ? '' : bytes(read),
    ]
  })
  return table(header, rows, style) + percentileNote(phases, style)
}

/** Percentiles of calls with many entries are not to be read beside those of single ones. */
function percentileNote(phases: readonly PhaseResult[], style: TextStyle): string {
  const many = phases.flatMap(phase => {
    const calls = manyPerCall(phase, phase.traffic.userBytes > 0 ? 'write' : 'read')
    return calls === undefined ? [] : [`${phase.name}: ${calls}`]
  })
  return many.length === 0 ? '' : `\n${indent(style.dim(`percentiles are of calls; ${many.join('; ')}`))}`
}

function levelChart(levels: readonly LevelShape[], style: TextStyle): string {
  const most = Math.max(...levels.map(level => level.bytes))
  const rows = levels.map(({ level, runs, tables, entries, bytes: size }) => [
    `L${level}`,
    count(runs),
    count(tables),
    count(entries),
    bytes(size),
    bar(size, most),
  ])
  return table(['level', 'runs', 'tables', 'entries', 'size', ''], rows, style, { left: [0, 5] })
}

/** User bytes, the bytes written for them, and the file system's count. */
function byteAccount(result: EngineResult, style: TextStyle): string {
  const { kind, traffic, amplification, metered, live, disk } = result
  const { userBytes, written, saved } = traffic
  const total = sumOf(written)
  if (total === 0) return indent(`${bytes(userBytes)} of keys and values were put and deleted; nothing went to disk`)
  const savedBytes = sumOf(saved)
  const row = (name: string, amount: number): string[] => [name, bytes(amount), times(amount / userBytes), bar(amount, total + savedBytes)]
  const parts = Object.entries(written).filter(([, amount]) => amount > 0)
  const rows = [
    row('put and deleted', userBytes),
    ...parts.map(([part, amount]) => row(`→ ${part}`, amount)),
    row('= written to files', total),
    ...(savedBytes > 0 ? [row('before compression', total + savedBytes)] : []),
  ]
  const { settled, peak } = amplification.space
  const space =
    `on disk ${plural(disk.files, 'file')}, ${bytes(disk.bytes)} for ${bytes(live.bytes)} alive: ` +
    `space amplification ${times(settled)}, at its peak ${times(peak)}`
  if (kind === 'peer') return `${indent(outsideLine(userBytes, total))}\n${indent(space)}`
  return `${table(['where every byte went', '', '', ''], rows, style, { left: [0, 3] })}\n${indent(space)}\n${indent(meterLine(metered, style))}`
}

/** What `cacheSize: 'auto'` came to, as another machine gets another size. */
function cacheLine({ options, cacheBytes }: EngineResult): string[] {
  return options['cacheSize'] === 'auto' && cacheBytes !== undefined ? [indent(`cacheSize auto: ${bytes(cacheBytes)}`)] : []
}

/** The bytes of a package, which has no ledger. */
function outsideLine(userBytes: number, total: number): string {
  const written = `${bytes(total)} (${times(total / userBytes)}) went to write calls`
  return `${bytes(userBytes)} put and deleted; by the system's count ${written}: no ledger says for what`
}

function meterLine(
  { ledgerWritten, meterWritten, ledgerRead, meterRead, closingWritten }: EngineResult['metered'],
  style: TextStyle,
): string {
  const counted = `the file system counted ${count(meterWritten)} bytes written, ${count(meterRead)} read`
  if (ledgerWritten !== meterWritten || ledgerRead !== meterRead) {
    return `${style.bad('✗')} ${counted}, the ledger ${count(ledgerWritten)} and ${count(ledgerRead)}`
  }
  const closing =
    closingWritten === 0 ? '' : `\n  (and ${plural(closingWritten, 'byte')} written by closing, when the ledger is closed too)`
  return `${style.good('✓')} ${counted}: the ledger's, to the byte${closing}`
}

function bar(amount: number, most: number): string {
  if (amount === 0) return ''
  const eighths = Math.max(1, Math.round((amount / most) * BAR_WIDTH * 8))
  return '█'.repeat(eighths >> 3) + ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths & 7]
}

function verdict({ verification, problemCount, stalls }: EngineResult, style: TextStyle): string {
  const { entries, deleted, ms } = verification
  const waited =
    stalls.count === 0
      ? ''
      : `\n  writers waited ${plural(stalls.count, 'time')} for the background, ${duration(stalls.totalMs * 1000)} in all`
  const checked =
    `verified ${plural(entries, 'entry', 'entries')} by iteration and by key, ${plural(deleted, 'deleted key')}, ` +
    `all invariants (${duration(ms * 1000)})`
  return indent(
    (problemCount === 0 ? `${style.good('✓')} ${checked}` : `${style.bad('✗')} ${plural(problemCount, 'problem')}, see below; ${checked}`) +
      waited,
  )
}

function problemList({ problems, problemCount }: EngineResult, style: TextStyle): string {
  const lines = problems.map(({ kind, message }) => `${style.bad(kind)}: ${message}`)
  const more = problemCount - problems.length
  return indent([...lines, ...(more === 0 ? [] : [`and ${more} more`])].join('\n'))
}
