/**
 * A range of a file in memory, moved forward as a reader goes, so that a log of any size is read in chunks.
 * It grows beyond one chunk only for a single record that is longer.
 */
import { CorruptionError } from '../errors.js'
import type { FileHandle } from '../vfs/file-system.js'

export const WINDOW_BYTES = 128 * 1024

export class FileWindow {
  /** Valid until the next `locate`; only the range it was asked for may be read. */
  bytes: Uint8Array = new Uint8Array(0)
  /** Bytes read from the file. */
  bytesRead = 0
  #size: number
  readonly #file: FileHandle
  #start = 0
  #end = 0

  /** The size is that of the file now, or `size`: bytes behind it are not seen. */
  constructor(file: FileHandle, size = file.size()) {
    this.#file = file
    this.#size = size
  }

  get size(): number {
    return this.#size
  }

  /** Lets the window reach further into a file that has grown. */
  extend(size: number): void {
    if (size > this.#size) this.#size = size
  }

  /** Makes file bytes `[offset, offset + length)`, which must lie within the file, available; returns their index in `bytes`. */
  locate(offset: number, length: number): number {
    if (offset < this.#start || offset + length > this.#end) this.#move(offset, length)
    return offset - this.#start
  }

  #move(offset: number, length: number): void {
    const wanted = Math.min(Math.max(length, WINDOW_BYTES), this.#size - offset)
    const kept = offset >= this.#start && offset < this.#end ? this.#end - offset : 0
    const from = offset - this.#start
    if (wanted > this.bytes.length) {
      const larger = new Uint8Array(wanted)
      if (kept > 0) larger.set(this.bytes.subarray(from, from + kept))
      this.bytes = larger
    } else if (kept > 0) {
      this.bytes.copyWithin(0, from, from + kept)
    }
    this.#start = offset
    this.#end = offset + kept
    if (kept >= wanted) return
    const read = this.#file.read(this.bytes, offset + kept, kept, wanted)
    this.bytesRead += read
    this.#end += read
    if (this.#end < offset + length) {
      throw new CorruptionError('the log became shorter while it was read', { file: this.#file.path, offset: this.#end })
    }
  }
}
