/**
 * Opening: from the names of the files, their hint files and the logs, the directory of the keys.
 *
 * Invariants:
 * 1. Files are taken in the order of their age, so that the last version of a key stays. Their sequence numbers follow each other without a
 *    gap: where they do not, a file is missing.
 * 2. A data file whose logs all belong to a newer one was merged into that, and is ignored.
 * 3. A hint file is believed only whole. A data file that is shorter than it says is damaged. Without a hint file the data file is read.
 * 4. Nothing is written.
 */
import { logName, parseLogName } from '../engine/durable/log-names.js'
import { replayLogs, type ReplayedLogs } from '../engine/durable/log-replay.js'
import { BatchReader } from '../engine/batch.js'
import { CorruptionError } from '../errors.js'
import type { EngineContext } from '../engine/contract.js'
import type { Hash32 } from '../codec/checksum.js'
import { joinPath, type FileSystem } from '../vfs/file-system.js'
import { LogReader } from '../wal/reader.js'
import type { DataFile } from './data-file.js'
import type { Entries } from './entries.js'
import { dataName, hintName, parseDataName, parseHintName, type DataName } from './file-names.js'
import { copyTombstones, HintReader, type HintHeader } from './hint.js'

const SLICE_BYTES = 1024 * 1024
/** Stands for the made-up sequence numbers in a data file that was not a log: every reader sees it. */
const OLDEST_SEQUENCE = 1

export interface RecoveryOptions {
  readonly context: EngineContext
  readonly fileSystem: FileSystem
  readonly hash32: Hash32
  readonly entries: Entries
}

/** The data files in force, the oldest first. */
export function dataFilesIn(names: readonly string[]): DataName[] {
  const all = names.flatMap(name => parseDataName(name) ?? [])
  const inForce = all.filter(({ number, from, to }) => !all.some(other => other.number > number && other.from <= from && other.to >= to))
  return inForce.sort((a, b) => a.from - b.from)
}

export async function recover(options: RecoveryOptions): Promise<ReplayedLogs> {
  const { context, fileSystem, hash32, entries } = options
  const { directory, environment } = context
  const { files } = entries
  const names = fileSystem.list(directory)
  for (const name of dataFilesIn(names)) {
    const file = files.open(name)
    const path = files.path(file)
    file.fileBytes = fileSystem.stat(path)?.size ?? 0
    const isHinted = loadHint(options, file)
    if (!isHinted) await loadData(options, file)
    context.trace?.emit({
      type: 'data.read',
      file: file.number,
      from: file.from,
      to: file.to,
      puts: file.live,
      bytes: file.bytes,
      hint: isHinted,
    })
    if (file.firstSequence !== entries.sequence + 1) {
      throw new CorruptionError(`A data file is missing: sequence ${entries.sequence + 1} should be in a file before this one`, {
        file: path,
      })
    }
    entries.sequence = file.lastSequence
    if (file.number !== file.from) file.cleanSequence = file.lastSequence
    files.list.push(file)
  }
  checkHints(options, names)
  const firstLog = (files.list[files.list.length - 1]?.to ?? 0) + 1
  const logs = names.flatMap(name => parseLogName(name) ?? []).filter(number => number >= firstLog)
  if (logs.length === 0) {
    throw new CorruptionError('The last log is missing: what was written last was in it', { file: joinPath(directory, logName(firstLog)) })
  }
  let file: DataFile | undefined
  const end = (): void => {
    if (file === undefined) return
    // A log without records has no part in the store any more.
    if (file.lastSequence < file.firstSequence) files.drop(file)
    else files.list.push(file)
  }
  const replayed = await replayLogs({
    fileSystem,
    directory,
    hash32,
    firstLog,
    expected: [],
    sequence: entries.sequence,
    trace: context.trace,
    turn: () => environment.scheduler.turn(),
    beginLog: (number, fileBytes) => {
      end()
      file = files.open({ number, from: number, to: number }, logName(number))
      file.fileBytes = fileBytes
      file.firstSequence = entries.sequence + 1
      file.lastSequence = entries.sequence
    },
    apply: (reader, bytes, _offset, base) => {
      const log = file!
      entries.apply(reader, log, base)
      entries.sequence = log.lastSequence = reader.lastSequence
      log.bytes = base + bytes
      return true
    },
  })
  end()
  // A log is sealed or removed only once a later one has a header and a name that are durable.
  if ([...replayed.validBytes.values()].every(bytes => bytes === 0)) {
    throw new CorruptionError('The header of the last log is damaged', { file: joinPath(directory, logName(Math.max(...logs))), offset: 0 })
  }
  for (const log of files.list) if (log.isLog) log.bytes = replayed.keptBytes.get(log.number)!
  return replayed
}

