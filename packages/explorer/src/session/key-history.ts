/**
 * What was done with one key of a lane: the operations that name it, the versions that they make, and where these go: through merges in an LSM
 * tree, with their leaf in a B+tree.
 */
import { compareKeys } from 'kvarium/codec'
import type { TraceEvent } from 'kvarium/trace'
import { formatOperation } from '../run/command.js'
import type { Operation, TransactionStep } from '../run/operation.js'
import type { Run } from '../run/run.js'
import { keyText } from '../views/key-text.js'
import { Actors } from './actors.js'
import { LeafRanges } from './leaf-ranges.js'
import { atMoment, counted, number, reasoned, type Entry, type Found, type Named } from './named.js'
import { TransactionWrites } from './transaction-writes.js'

/** A write of the key that is in a log. */
interface Write extends Named {
  readonly isDelete: boolean
  readonly log: number
  /** Offset of the first byte behind it. */
  readonly logEnd: number
  durable?: Named
}

/** Events that make writes durable. */
const SYNCS: ReadonlySet<string> = new Set(['log.commit', 'manifest.edit', 'meta.write'])

export function findKey({ moments, first, operations }: Run, lane: number, key: string): Found {
  const actors = new Actors(operations)
  const carried = new CarriedKey(key)
  const entries: Entry[] = []
  const writes: Write[] = []
  let pending: Write[] = []
  const dropped: number[] = []
  let hasName = false
  const transactions = new TransactionWrites()
  let steps: readonly TransactionStep[] = []
  for (const [index, moment] of moments.entries()) {
    if (moment.lane !== lane) continue
    actors.take(moment)
    const position = first + index + 1
    const operation = actors.operation
    if (moment.kind === 'call' && operation !== undefined) {
      steps = stepsOf(operation, transactions)
      if (isAbout(steps, key)) entries.push({ position, type: 'call', sentence: formatOperation(operation) })
    }
    transactions.take(moment, operations)
    if (moment.kind !== 'event') continue
    const { event } = moment
    // A recording has no operations, only what the store says of its own.
    if (event.type === 'operation.begin') {
      hasName = operation === undefined ? event.key !== undefined && keyText(event.key) === key : isAbout(steps, key)
    }
    const isOwn = hasName && event.operation > 0 && event.job === 0
    if (event.type === 'log.append' && isOwn) {
      const { log, offset, length } = event
      const isDelete = operation !== undefined && deletes(steps, key)
      const write = { event, position, by: actors.whoOf(event), isDelete, log, logEnd: offset + length }
      writes.push(write)
      pending.push(write)
    }
    if (SYNCS.has(event.type)) {
      for (const write of pending) if (makesDurable(event, write)) write.durable = named(event, position, actors)
      pending = pending.filter(({ durable }) => durable === undefined)
    }
    if (event.type === 'compaction.key' && keyText(event.key) === key && event.fate !== 'kept') dropped.push(position)
    const isWrite = isOwn && operation !== undefined && operation.type !== 'get' && operation.type !== 'range'
    const carries = carried.take(event, isOwn, isWrite ? (deletes(steps, key) ? 'absent' : 'present') : undefined)
    if (namesKey(event, key) || carries) {
      const why = event.type === 'compaction.key' || (carries && event.job > 0) ? actors.jobOf(event) : undefined
      entries.push({ position, type: event.type, sentence: reasoned(event, why) })
    }
  }
  return { from: 0, entries, summarize: position => summaryOf(writes, dropped, entries, position) }
}

function named(event: TraceEvent, position: number, actors: Actors): Named {
  return { event, position, by: actors.whoOf(event) }
}

/** Whether power loss can no longer take the write once this has happened. */
function makesDurable(event: TraceEvent, { log, logEnd }: Write): boolean {
  switch (event.type) {
    case 'log.commit':
      return event.log === log && event.upTo >= logEnd
    case 'manifest.edit':
      return event.flushedLogs.includes(log)
    case 'meta.write':
      return event.firstLog > log
    default:
      return false
  }
}

