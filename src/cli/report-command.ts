import { join } from 'node:path'
import { Command } from 'commander'
import { MisuseError } from '../errors.js'
import { diffReports, type ReportDiff } from '../report/diff.js'
import { renderDiffHtml, renderHtml } from '../report/html-page.js'
import { renderDiffMarkdown, renderMarkdown } from '../report/markdown.js'
import { renderDiffTerminal, renderTerminal } from '../report/terminal.js'
import type { RunReport } from '../report/run-report.js'
import { makeDirectory, readReport, reportJson, writeText } from './report-files.js'
import { styleFor } from './report/style.js'
import { UsageError } from './usage-error.js'

interface ReportFlags {
  readonly html?: string
  readonly markdown?: string
  readonly json?: boolean
}

const HELP = `
With two reports, of runs that did the same work, it shows what changed by more than the rounds vary.

Examples:
  kvarium report kvarium-report/report.json
  kvarium report kvarium-report/report.json --html report.html
  kvarium report before.json after.json
  kvarium report before.json after.json --markdown changes

The exit code is 2 when a report cannot be read, or when the two runs did different work.
`

export function reportCommand(): Command {
  return new Command('report')
    .description('Show the report of a run from its JSON, or what changed from one run to another')
    .argument('<report.json>', 'as kvarium compare writes it')
    .argument('[other.json]', 'a later run of the same work')
    .option('--html <file>', 'write a page that needs nothing else')
    .option('--markdown <directory>', 'write README.md there, with its drawings as SVG files')
    .option('--json', 'print the checked report, or the changes, as JSON')
    .addHelpText('after', HELP)
    .action(showReport)
}

function showReport(path: string, other: string | undefined, flags: ReportFlags): void {
  const report = readReport(path)
  if (other === undefined) show(report, flags)
  else showDiff(compared(report, readReport(other)), flags)
}

function show(report: RunReport, { html, markdown, json = false }: ReportFlags): void {
  if (html !== undefined) writeText(html, renderHtml(report))
  if (markdown !== undefined) {
    const { markdown: text, drawings } = renderMarkdown(report)
    makeDirectory(markdown)
    writeText(join(markdown, 'README.md'), text)
    for (const [name, drawing] of drawings) writeText(join(markdown, name), drawing)
  }
  if (json) process.stdout.write(reportJson(report))
  else if (html === undefined && markdown === undefined) process.stdout.write(renderTerminal(report, styleFor(process.stdout)))
}

function showDiff(diff: ReportDiff, { html, markdown, json = false }: ReportFlags): void {
  if (html !== undefined) writeText(html, renderDiffHtml(diff))
  if (markdown !== undefined) {
    makeDirectory(markdown)
    writeText(join(markdown, 'README.md'), renderDiffMarkdown(diff))
  }
  if (json) process.stdout.write(`${JSON.stringify(plainDiff(diff), undefined, 1)}\n`)
  else if (html === undefined && markdown === undefined) process.stdout.write(renderDiffTerminal(diff, styleFor(process.stdout)))
}

function plainDiff({ engines, notes, summary }: ReportDiff): object {
  return {
    summary,
    notes,
    engines: engines.map(({ name, options, changes }) => ({
      name,
      options,
      changes: changes.map(({ metric: { id, group, label, better }, before, after, change }) => ({
        id,
        metric: `${group}: ${label}`,
        better,
        before,
        after,
        change,
      })),
    })),
  }
}

function compared(before: RunReport, after: RunReport): ReportDiff {
  try {
    return diffReports(before, after)
  } catch (error) {
    throw error instanceof MisuseError ? new UsageError(error.message) : error
  }
}
