/**
 * Reads single frames of a log, whole and compact ones (see format.ts).
 *
 * Invariant: a frame is valid only with all of its checks. The length of a compact frame has none of its own, so nothing is concluded from
 * it where the check fails.
 */
import { placeSeed, type Hash32 } from '../codec/checksum.js'
import type { FileWindow } from './file-window.js'
import {
  announcedBy,
  COMPACT_LOG_VERSION,
  FRAME_HEADER_BYTES,
  frameCheckSeed,
  FrameHeader,
  IMPLIED_BYTES,
  MOST_COMPACT_BODY_BYTES,
  MOST_COMPACT_HEADER_BYTES,
  readWord,
} from './format.js'
import { readPayload } from './tail.js'

/** What is at a place: a frame, something without a sound header, or a sound header with a payload that fails its check. */
export type FrameState = 'frame' | 'no header' | 'bad payload'

export class FrameReader {
  /** The header of the last whole frame that was read. */
  readonly header = new FrameHeader()
  /** The payload of the frame that was read last. The next read overwrites it. */
  payload: Uint8Array = new Uint8Array(0)
  /** Where in the file byte 0 of the payload is, or would be: from byte 12 on every byte of it is at its place behind this. */
  base = 0
  /** Where the frame ends; of a bad payload, where its header says that it ends. */
  end = 0
  checksum = 0
  isCompact = false
  readonly #version: number
  readonly #logNumber: number
  readonly #hash32: Hash32
  readonly #seed: number
  /** The number that the last payload announces for the next one, -1 without any. */
  #announced = -1
  readonly #implied = new Uint8Array(IMPLIED_BYTES + MOST_COMPACT_BODY_BYTES)

  readonly #view = new DataView(this.#implied.buffer)

  constructor(version: number, logNumber: number, hash32: Hash32) {
    this.#version = version
    this.#logNumber = logNumber
    this.#hash32 = hash32
    this.#seed = frameCheckSeed(logNumber)
  }

  /** Whether the frame is the marker of a clean close. */
  get isCloseMarker(): boolean {
    return !this.isCompact && this.header.isCloseMarker
  }

  /** The watermark of the frame, 0 of a compact one, which has none. */
  get synced(): number {
    return this.isCompact ? 0 : this.header.synced
  }

  /**
   * Reads the frame at `offset`, of which nothing is behind `limit`. With `guess` a compact frame is read, too, where no frame before it says
   * which number its payload begins with; it begins with 0 then, or with what the last frame that was read announces.
   */
  read(window: FileWindow, offset: number, limit: number, guess = false): FrameState {
    if (this.#readCompact(window, offset, limit, guess)) return 'frame'
    if (offset + FRAME_HEADER_BYTES > limit) return 'no header'
    const at = window.locate(offset, FRAME_HEADER_BYTES)
    if (!this.header.decode(window.bytes, at, this.#seed, offset, this.#version)) return 'no header'
    this.isCompact = false
    this.base = offset + FRAME_HEADER_BYTES
    this.end = this.base + this.header.length
    this.checksum = this.header.checksum
    const payload = this.end > limit ? undefined : readPayload(window, this.header, offset, this.#logNumber, this.#hash32)
    if (payload === undefined) return 'bad payload'
    this.payload = payload
    if (payload.length > 0) this.#announced = announcedBy(payload, 0, payload.length)
    return 'frame'
  }

  #readCompact(window: FileWindow, offset: number, limit: number, guess: boolean): boolean {
    if (this.#version !== COMPACT_LOG_VERSION || offset + MOST_COMPACT_HEADER_BYTES > limit) return false
    if (this.#announced < 0 && !guess) return false
    const at = window.locate(offset, MOST_COMPACT_HEADER_BYTES)
    const first = window.bytes[at]
    if ((first & 1) === 1) return false
    const lengthBytes = first < 0x80 ? 1 : 2
    const second = lengthBytes === 1 ? 0 : window.bytes[at + 1]
    const length = ((first & 0x7f) | (second << 7)) >> 1
    const start = offset + lengthBytes + 4
    if (second >= 0x80 || length === 0 || length > MOST_COMPACT_BODY_BYTES || start + length > limit) return false
    const check = readWord(window.bytes, at + lengthBytes)
    const from = window.locate(start, length)
    const body = window.bytes.subarray(from, from + length)
    if (this.#hash32(body, placeSeed(this.#logNumber, offset)) !== check) return false
    let count = 0
    let countBytes = 0
    for (let byte = 0x80; byte >= 0x80; countBytes++) {
      if (countBytes === 5 || countBytes === length) return false
      byte = body[countBytes]
      count += (byte & 0x7f) * 2 ** (7 * countBytes)
    }
    const number = Math.max(this.#announced, 0)
    const payload = this.#implied.subarray(0, IMPLIED_BYTES + length - countBytes)
    const view = this.#view
    view.setUint32(0, number, true)
    view.setUint32(4, Math.floor(number / 0x1_0000_0000), true)
    view.setUint32(8, count, true)
    payload.set(body.subarray(countBytes), IMPLIED_BYTES)
    this.isCompact = true
    this.payload = payload
    this.base = start + countBytes - IMPLIED_BYTES
    this.end = start + length
    this.checksum = check
    this.#announced = number + count
    return true
  }
}
