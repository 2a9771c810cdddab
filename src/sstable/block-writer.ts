import type { Hash32 } from '../codec/checksum.js'
import type { BlockCompression } from '../vfs/environment.js'
import type { FileHandle } from '../vfs/file-system.js'
import { CODEC_DEFLATE, CODEC_NONE, TRAILER_BYTES, writeTrailer, type BlockHandle } from './format.js'

/** Blocks are collected in memory and written in pieces of about this size, because every write call costs a microsecond. */
const BUFFER_BYTES = 256 * 1024

/** Larger blocks stay uncompressed: compressing 64 MiB blocks the thread for a second, and values that large are mostly compressed already. */
const COMPRESSION_LIMIT_BYTES = 64 * 1024 * 1024

/**
 * Writes blocks one after another to a file. The caller asks for room, forms a block's contents right in the buffer at
 * `buffer[at...]`, and commits; the writer compresses, adds the trailer and writes the file.
 */
export class BlockWriter {
  readonly #file: FileHandle
  readonly #fileNumber: number
  readonly #hash32: Hash32
  readonly #compression: BlockCompression | undefined
  buffer = new Uint8Array(BUFFER_BYTES)
  /** Where the next block's contents go in `buffer`. */
  at = 0
  /** Bytes already in the file. */
  #written = 0

  constructor(file: FileHandle, fileNumber: number, hash32: Hash32, compression: BlockCompression | undefined) {
    this.#file = file
    this.#fileNumber = fileNumber
    this.#hash32 = hash32
    this.#compression = compression
  }

  /** Offset in the file of the next block. */
  get position(): number {
    return this.#written + this.at
  }

  /** Makes sure that a block of `bytes` bytes of contents fits at `buffer[at]`. */
  makeRoom(bytes: number): void {
    const needed = bytes + TRAILER_BYTES
    if (this.at + needed <= this.buffer.length) return
    this.flush()
    if (needed > this.buffer.length) this.buffer = new Uint8Array(needed)
  }

  /** Ends the block whose contents are `buffer[at, end)` and fills `handle` with its place. */
  commit(end: number, compress: boolean, handle: BlockHandle): void {
    handle.offset = this.position
    handle.rawBytes = end - this.at
    const rawEnd = end
    if (compress) end = this.#compress(end)
    handle.bytes = end - this.at
    const codec = end === rawEnd ? CODEC_NONE : CODEC_DEFLATE
    writeTrailer(this.buffer.subarray(this.at), handle.bytes, codec, this.#hash32, this.#fileNumber, handle.offset)
    this.at = end + TRAILER_BYTES
  }

  /** Adds bytes as they are, without a trailer: the footer. */
  append(bytes: Uint8Array): void {
    this.makeRoom(bytes.length)
    this.buffer.set(bytes, this.at)
    this.at += bytes.length
  }

  flush(): void {
    if (this.at > 0) this.#file.write(this.buffer, this.#written, 0, this.at)
    this.#written += this.at
    this.at = 0
    // One large value must not keep the buffer large for the rest of the table.
    if (this.buffer.length > BUFFER_BYTES) this.buffer = new Uint8Array(BUFFER_BYTES)
  }

  /** Replaces the contents by their compressed form if that saves at least an eighth; less is not worth the time of reading. Returns their end. */
  #compress(end: number): number {
    const rawBytes = end - this.at
    if (this.#compression === undefined || rawBytes > COMPRESSION_LIMIT_BYTES) return end
    const compressed = this.#compression.compress(this.buffer.subarray(this.at, end))
    if (compressed.length > rawBytes - rawBytes / 8) return end
    this.buffer.set(compressed, this.at)
    return this.at + compressed.length
  }
}
