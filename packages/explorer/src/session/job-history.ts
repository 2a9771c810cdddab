/** What events say of one job of the background: why it ran, what it made, how it ended, and what became of that. */
import { describe } from 'kvarium/observe'
import type { EventOf } from 'kvarium/trace'
import type { Run } from '../run/run.js'
import { atMoment, bytesOf, counted, eventsOf, type Entry, type Found, type Named } from './named.js'
import type { Selection } from './selection.js'

/** Tables that are named. */
const MOST_NAMED = 8

export function findJob(run: Run, { lane, job, from }: Extract<Selection, { readonly kind: 'job' }>): Found {
  const entries: Entry[] = []
  const own: Named[] = []
  /** By the numbers of the tables that it made. */
  const replaced = new Map<number, Named>()
  const tables = new Set<number>()
  let isOver = false
  for (const told of eventsOf(run, lane)) {
    const { event, position } = told
    if (position < from) continue
    if (event.type === 'manifest.edit' && !event.whole && event.job !== job) {
      const moved = new Set(event.added.map(({ number }) => number))
      for (const table of event.deleted) if (tables.has(table) && !moved.has(table)) replaced.set(table, told)
    }
    if (isOver || event.job !== job) continue
    own.push(told)
    if (event.type === 'table.built') tables.add(event.number)
    entries.push({ position, type: event.type, sentence: describe(event) })
    isOver = event.type === 'job.end'
  }
  return { from: 0, entries, summarize: position => summaryOf(own, [...tables], replaced, position) }
}

function summaryOf(
  own: readonly Named[],
  tables: readonly number[],
  replaced: ReadonlyMap<number, Named>,
  position: number,
): readonly string[] {
  const begin = own.find(isOf('job.begin'))
  if (own.length === 0) return ['The moments of this job are no longer kept.']
  const said: string[] = []
  if (begin !== undefined) {
    const [first, ...rest] = begin.by
    said.push(`${first.toUpperCase()}${rest.join('')}, begun ${atMoment(begin, position)}.`)
  }
  const pick = own.find(isOf('compaction.pick'))
  if (pick !== undefined) {
    const { inputs, outputLevel, reason } = pick.event
    said.push(`It took tables ${inputs.flat().join(', ')} into level ${outputLevel}, because ${reason}.`)
  }
  if (tables.length > 0) said.push(`It made ${counted(tables.length, 'table')}: ${listed(tables)}.`)
  const pages = own.filter(isOf('page.write')).length
  if (pages > 0) said.push(`It wrote ${counted(pages, 'page')}.`)
  const removed = own.filter(isOf('file.remove')).map(({ event }) => event.file)
  if (removed.length > 0) said.push(`It removed ${listed(removed)}.`)
  const end = own.find(isOf('job.end'))
  if (end === undefined) said.push('It does not end in this run.')
  else {
    const { status, bytesRead, bytesWritten, error } = end.event
    const how = status === 'ok' ? 'Ended' : status === 'failed' ? 'Failed' : 'Cancelled'
    const why = error === undefined ? '' : `: ${error}`
    said.push(`${how} ${atMoment(end, position)}${why}, with ${bytesOf(bytesRead)} read and ${bytesOf(bytesWritten)} written.`)
  }
  for (const [table, by] of [...replaced].slice(0, MOST_NAMED)) {
    said.push(`Table ${table} is replaced by ${by.by} ${atMoment(by, position)}.`)
  }
  const kept = tables.filter(table => !replaced.has(table))
  if (kept.length > 0)
    said.push(`${kept.length === 1 ? 'Table' : 'Tables'} ${listed(kept)} ${kept.length === 1 ? 'is' : 'are'} there at the end of the run.`)
  return said
}

function isOf<Type extends Named['event']['type']>(type: Type): (named: Named) => named is Named & { readonly event: EventOf<Type> } {
  return (named): named is Named & { readonly event: EventOf<Type> } => named.event.type === type
}

function listed(all: readonly (string | number)[]): string {
  const shown = all.slice(0, MOST_NAMED).join(', ')
  return all.length > MOST_NAMED ? `${shown} and ${all.length - MOST_NAMED} more` : shown
}
