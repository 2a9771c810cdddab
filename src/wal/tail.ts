/**
 * Torn tail or damage? Power loss may keep any subset of the sectors that were not synced, so a bad record followed by
 * good ones can be an honest torn tail. The watermarks decide: a later frame that records more than `bad` bytes as
 * durable proves that the bad bytes once were, so they have been damaged since.
 *
 * The search looks at every byte, because a damaged length hides where the next frame begins. It costs about a
 * nanosecond a byte: most places are refused by the range their watermark would have to be in, nearly all others by
 * the header check, and only a frame that passes both has its payload hashed.
 */
import type { Hash32 } from '../codec/checksum.js'
import { placeSeed } from '../codec/checksum.js'
import type { FileWindow } from './file-window.js'
import { WINDOW_BYTES } from './file-window.js'
import { COMPACT_LOG_VERSION, FRAME_HEADER_BYTES, frameCheckSeed, FrameHeader, LOG_FORMAT_VERSION } from './format.js'

const VERSIONS = [LOG_FORMAT_VERSION, COMPACT_LOG_VERSION]

/**
 * The offset of the first valid whole frame at or after `from` whose watermark is above `bad`, or `undefined` if there is none. Without a
 * `version` the header of the file is damaged, and frames of each version count.
 */
export function findDurabilityProof(
  window: FileWindow,
  logNumber: number,
  hash32: Hash32,
  bad: number,
  from: number,
  version: number | undefined,
): number | undefined {
  const seed = frameCheckSeed(logNumber)
  const header = new FrameHeader()
  let offset = from
  while (offset + FRAME_HEADER_BYTES <= window.size) {
    const length = Math.min(WINDOW_BYTES, window.size - offset)
    const at = window.locate(offset, length)
    const places = length - FRAME_HEADER_BYTES + 1
    const place = findHeader(window.bytes, at, places, offset, bad, seed, header, version)
    offset += place
    if (place === places) continue
    if (readPayload(window, header, offset, logNumber, hash32) !== undefined) return offset
    offset++
  }
  return undefined
}

/** Whether there is nothing but zeros from `from` to the end of the file. */
export function isBlank(window: FileWindow, from: number): boolean {
  for (let offset = from; offset < window.size;) {
    const length = Math.min(WINDOW_BYTES, window.size - offset)
    const at = window.locate(offset, length)
    for (let i = at; i < at + length; i++) if (window.bytes[i] !== 0) return false
    offset += length
  }
  return true
}

/** The payload behind a valid header as a view of the window, or `undefined` if it is not all there or its checksum fails. */
export function readPayload(
  window: FileWindow,
  header: FrameHeader,
  offset: number,
  logNumber: number,
  hash32: Hash32,
): Uint8Array | undefined {
  const payloadOffset = offset + FRAME_HEADER_BYTES
  if (payloadOffset + header.length > window.size) return undefined
  const at = window.locate(payloadOffset, header.length)
  const payload = window.bytes.subarray(at, at + header.length)
  return hash32(payload, placeSeed(logNumber, offset)) === header.checksum ? payload : undefined
}

/**
 * The first of the `places` from `bytes[at]`, file offset `offset`, with a valid frame header whose watermark is above
 * `bad`; `places` if there is none. `header` is left at what was found.
 */
function findHeader(
  bytes: Uint8Array,
  at: number,
  places: number,
  offset: number,
  bad: number,
  seed: number,
  header: FrameHeader,
  version: number | undefined,
): number {
  const isHeader = (place: number): boolean =>
    version === undefined
      ? VERSIONS.some(each => header.decode(bytes, at + place, seed, offset + place, each))
      : header.decode(bytes, at + place, seed, offset + place, version)
  let word = (bytes[at + 4] << 8) | (bytes[at + 5] << 16) | (bytes[at + 6] << 24)
  for (let i = 0; i < places; i++) {
    word = (word >>> 8) | (bytes[at + i + 7] << 24)
    const synced = word >>> 0
    if (synced > bad && synced <= offset + i && isHeader(i)) return i
  }
  return places
}
