import fc from 'fast-check'
import type { EventType, TraceEvent } from '../../../src/trace/events.js'
import { EVENT_SCHEMAS, type EventSchema, type Field, type Fields } from '../../../src/trace/event-schema.js'

export const EVENT_TYPES = Object.keys(EVENT_SCHEMAS) as EventType[]

/** Any event of a type, as its schema says. */
export function anyEvent(type: EventType): fc.Arbitrary<TraceEvent> {
  const { fields } = EVENT_SCHEMAS[type] as EventSchema
  const stamp: Fields = { sequence: 'integer', operation: 'integer', job: 'integer', atMs: 'number' }
  return anyFields({ ...stamp, ...fields }).map(body => ({ type, ...body }) as unknown as TraceEvent)
}

export const anyEvents = fc.array(fc.constantFrom(...EVENT_TYPES).chain(anyEvent), { maxLength: 30 })

function anyFields(fields: Fields): fc.Arbitrary<Record<string, unknown>> {
  const requiredKeys = Object.keys(fields).filter(name => typeof fields[name] !== 'object' || !('optional' in fields[name]))
  const model = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, anyValue(field)]))
  return fc.record(model, { requiredKeys, noNullPrototype: true })
}

function anyValue(field: Field): fc.Arbitrary<unknown> {
  if (typeof field === 'object') {
    if ('optional' in field) return anyValue(field.optional)
    if ('maybe' in field) return fc.option(anyValue(field.maybe), { nil: undefined })
    if ('list' in field) return fc.array(anyValue(field.list), { maxLength: 4 })
    if ('fields' in field) return anyFields(field.fields)
    if ('oneOf' in field) return fc.constantFrom(...field.oneOf)
    return fc
      .constantFrom(...Object.keys(field.variants))
      .chain(name => anyFields(field.variants[name]).map(rest => ({ [field.by]: name, ...rest })))
  }
  switch (field) {
    case 'integer':
      return fc.nat()
    case 'number':
      return fc.double().map(number => (Object.is(number, -0) ? 0 : number))
    case 'string':
      return fc.string({ unit: 'grapheme' })
    case 'boolean':
      return fc.boolean()
    case 'bytes':
      return fc.oneof(
        fc.uint8Array({ maxLength: 20 }),
        fc.string({ unit: 'grapheme', maxLength: 8 }).map(text => new TextEncoder().encode(text)),
        fc.constant(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])),
      )
    case 'json':
      return fc.record({ engine: fc.string(), cacheSize: fc.nat() }, { noNullPrototype: true })
  }
}
