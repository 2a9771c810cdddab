/**
 * Reads a log from its begin, record by record, while the log may still grow.
 *
 * Invariants:
 * 1. Nothing at or behind the end that the caller gives is read, so a cursor never meets a frame that is half written.
 * 2. A record is delivered with both of its checks verified, and none behind one that fails them.
 */
import type { Hash32 } from '../codec/checksum.js'
import { CorruptionError } from '../errors.js'
import type { FileHandle } from '../vfs/file-system.js'
import { FileWindow } from './file-window.js'
import { decodeFileHeader, FRAME_HEADER_BYTES, frameCheckSeed, FrameHeader, LOG_HEADER_BYTES } from './format.js'
import { readPayload } from './tail.js'

export class LogCursor {
  /** The record that `next` moved to; valid until the next move. */
  payload: Uint8Array = new Uint8Array(0)
  readonly #file: FileHandle
  readonly #logNumber: number
  readonly #hash32: Hash32
  readonly #seed: number
  readonly #window: FileWindow
  readonly #header = new FrameHeader()
  /** Where the next frame begins; 0 before the header of the file is read. */
  #position = 0

  /** The file stays the caller's to close. */
  constructor(file: FileHandle, logNumber: number, hash32: Hash32) {
    this.#file = file
    this.#logNumber = logNumber
    this.#hash32 = hash32
    this.#seed = frameCheckSeed(logNumber)
    this.#window = new FileWindow(file, 0)
  }

  /** Where the frame of that record begins. */
  get offset(): number {
    return this.#position - FRAME_HEADER_BYTES - this.payload.length
  }

  /** Bytes read from the file. */
  get bytesRead(): number {
    return this.#window.bytesRead
  }

  /**
   * Moves to the next record before byte `end`; false where there is none. With `isExact` a record ends at `end`, and what does not hold
   * is damage, a `CorruptionError`. Without it, zeros, the marker of a clean close or a torn tail end the log earlier.
   */
  next(end: number, isExact: boolean): boolean {
    const window = this.#window
    window.extend(end)
    if (this.#position === 0 && !this.#begin(end)) return isExact && end > 0 ? this.#damaged('the log header') : false
    const offset = this.#position
    if (offset + FRAME_HEADER_BYTES > end) return false
    const at = window.locate(offset, FRAME_HEADER_BYTES)
    const header = this.#header
    if (!header.decode(window.bytes, at, this.#seed, offset)) return isExact ? this.#damaged('a record header') : false
    if (header.isCloseMarker) return false
    const payload = readPayload(window, header, offset, this.#logNumber, this.#hash32)
    if (payload === undefined) return isExact ? this.#damaged('a record') : false
    this.#position = offset + FRAME_HEADER_BYTES + header.length
    this.payload = payload
    return true
  }

  #begin(end: number): boolean {
    if (end < LOG_HEADER_BYTES) return false
    const at = this.#window.locate(0, LOG_HEADER_BYTES)
    if (decodeFileHeader(this.#window.bytes, at)?.logNumber !== this.#logNumber) return false
    this.#position = LOG_HEADER_BYTES
    return true
  }

  #damaged(what: string): never {
    throw new CorruptionError(`${what} is damaged`, { file: this.#file.path, offset: this.#position })
  }
}
