/** Everything live that can still be read from the files of a damaged store, whatever its hint files say. */
import { Cache } from '../cache/cache.js'
import { loadHash32 } from '../codec/checksum.js'
import { ByteView, KIND_PUT_EXPIRING } from '../codec/entry.js'
import { splitExpiring } from '../codec/expiry.js'
import { BatchReader } from '../engine/batch.js'
import type { EngineContext, Loss, SalvagedEntry } from '../engine/contract.js'
import { logName, parseLogName } from '../engine/durable/log-names.js'
import { messageOf, placeOf } from '../engine/durable/log-salvage.js'
import { salvageLog } from '../wal/salvage.js'
import { DataFiles, type DataFile } from './data-file.js'
import { Entries } from './entries.js'
import { RecordWalk } from './key-order.js'
import { dataName } from './file-names.js'
import { dataFilesIn, hintHeader, orphanHints } from './recovery.js'
import { joinPath } from '../vfs/file-system.js'

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
  const sources = [
    ...data.map(name => files.open(name)),
    ...logs.sort((a, b) => a - b).map(number => files.open({ number, from: number, to: number }, logName(number))),
  ]
  try {
    readFiles()
    yield* readEntries()
  } finally {
    files.closeAll()
  }

  function readFiles(): void {
    const missing = orphanHints(fileSystem, directory, names, hash32).map(({ header }) => header)
    let expected = 1
    let before: { readonly path: string; readonly end: number } | undefined
    for (const file of sources) {
      const path = files.path(file)
      try {
        const { first, next, end } = readFile(file, path)
        if (first > expected) {
          const hint = missing.find(({ lastSequence }) => lastSequence >= expected)
          const place =
            hint !== undefined
              ? { file: joinPath(directory, dataName(hint)) }
              : before === undefined
                ? { file: path }
                : { file: before.path, offset: before.end }
          lost({ ...place, message: `what was written from sequence ${expected} to ${first - 1} is missing` })
        }
        expected = Math.max(expected, next)
        before = { path, end }
      } catch (error) {
        lost({ ...placeOf(error, path), message: messageOf(error) })
      }
    }
    const later = missing.find(({ lastSequence }) => lastSequence >= expected)
    if (later !== undefined) lost({ file: joinPath(directory, dataName(later)), message: 'the newest data file is missing' })
    if (logs.length === 0)
      lost({ file: joinPath(directory, logName(firstLog)), message: 'the last log is missing: what was written last was in it' })
  }

  /** Returns the sequence numbers of the file and of what follows it, and where it ends. */
  function readFile(file: DataFile, path: string): { readonly first: number; readonly next: number; readonly end: number } {
    const handle = fileSystem.openRead(path)
    const reader = new BatchReader()
    const hint = file.isLog ? undefined : hintHeader(fileSystem, directory, file.number, hash32)?.header
    const bounds: number[] = []
    let first = Infinity
    let next = 0
    let isDamaged = false
    try {
      const { end } = salvageLog(handle, file.number, hash32, {
        record: (payload, _offset, base) => {
          reader.reset(payload, 0, payload.length)
          first = Math.min(first, reader.firstSequence)
          next = reader.firstSequence + reader.count
          if (reader.count === 0) bounds.push(next)
          else entries.apply(reader, file, base)
          file.bytes = base + payload.length
        },
        lost: (from, to) => {
          isDamaged = true
          lost({
            file: path,
            offset: from,
            message: `bytes ${from} to ${to} cannot be read: writes that were never made durable, or damage`,
          })
        },
      })
      const isMerged = file.number !== file.from
      if (!isDamaged && (hint === undefined ? isMerged && bounds.length !== 2 : end < hint.dataBytes))
        lost({
          file: path,
          offset: end,
          message: hint === undefined ? 'its end is missing' : `it had ${hint.dataBytes} bytes and ends at byte ${end}`,
        })
      if (hint !== undefined) return { first: hint.firstSequence, next: hint.lastSequence + 1, end }
      return isMerged ? { first: bounds[0] ?? 0, next: bounds[1] ?? 0, end } : { first: first === Infinity ? 0 : first, next, end }
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
