import { ANCHOR_BYTES, announcedBy, FRAME_HEADER_BYTES, IMPLIED_BYTES, MOST_COMPACT_BODY_BYTES, readWord } from './format.js'

/**
 * What a writer remembers of the frames before, to know whether the next one may be compact.
 *
 * Invariant: a compact frame stands behind a whole one that begins in the same `ANCHOR_BYTES` of the file and has the same watermark.
 */
export class CompactFrames {
  /** The number that the last payload announces for the next one. */
  #announced = -1
  /** The block of the file in which the last whole frame begins, and its watermark. */
  #anchorBlock = -1
  #anchorSynced = 0
  /** Where byte 0 of the last payload is in the file, or would be: see FrameReader. */
  #payloadBase = 0

  get payloadBase(): number {
    return this.#payloadBase
  }

  /** Whether the frame of a payload at `offset` may be compact, now that the log is durable up to `synced`. */
  fits(offset: number, payload: Uint8Array, synced: number): boolean {
    if (this.#announced < 0 || synced !== this.#anchorSynced || Math.floor(offset / ANCHOR_BYTES) !== this.#anchorBlock) return false
    const { length } = payload
    return length > IMPLIED_BYTES && length <= MOST_COMPACT_BODY_BYTES && numberOf(payload) === this.#announced
  }

  /** The frame of `payload[start, end)` at `offset` is a whole one with the watermark `synced`. */
  noteWhole(offset: number, payload: Uint8Array, start: number, end: number, synced: number): void {
    this.#payloadBase = offset + FRAME_HEADER_BYTES
    this.#announced = announcedBy(payload, start, end)
    this.#anchorBlock = Math.floor(offset / ANCHOR_BYTES)
    this.#anchorSynced = synced
  }

  /** The frame of a payload is compact, and has its bytes from `IMPLIED_BYTES` on at `bodyStart` of the file. */
  noteCompact(payload: Uint8Array, bodyStart: number): void {
    this.#payloadBase = bodyStart - IMPLIED_BYTES
    this.#announced = announcedBy(payload, 0, payload.length)
  }
}

/** The number at the beginning of a payload. */
function numberOf(payload: Uint8Array): number {
  return readWord(payload, 0) + readWord(payload, 4) * 0x1_0000_0000
}
