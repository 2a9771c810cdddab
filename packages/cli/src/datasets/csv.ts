import { CsvError, parse } from 'csv-parse'
import { UsageError } from '../usage-error.js'
import type { KeyedRecord, RecordSource } from './record-source.js'
import type { RecordInput } from './record-input.js'
import { RecordKeys } from './record-key.js'

/** The first line names the columns; values are text. */
export function csvRecords(input: RecordInput, delimiter: string, keyFields: readonly string[] | undefined): RecordSource {
  const keys = new RecordKeys(input.name, keyFields, true)
  return { title: input.name, keys: () => keys.description, records: read(input, delimiter, keys) }
}

interface ParsedLine {
  readonly record: Readonly<Record<string, string>>
  readonly info: { readonly lines: number }
}

async function* read(input: RecordInput, delimiter: string, keys: RecordKeys): AsyncGenerator<KeyedRecord> {
  await using opened = await input.open()
  const { stream } = opened
  const parser = stream.pipe(parse({ delimiter, columns: true, bom: true, info: true, skip_empty_lines: true }))
  stream.on('error', error => parser.destroy(error))
  try {
    for await (const { record, info } of parser as AsyncIterable<ParsedLine>) {
      yield { key: keys.keyOf(record, info.lines), value: record, line: info.lines }
    }
  } catch (error) {
    throw error instanceof CsvError
      ? new UsageError(`${input.name}${placeOf(error)}: this is not ${delimiter === ',' ? 'CSV' : 'TSV'}: ${error.message}`)
      : error
  }
}

/** The line and the column of a fault, as far as they are known. */
function placeOf({ lines, column }: CsvError & { readonly lines?: unknown; readonly column?: unknown }): string {
  if (typeof lines !== 'number') return ''
  return ` line ${lines}${typeof column === 'number' ? ` column ${column + 1}` : typeof column === 'string' ? ` column "${column}"` : ''}`
}
