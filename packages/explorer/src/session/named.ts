/** What histories are made of: the events of a lane with who does them, and the words for when they happen. */
import { describe } from 'kvarium/observe'
import type { TraceEvent } from 'kvarium/trace'
import { counted, number } from '../run/number-text.js'
import type { Run } from '../run/run.js'
import { Actors } from './actors.js'

export { counted, number }

export interface HistoryEntry {
  readonly position: number
  readonly type: string
  readonly sentence: string
  /** Whether it comes after the position that was asked for. */
  readonly isLater: boolean
}

export type Entry = Omit<HistoryEntry, 'isLater'>

/** What is known of a thing, beginning with the moment at `from`. */
export interface Found {
  readonly from: number
  readonly entries: readonly Entry[]
  /** In short, as seen from a position. */
  readonly summarize: (position: number) => readonly string[]
}

/** An event that names a thing, and the job or operation that it is part of in words. */
export interface Named<Event extends TraceEvent = TraceEvent> {
  readonly event: Event
  readonly position: number
  readonly by: string
}

/** When it happens, as seen from a position. */
export function atMoment({ position }: { readonly position: number }, seen: number): string {
  return `${position > seen ? 'later, ' : ''}at moment ${number(position)}`
}

export interface ToldEvent extends Named {
  /** The job that it is part of, with its reason. */
  readonly why: string | undefined
}

/** The events of a lane, in order. */
export function* eventsOf({ moments, first, operations }: Run, lane: number): Generator<ToldEvent> {
  const actors = new Actors(operations)
  for (const [index, moment] of moments.entries()) {
    if (moment.lane !== lane) continue
    actors.take(moment)
    if (moment.kind !== 'event') continue
    const { event } = moment
    yield { event, position: first + index + 1, by: actors.whoOf(event), why: actors.jobOf(event) }
  }
}

/** What the event says, and the reason of its job. */
export function reasoned(event: TraceEvent, why: string | undefined): string {
  return describe(event) + (why === undefined ? '' : ` Why: ${why}.`)
}

export function bytesOf(count: number): string {
  return counted(count, 'byte')
}
