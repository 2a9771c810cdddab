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
import { decodeFileHeader, LOG_FORMAT_VERSION, LOG_HEADER_BYTES } from './format.js'
import { FrameReader } from './frame-reader.js'

export class LogCursor {
  /** The record that `next` moved to; valid until the next move. */
  payload: Uint8Array = new Uint8Array(0)
  /** Where the frame of that record begins. */
  offset = 0
  /** Where byte 0 of the payload is in the file, or would be: see FrameReader. */
  base = 0
  readonly #file: FileHandle
  readonly #logNumber: number
  readonly #hash32: Hash32
  readonly #window: FileWindow
  #frames: FrameReader
  /** Where the next frame begins; 0 before the header of the file is read. */
  #position = 0

  /** The file stays the caller's to close. */
  constructor(file: FileHandle, logNumber: number, hash32: Hash32) {
    this.#file = file
    this.#logNumber = logNumber
    this.#hash32 = hash32
    this.#frames = new FrameReader(LOG_FORMAT_VERSION, logNumber, hash32)
    this.#window = new FileWindow(file, 0)
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
    if (offset === end) return false
    const frames = this.#frames
    const state = frames.read(window, offset, end)
    if (state === 'no header') return isExact ? this.#damaged('a record header') : false
    if (state === 'bad payload') return isExact ? this.#damaged('a record') : false
    if (frames.isCloseMarker) return false
    this.#position = frames.end
    this.payload = frames.payload
    this.offset = offset
    this.base = frames.base
    return true
  }

  #begin(end: number): boolean {
    if (end < LOG_HEADER_BYTES) return false
    const at = this.#window.locate(0, LOG_HEADER_BYTES)
    const header = decodeFileHeader(this.#window.bytes, at)
    if (header?.logNumber !== this.#logNumber) return false
    this.#frames = new FrameReader(header.version, this.#logNumber, this.#hash32)
    this.#position = LOG_HEADER_BYTES
    return true
  }

  #damaged(what: string): never {
    throw new CorruptionError(`${what} is damaged`, { file: this.#file.path, offset: this.#position })
  }
}
