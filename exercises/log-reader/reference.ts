import type { LogBytes, LogEnd } from 'kvarium/wal'

const FILE_HEADER_BYTES = 16
const FRAME_HEADER_BYTES = 16

interface Frame {
  readonly synced: number
  readonly end: number
  readonly payload: Uint8Array
  readonly isCloseMarker: boolean
}

export function readLog(log: LogBytes, onRecord: (payload: Uint8Array, offset: number) => void): LogEnd {
  const size = log.bytes.length
  let offset = FILE_HEADER_BYTES
  let lastSynced = 0
  while (offset < size) {
    const frame = frameAt(log, offset)
    if (frame === undefined) return { ending: endingAt(log, offset), validBytes: offset, lastSynced }
    lastSynced = Math.max(lastSynced, frame.synced)
    if (frame.isCloseMarker) return { ending: frame.end === size ? 'closed' : 'damaged', validBytes: frame.end, lastSynced }
    onRecord(frame.payload, offset)
    offset = frame.end
  }
  return { ending: 'whole', validBytes: size, lastSynced }
}

/** The good frame at an offset. */
function frameAt(log: LogBytes, offset: number): Frame | undefined {
  const { bytes } = log
  const start = offset + FRAME_HEADER_BYTES
  if (start > bytes.length) return undefined
  const [length, synced, checksum, check] = [0, 4, 8, 12].map(at => word(bytes, offset + at))
  const isCloseMarker = length === 0
  if (isCloseMarker ? synced !== offset : synced > offset) return undefined
  if (check !== log.headerCheck(offset, length, synced, checksum)) return undefined
  if (start + length > bytes.length) return undefined
  const payload = bytes.subarray(start, start + length)
  if (checksum !== log.payloadChecksum(payload, offset)) return undefined
  return { synced, end: start + length, payload, isCloseMarker }
}

/** The ending of a log at a place without a good frame. */
function endingAt(log: LogBytes, bad: number): LogEnd['ending'] {
  if (log.bytes.subarray(bad).every(byte => byte === 0)) return 'blank'
  // A damaged length hides where the next frame begins: look at every byte.
  for (let offset = bad + 1; offset < log.bytes.length; offset++) {
    const frame = frameAt(log, offset)
    if (frame !== undefined && frame.synced > bad) return 'damaged'
  }
  return 'torn'
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
}
