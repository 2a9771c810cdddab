import { CsvError, parse } from 'csv-parse'
import { UsageError } from '../usage-error.js'
import type { KeyedRecord, RecordSource } from './record-source.js'
import { openDataset } from './ndjson.js'
import { RecordKeys } from './record-key.js'

/** The first line names the columns; values are text. */
export function csvRecords(file: string, delimiter: string, keyFields: readonly string[] | undefined): RecordSource {
  const keys = new RecordKeys(file, keyFields, true)
  return { title: file, keys: () => keys.description, records: read(file, delimiter, keys) }
}

interface ParsedLine {
  readonly record: Readonly<Record<string, string>>
  readonly info: { readonly lines: number }
}

async function* read(file: string, delimiter: string, keys: RecordKeys): AsyncGenerator<KeyedRecord> {
  await using handle = await openDataset(file)
  const stream = handle.createReadStream({ autoClose: false })
  const parser = stream.pipe(parse({ delimiter, columns: true, bom: true, info: true, skip_empty_lines: true }))
  stream.on('error', error => parser.destroy(error))
  try {
    for await (const { record, info } of parser as AsyncIterable<ParsedLine>) {
      yield { key: keys.keyOf(record, info.lines), value: record }
    }
  } catch (error) {
    throw error instanceof CsvError ? new UsageError(`${file}: this is not ${delimiter === ',' ? 'CSV' : 'TSV'}: ${error.message}`) : error
  } finally {
    stream.destroy()
  }
}
