/**
 * A custom log reader in place of the built-in one. It gets the bytes of a whole log and the two checks, and reports how the
 * log ends. It does not deal with the file, the file header and errors.
 */
import { CorruptionError, MisuseError } from '../errors.js'
import { placeSeed } from '../codec/checksum.js'
import { decodeFileHeader, FRAME_HEADER_BYTES, frameCheck, frameCheckSeed, LOG_FORMAT_VERSION, LOG_HEADER_BYTES } from './format.js'
import { LogReader, type LogReplay, type LogSource } from './reader.js'

/** A log to read: frames from byte 16 on, as docs/formats/wal.md has them. */
export interface LogBytes {
  /** The whole file. Its first 16 bytes have been checked. */
  readonly bytes: Uint8Array
  /** What the last word of the frame header at byte `offset` has to be, given the three words before it. */
  headerCheck(offset: number, length: number, synced: number, checksum: number): number
  /** What the checksum of the payload in the frame at byte `offset` has to be. */
  payloadChecksum(payload: Uint8Array, offset: number): number
}

/**
 * How a log ends behind its last good frame.
 *
 * - `whole`: there are no more bytes.
 * - `closed`: with the marker of a clean close, and nothing behind it.
 * - `blank`: with nothing but zeros, written ahead.
 * - `torn`: with bytes that are no frame, and that no frame behind them proves to have been durable.
 * - `damaged`: with bytes that are no good frame any more, though a good frame behind them proves that they were durable.
 */
export type LogEnding = 'whole' | 'closed' | 'blank' | 'torn' | 'damaged'

export interface LogEnd {
  readonly ending: LogEnding
  /** Where the last good frame ends, the close marker included. */
  readonly validBytes: number
  /** The highest `synced` of the good frames before that; 0 without any. */
  readonly lastSynced: number
}

/** Calls `onRecord` for each record before the end, oldest first, with its payload and where its frame begins. */
export type ReadLog = (log: LogBytes, onRecord: (payload: Uint8Array, offset: number) => void) => LogEnd

/** `LogReader.replay` with a custom reader. The built-in reader handles a log without a good file header, or of another version. */
export function replayWith(
  read: ReadLog,
  source: LogSource,
  onRecord: (payload: Uint8Array, offset: number, base: number) => void,
): LogReplay {
  const { logNumber, hash32 } = source
  const bytes = bytesOf(source)
  const header = bytes.length < LOG_HEADER_BYTES ? undefined : decodeFileHeader(bytes, 0)
  if (header?.version !== LOG_FORMAT_VERSION || header.logNumber !== logNumber) return new LogReader(source).replay(onRecord)
  const seed = frameCheckSeed(logNumber)
  let records = 0
  const log: LogBytes = {
    bytes,
    headerCheck: (offset, length, synced, checksum) => frameCheck(seed, offset, length, synced, checksum),
    payloadChecksum: (payload, offset) => hash32(payload, placeSeed(logNumber, offset)),
  }
  const end = read(log, (payload, offset) => {
    records++
    onRecord(payload, offset, offset + FRAME_HEADER_BYTES)
  })
  return replayOf(checked(end, bytes.length), records, bytes.length, pathOf(source))
}

function replayOf({ ending, validBytes, lastSynced }: LogEnd, records: number, size: number, file: string): LogReplay {
  if (ending === 'damaged') throw new CorruptionError('a record that had been made durable is damaged', { file, offset: validBytes })
  return {
    records,
    validBytes,
    droppedBytes: ending === 'torn' ? size - validBytes : 0,
    blankBytes: ending === 'blank' ? size - validBytes : 0,
    cleanlyClosed: ending === 'closed',
    lastSynced,
  }
}

function checked(end: LogEnd, size: number): LogEnd {
  const { ending, validBytes, lastSynced } = end
  const isPlace = Number.isInteger(validBytes) && validBytes >= LOG_HEADER_BYTES && validBytes <= size
  const fits = ending === 'whole' || ending === 'closed' ? validBytes === size : validBytes < size
  if (isPlace && fits && ENDINGS.has(ending) && Number.isInteger(lastSynced)) return end
  throw new MisuseError(
    'LEVEL_INVALID_LOG_END',
    `A log of ${size} bytes cannot end as the log reader says: ${JSON.stringify({ ending, validBytes, lastSynced })}`,
  )
}

const ENDINGS: ReadonlySet<string> = new Set<LogEnding>(['whole', 'closed', 'blank', 'torn', 'damaged'])

function bytesOf(source: LogSource): Uint8Array {
  const file = 'file' in source ? source.file : source.fileSystem.openRead(source.path)
  try {
    const bytes = new Uint8Array(file.size())
    return bytes.subarray(0, file.read(bytes, 0, 0, bytes.length))
  } finally {
    if (!('file' in source)) file.close()
  }
}

function pathOf(source: LogSource): string {
  return 'file' in source ? source.file.path : source.path
}
