/** A report as Markdown, with its drawings as files next to it. */
import { render, type Markup } from './charts/markup.js'
import { DEFINITIONS, type Definition } from './definitions.js'
import { compareTable, type ReportDiff } from './diff.js'
import type { Figure } from './figure.js'
import { figuresOf } from './figures.js'
import { busiestBanner, busyBanner } from './machine-load.js'
import { designMap, frontierAlone } from './map/design-map.js'
import { mapTable } from './map/map-table.js'
import { mapSentences, optionsToCopy, scalingNote } from './map/map-text.js'
import { NO_DIFFERENCE, NOTHING_TO_COMPARE, verdictOf } from './sentences.js'
import { checkOverview, overviewFigures, overviewTables, workTable } from './overview.js'
import { drawingStyle } from './style-sheet.js'
import { plural } from './numbers.js'
import { verifications } from './verifications.js'
import type { RunReport } from './run-report.js'
import { facts, optionTable, phaseTable, predictionTable, readTable, verdictTable, writeTable } from './tables.js'
import { markdownTable, markdownText } from './text-tables.js'

export interface MarkdownReport {
  readonly markdown: string
  /** Names and texts of the SVG files that the Markdown shows, to be written next to it. */
  readonly drawings: ReadonlyMap<string, string>
}

export function renderMarkdown(report: RunReport): MarkdownReport {
  const { title, work, command, map } = report
  const shown = frontierAlone(report)
  const drawings = new Map<string, string>()
  const figures = figuresOf(report).flatMap(group => [
    ...(map === undefined ? [`## ${markdownText(group.title)}`] : []),
    ...group.figures.flatMap(figure => [`### ${markdownText(figure.title)}`, ...figureParts(figure, drawings)]),
  ])
  const predictions = predictionTable(shown)
  const parts = [
    `# ${markdownText(title)}`,
    ...bannerQuote(busyBanner(report.machine)),
    `${markdownText(work.about.replace(/\.$/, ''))}.`,
    ...(map === undefined
      ? ['## Verdict', ...verdictList(report), markdownTable(verdictTable(report))]
      : ['## The map', ...mapParts(report), ...figures]),
    '## Where every byte went',
    markdownTable(writeTable(shown)),
    '## What a read touches',
    markdownTable(readTable(shown)),
    ...(map === undefined ? figures : []),
    ...(predictions.groups.length === 0 ? [] : ['## Predicted and measured', markdownTable(predictions)]),
    '## All phases',
    ...shown.engines.flatMap(engine => [`### ${markdownText(engine.name)}`, markdownTable(phaseTable(engine, report))]),
    '## Verification',
    verifications(report)
      .map(({ names, verification }) => `- ${markdownText(names)}: ${markdownText(verified(verification))}`)
      .join('\n'),
    '## Machine, versions and options',
    factList(report),
    markdownTable(optionTable(shown)),
    '## Reproduce this run',
    fenced(command),
    '## Definitions',
    definitionList(),
  ]
  return { markdown: `${parts.join('\n\n')}\n`, drawings }
}

/** What the workload wants, the suggested options, and all points. */
function mapParts(report: RunReport): string[] {
  const table = mapTable(report)
  const suggested = designMap(report)?.suggested.engine
  return [
    mapSentences(report)
      .map(line => `- ${markdownText(line)}.`)
      .join('\n'),
    ...(suggested === undefined ? [] : [fenced(optionsToCopy(suggested), 'js'), `${markdownText(scalingNote(report))}.`]),
    ...(table === undefined ? [] : [markdownTable(table)]),
  ]
}

