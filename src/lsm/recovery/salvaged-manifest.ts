/**
 * What can still be read of a damaged manifest. Each record that passes its checks is a fact, whatever is lost around it: a table that it
 * adds belonged to the store then, one that it deletes is obsolete, since numbers are never used twice.
 *
 * A manifest that does not end in the marker of a clean close may have lost records at its end without a trace; so may have one with a
 * gap. What it does not name may belong to the store then.
 */
import type { Hash32 } from '../../codec/checksum.js'
import type { Loss } from '../../engine/contract.js'
import { messageOf, placeOf } from '../../engine/durable/log-salvage.js'
import { CorruptionError } from '../../errors.js'
import { joinPath, type FileSystem } from '../../vfs/file-system.js'
import { LOG_HEADER_BYTES } from '../../wal/format.js'
import { salvageLog } from '../../wal/salvage.js'
import { CURRENT, manifestName, parseFileName } from '../file-names.js'
import { readCurrent } from '../versions/manifest.js'
import type { TableMeta } from '../versions/table-file.js'
import { decodeVersionEdit } from '../versions/version-edit.js'

export interface SalvagedManifest {
  readonly path: string
  readonly number: number
  /** Tables that it names and does not delete, by number. */
  readonly tables: ReadonlyMap<number, TableMeta>
  /** Tables that it deletes. */
  readonly removed: ReadonlySet<number>
  /** Sequence number of the last operation that is in these tables. */
  readonly lastSequence: number
  /** The same of its first record, which holds a whole version; `undefined` if that is lost. */
  readonly startSequence: number | undefined
  readonly firstLog: number
  /** Logs that it names and that are not obsolete. */
  readonly logs: readonly number[]
  readonly wholeLogs: ReadonlyMap<number, number>
  /** It ends in the marker of a clean close, and nothing before is lost: nothing else belongs to the store. */
  readonly isComplete: boolean
  /** Bytes of it cannot be read. */
  readonly isDamaged: boolean
}

/** The manifest in force, or, where `CURRENT` does not say which that is, the newest one that begins with a version. */
export function salvageManifest(
  fileSystem: FileSystem,
  directory: string,
  hash32: Hash32,
  lost: (loss: Loss) => void,
): SalvagedManifest | undefined {
  const there = manifestsIn(fileSystem, directory)
  const read = (number: number, onLoss: (loss: Loss) => void): SalvagedManifest | undefined => {
    const path = joinPath(directory, manifestName(number))
    try {
      return readRecords(fileSystem, path, number, hash32, onLoss)
    } catch (error) {
      onLoss({ ...placeOf(error, path), message: messageOf(error) })
      return undefined
    }
  }
  const current = readNumber(fileSystem, directory, lost)
  if (current !== undefined) {
    if (there.includes(current)) return read(current, lost)
    lost({ file: joinPath(directory, manifestName(current)), message: `the manifest is missing: ${EVERYTHING}` })
    return undefined
  }
  for (const number of [...there].reverse()) {
    const losses: Loss[] = []
    const manifest = read(number, loss => losses.push(loss))
    if (manifest?.startSequence === undefined) continue
    for (const loss of losses) lost(loss)
    return manifest
  }
  return undefined
}

const EVERYTHING = 'every table and log in the directory is taken to belong to the store, and what was deleted long ago may come back'

function manifestsIn(fileSystem: FileSystem, directory: string): readonly number[] {
  const numbers = fileSystem.list(directory).flatMap(name => {
    const file = parseFileName(name)
    return file?.kind === 'manifest' ? [file.number] : []
  })
  return numbers.sort((a, b) => a - b)
}

/** What `CURRENT` says, or `undefined` if that is lost. */
function readNumber(fileSystem: FileSystem, directory: string, lost: (loss: Loss) => void): number | undefined {
  const file = joinPath(directory, CURRENT)
  try {
    if (fileSystem.stat(file) === undefined) throw new CorruptionError(`${CURRENT} is missing`, { file })
    return readCurrent(fileSystem, directory)
  } catch (error) {
    lost({ ...placeOf(error, file), message: `${messageOf(error)}: the newest manifest is taken to be the one in force` })
    return undefined
  }
}

function readRecords(fileSystem: FileSystem, path: string, number: number, hash32: Hash32, lost: (loss: Loss) => void): SalvagedManifest {
  const tables = new Map<number, TableMeta>()
  const removed = new Set<number>()
  const logs = new Set<number>()
  const wholeLogs = new Map<number, number>()
  const numbers = { lastSequence: 0, firstLog: 0 }
  let startSequence: number | undefined
  let isDamaged = false
  const take = (payload: Uint8Array, offset: number): void => {
    const { deleted = [], added = [], lastSequence = 0, firstLog = 0, ...edit } = decodeVersionEdit(payload)
    for (const table of deleted) {
      tables.delete(table)
      removed.add(table)
    }
    for (const meta of added) {
      tables.set(meta.number, meta)
      removed.delete(meta.number)
    }
    numbers.lastSequence = Math.max(numbers.lastSequence, lastSequence)
    numbers.firstLog = Math.max(numbers.firstLog, firstLog)
    for (const log of edit.logs ?? []) logs.add(log)
    for (const log of edit.wholeLogs ?? []) wholeLogs.set(log.number, log.bytes)
    if (offset === LOG_HEADER_BYTES) startSequence = lastSequence
  }
  const lose = (offset: number, what: string): void => {
    isDamaged = true
    lost({ file: path, offset, message: `${what} of the manifest cannot be read: tables that it does not name count, too` })
  }
  const file = fileSystem.openRead(path)
  let isClosed: boolean
  try {
    const log = salvageLog(file, number, hash32, {
      record: (payload, offset) => {
        try {
          take(payload, offset)
        } catch (error) {
          if (!(error instanceof CorruptionError)) throw error
          lose(offset, `a record (${error.message})`)
        }
      },
      lost: (from, to) => lose(from, to === 0 ? 'nothing is left; all' : `bytes ${from} to ${to}`),
    })
    isClosed = log.isClosed
  } finally {
    file.close()
  }
  const { firstLog } = numbers
  return {
    path,
    number,
    tables,
    removed,
    ...numbers,
    startSequence,
    logs: [...logs].filter(log => log >= firstLog).sort((a, b) => a - b),
    wholeLogs,
    isComplete: isClosed && !isDamaged && startSequence !== undefined,
    isDamaged: isDamaged || startSequence === undefined,
  }
}
