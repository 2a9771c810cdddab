/** The write-ahead log alone: checksummed records in a file, group commit, and a reader that distinguishes a torn tail from damage. */
export {
  ANCHOR_BYTES,
  FRAME_HEADER_BYTES,
  LOG_FORMAT_VERSION,
  LOG_HEADER_BYTES,
  MAX_LOG_BYTES,
  MAX_PAYLOAD_BYTES,
  MOST_COMPACT_BODY_BYTES,
} from './format.js'
export type { LogBytes, LogEnd, LogEnding, ReadLog } from './custom-log-reader.js'
export { LogReader } from './reader.js'
export type { LogRecord, LogReplay, LogSource } from './reader.js'
export { LogWriter } from './writer.js'
export type { LogWriterOptions } from './writer.js'
