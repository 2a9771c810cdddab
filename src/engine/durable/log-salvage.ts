/** What can still be read of the logs of a damaged store: every record whose checks hold, as the newest version of each key. */
import type { Hash32 } from '../../codec/checksum.js'
import { compareKeys, KIND_DELETE_RANGE, type EntryKind } from '../../codec/entry.js'
import { KvariumError } from '../../errors.js'
import { joinPath, type FileSystem } from '../../vfs/file-system.js'
import { errorCode } from '../../vfs/vfs-error.js'
import { salvageLog } from '../../wal/salvage.js'
import { BatchReader } from '../batch.js'
import type { Loss } from '../contract.js'
import { logName, parseLogName } from './log-names.js'

/** One version of a key, in bytes of its own. */
export interface KeyVersion {
  readonly key: Uint8Array
  readonly sequence: number
  readonly kind: EntryKind
  readonly value: Uint8Array
  /** Number of the file it is in. */
  readonly file: number
}

/** A deletion of the keys from `first` to `last`, both included. */
export interface SalvagedClear {
  readonly first: Uint8Array
  readonly last: Uint8Array
  readonly sequence: number
}

export interface LogSalvageOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  /** Logs with smaller numbers are obsolete. */
  readonly firstLog: number
  /** Where the last frame ends in logs that are known to be complete. */
  readonly ends: ReadonlyMap<number, number>
  lost(loss: Loss): void
}

export interface SalvagedLogs {
  /** The newest version of each key, in the order of the keys. */
  readonly versions: readonly KeyVersion[]
  readonly tombstones: readonly SalvagedClear[]
}

export function salvageLogs(options: LogSalvageOptions): SalvagedLogs {
  const { fileSystem, directory, firstLog, lost } = options
  const numbers = fileSystem.list(directory).flatMap(name => parseLogName(name) ?? [])
  const newest = new Map<string, KeyVersion>()
  const tombstones: SalvagedClear[] = []
  for (const number of numbers.filter(log => log >= firstLog)) {
    const path = joinPath(directory, logName(number))
    try {
      readLog(options, path, number, newest, tombstones)
    } catch (error) {
      lost({ ...placeOf(error, path), message: messageOf(error) })
    }
  }
  return { versions: [...newest.values()].sort((a, b) => compareKeys(a.key, b.key)), tombstones }
}

function readLog(
  { fileSystem, hash32, ends, lost }: LogSalvageOptions,
  path: string,
  number: number,
  newest: Map<string, KeyVersion>,
  tombstones: SalvagedClear[],
): void {
  const file = fileSystem.openRead(path)
  const reader = new BatchReader()
  const take = (sequence: number): void => {
    const { kind, key, value } = reader
    if (kind === KIND_DELETE_RANGE) {
      tombstones.push({ first: key.copy(), last: value.copy(), sequence })
      return
    }
    const name = nameOf(key.bytes, key.start, key.end)
    const before = newest.get(name)
    if (before === undefined || before.sequence < sequence)
      newest.set(name, { key: key.copy(), value: value.copy(), sequence, kind, file: number })
  }
  let isDamaged = false
  try {
    const { end } = salvageLog(file, number, hash32, {
      record: payload => {
        reader.reset(payload, 0, payload.length)
        for (let sequence = reader.firstSequence; reader.next(); sequence++) take(sequence)
      },
      lost: (from, to) => {
        isDamaged = true
        const message =
          to === 0 ? 'the log is empty' : `bytes ${from} to ${to} of the log cannot be read: writes that were never made durable, or damage`
        lost({ file: path, offset: from, message })
      },
    })
    const whole = ends.get(number) ?? 0
    if (!isDamaged && end < whole)
      lost({ file: path, offset: end, message: `the log was complete with ${whole} bytes and ends at byte ${end}` })
  } finally {
    file.close()
  }
}

/** Bytes as a string of the same length, to be the key of a Map. */
function nameOf(bytes: Uint8Array, start: number, end: number): string {
  let name = ''
  for (let at = start; at < end; at += 4096) name += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + 4096)))
  return name
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Where an error says it happened. Only errors of files are losses; anything else is thrown on. */
export function placeOf(error: unknown, otherwise: string): { readonly file: string; readonly offset?: number } {
  if (!(error instanceof KvariumError) && errorCode(error) === undefined) throw error
  const { file = otherwise, offset } = error as Partial<KvariumError>
  return offset === undefined ? { file } : { file, offset }
}