/** Several workloads side by side. `detailed` names those whose own report is in a directory of their name. */
export function renderOverviewMarkdown(reports: readonly RunReport[], detailed: readonly string[] = []): MarkdownReport {
  checkOverview(reports)
  const drawings = new Map<string, string>()
  const [first] = reports
  const figures = overviewFigures(reports)
  const parts = [
    `# ${markdownText(first.engines.map(({ name }) => name).join(', '))}: ${reports.length} workloads`,
    ...bannerQuote(busiestBanner(reports)),
    markdownTable(workTable(reports)),
    ...(detailed.length === 0 ? [] : [`In detail: ${detailed.map(name => `[${markdownText(name)}](${name}/README.md)`).join(', ')}.`]),
    ...overviewTables(reports).flatMap(table => {
      const figure = figures.find(({ title }) => title === table.title)
      return [`## ${markdownText(table.title)}`, markdownTable(table), ...(figure === undefined ? [] : figureParts(figure, drawings))]
    }),
    '## Machine, versions and options',
    factList(first, ['Work', 'Entries', 'Operations']),
    markdownTable(optionTable(first)),
    '## Reproduce this run',
    fenced(reports.map(({ command }) => command).join('\n')),
    '## Definitions',
    definitionList(),
  ]
  return { markdown: `${parts.join('\n\n')}\n`, drawings }
}

function bannerQuote(banner: string | undefined): string[] {
  return banner === undefined ? [] : [`> **${markdownText(banner)}**`]
}

function verdictList(report: RunReport): string[] {
  const { sentences, undecided, remark } = verdictOf(report)
  const items = [
    ...sentences.map(({ text }) => text),
    ...(undecided.length === 0 ? [] : [`${NO_DIFFERENCE}: ${undecided.join(', ')}`]),
    ...(remark === undefined ? [] : [remark]),
  ]
  return [items.length === 0 ? NOTHING_TO_COMPARE : items.map(item => `- ${markdownText(item)}.`).join('\n')]
}

export function renderDiffMarkdown(diff: ReportDiff): string {
  const { before, after, engines, notes, summary } = diff
  const parts = [
    `# ${markdownText(before.title)}: before and after`,
    summary,
    ...engines.flatMap(engine => [`## ${markdownText(engine.name)}`, markdownTable(compareTable(engine))]),
    ...(notes.length === 0 ? [] : ['## Notes', notes.map(note => `- ${markdownText(note)}`).join('\n')]),
    '## Before',
    factList(before),
    '## After',
    factList(after),
  ]
  return `${parts.join('\n\n')}\n`
}

/** Titles of the shapes in a drawing, which a page shows as tooltips. */
const SHAPE_TITLES = /(<(rect|path)[^>]*)><title>[^<]*<\/title><\/\2>/g

/** A drawing in its own file includes its style; as an image its shapes have no tooltips. */
function drawingFile(drawing: Markup): string {
  const svg = render(drawing).replace(SHAPE_TITLES, '$1/>')
  return `${svg.replace('</title>', () => `</title><style>${drawingStyle(svg)}</style>`)}\n`
}

function figureParts({ id, title, description, drawing }: Figure, drawings: Map<string, string>): string[] {
  const file = `${id}.svg`
  drawings.set(file, drawingFile(drawing))
  return [markdownText(description), `![${markdownText(title)}](${file})`]
}

function factList(report: RunReport, without: readonly string[] = []): string {
  return facts(report)
    .filter(([name]) => !without.includes(name))
    .map(([name, value]) => `- ${name}: ${markdownText(value)}`)
    .join('\n')
}

function verified({ entries, deleted, digest, problems, problemCount }: RunReport['engines'][number]['verification']): string {
  if (problemCount > 0)
    return `${plural(problemCount, 'problem')}: ${problems.map(({ kind, message }) => `${kind}: ${message}`).join('; ')}`
  return entries === 0 && digest === ''
    ? 'its entries were not compared'
    : `${plural(entries, 'entry', 'entries')} and ${plural(deleted, 'deleted key')} compared with an oracle, no problem (digest ${digest})`
}

/** A fence that is longer than any in the text. */
function fenced(text: string, language = 'sh'): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${text}\n${fence}`
}

function definitionList(): string {
  return Object.values<Definition>(DEFINITIONS)
    .map(({ name, unit, text, source }) => {
      const head = `**${name}**${unit === '' ? '' : ` (${unit})`}`
      return `- ${head}: ${markdownText(text)}${source === undefined ? '' : ` Formula: \`${source}\`.`}`
    })
    .join('\n')
}
