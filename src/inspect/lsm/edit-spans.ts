/** The payloads of manifests: version edits (layout in lsm/version-edit.ts). */
import { CorruptionError } from '../../errors.js'
import { logName } from '../../engine/durable/log-names.js'
import { blobName, tableName } from '../../lsm/file-names.js'
import { counted } from '../show-bytes.js'
import { readString, showExpiry } from '../batch-spans.js'
import type { SpanReader } from '../span-reader.js'

const NAMES: Readonly<Record<number, string>> = {
  1: 'next file number',
  2: 'last sequence',
  3: 'first live log',
  4: 'log',
  5: 'deleted table',
  6: 'added table',
  7: 'whole log',
  8: 'half expired',
  9: 'blob file',
  10: 'references',
}

const COUNTS = [
  'file bytes',
  'entries',
  'point tombstones',
  'range tombstones',
  'raw bytes',
  'smallest sequence',
  'largest sequence',
] as const

/** Decodes an edit up to the end of the reader. Throws a `CorruptionError` for invalid bytes; the spans read until then stay. */
export function readEdit(reader: SpanReader, preview: number): string {
  const fields: string[] = []
  while (reader.left > 0) {
    const tag = reader.bytes[reader.at]
    const name = NAMES[tag]
    if (name === undefined) throw new CorruptionError(`a version edit has a field of unknown kind ${tag}`)
    reader.group(name, field => {
      field.varint('tag', value => ({ value: `${value}: ${name}` }))
      const value = readField(field, tag, preview)
      fields.push(tag === 6 || tag === 5 ? `${tag === 6 ? '+' : '-'}${value.split(' ', 1)[0]}` : '')
      return { value, entry: true }
    })
  }
  const tables = fields.filter(field => field !== '')
  const shown = tables.length > 6 ? [...tables.slice(0, 6), `and ${tables.length - 6} more`] : tables
  return [counted(fields.length, 'field'), ...shown].join(' ')
}

function readField(field: SpanReader, tag: number, preview: number): string {
  if (tag === 8) return showExpiry(field.varint('moment'))
  if (tag === 10) return readReferences(field)
  const number = field.varint('number')
  if (tag === 9) return `${blobName(number)}, ${counted(field.varint('file bytes'), 'byte')}, ${field.varint('value bytes')} of values`
  if (tag === 5) return tableName(number)
  if (tag === 6) return readTable(field, number, preview)
  if (tag === 7) return `${logName(number)}, ${counted(field.varint('bytes'), 'byte')}`
  if (tag === 4) return logName(number)
  return String(number)
}

function readReferences(field: SpanReader): string {
  const count = field.varint('count')
  const files: string[] = []
  for (let i = 0; i < count; i++) {
    const name = blobName(field.varint('number'))
    files.push(`${counted(field.varint('bytes'), 'byte')} of ${name}`)
  }
  return files.join(', ')
}

function readTable(field: SpanReader, number: number, preview: number): string {
  const level = field.varint('level')
  const run = field.varint('run')
  const [bytes, entries, tombstones, ranges, , first, last] = COUNTS.map(name => field.varint(name))
  const smallest = readString(field, 'smallest key', preview)
  const largest = readString(field, 'largest key', preview)
  const deletes = tombstones + ranges > 0 ? ` (${tombstones} + ${ranges} tombstones)` : ''
  const where = `level ${level} run ${run}`
  return `${tableName(number)} ${where}, ${bytes} bytes, ${entries} entries${deletes}, ${smallest} to ${largest}, sequence ${first} to ${last}`
}