/** A hint file without its file is left over, unless it is about something newer than all data files: then that is missing. */
function checkHints({ context, fileSystem, hash32, entries }: RecoveryOptions, names: readonly string[]): void {
  for (const { header } of orphanHints(fileSystem, context.directory, names, hash32)) {
    if (header.lastSequence <= entries.sequence) continue
    throw new CorruptionError('The newest data file is missing, and its hint file is there', {
      file: joinPath(context.directory, dataName(header)),
    })
  }
}

/** The hint files that are whole, and whose data files and logs are not there. */
export function orphanHints(
  fileSystem: FileSystem,
  directory: string,
  names: readonly string[],
  hash32: Hash32,
): { readonly header: HintHeader; readonly path: string }[] {
  const data = new Set(names.flatMap(name => parseDataName(name)?.number ?? []))
  const orphans = names.flatMap(name => parseHintName(name) ?? []).filter(number => !data.has(number) && !names.includes(logName(number)))
  return orphans.flatMap(number => hintHeader(fileSystem, directory, number, hash32) ?? [])
}

/** The header of a hint file that is whole. */
export function hintHeader(
  fileSystem: FileSystem,
  directory: string,
  number: number,
  hash32: Hash32,
): { readonly header: HintHeader; readonly path: string } | undefined {
  const path = joinPath(directory, hintName(number))
  try {
    const bytes = readWhole(fileSystem, path)
    return bytes && { header: new HintReader(bytes, number, hash32, path).header, path }
  } catch (error) {
    if (error instanceof CorruptionError) return undefined
    throw error
  }
}

/** Whether the hint file could be used. */
function loadHint({ fileSystem, hash32, entries, context }: RecoveryOptions, file: DataFile): boolean {
  const path = joinPath(context.directory, hintName(file.number))
  const bytes = readWhole(fileSystem, path)
  if (bytes === undefined) return false
  file.hintBytes = bytes.length
  let hint: HintReader
  try {
    hint = new HintReader(bytes, file.number, hash32, path)
  } catch (error) {
    if (error instanceof CorruptionError) return false
    throw error
  }
  const { header } = hint
  if (file.fileBytes < header.dataBytes) {
    const message = `A data file of ${header.dataBytes} bytes has only ${file.fileBytes}`
    throw new CorruptionError(message, { file: entries.files.path(file), offset: file.fileBytes })
  }
  file.bytes = header.dataBytes
  file.firstSequence = header.firstSequence
  file.lastSequence = header.lastSequence
  const { tombstones } = hint
  if (tombstones !== undefined) {
    entries.deleteAll(tombstones, file.lastSequence)
    tombstones.rewind()
    copyTombstones(tombstones, file)
  }
  entries.load(hint, file)
  file.puts = header.puts
  file.putBytes = header.putBytes
  file.firstExpiry = header.firstExpiry
  return true
}

export function readWhole(fileSystem: FileSystem, path: string): Uint8Array | undefined {
  const size = fileSystem.stat(path)?.size
  if (size === undefined) return undefined
  const handle = fileSystem.openRead(path)
  try {
    const bytes = new Uint8Array(size)
    return handle.read(bytes, 0) === size ? bytes : undefined
  } finally {
    handle.close()
  }
}

/** Reads a data file. The empty batches at the end of one that was not a log say which sequence numbers it has. */
async function loadData({ fileSystem, hash32, entries, context }: RecoveryOptions, file: DataFile): Promise<void> {
  const path = joinPath(context.directory, dataName(file))
  const reader = new BatchReader()
  const bounds: number[] = []
  let first = 0
  let next = 0
  const replay = await new LogReader({ fileSystem, path, logNumber: file.number, hash32 }).replayInSlices(
    (payload, _offset, base) => {
      reader.reset(payload, 0, payload.length)
      if (first === 0) first = reader.firstSequence
      next = reader.firstSequence + reader.count
      if (reader.count === 0) bounds.push(reader.firstSequence)
      else entries.apply(reader, file, base, Infinity, file.number === file.from ? undefined : OLDEST_SEQUENCE)
    },
    SLICE_BYTES,
    () => context.environment.scheduler.turn(),
  )
  if (first === 0 || replay.droppedBytes > 0 || (file.number !== file.from && bounds.length !== 2)) {
    throw new CorruptionError('A data file that was complete is damaged', { file: path, offset: replay.validBytes })
  }
  file.bytes = replay.validBytes
  file.firstSequence = bounds[0] ?? first
  file.lastSequence = (bounds[1] ?? next) - 1
}
