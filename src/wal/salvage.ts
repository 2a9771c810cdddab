/** Reading what is left of a damaged log: every record whose checks hold, whatever is between them. */
import type { Hash32 } from '../codec/checksum.js'
import type { FileHandle } from '../vfs/file-system.js'
import { FileWindow } from './file-window.js'
import { decodeFileHeader, FRAME_HEADER_BYTES, frameCheckSeed, FrameHeader, LOG_HEADER_BYTES } from './format.js'
import { isBlank, readPayload } from './tail.js'

export interface LogSalvage {
  /** The payload is only good during the call. */
  record(payload: Uint8Array, offset: number): void
  /** The bytes `[from, to)` hold no record that can be read. */
  lost(from: number, to: number): void
}

export function salvageLog(file: FileHandle, logNumber: number, hash32: Hash32, into: LogSalvage): void {
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
  if (start < LOG_HEADER_BYTES || decodeFileHeader(window.bytes, at) === undefined) into.lost(0, start)
  let lostFrom = -1
  for (let offset = start; offset < window.size;) {
    const payload = payloadAt(offset)
    if (payload === undefined) {
      if (lostFrom < 0) {
        if (isBlank(window, offset)) return
        lostFrom = offset
      }
      offset++
      continue
    }
    if (lostFrom >= 0) into.lost(lostFrom, offset)
    lostFrom = -1
    if (!header.isCloseMarker) into.record(payload, offset)
    offset += FRAME_HEADER_BYTES + header.length
  }
  if (lostFrom >= 0) into.lost(lostFrom, window.size)
}
