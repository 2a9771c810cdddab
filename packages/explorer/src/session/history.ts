/** The history of a thing of a lane: every moment of the run that names it, and in short who made it, why, and what became of it. */
import { visibleText } from 'kvarium/observe'
import type { TraceEvent } from 'kvarium/trace'
import type { Run } from '../run/run.js'
import { bytesSummary, FileStories, fileSummary, isOfFiles, storyAt, touches } from './file-history.js'
import { findJob } from './job-history.js'
import { findKey } from './key-history.js'
import { eventsOf, reasoned, type Entry, type Found, type HistoryEntry, type Named } from './named.js'
import { pageSummary } from './page-history.js'
import { findSnapshot } from './snapshot-history.js'
import { titleOf, type Selection } from './selection.js'
import { fileOfTable } from './table-anatomy.js'

export type { HistoryEntry } from './named.js'

export interface History {
  readonly title: string
  /** Who made it, why, and what became of it, as far as events say. */
  readonly summary: readonly string[]
  /** In their order. */
  readonly entries: readonly HistoryEntry[]
  /** Entries left out before those around the position. */
  readonly omittedBefore: number
  readonly omittedAfter: number
}

const MOST_ENTRIES = 100
const NO_EVENT = ['No event of this lane names it.']
/** Types of events that a job explains. */
const REASONED: ReadonlySet<string> = new Set(['table.built', 'page.new', 'compaction.key', 'file.create'])

/** The histories of the things of a run; the one asked for last is kept, so that a step does not look for it again. */
export class Histories {
  readonly #run: Run
  #last: { readonly asked: string; readonly found: readonly Found[] } | undefined

  constructor(run: Run) {
    this.#run = run
  }

  /** The history of a selection, as seen from a position. */
  of(selection: Selection, position: number): History {
    const asked = `${this.#run.first} ${this.#run.moments.length} ${JSON.stringify(selection)}`
    const found = this.#last?.asked === asked ? this.#last.found : find(this.#run, selection)
    this.#last = { asked, found }
    const { entries, summarize } = found.findLast(({ from }) => from <= position) ?? found[0]
    const present = entries.filter(entry => entry.position <= position).length
    const from = Math.max(0, Math.min(present - MOST_ENTRIES / 2, entries.length - MOST_ENTRIES))
    const shown = entries.slice(from, from + MOST_ENTRIES)
    return {
      title: titleOf(selection),
      summary: summarize(position).map(visibleText),
      entries: shown.map(entry => ({ ...entry, sentence: visibleText(entry.sentence), isLater: entry.position > position })),
      omittedBefore: from,
      omittedAfter: entries.length - from - shown.length,
    }
  }
}

/** Things that events name by a number. */
type NamedSelection = Extract<Selection, { readonly kind: 'table' | 'page' }>

function find(run: Run, selection: Selection): readonly Found[] {
  switch (selection.kind) {
    case 'file':
    case 'bytes':
      return [findInFiles(run, selection)]
    case 'key':
      return [findKey(run, selection.lane, selection.key)]
    case 'job':
      return [findJob(run, selection)]
    case 'snapshot':
      return [findSnapshot(run, selection.lane, selection.name)]
    case 'table':
    case 'page':
      return findNamed(run, selection)
  }
}

/** The history of a file or of bytes, under all names that the file had. */
function findInFiles(run: Run, selection: Extract<Selection, { readonly file: string }>): Found {
  const { file } = selection
  const stories = new FileStories()
  const reasons = new Map<number, string>()
  for (const { event, position, by, why } of eventsOf(run, selection.lane)) {
    if (!isOfFiles(event)) continue
    stories.take({ event, position, by })
    if (event.type === 'file.create' && why !== undefined) reasons.set(position, why)
  }
  const named = stories.named(file)
  const told = named.flatMap(story => (selection.kind === 'file' ? story.told : story.told.filter(each => touches(each, selection))))
  const entries = new Map(
    told.map(({ event, position }) => [position, { position, type: event.type, sentence: reasoned(event, reasons.get(position)) }]),
  )
  return {
    from: 0,
    entries: [...entries.values()].sort((a, b) => a.position - b.position),
    summarize: position => {
      const story = storyAt(named, file, position)
      if (story === undefined) return NO_EVENT
      return selection.kind === 'file' ? fileSummary(story, file, position) : bytesSummary(story, selection, position)
    },
  }
}

/** One history; for a page one of each opening of the store, which numbers pages anew. */
function findNamed(run: Run, selection: NamedSelection): readonly Found[] {
  const found: Found[] = []
  let from = 0
  let entries: Entry[] = []
  let named: Named[] = []
  const finish = (): void => {
    const summary = summaryOf(selection, named)
    found.push({ from, entries, summarize: () => summary })
  }
  for (const told of eventsOf(run, selection.lane)) {
    const { event, position } = told
    if (selection.kind === 'page' && event.type === 'job.begin' && event.kind === 'open') {
      finish()
      from = position
      entries = []
      named = []
    }
    if (!isNamed(selection, event)) continue
    named.push(told)
    entries.push({ position, type: event.type, sentence: reasoned(event, REASONED.has(event.type) ? told.why : undefined) })
  }
  finish()
  return found
}

function isNamed(selection: NamedSelection, event: TraceEvent): boolean {
  return selection.kind === 'table' ? namesTable(event, selection.table) : namesPage(event, selection.page)
}

function namesTable(event: TraceEvent, table: number): boolean {
  switch (event.type) {
    case 'table.filter':
    case 'bloom.probe':
    case 'cache.evict':
      return event.file === table
    case 'table.built':
      return event.number === table
    case 'compaction.pick':
      return event.inputs.flat().includes(table)
    case 'manifest.edit':
      return event.deleted.includes(table) || event.added.some(({ number }) => number === table)
    case 'manifest.read':
      return event.tables.some(({ number }) => number === table)
    case 'get.probe':
      return event.source.in === 'table' && event.source.file === table
    case 'file.create':
    case 'file.sync':
    case 'file.remove':
      return event.file === fileOfTable(table)
    default:
      return false
  }
}

function namesPage(event: TraceEvent, page: number): boolean {
  if (!event.type.startsWith('page.')) return false
  const {
    page: own,
    copyOf,
    into,
    pages,
  } = event as {
    readonly page?: number
    readonly copyOf?: number
    readonly into?: readonly number[]
    readonly pages?: readonly number[]
  }
  return own === page || copyOf === page || into?.includes(page) === true || pages?.includes(page) === true
}

function summaryOf(selection: NamedSelection, named: readonly Named[]): readonly string[] {
  if (named.length === 0) return NO_EVENT
  if (selection.kind === 'page') return pageSummary(selection.page, named)
  const { table } = selection
  const said: string[] = []
  let probes = 0
  let isRemoved = false
  for (const { event, by } of named) {
    if (event.type === 'table.built') said.push(`Made by ${by}: ${event.entries} entries for level ${event.level}.`)
    if (event.type === 'get.probe') probes++
    if (event.type === 'file.remove') isRemoved = true
    if (event.type !== 'manifest.edit' || event.whole) continue
    const added = event.added.find(({ number }) => number === table)
    const isDeleted = event.deleted.includes(table)
    if (added !== undefined) said.push(isDeleted ? `Moved to level ${added.level}.` : `Part of the store, in level ${added.level}.`)
    else if (isDeleted) said.push(`Replaced by ${by}.`)
  }
  if (probes > 0) said.push(probes === 1 ? 'A get came to it once.' : `Gets came to it ${probes} times.`)
  if (isRemoved) said.push('Its file is removed in this run.')
  return said
}
