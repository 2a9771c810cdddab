/** The payloads of logs: write batches (layout in engine/batch.ts). */
import { KIND_DELETE, KIND_DELETE_RANGE, KIND_PUT, KIND_PUT_EXPIRING } from '../codec/entry.js'
import { EXPIRY_BYTES, readExpiry } from '../codec/expiry.js'
import { CorruptionError } from '../errors.js'
import { counted, showBytes } from './show-bytes.js'
import type { SpanReader } from './span-reader.js'

export interface BatchSummary {
  readonly firstSequence: number
  readonly count: number
}

/** Decodes a batch up to the end of the reader. Throws a `CorruptionError` for invalid bytes; the spans read until then stay. */
export function readBatch(reader: SpanReader, preview: number): BatchSummary {
  const firstSequence = reader.number('first sequence', 8)
  const count = reader.number('operations', 4)
  if (!Number.isSafeInteger(firstSequence + count)) throw new CorruptionError('a write batch has an impossible sequence number')
  for (let index = 0; index < count; index++) readOperation(reader, firstSequence + index, preview)
  if (reader.left > 0) throw new CorruptionError('a write batch has bytes after its last operation')
  return { firstSequence, count }
}

export function describeBatch({ firstSequence, count }: BatchSummary): string {
  const last = firstSequence + count - 1
  return `${counted(count, 'operation')}, sequence ${firstSequence}${count > 1 ? ` to ${last}` : ''}`
}

const KINDS: Readonly<Record<number, string>> = {
  [KIND_DELETE]: 'delete',
  [KIND_PUT]: 'put',
  [KIND_DELETE_RANGE]: 'delete range',
  [KIND_PUT_EXPIRING]: 'put that expires',
}

export function kindName(kind: number): string {
  return KINDS[kind] ?? `unknown kind ${kind}`
}

function readOperation(reader: SpanReader, sequence: number, preview: number): void {
  reader.group(`#${sequence}`, operation => {
    const kind = operation.number('kind', 1, value => ({ value: `${value}: ${kindName(value)}` }))
    if (KINDS[kind] === undefined) throw new CorruptionError(`a write batch has an operation of unknown kind ${kind}`)
    const key = readString(operation, kind === KIND_DELETE_RANGE ? 'first key' : 'key', preview)
    if (kind === KIND_DELETE) return { value: `delete ${key}`, entry: true }
    if (kind === KIND_PUT_EXPIRING) {
      const length = operation.varint('value length')
      if (length < EXPIRY_BYTES || length > operation.left) throw new CorruptionError('the field "value" runs past its end')
      const expiry = readExpirySpan(operation)
      const bytes = operation.bytes.subarray(operation.at, operation.at + length - EXPIRY_BYTES)
      const value = showBytes(bytes, preview)
      operation.take('value', bytes.length, { value })
      return { value: `put ${key} = ${value} until ${expiry}`, entry: true }
    }
    const value = readString(operation, kind === KIND_DELETE_RANGE ? 'last key' : 'value', preview)
    return { value: kind === KIND_PUT ? `put ${key} = ${value}` : `delete range ${key} to ${value}`, entry: true }
  })
}

/** The expiry in front of a value; returns it as a date. */
export function readExpirySpan(reader: SpanReader): string {
  const expiry = showExpiry(readExpiry(reader.bytes, reader.at))
  reader.take('expiry', EXPIRY_BYTES, { value: expiry })
  return expiry
}

/** Dates beyond those of JavaScript are shown in milliseconds. */
export function showExpiry(expiry: number): string {
  return expiry <= MAX_DATE ? new Date(expiry).toISOString() : `${expiry} ms`
}

const MAX_DATE = 8.64e15

/** A length and that many bytes; returns them as readable text. */
export function readString(reader: SpanReader, name: string, preview: number): string {
  const length = reader.varint(`${name} length`)
  if (length > reader.left) throw new CorruptionError(`the field "${name}" runs past its end`)
  const text = showBytes(reader.bytes.subarray(reader.at, reader.at + length), preview)
  reader.take(name, length, { value: text })
  return text
}
