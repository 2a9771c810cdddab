/**
 * A trace as text: a line that names the format, then one line of JSON per event.
 *
 *     {"kvarium-trace":1}
 *     {"sequence":7,"operation":2,"job":0,"atMs":0.05,"type":"operation.begin","kind":"get","key":{"utf8":"ada"}}
 *
 * Bytes are `{"utf8":"text"}` where they are text, else `{"hex":"00ff"}`. Numbers that JSON lacks are "Infinity", "-Infinity" and "NaN".
 * Reading is strict: an extra, missing or wrong field is an error that names its line. Written events are read back equal.
 */
import { encodeUtf8 } from '../codec/text.js'
import { FormatError } from '../errors.js'
import type { TraceEvent } from '../trace/events.js'
import { EVENT_SCHEMAS, type EventSchema, type Field, type Fields } from '../trace/event-schema.js'
import { hexOf } from '../codec/text.js'
import { textOfBytes } from '../codec/shown-text.js'

const VERSION = 1
const HEADER = JSON.stringify({ 'kvarium-trace': VERSION })

/** The lines of a trace, each with its line feed. */
export function* jsonLines(events: Iterable<TraceEvent>): Generator<string> {
  yield `${HEADER}\n`
  for (const event of events) yield `${JSON.stringify(toJson(event))}\n`
}

/** Reads what `jsonLines` wrote. Throws a FormatError that names the line. */
export function parseJsonLines(text: string): TraceEvent[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  if (lines[0] !== HEADER) throw new FormatError(`Line 1 of a trace must be ${HEADER}, not ${shorten(lines[0] ?? 'the end')}`)
  const events: TraceEvent[] = []
  for (let i = 1; i < lines.length; i++) {
    try {
      events.push(eventFromJson(JSON.parse(lines[i])))
    } catch (cause) {
      throw new FormatError(`Line ${i + 1} of the trace: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }
  return events
}

const SHORT = 60

function shorten(line: string): string {
  return line.length > SHORT ? `${line.slice(0, SHORT)}...` : line
}

/** An event, or a structure of events, with bytes and numbers in their JSON form. */
export function toJson(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) {
    const utf8 = textOfBytes(value)
    return utf8 === undefined ? { hex: hexOf(value) } : { utf8 }
  }
  if (Array.isArray(value)) return value.map(toJson)
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, toJson(field)]))
}

const STAMP: Fields = { sequence: 'integer', operation: 'integer', job: 'integer', atMs: 'number', type: 'string' }

/** The event of which this is the JSON. Throws an error that names the wrong field. */
export function eventFromJson(value: unknown): TraceEvent {
  const { type } = objectOf(value, 'event')
  const schema = typeof type === 'string' && Object.hasOwn(EVENT_SCHEMAS, type) ? EVENT_SCHEMAS[type as TraceEvent['type']] : undefined
  if (schema === undefined) throw new TypeError(`there is no event of type ${JSON.stringify(type)}`)
  const fields = type === 'merge.end' ? withPresentName(value) : value
  return decodeFields(fields, { ...STAMP, ...(schema as EventSchema).fields }, '') as unknown as TraceEvent
}

/** Traces of before 0.1.0 call the field `notRecorded` of `merge.end` `untold`. */
function withPresentName(value: unknown): unknown {
  const { untold, ...fields } = objectOf(value, 'event')
  return untold === undefined ? value : { ...fields, notRecorded: untold }
}

function decodeFields(value: unknown, fields: Fields, path: string): Record<string, unknown> {
  const given = objectOf(value, path)
  const decoded: Record<string, unknown> = {}
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(fields, name)) throw new TypeError(`there is no field "${path}${name}"`)
  }
  for (const [name, field] of Object.entries(fields)) {
    if (name in given) decoded[name] = decode(given[name], field, `${path}${name}`)
    else if (typeof field === 'object' && 'maybe' in field) decoded[name] = undefined
    else if (typeof field === 'string' || !('optional' in field)) throw new TypeError(`field "${path}${name}" is missing`)
  }
  return decoded
}

function decode(value: unknown, field: Field, path: string): unknown {
  if (typeof field === 'string') return decodeSimple(value, field, path)
  if ('optional' in field) return decode(value, field.optional, path)
  if ('maybe' in field) return decode(value, field.maybe, path)
  if ('fields' in field) return decodeFields(value, field.fields, `${path}.`)
  if ('list' in field) {
    if (!Array.isArray(value)) throw wrong(path, 'a list', value)
    return value.map((item, i) => decode(item, field.list, `${path}[${i}]`))
  }
  if ('oneOf' in field) {
    if (!field.oneOf.includes(value as string | number)) throw wrong(path, `one of ${field.oneOf.join(', ')}`, value)
    return value
  }
  const chosen = objectOf(value, path)[field.by]
  if (typeof chosen !== 'string' || !Object.hasOwn(field.variants, chosen)) {
    throw wrong(`${path}.${field.by}`, `one of ${Object.keys(field.variants).join(', ')}`, chosen)
  }
  return decodeFields(value, { [field.by]: 'string', ...field.variants[chosen] }, `${path}.`)
}

function decodeSimple(value: unknown, field: string, path: string): unknown {
  switch (field) {
    case 'integer':
      if (!Number.isSafeInteger(value) || (value as number) < 0) throw wrong(path, 'a whole number', value)
      return value
    case 'number':
      if (value === 'Infinity' || value === '-Infinity' || value === 'NaN') return Number(value)
      if (typeof value !== 'number') throw wrong(path, 'a number', value)
      return value
    case 'bytes':
      return decodeBytes(value, path)
    case 'json':
      return value
    default:
      if (typeof value !== field) throw wrong(path, `a ${field}`, value)
      return value
  }
}

function decodeBytes(value: unknown, path: string): Uint8Array {
  const given = objectOf(value, path)
  const { utf8, hex } = given
  if (Object.keys(given).length === 1) {
    if (typeof utf8 === 'string') return encodeUtf8(utf8)
    if (typeof hex === 'string' && /^(?:[0-9a-f]{2})*$/.test(hex)) {
      return Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16))
    }
  }
  throw wrong(path, '{"utf8":"..."} or {"hex":"..."}', value)
}

function objectOf(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'an object', value)
  return value as Record<string, unknown>
}

function wrong(path: string, wanted: string, value: unknown): TypeError {
  return new TypeError(`${path === '' ? 'it' : `field "${path}"`} must be ${wanted}, not ${shorten(JSON.stringify(value) ?? 'undefined')}`)
}
