/** The entries of a comparison. Records are read one by one; each is kept as a key and packed bytes. */
import { extname } from 'node:path'
import type { DatasetEntry } from 'kvarium-lab/compare'
import { msgpack } from 'kvarium'
import { UsageError } from '../usage-error.js'
import { csvRecords } from './csv.js'
import { cityRecords } from './geonames.js'
import { ndjsonRecords } from './ndjson.js'
import { fileInput, type RecordInput } from './record-input.js'
import type { KeyedRecord, RecordSource } from './record-source.js'

export interface Dataset {
  readonly title: string
  readonly keys: string
  /** Entries with distinct keys. */
  readonly entries: readonly DatasetEntry[]
  /** Records with the key of a later one: only the last one counts. */
  readonly duplicates: number
  readonly bytes: number
  /** Means. */
  readonly keyBytes: number
  readonly valueBytes: number
  readonly example: KeyedRecord
}

export interface DatasetRequest {
  /** The user's file; without one, the cities. */
  readonly file: string | undefined
  /** Names of the fields that make up the key. */
  readonly keyFields: readonly string[] | undefined
  readonly limit: number
}

/** @throws UsageError that names the file and the line. */
export async function loadDataset({ file, keyFields, limit }: DatasetRequest): Promise<Dataset> {
  const source = file === undefined ? await cityRecords(keyFields) : fileRecords(file, keyFields)
  const byKey = new Map<string, DatasetEntry>()
  let example: KeyedRecord | undefined
  let records = 0
  for await (const record of source.records) {
    if (records === limit) break
    example ??= record
    records++
    byKey.set(record.key, { key: Buffer.from(record.key), value: msgpack.encode(record.value) })
  }
  if (example === undefined) throw new UsageError(`${file ?? source.title} holds no records`)
  const entries = [...byKey.values()]
  const bytes = entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
  const keyBytes = entries.reduce((sum, { key }) => sum + key.length, 0) / entries.length
  const valueBytes = bytes / entries.length - keyBytes
  return { title: source.title, keys: source.keys(), entries, duplicates: records - entries.length, bytes, keyBytes, valueBytes, example }
}

/** The value with a revision number, as an application would update it. */
export function reviseValue(value: Uint8Array): Uint8Array {
  const decoded: unknown = msgpack.decode(value)
  const isRecord = typeof decoded === 'object' && decoded !== null && !Array.isArray(decoded)
  return msgpack.encode(isRecord ? { ...decoded, revision: 2 } : { value: decoded, revision: 2 })
}

export const FORMATS = ['ndjson', 'csv', 'tsv'] as const
export type Format = (typeof FORMATS)[number]

/** The format of a file by its name; `undefined` if that does not say it. */
export function formatOf(file: string): Format | undefined {
  const extension = extname(file).toLowerCase().slice(1)
  return extension === 'jsonl' ? 'ndjson' : FORMATS.find(format => format === extension)
}

/** The records of an input in a format. */
export function recordsOf(input: RecordInput, format: Format, keyFields: readonly string[] | undefined): RecordSource {
  return format === 'ndjson' ? ndjsonRecords(input, keyFields) : csvRecords(input, format === 'csv' ? ',' : '\t', keyFields)
}

function fileRecords(file: string, keyFields: readonly string[] | undefined): RecordSource {
  const format = formatOf(file)
  if (format === undefined) throw new UsageError(`${file} is not a dataset: the name must end in .ndjson, .jsonl, .csv or .tsv`)
  return recordsOf(fileInput(file), format, keyFields)
}
