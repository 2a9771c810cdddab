/** Every place of a hash lane where a version of a key lies: the one that the directory leads to, and those in data files and logs that are dead. */
import { compareKeys, loadHash32 } from 'kvarium/codec'
import { BatchReader, KIND_DELETE, KIND_DELETE_RANGE, KIND_PUT, parseLogName } from 'kvarium/engine'
import type { RebuiltFile } from 'kvarium/observe'
import { LogReader } from 'kvarium/wal'
import { dataFileNumber, type DirectoryRecord } from '../views/data-fold.js'
import { kindOf, openRebuilt, shownValue } from './key-in-logs.js'
import type { KeyPlace, KeyTrace, TracedLane } from './key-place.js'

interface Found extends KeyPlace {
  readonly number: number
  /** Where the value begins. */
  readonly at: number
}

const encoder = new TextEncoder()

/** @param record what the directory has of the key */
export async function traceInDataFiles(key: string, lane: TracedLane, record: DirectoryRecord | undefined): Promise<KeyTrace> {
  const { files, count } = lane
  const histories = files.at(count)
  const rebuilt = histories.names.filter(name => numberOf(name) !== undefined).map(name => histories.rebuild(name)!)
  const unknown = rebuilt.filter(({ isWhole }) => !isWhole).map(({ name }) => name)
  const found: Found[] = []
  for (const file of rebuilt) if (file.isWhole) found.push(...(await inFile(file, encoder.encode(key))))
  const answering = record && found.find(({ number, at }) => number === record.file && at === record.offset)
  const places =
    answering === undefined
      ? []
      : [{ ...plain(answering), answers: true as const, why: `record ${record!.record} of the directory leads here` }]
  const others = found.filter(each => each !== answering).reverse()
  return { key, answer: answerOf(record, answering), places, others: others.map(plain), without: [], unknown }
}

function answerOf(record: DirectoryRecord | undefined, found: Found | undefined): string {
  if (record === undefined) return 'A get finds nothing: the directory has no record of the key with a value, so no file is read.'
  if (found !== undefined) return 'A get finds the value by one look into the directory, and reads it where the record says.'
  return `A get reads file ${record.file} at byte ${record.offset}; its bytes are not all in the recording.`
}

function plain({ number: _number, at: _at, ...place }: Found): KeyPlace {
  return place
}

function numberOf(name: string): number | undefined {
  return dataFileNumber(name) ?? parseLogName(name)
}

/** Versions of the key in a log or data file, the oldest first. */
async function inFile(file: RebuiltFile, key: Uint8Array): Promise<readonly Found[]> {
  const hash32 = await loadHash32()
  const { name } = file
  const number = numberOf(name)!
  const isLog = parseLogName(name) !== undefined
  const versions: Found[] = []
  const batch = new BatchReader()
  const reader = new LogReader({ file: openRebuilt(file), logNumber: number, hash32 })
  try {
    reader.replay((payload, offset, base) => {
      batch.reset(payload, 0, payload.length)
      while (batch.next()) {
        const first = batch.key.copy()
        const isRange = batch.kind === KIND_DELETE_RANGE
        const value = batch.value.copy()
        if (isRange ? compareKeys(first, key) > 0 || compareKeys(key, value) > 0 : compareKeys(first, key) !== 0) continue
        const isPut = !isRange && batch.kind !== KIND_DELETE
        const at = base + batch.value.start
        versions.push({
          in: isLog ? 'log' : 'data file',
          name: `${isLog ? 'log' : 'data file'} ${number}, byte ${at}`,
          number,
          at,
          // Those of data files that were merged are made up.
          ...(isLog && { sequence: batch.sequence }),
          ...kindOf(batch.kind, value.length),
          ...(batch.kind === KIND_PUT && { value: shownValue(value) }),
          bytes: isPut ? { file: name, offset: at, length: value.length } : { file: name, offset, length: base + payload.length - offset },
          why: isPut
            ? 'dead: no record leads here; the next merge of the file leaves it out'
            : 'a deletion, which an opening needs as long as older files have the key',
        })
      }
    })
  } catch {
    // What is behind damage, or written only in part, no recovery reads.
  }
  return versions
}
