/**
 * A report as one self-contained page of HTML without script or network, which can be opened from a file.
 *
 * Invariants:
 * 1. Every figure has a title, a description and its data as a table.
 * 2. Every column and every group of rows whose meaning is not obvious links to its definition on the page.
 * 3. All text is escaped by `element`.
 */
import { element, render, type Content, type Markup } from './charts/markup.js'
import { dataTable, scrollable } from './data-table.js'
import { DEFINITIONS, type Definition, type DefinitionName } from './definitions.js'
import { compareTable, type ReportDiff } from './diff.js'
import type { Figure, FigureGroup } from './figure.js'
import { figuresOf } from './figures.js'
import { designMap, frontierAlone } from './map/design-map.js'
import { mapTable } from './map/map-table.js'
import { mapSentences, optionsToCopy, scalingNote } from './map/map-text.js'
import { PAGE_STYLE } from './style-sheet.js'
import { busyBanner } from './machine-load.js'
import { count, plural } from './numbers.js'
import { NO_DIFFERENCE, NOTHING_TO_COMPARE, verdictOf } from './sentences.js'
import type { RunReport } from './run-report.js'
import { verifications } from './verifications.js'
import {
  facts,
  optionTable,
  phaseTable,
  predictionTable,
  readTable,
  verdictTable,
  writeTable,
  type Cell,
  type ReportTable,
} from './tables.js'

interface Section {
  readonly id: string
  readonly title: string
  readonly content: Content
}

/** The page of one run. */
export function renderHtml(report: RunReport): string {
  const { engines, work, command, map } = report
  const groups = figuresOf(report)
  const shown = frontierAlone(report)
  const predictions = predictionTable(shown)
  const sections: Section[] = [
    ...(map === undefined
      ? [section('verdict', 'Verdict', [verdictCards(report), tablePanel(verdictTable(report))]), ...groups.slice(0, 1).map(figureSection)]
      : [mapSection(report, groups)]),
    section('bytes', 'Where every byte went', [tablePanel(writeTable(shown))]),
    section('reads-table', 'What a read touches', [tablePanel(readTable(shown))]),
    ...groups.slice(1).map(figureSection),
    section('predictions', 'Predicted and measured', [
      predictions.groups.length > 0 ? tablePanel(predictions) : element('p', {}, 'This report holds no predictions.'),
    ]),
    section(
      'phases',
      'All phases',
      shown.engines.map(engine => tablePanel({ ...phaseTable(engine, report), title: engine.name }, true)),
    ),
    section('verification', 'Verification', verification(report)),
    section('setup', 'Machine, versions and options', [factTable(report), tablePanel(optionTable(shown), true)]),
    section('again', 'Reproduce this run', [
      element('p', {}, 'This command repeats the run; random choices depend on the seed alone.'),
      element('pre', { tabindex: 0, 'aria-label': 'command' }, command),
    ]),
  ]
  const of = map === undefined ? engines.map(engine => engine.name).join(', ') : plural(engines.length, 'point')
  const lead = `${work.about.replace(/\.$/, '')}. ${of}; ${count(work.entries)} entries, ${report.createdAt.slice(0, 10)}.`
  return page(report.title, lead, [...sections, definitionSection()], busyBanner(report.machine))
}

/** The page of two runs of the same work. */
export function renderDiffHtml(diff: ReportDiff): string {
  const sections = [
    section(
      'changes',
      'Changes',
      diff.engines.map(engine => tablePanel(compareTable(engine), true)),
    ),
    ...(diff.notes.length === 0
      ? []
      : [
          section(
            'notes',
            'Notes',
            element(
              'ul',
              {},
              diff.notes.map(note => element('li', {}, note)),
            ),
          ),
        ]),
    section(
      'runs',
      'The two runs',
      [diff.before, diff.after].map(report => factTable(report)),
    ),
  ]
  return page(`${diff.before.title}: before and after`, diff.summary, [...sections, definitionSection()])
}

