/**
 * What a feed sends: lines of JSON, in this order.
 *
 *     {"kvarium-feed":1,"feed":"5f0c...","name":"planets.mjs","pid":4711}     the first line of a connection
 *     {"outline":[{...},{...}]}                                               events before the next one are not sent: what is known of them
 *     {"sequence":7,"operation":2,...}                                        an event, as in a trace of JSON lines
 */
import { FormatError } from '../errors.js'
import { eventFromJson, toJson } from './json-lines.js'
import type { TraceEvent } from '../trace/events.js'

/** The field that begins the first line; its value is the version of the format. */
const FORMAT = 'kvarium-feed'
const VERSION = 1
const MOST_NAME = 200

/** What says whose events follow. */
export interface FeedHead {
  /** The same for all connections of a feed, and for no other one. */
  readonly feed: string
  readonly name: string
  /** The number of the process. */
  readonly pid: number
}

export function headLine({ feed, name, pid }: FeedHead): string {
  return line({ [FORMAT]: VERSION, feed, name, pid })
}

export function outlineLine(events: readonly TraceEvent[]): string {
  return line({ outline: toJson(events) })
}

/** The line of an event; without the bytes of its write where it has more than `most` characters. */
export function eventLine(event: TraceEvent, most: number): string {
  if (event.type === 'file.write' && event.bytes !== undefined && 2 * event.bytes.length > most) {
    const { bytes: _, ...others } = event
    return line(toJson(others))
  }
  return line(toJson(event))
}

/** Reads the first line. Throws a FormatError where it is none. */
export function parseHead(text: string): FeedHead {
  const { [FORMAT]: version, feed, name, pid } = objectOf(text)
  if (version !== VERSION) throw new FormatError(`The first line of a feed must be of version ${VERSION}, not ${JSON.stringify(version)}`)
  if (typeof feed !== 'string' || !/^[\w-]{1,64}$/.test(feed) || typeof name !== 'string' || !Number.isSafeInteger(pid))
    throw new FormatError('The first line of a feed must have its "feed", "name" and "pid"')
  return { feed, name: name.slice(0, MOST_NAME), pid: pid as number }
}

/** What a line after the first one says. Throws an error that says what is wrong. */
export function parseFeedLine(text: string): { readonly event: TraceEvent } | { readonly outline: readonly TraceEvent[] } {
  const value = objectOf(text)
  return Array.isArray(value['outline']) ? { outline: value['outline'].map(eventFromJson) } : { event: eventFromJson(value) }
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new FormatError('A line of a feed must be an object')
  return value as Record<string, unknown>
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}
