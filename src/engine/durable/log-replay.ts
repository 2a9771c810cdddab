/**
 * Reading the logs of an earlier session back, in their order, as one history.
 *
 * Invariants:
 * 1. What is replayed is a prefix of what was written: sequence numbers follow each other without a gap. Where they do not,
 *    the log before lost an unsynced tail, and everything behind the gap goes, too. A gap before something that was
 *    once durable is corruption: a log is made durable only after those before it (see log-set.ts). So are numbers that were
 *    there before: what made them obsolete made their log obsolete too.
 * 2. A log that the caller's own record of the store names, and that is not there, is corruption. So is one that ends before
 *    the place where that record says it was complete.
 */
import type { Hash32 } from '../../codec/checksum.js'
import { CorruptionError, KvariumError } from '../../errors.js'
import type { Tracer } from '../../trace/span.js'
import { joinPath, type FileSystem } from '../../vfs/file-system.js'
import { replayWith, type ReadLog } from '../../wal/custom-log-reader.js'
import { LogReader, type LogReplay } from '../../wal/reader.js'
import { BatchReader } from '../batch.js'
import { logName, parseLogName } from './log-names.js'

export interface LogReplayOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  /** Logs with smaller numbers are obsolete. */
  readonly firstLog: number
  /** Logs that must exist. */
  readonly expected: readonly number[]
  /** The headers of expected logs were durable before they were expected. */
  readonly durableHeaders?: boolean
  /** Where the last frame ends in logs that are known to be complete: one that ends earlier is damaged. */
  readonly wholeLogs?: ReadonlyMap<number, number>
  /** Sequence number of the last operation before the logs. */
  readonly sequence: number
  /** Called before the batches of a log, with the length of its file. */
  readonly beginLog?: (number: number, fileBytes: number) => void
  /**
   * Takes the next batch, whose frame is at byte `offset` of its log and its operations behind byte `base`, or returns false, having done
   * nothing, when it lacks room for that many bytes.
   */
  apply(reader: BatchReader, bytes: number, offset: number, base: number): boolean
  /** Makes room for a batch that was refused. */
  readonly makeRoom?: (bytes: number, operations: number) => Promise<void>
  /** Reads the logs instead of the built-in reader. */
  readonly readLog?: ReadLog | undefined
  /** A turn of the event loop, taken every now and then; default: none. */
  readonly turn?: () => Promise<void>
  readonly trace?: Tracer | undefined
}

export interface ReplayedLogs {
  /** Numbers and file lengths, in order. */
  readonly logs: ReadonlyMap<number, number>
  /** Numbers, and where the last frame ends. */
  readonly validBytes: ReadonlyMap<number, number>
  /** Numbers, and where the part ends that was replayed: what is behind it was dropped. 0 for a log without a header. */
  readonly keptBytes: ReadonlyMap<number, number>
  /** Numbers, and up to where the log's own records prove that it was once durable. */
  readonly syncedBytes: ReadonlyMap<number, number>
  /** Numbers of the logs that hold records. */
  readonly filled: ReadonlySet<number>
  /** Sequence number of the last operation. */
  readonly sequence: number
  /** Bytes of torn tails that were dropped. */
  readonly droppedBytes: number
}

export async function replayLogs(options: LogReplayOptions): Promise<ReplayedLogs> {
  const { fileSystem, directory, firstLog, expected } = options
  const there = fileSystem.list(directory).flatMap(name => parseLogName(name) ?? [])
  for (const number of expected) {
    if (there.includes(number)) continue
    throw new CorruptionError('A log that belongs to the store is missing', { file: joinPath(directory, logName(number)) })
  }
  const replayed: Progress = {
    logs: new Map(),
    validBytes: new Map(),
    keptBytes: new Map(),
    syncedBytes: new Map(),
    filled: new Set(),
    sequence: options.sequence,
    droppedBytes: 0,
  }
  for (const number of there.filter(log => log >= firstLog).sort((a, b) => a - b)) await replayLog(options, number, replayed)
  return replayed
}

/** Bytes of log between two turns of the event loop. */
const SLICE_BYTES = 1024 * 1024

interface Progress {
  readonly logs: Map<number, number>
  readonly validBytes: Map<number, number>
  readonly keptBytes: Map<number, number>
  readonly syncedBytes: Map<number, number>
  readonly filled: Set<number>
  sequence: number
  droppedBytes: number
}

