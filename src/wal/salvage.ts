/** Reads what is left of a damaged log: every record whose checks hold, whatever lies between them. */
import type { Hash32 } from '../codec/checksum.js'
import type { FileHandle } from '../vfs/file-system.js'
import { FileWindow } from './file-window.js'
import { decodeFileHeader, FRAME_HEADER_BYTES, frameCheckSeed, FrameHeader, LOG_HEADER_BYTES } from './format.js'
import { isBlank, readPayload } from './tail.js'

export interface LogSalvage {
  /** The payload is valid only during the call. */
  record(payload: Uint8Array, offset: number): void
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
  const seed = frameCheckSeed(logNumber)
  const header = new FrameHeader()
  const payloadAt = (offset: number): Uint8Array | undefined => {
    if (offset + FRAME_HEADER_BYTES > window.size) return undefined
    const at = window.locate(offset, FRAME_HEADER_BYTES)
    return header.decode(window.bytes, at, seed, offset) ? readPayload(window, header, offset, logNumber, hash32) : undefined
  }
  const start = Math.min(LOG_HEADER_BYTES, window.size)
  const at = window.locate(0, start)
  const hasHeader = start === LOG_HEADER_BYTES && decodeFileHeader(window.bytes, at) !== undefined
  if (!hasHeader) into.lost(0, start)
  let lostFrom = -1
  let end = hasHeader ? start : 0
  let isClosed = false
  for (let offset = start; offset < window.size;) {
    const payload = payloadAt(offset)
    if (payload === undefined) {
      if (lostFrom < 0) {
        if (isBlank(window, offset)) break
        lostFrom = offset
      }
      offset++
      continue
    }
    if (lostFrom >= 0) into.lost(lostFrom, offset)
    lostFrom = -1
    isClosed = header.isCloseMarker
    if (!isClosed) into.record(payload, offset)
    offset += FRAME_HEADER_BYTES + header.length
    end = offset
  }
  if (lostFrom >= 0) into.lost(lostFrom, window.size)
  return { end, isClosed: isClosed && lostFrom < 0 }
}
