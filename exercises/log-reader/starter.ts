import type { LogBytes, LogEnd } from 'kvarium/wal'

/**
 * Reads a log after a crash: calls `onRecord` for each intact record, oldest first, and returns how the log ends.
 * `log.bytes` is the whole file; the first frame begins at byte 16. The README has the layout and the rules of the end.
 */
export function readLog(log: LogBytes, onRecord: (payload: Uint8Array, offset: number) => void): LogEnd {
  void [log, onRecord]
  throw new Error('Not written yet: readLog')
}