async function replayLog(options: LogReplayOptions, number: number, progress: Progress): Promise<void> {
  const { fileSystem, directory, apply, makeRoom, beginLog } = options
  const path = joinPath(directory, logName(number))
  beginLog?.(number, fileSystem.stat(path)?.size ?? 0)
  const reader = new BatchReader()
  let firstGap = -1
  let isRepeat = false
  let records = 0
  let entries = 0
  const onRecord = (payload: Uint8Array, offset: number, base: number): Promise<void> | void => {
    if (firstGap >= 0) return
    reset(payload, offset)
    if (reader.firstSequence !== progress.sequence + 1) {
      firstGap = offset
      isRepeat = reader.firstSequence <= progress.sequence
      return
    }
    progress.sequence += reader.count
    records++
    entries += reader.count
    if (!applied(payload, offset, base)) return applyLater(payload, offset, base)
  }
  const applyLater = async (payload: Uint8Array, offset: number, base: number): Promise<void> => {
    await makeRoom?.(payload.length, reader.count)
    reset(payload, offset)
    if (!applied(payload, offset, base)) {
      throw new KvariumError('LEVEL_INTERNAL', 'There is no room for a batch after room was made for it')
    }
  }
  const reset = (payload: Uint8Array, offset: number): BatchReader => asBatch(path, offset, () => reader.reset(payload, 0, payload.length))
  const applied = (payload: Uint8Array, offset: number, base: number): boolean =>
    asBatch(path, offset, () => apply(reader, payload.length, offset, base))
  const replay = await readRecords(options, path, number, onRecord)
  if (isRepeat)
    throw new CorruptionError('A log begins with sequence numbers that have been there before', { file: path, offset: firstGap })
  if (firstGap >= 0 && replay.lastSynced > firstGap) {
    throw new CorruptionError('Records are missing between this log and the one before it', { file: path, offset: firstGap })
  }
  // Logs that recovery kept may be empty: then their whole length says so.
  const whole = options.wholeLogs?.get(number)
  if (whole === undefined && replay.validBytes === 0 && options.durableHeaders === true && options.expected.includes(number)) {
    throw new CorruptionError('The header of a log that belongs to the store is damaged', { file: path, offset: 0 })
  }
  if (whole !== undefined && replay.validBytes !== whole) {
    throw new CorruptionError(`A log of ${whole} bytes that was complete is damaged`, { file: path, offset: replay.validBytes })
  }
  progress.logs.set(number, replay.validBytes + replay.blankBytes)
  progress.validBytes.set(number, replay.validBytes)
  progress.keptBytes.set(number, firstGap < 0 ? replay.validBytes : firstGap)
  progress.syncedBytes.set(number, replay.lastSynced)
  if (records > 0) progress.filled.add(number)
  const dropped = replay.droppedBytes + (firstGap < 0 ? 0 : replay.validBytes - firstGap)
  progress.droppedBytes += dropped
  const outcome =
    firstGap >= 0
      ? `records before byte ${firstGap} are missing, so ${dropped} bytes from there on were dropped`
      : replay.droppedBytes > 0
        ? `a torn tail of ${dropped} bytes was dropped`
        : 'whole'
  options.trace?.emit({ type: 'log.replay', log: number, records, entries, bytes: replay.validBytes, outcome })
}

/** Runs `read` on the record of a log at a place, which an error about its contents names. */
export function asBatch<T>(path: string, offset: number, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof CorruptionError)) throw cause
    throw new CorruptionError(`A log record is not a write batch: ${cause.message}`, { file: path, offset, cause })
  }
}

type OnRecord = (payload: Uint8Array, offset: number, base: number) => Promise<void> | void

async function readRecords(options: LogReplayOptions, path: string, logNumber: number, onRecord: OnRecord): Promise<LogReplay> {
  const { fileSystem, hash32, readLog, turn = () => Promise.resolve() } = options
  const source = { fileSystem, path, logNumber, hash32 }
  if (readLog === undefined) return new LogReader(source).replayInSlices(onRecord, SLICE_BYTES, turn)
  // A custom reader cannot wait between records.
  const records: [Uint8Array, number, number][] = []
  const replay = replayWith(readLog, source, (payload, offset, base) => void records.push([payload.slice(), offset, base]))
  for (const [payload, offset, base] of records) await onRecord(payload, offset, base)
  return replay
}
