/** A report for a terminal. */
import { compareTable, type ReportDiff } from './diff.js'
import { busiestBanner, busyBanner } from './machine-load.js'
import { designMap, frontierAlone } from './map/design-map.js'
import { narrowMapTable } from './map/map-table.js'
import { mapSentences, optionsToCopy, scalingNote } from './map/map-text.js'
import { plural } from './numbers.js'
import { checkOverview, overviewTables, workTable } from './overview.js'
import type { RunReport } from './run-report.js'
import { NO_DIFFERENCE, NOTHING_TO_COMPARE, verdictOf } from './sentences.js'
import { facts, narrowPredictionTable, phaseTable, readTable, verdictTable, writeTable } from './tables.js'
import { PLAIN_TEXT, printable, terminalTable, type TextStyle } from './text-tables.js'

export function renderTerminal(report: RunReport, style: TextStyle = PLAIN_TEXT): string {
  const { title, engines, command, map } = report
  const shown = frontierAlone(report)
  const predictions = narrowPredictionTable(shown)
  const problems = engines.filter(engine => engine.verification.problemCount > 0)
  return `${[
    style.bold(printable(title)),
    ...bannerLines(busyBanner(report.machine), style),
    factLines(report, style),
    ...shown.engines.map(engine => terminalTable(phaseTable(engine, report), style)),
    terminalTable(writeTable(shown), style),
    terminalTable(readTable(shown), style),
    ...(predictions.groups.length === 0 ? [] : [terminalTable(predictions, style)]),
    ...(map === undefined ? [terminalTable(verdictTable(report), style)] : []),
    ...problems.map(({ name, verification }) => {
      const lines = verification.problems.map(({ kind, message }) => `  ${printable(`${kind}: ${message}`)}`)
      return [style.bad(printable(`${name}: ${plural(verification.problemCount, 'problem')}`)), ...lines].join('\n')
    }),
    map === undefined ? verdictLines(report, style) : mapLines(report, style),
    `${style.dim('  reproduce this run: ')}${printable(command)}`,
  ].join('\n\n')}\n`
}

/** Several workloads side by side. */
export function renderOverviewTerminal(reports: readonly RunReport[], style: TextStyle = PLAIN_TEXT): string {
  checkOverview(reports)
  const tables = [workTable(reports), ...overviewTables(reports)].map(table => terminalTable(table, style))
  return `${[...bannerLines(busiestBanner(reports), style), ...tables].join('\n\n')}\n`
}

/** The frontier of a map, what the workload wants, and the options of the suggested point. */
export function mapLines(report: RunReport, style: TextStyle = PLAIN_TEXT): string {
  const table = narrowMapTable(report)
  const suggested = designMap(report)?.suggested.engine
  return [
    ...(table === undefined ? [] : [terminalTable(table, style), '']),
    style.bold('in words'),
    ...mapSentences(report).flatMap(line => indented(`${line}.`)),
    ...(suggested === undefined
      ? []
      : [
          '',
          style.bold('options to copy'),
          ...optionsToCopy(suggested)
            .split('\n')
            .map(line => `  ${printable(line)}`),
          ...indented(`${scalingNote(report)}.`).map(style.dim),
        ]),
  ].join('\n')
}

function indented(text: string): string[] {
  return wrapped(printable(text)).map((part, index) => `${index === 0 ? '  ' : '    '}${part}`)
}

/** The verdict in sentences, one on a line. */
export function verdictLines(report: RunReport, style: TextStyle = PLAIN_TEXT): string {
  const { sentences, undecided, remark } = verdictOf(report)
  const lines = [
    ...sentences.map(({ text }) => text),
    ...(undecided.length === 0 ? [] : [`${NO_DIFFERENCE}: ${undecided.join(', ')}`]),
    ...(remark === undefined ? [] : [remark]),
  ]
  if (lines.length === 0) return `  ${NOTHING_TO_COMPARE}`
  return [style.bold('in words'), ...lines.flatMap(indented)].join('\n')
}

/** On lines of their own, for the head and the end of an output; none if the machine was quiet. */
export function bannerLines(banner: string | undefined, style: TextStyle = PLAIN_TEXT): string[] {
  return banner === undefined
    ? []
    : [
        wrapped(`! ${banner}`)
          .map(line => `  ${style.bad(line)}`)
          .join('\n'),
      ]
}

const WIDTH = 92

function wrapped(text: string): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1]
    if (last !== '' && last.length + 1 + word.length > WIDTH) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines
}

export function renderDiffTerminal(diff: ReportDiff, style: TextStyle = PLAIN_TEXT): string {
  const { before, after, engines, notes, summary } = diff
  return `${[
    style.bold(`${printable(before.title)}: before (${printable(before.createdAt)}) and after (${printable(after.createdAt)})`),
    ...engines.map(engine => terminalTable(compareTable(engine), style)),
    ...(notes.length === 0 ? [] : [notes.map(note => style.dim(`  note: ${printable(note)}`)).join('\n')]),
    `  ${summary}`,
  ].join('\n\n')}\n`
}

function factLines(report: RunReport, style: TextStyle): string {
  return facts(report)
    .map(([name, value]) => `  ${style.dim(name.padEnd(15))} ${printable(value)}`)
    .join('\n')
}
