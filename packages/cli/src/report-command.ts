import { join } from 'node:path'
import { Command } from 'commander'
import { MisuseError } from 'kvarium'
import {
  diffReports,
  type MarkdownReport,
  renderDiffHtml,
  renderDiffMarkdown,
  renderDiffTerminal,
  renderHtml,
  renderMarkdown,
  renderOverviewMarkdown,
  renderOverviewTerminal,
  renderTerminal,
  type ReportDiff,
  withVerdict,
} from 'kvarium-lab/report'
import type { RunReport } from 'kvarium-lab/report'
import type { Invocation, OutputStream } from './invocation.js'
import { makeDirectory, readReport, reportJson, writeText } from './report-files.js'
import { styleFor } from './report/style.js'
import { UsageError } from './usage-error.js'

interface ReportFlags {
  readonly html?: string
  readonly markdown?: string
  readonly overview?: true
  readonly detail?: string
  readonly json?: boolean
}

const HELP = `
With two reports, of runs that did the same work, it shows what changed by more than the rounds vary. With --overview, reports of
different workloads stand side by side, as npm run bench writes them.

Examples:
  kvarium report kvarium-report/report.json
  kvarium report kvarium-report/report.json --html report.html
  kvarium report before.json after.json
  kvarium report before.json after.json --markdown changes
  kvarium report --overview result-*.json --markdown example --detail ycsb-a

The exit code is 2 when a report cannot be read, or when the two runs did different work.
`

export function reportCommand({ stdout }: Invocation): Command {
  return new Command('report')
    .description('Show the report of a run from its JSON, or what changed from one run to another')
    .argument('<report.json...>', 'a report of kvarium compare; a second one is a later run of the same work')
    .option('--html <file>', 'write a self-contained page')
    .option('--markdown <directory>', 'write README.md to this directory, with its drawings as SVG files')
    .option('--overview', 'several workloads side by side, instead of what changed')
    .option('--detail <workloads>', 'with --overview and --markdown: workloads whose own reports are written, too, separated by commas')
    .option('--json', 'print the checked report with its verdict, or the changes, as JSON')
    .addHelpText('after', HELP)
    .action((paths: readonly string[], flags: ReportFlags) => showReport(stdout, paths, flags))
}

function showReport(stdout: OutputStream, paths: readonly string[], flags: ReportFlags): void {
  if (flags.overview !== true && flags.detail !== undefined) throw new UsageError('--detail goes with --overview')
  if (flags.overview !== true && paths.length > 2) {
    throw new UsageError(`${paths.length} reports: give one, or two of the same work, or --overview for several workloads`)
  }
  const [report, other, ...others] = paths.map(readReport)
  if (flags.overview === true) showOverview(stdout, other === undefined ? [report] : [report, other, ...others], flags)
  else if (other === undefined) show(stdout, report, flags)
  else showDiff(stdout, compared(report, other), flags)
}

function showOverview(stdout: OutputStream, reports: readonly RunReport[], { html, markdown, detail, json = false }: ReportFlags): void {
  if (html !== undefined || json) throw new UsageError('--overview is for the terminal and for --markdown')
  if (markdown === undefined) {
    stdout.write(renderOverviewTerminal(reports, styleFor(stdout)))
    return
  }
  const detailed = detail?.split(',') ?? []
  for (const name of detailed) {
    const report = reports.find(({ work }) => work.name === name)
    if (report === undefined)
      throw new UsageError(`--detail ${name}: there is no report of it among ${reports.map(({ work }) => work.name).join(', ')}`)
    writeMarkdown(join(markdown, name), renderMarkdown(report))
  }
  writeMarkdown(markdown, renderOverviewMarkdown(reports, detailed))
}

function writeMarkdown(directory: string, { markdown, drawings }: MarkdownReport): void {
  makeDirectory(directory)
  writeText(join(directory, 'README.md'), markdown)
  for (const [name, drawing] of drawings) writeText(join(directory, name), drawing)
}

function show(stdout: OutputStream, report: RunReport, { html, markdown, json = false }: ReportFlags): void {
  if (html !== undefined) writeText(html, renderHtml(report))
  if (markdown !== undefined) writeMarkdown(markdown, renderMarkdown(report))
  if (json) stdout.write(reportJson(withVerdict(report)))
  else if (html === undefined && markdown === undefined) stdout.write(renderTerminal(report, styleFor(stdout)))
}

function showDiff(stdout: OutputStream, diff: ReportDiff, { html, markdown, json = false }: ReportFlags): void {
  if (html !== undefined) writeText(html, renderDiffHtml(diff))
  if (markdown !== undefined) {
    makeDirectory(markdown)
    writeText(join(markdown, 'README.md'), renderDiffMarkdown(diff))
  }
  if (json) stdout.write(`${JSON.stringify(plainDiff(diff), undefined, 1)}\n`)
  else if (html === undefined && markdown === undefined) stdout.write(renderDiffTerminal(diff, styleFor(stdout)))
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