function page(title: string, lead: string, sections: readonly Section[], banner?: string): string {
  const head = element(
    'head',
    {},
    element('meta', { charset: 'utf-8' }),
    element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    element('meta', { name: 'color-scheme', content: 'light dark' }),
    element('title', {}, title),
    element('style', {}, { markup: PAGE_STYLE }),
  )
  const body = element(
    'body',
    {},
    element('a', { class: 'skip', href: '#main' }, 'Skip to the results'),
    element(
      'header',
      {},
      element('p', { class: 'brand' }, 'kvarium', element('span', {}, 'report')),
      element('h1', {}, title),
      element('p', { class: 'lead' }, lead),
      banner === undefined ? undefined : element('p', { class: 'problem', role: 'note' }, element('strong', {}, banner)),
    ),
    element(
      'nav',
      { 'aria-label': 'Contents' },
      element(
        'ul',
        {},
        sections.map(one => element('li', {}, element('a', { href: `#${one.id}` }, one.title))),
      ),
    ),
    element(
      'main',
      { id: 'main' },
      sections.map(({ id, title: name, content }) =>
        element('section', { id, 'aria-labelledby': `${id}-h` }, element('h2', { id: `${id}-h` }, name), content),
      ),
    ),
    element('footer', {}, element('p', {}, 'Made by kvarium from the JSON of the run, which holds every number of this page.')),
  )
  return `<!doctype html>\n${render(element('html', { lang: 'en' }, head, body))}\n`
}

function section(id: string, title: string, content: Content): Section {
  return { id, title, content }
}

function figureSection({ id, title, figures, isUneven = false }: FigureGroup): Section {
  return section(id, title, element('div', { class: isUneven ? 'figures uneven' : 'figures' }, figures.map(figureElement)))
}

function figureElement({ id, title, description, definition, drawing, table }: Figure): Markup {
  return element(
    'figure',
    { id: `f-${id}`, 'aria-labelledby': `f-${id}-h` },
    element(
      'figcaption',
      {},
      element('h3', { id: `f-${id}-h` }, title),
      element('p', {}, description, ' ', definitionLink(definition, 'What it means')),
    ),
    scrollable(`${title}, drawing`, drawing),
    element(
      'details',
      {},
      element('summary', {}, 'Data as a table', element('span', { class: 'hidden' }, ` of ${title}`)),
      scrollable(`${title}, data`, dataTable(title, table)),
    ),
  )
}

function tablePanel(table: ReportTable, titled = false): Markup {
  const { title, note, columns, groups } = table
  const head = element(
    'thead',
    {},
    element(
      'tr',
      {},
      columns.map(({ text, definition, isText = false }) =>
        element(
          'th',
          { scope: 'col', ...(isText && { class: 'text' }) },
          definition === undefined ? text : definitionLink(definition, text),
        ),
      ),
    ),
  )
  const bodies = groups.map(({ name, definition, rows }) =>
    element(
      'tbody',
      { class: name === undefined ? undefined : 'group' },
      name === undefined
        ? undefined
        : element(
            'tr',
            {},
            element(
              'th',
              { colspan: columns.length, scope: 'rowgroup' },
              definition === undefined ? name : definitionLink(definition, name),
            ),
          ),
      rows.map(row =>
        element(
          'tr',
          {},
          element('th', { scope: 'row' }, row.head),
          row.cells.map((cell, at) => cellElement(cell, columns[at + 1]?.isText ?? false)),
        ),
      ),
    ),
  )
  return element(
    'div',
    { class: 'panel' },
    titled ? element('h3', {}, title) : undefined,
    note === undefined ? undefined : element('p', { class: 'lead' }, note),
    scrollable(`${title}, table`, element('table', { 'aria-label': title }, head, bodies)),
  )
}

