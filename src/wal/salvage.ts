/** Reads what is left of a damaged log: every record whose checks hold, whatever lies between them. */
import type { Hash32 } from '../codec/checksum.js'
import type { FileHandle } from '../vfs/file-system.js'
import { FileWindow } from './file-window.js'
import { COMPACT_LOG_VERSION, decodeFileHeader, LOG_FORMAT_VERSION, LOG_HEADER_BYTES } from './format.js'
import { FrameReader } from './frame-reader.js'
import { isBlank } from './tail.js'

export interface LogSalvage {
  /**
   * The payload is valid only during the call; from byte 12 on its bytes are at their places behind byte `base` of the file. Behind something lost
   * the number that a compact frame leaves out is not known: its payload begins with one that is not too large.
   */
  record(payload: Uint8Array, offset: number, base: number): void
  /** The bytes `[from, to)` hold no record that can be read. */
  lost(from: number, to: number): void
}

export interface SalvagedLog {
  /** Where the last frame that can be read ends; 0 without one and without a file header. */
  readonly end: number
  /** Whether that frame is the marker of a clean close: the log is complete to its end. */
  readonly isClosed: boolean
}

export function salvageLog(file: FileHandle, logNumber: number, hash32: Hash32, into: LogSalvage): SalvagedLog {
  const window = new FileWindow(file)
  const start = Math.min(LOG_HEADER_BYTES, window.size)
  const at = window.locate(0, start)
  const header = start === LOG_HEADER_BYTES ? decodeFileHeader(window.bytes, at) : undefined
  const hasHeader = header !== undefined
  const frames = (header === undefined ? [LOG_FORMAT_VERSION, COMPACT_LOG_VERSION] : [header.version]).map(
    version => new FrameReader(version, logNumber, hash32),
  )
  const frameAt = (offset: number): FrameReader | undefined => frames.find(each => each.read(window, offset, window.size, true) === 'frame')
  if (!hasHeader) into.lost(0, start)
  let lostFrom = -1
  let end = hasHeader ? start : 0
  let isClosed = false
  for (let offset = start; offset < window.size;) {
    const frame = frameAt(offset)
    if (frame === undefined) {
      if (lostFrom < 0) {
        if (isBlank(window, offset)) break
        lostFrom = offset
      }
      offset++
      continue
    }
    if (lostFrom >= 0) into.lost(lostFrom, offset)
    lostFrom = -1
    isClosed = frame.isCloseMarker
    if (!isClosed) into.record(frame.payload, offset, frame.base)
    offset = frame.end
    end = offset
  }
  if (lostFrom >= 0) into.lost(lostFrom, window.size)
  return { end, isClosed: isClosed && lostFrom < 0 }
}
