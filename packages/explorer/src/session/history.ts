/** The history of a thing of a lane: every moment of the run that names it, and in short who made it, why, and what became of it. */
import { compareKeys } from 'kvarium/codec'
import { describe } from 'kvarium/observe'
import type { EventOf, TraceEvent } from 'kvarium/trace'
import { formatOperation } from '../run/command.js'
import type { Operation } from '../run/operation.js'
import type { Run } from '../run/run.js'
import { keyText } from '../views/key-text.js'
import { pageSummary } from './page-history.js'
import type { Selection } from './selection.js'
import { fileOfTable } from './table-anatomy.js'

export interface HistoryEntry {
  readonly position: number
  readonly type: string
  readonly sentence: string
  /** Whether it comes after the position that was asked for. */
  readonly isLater: boolean
}

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
const encoder = new TextEncoder()
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
    const { entries, summary } = found.findLast(({ from }) => from <= position) ?? found[0]
    const present = entries.filter(entry => entry.position <= position).length
    const from = Math.max(0, Math.min(present - MOST_ENTRIES / 2, entries.length - MOST_ENTRIES))
    const shown = entries.slice(from, from + MOST_ENTRIES)
    return {
      title: titleOf(selection),
      summary,
      entries: shown.map(entry => ({ ...entry, isLater: entry.position > position })),
      omittedBefore: from,
      omittedAfter: entries.length - from - shown.length,
    }
  }
}

/** An event, and the job that it is part of in words: numbers of jobs begin anew when a store is opened again. */
interface Named {
  readonly event: TraceEvent
  readonly by: string
}

/** What is known of the thing, beginning with the moment at `from`. */
interface Found {
  readonly from: number
  readonly entries: readonly Omit<HistoryEntry, 'isLater'>[]
  readonly summary: readonly string[]
}

/** One history; for a page one of each opening of the store, which numbers pages anew. */
function find({ moments, first, operations }: Run, selection: Selection): readonly Found[] {
  const found: Found[] = []
  let from = 0
  let entries: Omit<HistoryEntry, 'isLater'>[] = []
  let named: Named[] = []
  const finish = (): void => void found.push({ from, entries, summary: summaryOf(selection, named) })
  const reasons = new Map<number, string>()
  for (const [index, moment] of moments.entries()) {
    if (moment.lane !== selection.lane) continue
    const position = first + index + 1
    if (moment.kind === 'event') {
      const { event } = moment
      learnReason(event, reasons)
      if (selection.kind === 'page' && event.type === 'job.begin' && event.kind === 'open') {
        finish()
        from = position
        entries = []
        named = []
      }
      if (!isNamed(selection, event)) continue
      const reason = reasons.get(event.job)
      named.push({ event, by: reason ?? 'a job' })
      const why = reason === undefined || !REASONED.has(event.type) ? '' : ` Why: ${reason}.`
      entries.push({ position, type: event.type, sentence: describe(event) + why })
    } else if (moment.kind === 'call' && moment.operation >= 0 && selection.kind === 'key') {
      const operation = operations[moment.operation]
      if (isAbout(operation, selection.key)) entries.push({ position, type: 'call', sentence: formatOperation(operation) })
    }
  }
  finish()
  return found
}

/** Why a job runs: a compaction says it better when it has picked its tables. */
function learnReason(event: TraceEvent, reasons: Map<number, string>): void {
  if (event.type === 'job.begin') reasons.set(event.job, `a ${event.kind}${event.reason === undefined ? '' : `, because ${event.reason}`}`)
  if (event.type === 'compaction.pick')
    reasons.set(event.job, `a compaction of tables ${event.inputs.flat().join(', ')}, because ${event.reason}`)
}

function isNamed(selection: Selection, event: TraceEvent): boolean {
  switch (selection.kind) {
    case 'table':
      return namesTable(event, selection.table)
    case 'file':
      return namesFile(event, selection.file)
    case 'bytes': {
      const { file, offset, length } = selection
      if (event.type !== 'file.write' && event.type !== 'file.read') return namesFile(event, file)
      return event.file === file && event.offset < offset + length && event.offset + event.length > offset
    }
    case 'page':
      return namesPage(event, selection.page)
    case 'key':
      return namesKey(event, selection.key)
  }
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

function namesFile(event: TraceEvent, file: string): boolean {
  if (event.type === 'file.rename') return event.from === file || event.to === file
  if (event.type === 'file.link') return event.file === file || event.name === file
  return event.type.startsWith('file.') && (event as EventOf<'file.sync'>).file === file
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

function namesKey(event: TraceEvent, key: string): boolean {
  if (event.type === 'tombstone.add') {
    const bytes = encoder.encode(key)
    return compareKeys(event.from, bytes) <= 0 && compareKeys(bytes, event.to) <= 0
  }
  return (event.type === 'memtable.insert' || event.type === 'compaction.key') && keyText(event.key) === key
}

function isAbout(operation: Operation, key: string): boolean {
  if (operation.type === 'batch') return operation.operations.some(each => each.key === key)
  if (operation.type === 'clear') return (operation.from ?? '') <= key && (operation.to === undefined || key < operation.to)
  return 'key' in operation && operation.key === key
}

function titleOf(selection: Selection): string {
  switch (selection.kind) {
    case 'table':
      return `Table ${selection.table}`
    case 'file':
      return `File ${selection.file}`
    case 'bytes':
      return `Bytes ${selection.offset} to ${selection.offset + selection.length} of ${selection.file}`
    case 'page':
      return `Page ${selection.page}`
    case 'key':
      return `Key ${selection.key}`
  }
}

function summaryOf(selection: Selection, named: readonly Named[]): readonly string[] {
  if (named.length === 0) return ['No event of this lane names it.']
  if (selection.kind === 'page') return pageSummary(selection.page, named)
  if (selection.kind !== 'table') return []
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
