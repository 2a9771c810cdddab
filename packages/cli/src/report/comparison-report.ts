/** The engines side by side, and what the numbers mean. */
import type { Comparison, EngineResult, PhaseResult } from 'kvarium-lab/compare'
import {
  bannerLines,
  busyBanner,
  bytes,
  count,
  duration,
  formatSpread,
  plural,
  rate,
  significant,
  spreadOf,
  times,
  verdictLines,
} from 'kvarium-lab/report'
import { sumOf } from 'kvarium-lab/compare'
import type { RunReport, TextStyle } from 'kvarium-lab/report'
import { indent, table } from './style.js'

type Row = readonly [label: string, cell: (engine: EngineResult) => string]

/** @param report - The same comparison as a report, for the verdict. */
export function comparisonReport({ engines, ok }: Comparison, report: RunReport, style: TextStyle): string {
  const names = engines.map(engine => engine.name)
  const widths = [28, ...names.map(name => Math.max(14, name.length))]
  const part = (title: string, rows: readonly Row[]): string => {
    const cells = rows.map(([label, cell]) => [label, ...engines.map(cell)])
    return table([title, ...names], cells, style, { widths })
  }
  return [
    style.bold('side by side') + style.dim(` ${'─'.repeat(85)}`),
    part('write amplification', writeRows(engines)) +
      explain('bytes written to files ÷ bytes of keys and values put, and of keys deleted', style),
    part('read amplification, blocks', [
      ['get, found', ({ kind, amplification }) => (kind === 'peer' ? '–' : blocks(amplification.read.found))],
      ['get, missing', ({ kind, amplification }) => (kind === 'peer' ? '–' : blocks(amplification.read.missing))],
      ['scan, per entry', ({ kind, amplification }) => (kind === 'peer' ? '–' : blocks(amplification.read.scan))],
    ]) + explain('blocks touched ÷ gets, or ÷ entries scanned; in brackets those read from a file, not the cache', style),
    part('space amplification', [
      ['peak', ({ amplification }) => times(amplification.space.peak)],
      ['settled', ({ amplification }) => times(amplification.space.settled)],
      ['  bytes on disk', ({ disk }) => (disk.files === 0 ? '–' : bytes(disk.bytes))],
      ['  files', ({ disk }) => (disk.files === 0 ? '–' : count(disk.files))],
      ['  levels', ({ levels }) => (levels.length === 0 ? '–' : count(levels.length))],
    ]) + explain('bytes of files ÷ bytes of keys and values alive in the end; settled: with background work done', style),
    byteLines(engines, style),
    timeTable(engines, style),
    verdictLines(report, style),
    ...bannerLines(busyBanner(report.machine), style),
    agreement(engines, ok, style),
  ].join('\n\n')
}

/** Times of all rounds. */
function timeTable(engines: readonly EngineResult[], style: TextStyle): string {
  const names = engines.map(engine => engine.name)
  const rounds = engines[0].rounds.length
  const rows = engines[0].phases.map(({ name }, index) => [name, ...engines.map(engine => throughput(engine, index))])
  const note = rounds === 1 ? 'one round' : `medians of ${rounds} rounds, ± the furthest`
  const widths = [18, ...names.map(name => Math.max(13, name.length))]
  return table(['entries/s, or time', ...names], rows, style, { widths }) + explain(note, style)
}

/** A phase in all rounds that reached it: an engine that failed has not reached every phase. */
function phaseOf({ rounds }: EngineResult, index: number): readonly PhaseResult[] {
  return rounds.flatMap(({ phases }) => phases[index] ?? [])
}

function throughput(engine: EngineResult, index: number): string {
  const phases = phaseOf(engine, index)
  if (phases.length === 0) return '–'
  const isTask = phases[0].operations === 1 && phases[0].entries === 1
  const { text, vary } = isTask
    ? formatSpread(spreadOf(phases.map(({ ms }) => ms)), ms => duration(ms * 1000))
    : formatSpread(spreadOf(phases.map(({ entriesPerSecond }) => entriesPerSecond)), rate)
  return vary === '' ? text : `${text} ${vary.replaceAll(' ', '')}`
}

function writeRows(engines: readonly EngineResult[]): Row[] {
  const parts = ['log', 'flush', 'compaction', 'page', 'meta'] as const
  const used = parts.filter(part => engines.some(({ kind, traffic }) => kind === 'kvarium' && traffic.written[part] > 0))
  return [
    ['total', ({ amplification }) => times(amplification.write.total)],
    ...used.map((part): Row => [
      `  ${part}`,
      ({ kind, amplification }) => (kind === 'peer' ? '–' : times(amplification.write.parts[part])),
    ]),
  ]
}

function blocks({ blocks: all, blocksFromDisk }: { readonly blocks: number; readonly blocksFromDisk: number }): string {
  if (all === 0) return '0'
  return `${significant(all)} (${significant(blocksFromDisk)})`
}

/** From the user's bytes to the file's, one line per engine. */
function byteLines(engines: readonly EngineResult[], style: TextStyle): string {
  const lines = engines.flatMap(({ name, kind, traffic, metered }) => {
    const total = sumOf(traffic.written)
    if (total === 0) return []
    if (kind === 'peer') return `  ${name.padEnd(13)} ${bytes(traffic.userBytes)} → ${bytes(total)}, as the operating system counts`
    const parts = Object.entries(traffic.written).filter(([, amount]) => amount > 0)
    const sum = parts.map(([part, amount]) => `${part} ${bytes(amount)}`).join(' + ')
    const counted = metered.ledgerWritten === metered.meterWritten ? style.good('✓') : style.bad('✗')
    const saved = sumOf(traffic.saved)
    const raw = saved > 0 ? ` (${bytes(total + saved)} before compression)` : ''
    return `${counted} ${name.padEnd(13)} ${bytes(traffic.userBytes)} → ${sum} = ${bytes(total)}${raw}`
  })
  if (lines.length === 0) return indent('No engine wrote a file.')
  return `${indent(style.dim('where every byte went, as the file system counted it too'))}\n${indent(lines.join('\n'))}`
}

function explain(text: string, style: TextStyle): string {
  return `\n${indent(style.dim(text))}`
}

/** Whether all engines hold what the oracle holds. */
function agreement(engines: readonly EngineResult[], ok: boolean, style: TextStyle): string {
  const names = engines.map(engine => engine.name).join(', ')
  if (!ok) {
    const failed = engines.filter(engine => engine.problemCount > 0).map(engine => engine.name)
    return indent(`${style.bad('✗')} not everything was right: see the problems of ${failed.join(', ')} above`)
  }
  const { entries, digest } = engines[0].verification
  const who = engines.length === 1 ? `${names} holds` : `${names} hold the same`
  return indent(`${style.good('✓')} ${who} ${plural(entries, 'entry', 'entries')}, equal to the oracle's (digest ${digest})`)
}