function cellElement({ text, range = '', mark }: Cell, isText: boolean): Markup {
  const classes = [isText ? 'verdict' : '', mark ?? ''].filter(Boolean).join(' ')
  return element(
    'td',
    { class: classes === '' ? undefined : classes },
    text,
    mark === 'best' ? element('span', { class: 'hidden' }, ' (best)') : undefined,
    range === '' ? undefined : element('span', { class: 'range' }, range),
  )
}

function definitionLink(name: DefinitionName, text: string): Markup {
  const { text: meaning, unit } = DEFINITIONS[name]
  return element('a', { href: `#d-${name}`, title: `${unit === '' ? '' : `${unit}. `}${meaning}` }, text)
}

/** What the workload wants, the suggested options, the drawings and all points. */
function mapSection(report: RunReport, groups: readonly FigureGroup[]): Section {
  const design = designMap(report)
  const table = mapTable(report)
  return section('map', 'The map', [
    mapSentences(report).map(text => element('p', {}, `${text}.`)),
    design === undefined
      ? undefined
      : [
          element('pre', { tabindex: 0, 'aria-label': 'suggested options' }, optionsToCopy(design.suggested.engine)),
          element('p', { class: 'lead' }, `${scalingNote(report)}.`),
        ],
    groups.map(({ figures }) => element('div', { class: 'figures' }, figures.map(figureElement))),
    table === undefined ? undefined : tablePanel(table, true),
  ])
}

/** The verdict in sentences, a card for each. */
function verdictCards(report: RunReport): Content {
  const { sentences, undecided, remark } = verdictOf(report)
  const remarks = [
    ...(undecided.length === 0 ? [] : [`${NO_DIFFERENCE}: ${undecided.join(', ')}.`]),
    ...(remark === undefined ? [] : [`${remark}.`]),
  ]
  if (sentences.length + remarks.length === 0) return element('p', {}, NOTHING_TO_COMPARE)
  return [
    sentences.length === 0
      ? undefined
      : element(
          'ul',
          { class: 'facts' },
          sentences.map(({ metric: { definition, group, label }, text }) =>
            element('li', {}, element('strong', {}, text), element('span', {}, definitionLink(definition, `${group}: ${label}`))),
          ),
        ),
    remarks.map(text => element('p', {}, text)),
  ]
}

function verification(report: RunReport): Content {
  return verifications(report).map(({ names: name, verification: { entries, deleted, digest, problems, problemCount } }) => {
    if (problemCount > 0) {
      return element(
        'div',
        { class: 'problem' },
        element('p', {}, element('strong', {}, `${name}: ${plural(problemCount, 'problem')}`)),
        element(
          'ul',
          {},
          problems.map(({ kind, message }) => element('li', {}, `${kind}: ${message}`)),
        ),
      )
    }
    const checked =
      entries === 0 && digest === ''
        ? 'its entries were not compared'
        : `${plural(entries, 'entry', 'entries')} and ${plural(deleted, 'deleted key')} compared with an oracle, no problem (digest ${digest})`
    return element('p', { class: 'ok' }, `${name}: ${checked}`)
  })
}

function factTable(report: RunReport): Markup {
  return element(
    'div',
    { class: 'panel' },
    scrollable(
      'Work, machine and versions',
      element(
        'table',
        { 'aria-label': 'Work, machine and versions' },
        element(
          'tbody',
          {},
          facts(report).map(([name, value]) =>
            element('tr', {}, element('th', { scope: 'row' }, name), element('td', { class: 'verdict' }, value)),
          ),
        ),
      ),
    ),
  )
}

function definitionSection(): Section {
  const entries: [string, Definition][] = Object.entries(DEFINITIONS)
  return section(
    'definitions',
    'Definitions',
    element(
      'dl',
      { class: 'definitions' },
      entries.map(([name, { name: title, unit, text, source }]) =>
        element(
          'div',
          { id: `d-${name}` },
          element('dt', {}, title + (unit === '' ? '' : `, in ${unit}`)),
          element('dd', {}, text, source === undefined ? undefined : [' Formula: ', element('code', {}, source), '.']),
        ),
      ),
    ),
  )
}