function summaryOf(writes: readonly Write[], dropped: readonly number[], entries: readonly Entry[], position: number): readonly string[] {
  if (entries.length === 0) return ['No moment of this lane names it.']
  const before = writes.filter(write => write.position <= position)
  const later = writes.find(write => write.position > position)
  const last = before.at(-1)
  const said: string[] = []
  if (last === undefined) said.push('No write up to here names it.')
  else {
    const what = last.isDelete ? 'deleted' : 'written'
    said.push(
      before.length === 1
        ? `${last.isDelete ? 'Deleted' : 'Written'} once, by ${last.by} ${atMoment(last, position)}.`
        : `Written or deleted ${number(before.length)} times so far; last ${what} by ${last.by} ${atMoment(last, position)}.`,
    )
    const { durable } = last
    if (durable === undefined) said.push('That is not durable in this run: power loss could take it.')
    else if (durable.position <= position) said.push(`That is durable since ${durable.by} ${atMoment(durable, position)}.`)
    else said.push(`That is not durable yet: power loss could take it. Made durable by ${durable.by} ${atMoment(durable, position)}.`)
  }
  const gone = dropped.filter(at => at <= position).length
  if (gone > 0) said.push(`Merges have dropped ${counted(gone, 'version')} of it so far.`)
  if (later !== undefined) said.push(`${later.isDelete ? 'Deleted' : 'Written'} by ${later.by} ${atMoment(later, position)}.`)
  return said
}

function namesKey(event: TraceEvent, key: string): boolean {
  if (event.type === 'tombstone.add') {
    const bytes = new TextEncoder().encode(key)
    return compareKeys(event.from, bytes) <= 0 && compareKeys(bytes, event.to) <= 0
  }
  if (event.type === 'transaction.conflict') return event.key !== undefined && keyText(event.key) === key
  return (event.type === 'memtable.insert' || event.type === 'compaction.key') && keyText(event.key) === key
}

/** What an operation does, one after the other; a commit does what its transaction has been given to write. */
function stepsOf(operation: Operation, transactions: TransactionWrites): readonly TransactionStep[] {
  switch (operation.type) {
    case 'put':
    case 'del':
    case 'get':
    case 'clear':
      return [operation]
    case 'batch':
      return operation.operations
    case 'in':
      return [operation.operation]
    case 'commit':
      return transactions.pending(operation.name)?.writes ?? []
    default:
      return []
  }
}

function isAbout(steps: readonly TransactionStep[], key: string): boolean {
  return steps.some(step => names(step, key))
}

function names(step: TransactionStep, key: string): boolean {
  if (step.type === 'clear') return (step.from ?? '') <= key && (step.to === undefined || key < step.to)
  return 'key' in step && step.key === key
}

/** Whether the key is not there after an operation that is about it. */
function deletes(steps: readonly TransactionStep[], key: string): boolean {
  const last = steps.findLast(step => names(step, key))
  return last?.type === 'del' || last?.type === 'clear'
}

/** The pages of a B+tree that carry a key, and the events in which they do something. */
class CarriedKey {
  readonly #leaves: LeafRanges
  /** Pages that have or had a version of it. */
  readonly #pages = new Set<number>()
  #isThere = true

  constructor(key: string) {
    this.#leaves = new LeafRanges(new TextEncoder().encode(key))
  }

  /**
   * Takes in the next event of the lane. Returns whether a page does something in it that carries the key.
   * @param isOwn - Whether it is part of an operation that is about the key; `after` is what a write makes of the key.
   */
  take(event: TraceEvent, isOwn: boolean, after: 'present' | 'absent' | undefined): boolean {
    if (event.type === 'job.begin' && event.kind === 'open') this.#pages.clear()
    if (event.type === 'meta.read') this.#isThere = event.entries > 0
    const before = this.#leaves.current?.page
    this.#leaves.apply(event)
    const page = this.#leaves.current?.page
    const isChange = event.type === 'page.change' && isOwn && event.page === page && after !== undefined
    if (isChange) this.#isThere = after === 'present'
    if (this.#isThere && page !== undefined) this.#pages.add(page)
    return isChange || this.#concerns(event, before)
  }

  #concerns(event: TraceEvent, before: number | undefined): boolean {
    const has = (page: number | undefined): boolean => page !== undefined && this.#pages.has(page)
    switch (event.type) {
      case 'page.new':
        return has(event.copyOf) && event.copyOf === before
      case 'page.split':
        return has(event.page) && event.page === before
      case 'page.spread':
      case 'page.merge':
        return has(before) && event.pages.includes(before!)
      case 'page.write':
      case 'page.clean':
      case 'page.drop':
      case 'page.free':
        return has(event.page)
      default:
        return false
    }
  }
}
