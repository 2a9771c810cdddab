/** The fields of an event as short texts, and the bytes of a file that it refers to. */
import { DATA_FILE } from 'kvarium/btree'
import { logName } from 'kvarium/engine'
import { showBytes } from 'kvarium/inspect'
import { manifestName, tableName } from 'kvarium/lsm'
import type { TraceEvent } from 'kvarium/trace'

const LONGEST_BYTES = 32
const LONGEST_LIST = 8

export interface ShownField {
  readonly name: string
  readonly value: string
}

/** The fields of an event besides its type and its stamp, in the order of the event. */
export function fieldsOf(event: TraceEvent): ShownField[] {
  const { sequence: _sequence, operation: _operation, job: _job, atMs: _atMs, type: _type, ...fields } = event
  return Object.entries(fields).map(([name, value]) => ({ name, value: textOf(value) }))
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(Number.isInteger(value) ? value : Number(value.toPrecision(4)))
  if (value instanceof Uint8Array) return showBytes(value, LONGEST_BYTES)
  if (Array.isArray(value)) {
    const more = value.length > LONGEST_LIST ? [`${value.length - LONGEST_LIST} more`] : []
    return value.length === 0 ? 'none' : [...value.slice(0, LONGEST_LIST).map(textOf), ...more].join(', ')
  }
  if (typeof value !== 'object' || value === null) return String(value)
  const inner = Object.entries(value).map(([name, field]) => `${name} ${textOf(field)}`)
  return `{${inner.join(', ')}}`
}

/** The operation or job that the event belongs to. */
export function ownerOf({ operation, job }: TraceEvent): string {
  return [operation > 0 ? `operation ${operation}` : '', job > 0 ? `job ${job}` : ''].filter(Boolean).join(', ')
}

export interface FilePlace {
  readonly file: string
  readonly offset: number
  readonly length: number
}

/** The bytes in a file that the event refers to, if any. Pages are counted in units of `unitBytes`. */
export function placeOf(event: TraceEvent, unitBytes: number): FilePlace | undefined {
  switch (event.type) {
    case 'file.write':
    case 'file.read':
      return { file: event.file, offset: event.offset, length: event.length }
    case 'log.append':
      return { file: logName(event.log), offset: event.offset, length: event.length }
    case 'table.block':
      return { file: tableName(event.file), offset: event.offset, length: event.length }
    case 'manifest.edit':
      return { file: manifestName(event.manifest), offset: event.offset, length: event.length }
    case 'page.write':
      return { file: DATA_FILE, offset: event.offset * unitBytes, length: event.units * unitBytes }
    default:
      return undefined
  }
}

/** The bytes in the event itself, by field: the payload of a write, keys. */
export function bytesIn(event: TraceEvent): readonly { readonly name: string; readonly bytes: Uint8Array }[] {
  return Object.entries(event).flatMap(([name, value]: [string, unknown]) => (value instanceof Uint8Array ? [{ name, bytes: value }] : []))
}
