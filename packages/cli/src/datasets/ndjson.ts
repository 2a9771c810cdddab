import { createInterface } from 'node:readline'
import { UsageError } from '../usage-error.js'
import { faultOf } from './json-fault.js'
import type { KeyedRecord, RecordSource } from './record-source.js'
import type { RecordInput } from './record-input.js'
import { RecordKeys } from './record-key.js'

/** One JSON value per line. Empty lines are skipped. */
export function ndjsonRecords(input: RecordInput, keyFields: readonly string[] | undefined): RecordSource {
  const keys = new RecordKeys(input.name, keyFields, false)
  return { title: input.name, keys: () => keys.description, records: read(input, keys) }
}

async function* read(input: RecordInput, keys: RecordKeys): AsyncGenerator<KeyedRecord> {
  await using opened = await input.open()
  const { stream } = opened
  const lines = createInterface({ input: stream, crlfDelay: Infinity })
  // The interface does not pass on the errors of its input.
  let failure: Error | undefined
  stream.on('error', error => {
    failure = error
    lines.close()
  })
  let number = 0
  for await (const line of lines) {
    number++
    const text = number === 1 ? line.replace(/^\u{feff}/u, '') : line
    if (text.trim() === '') continue
    const value = parse(text, input.name, number)
    yield { key: keys.keyOf(value, number), value, line: number }
  }
  if (failure !== undefined) throw failure
}

function parse(text: string, file: string, line: number): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const fault = faultOf(text)
    const column = fault === undefined ? '' : ` column ${fault + 1}`
    throw new UsageError(`${file} line ${line}${column}: this is not JSON: ${(error as Error).message}`)
  }
}
