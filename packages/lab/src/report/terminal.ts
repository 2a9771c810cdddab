/** A report for a terminal. */
import { compareTable, type ReportDiff } from './diff.js'
import { count } from './numbers.js'
import { checkOverview, overviewTables, workTable } from './overview.js'
import type { RunReport } from './run-report.js'
import { facts, narrowPredictionTable, phaseTable, readTable, verdictTable, writeTable } from './tables.js'
import { PLAIN_TEXT, printable, terminalTable, type TextStyle } from './text-tables.js'

export function renderTerminal(report: RunReport, style: TextStyle = PLAIN_TEXT): string {
  const { title, engines, command } = report
  const predictions = narrowPredictionTable(report)
  const problems = engines.filter(engine => engine.verification.problemCount > 0)
  return `${[
    style.bold(printable(title)),
    factLines(report, style),
    ...engines.map(engine => terminalTable(phaseTable(engine), style)),
    terminalTable(writeTable(report), style),
    terminalTable(readTable(report), style),
    ...(predictions.groups.length === 0 ? [] : [terminalTable(predictions, style)]),
    terminalTable(verdictTable(report), style),
    ...problems.map(({ name, verification }) => {
      const lines = verification.problems.map(({ kind, message }) => `  ${printable(`${kind}: ${message}`)}`)
      return [style.bad(printable(`${name}: ${count(verification.problemCount)} problems`)), ...lines].join('\n')
    }),
    `${style.dim('  reproduce this run: ')}${printable(command)}`,
  ].join('\n\n')}\n`
}

/** Several workloads side by side. */
export function renderOverviewTerminal(reports: readonly RunReport[], style: TextStyle = PLAIN_TEXT): string {
  checkOverview(reports)
  const tables = [workTable(reports), ...overviewTables(reports)]
  return `${tables.map(table => terminalTable(table, style)).join('\n\n')}\n`
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
