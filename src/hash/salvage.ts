/** Everything live that can still be read from the files of a damaged store, whatever its hint files say. */
import { Cache } from '../cache/cache.js'
import { loadHash32 } from '../codec/checksum.js'
import { ByteView, KIND_PUT_EXPIRING } from '../codec/entry.js'
import { splitExpiring } from '../codec/expiry.js'
import { BatchReader } from '../engine/batch.js'
import type { EngineContext, Loss, SalvagedEntry } from '../engine/contract.js'
import { logName, parseLogName } from '../engine/durable/log-names.js'
import { messageOf, placeOf } from '../engine/durable/log-salvage.js'
import { FRAME_HEADER_BYTES } from '../wal/format.js'
import { salvageLog } from '../wal/salvage.js'
import { DataFiles, type DataFile } from './data-file.js'
import { Entries } from './entries.js'
import { RecordWalk } from './key-order.js'
import { dataFilesIn } from './recovery.js'

const CACHE_BYTES = 8 * 1024 * 1024

export async function* salvageHash(context: EngineContext, lost: (loss: Loss) => void): AsyncGenerator<SalvagedEntry> {
  const { environment, directory } = context
  const { fileSystem } = environment
  const hash32 = await loadHash32()
  const files = new DataFiles({ fileSystem, directory, hash32, cache: new Cache(CACHE_BYTES) })
  const entries = new Entries(files, hash32)
  const names = fileSystem.list(directory)
  const data = dataFilesIn(names)
  const firstLog = (data[data.length - 1]?.to ?? 0) + 1
  const logs = names.flatMap(name => parseLogName(name) ?? []).filter(number => number >= firstLog)
  const sources = [...data.map(name => files.open(name)), ...logs.sort((a, b) => a - b).map(number => files.open({ number, from: number, to: number }, logName(number)))]
  try {
    let sequence = 1
    for (const file of sources) {
      const path = files.path(file)
      try {
        sequence = readFile(file, path, sequence)
      } catch (error) {
        lost({ ...placeOf(error, path), message: messageOf(error) })
      }
      await environment.scheduler.turn()
    }
    if (logs.length === 0) lost({ file: files.path({ name: logName(firstLog) } as DataFile), message: 'the last log is missing: what was written last was in it' })
    yield* readEntries()
  } finally {
    files.closeAll()
  }

  /** Returns the sequence number that the next file should begin with. */
  function readFile(file: DataFile, path: string, expected: number): number {
    const handle = fileSystem.openRead(path)
    const reader = new BatchReader()
    let next = expected
    let isFirst = true
    try {
      salvageLog(handle, file.number, hash32, {
        record: (payload, offset) => {
          reader.reset(payload, 0, payload.length)
          if (isFirst && reader.firstSequence > expected) lost({ file: path, message: `what was written from sequence ${expected} to ${reader.firstSequence - 1} is missing before this file` })
          isFirst = false
          next = Math.max(next, reader.lastSequence + 1)
          entries.apply(reader, file, offset + FRAME_HEADER_BYTES)
          file.bytes = offset + FRAME_HEADER_BYTES + payload.length
        },
        lost: (from, to) => {
          if (to > 0 || !file.isLog) lost({ file: path, offset: from, message: `bytes ${from} to ${to} cannot be read: writes that were never made durable, or damage` })
        },
      })
      return next
    } finally {
      handle.close()
    }
  }

  function* readEntries(): Generator<SalvagedEntry> {
    const { directory: keys } = entries
    const walk = new RecordWalk(keys, entries.sorted())
    walk.seek()
    const key = new ByteView()
    const value = new ByteView()
    for (let record = walk.ahead; record !== 0; record = walk.ahead) {
      walk.forward()
      if (!keys.isPut(record)) continue
      keys.setKey(record, key)
      files.read(keys.versionAt(record), keys.hashAt(record), value)
      const stored = value.copy()
      yield { key: key.copy(), ...(keys.kindAt(record) === KIND_PUT_EXPIRING ? splitExpiring(stored) : { value: stored }) }
    }
  }
}
