import { open, type FileHandle } from 'node:fs/promises'
import { UsageError } from '../usage-error.js'
import type { KeyedRecord, RecordSource } from './record-source.js'
import { RecordKeys } from './record-key.js'

/** One JSON value per line. Empty lines are skipped. */
export function ndjsonRecords(file: string, keyFields: readonly string[] | undefined): RecordSource {
  const keys = new RecordKeys(file, keyFields, false)
  return { title: file, keys: () => keys.description, records: read(file, keys) }
}

async function* read(file: string, keys: RecordKeys): AsyncGenerator<KeyedRecord> {
  await using handle = await openDataset(file)
  let number = 0
  for await (const line of handle.readLines({ encoding: 'utf8' })) {
    number++
    const text = number === 1 ? line.replace(/^\u{feff}/u, '') : line
    if (text.trim() === '') continue
    const value = parse(text, file, number)
    yield { key: keys.keyOf(value, number), value }
  }
}

function parse(text: string, file: string, line: number): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${file} line ${line}: this is not JSON: ${(error as Error).message}`)
  }
}

/** @throws UsageError when the file cannot be opened. */
export async function openDataset(file: string): Promise<FileHandle> {
  try {
    const handle = await open(file)
    if ((await handle.stat()).isFile()) return handle
    await handle.close()
  } catch (error) {
    throw new UsageError(`The dataset cannot be read: ${(error as Error).message}`)
  }
  throw new UsageError(`The dataset cannot be read: ${file} is not a file`)
}
