import type { ReadLog } from '../../../src/wal/index.js'

interface Good {
  readonly length: number
  readonly synced: number
  readonly payload: Uint8Array
}

/** A right solution that is unlike the reference: it finds every good frame there is before it decides what they mean. */
export const readLog: ReadLog = (log, onRecord) => {
  const { bytes } = log
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const good = new Map<number, Good>()
  for (let offset = 16; offset + 16 <= bytes.length; offset++) {
    const length = view.getUint32(offset, true)
    const synced = view.getUint32(offset + 4, true)
    const checksum = view.getUint32(offset + 8, true)
    if (offset + 16 + length > bytes.length || synced > offset || (length === 0 && synced < offset)) continue
    if (view.getUint32(offset + 12, true) !== log.headerCheck(offset, length, synced, checksum)) continue
    const payload = bytes.slice(offset + 16, offset + 16 + length)
    if (checksum === log.payloadChecksum(payload, offset)) good.set(offset, { length, synced, payload })
  }

  let validBytes = 16
  let lastSynced = 0
  let isClosed = false
  for (let frame = good.get(16); frame !== undefined && !isClosed; frame = good.get(validBytes)) {
    lastSynced = Math.max(lastSynced, frame.synced)
    isClosed = frame.length === 0
    if (!isClosed) onRecord(frame.payload, validBytes)
    validBytes += 16 + frame.length
  }

  const rest = bytes.subarray(validBytes)
  if (rest.length === 0) return { ending: isClosed ? 'closed' : 'whole', validBytes, lastSynced }
  if (isClosed) return { ending: 'damaged', validBytes, lastSynced }
  if (rest.every(byte => byte === 0)) return { ending: 'blank', validBytes, lastSynced }
  const isProven = [...good].some(([offset, { synced }]) => offset > validBytes && synced > validBytes)
  return { ending: isProven ? 'damaged' : 'torn', validBytes, lastSynced }
}
