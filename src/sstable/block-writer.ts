import { CHUNK_BYTES, placeSeed, type Hash32 } from '../codec/checksum.js'
import type { FileHandle } from '../vfs/file-system.js'
import type { BlockCompressor } from './block-compression.js'
import { CODEC_NONE, TRAILER_BYTES, writeTrailer, writeUint32, type BlockHandle } from './format.js'

/** Blocks are collected in memory and written in pieces of about this size, because every write call costs a microsecond. */
const BUFFER_BYTES = 256 * 1024

/** Larger blocks stay uncompressed: compressing 4 MiB blocks the thread for 50 ms, and values that large are mostly compressed already. */
const COMPRESSION_LIMIT_BYTES = 4 * 1024 * 1024

/**
 * Writes blocks one after another to a file. The caller asks for room, forms a block's contents right in the buffer at
 * `buffer[at...]`, and commits; the writer compresses, adds the trailer and writes the file.
 */
export class BlockWriter {
  readonly #file: FileHandle
  readonly #fileNumber: number
  readonly #hash32: Hash32
  readonly #compressor: BlockCompressor | undefined
  buffer = new Uint8Array(BUFFER_BYTES)
  /** Where the next block's contents go in `buffer`. */
  at = 0
  /** Bytes already in the file. */
  #written = 0
  /** Bytes that compression has saved in this file. */
  savedBytes = 0

  constructor(file: FileHandle, fileNumber: number, hash32: Hash32, compressor: BlockCompressor | undefined) {
    this.#file = file
    this.#fileNumber = fileNumber
    this.#hash32 = hash32
    this.#compressor = compressor
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
    let codec = CODEC_NONE
    const isTried = compress && this.compresses(handle.rawBytes)
    const compressed = isTried ? this.#compressor!.compress(this.buffer.subarray(this.at, end)) : undefined
    if (compressed !== undefined) {
      codec = this.#compressor!.codec
      this.buffer.set(compressed, this.at)
      this.savedBytes += handle.rawBytes - compressed.length
      end = this.at + compressed.length
    }
    handle.bytes = end - this.at
    writeTrailer(this.buffer.subarray(this.at), handle.bytes, codec, this.#hash32, this.#fileNumber, handle.offset)
    this.at = end + TRAILER_BYTES
  }

  /** Whether a block of this size may be stored in another form. */
  compresses(rawBytes: number): boolean {
    return this.#compressor !== undefined && rawBytes <= COMPRESSION_LIMIT_BYTES
  }

  /**
   * Writes a block of `head` and `value[start, end)` as it is, without forming it in memory, and fills `handle` with its place. Yields after
   * each MiB that it has hashed and written; nothing else may be written before the end.
   */
  *commitInSlices(head: Uint8Array, value: Uint8Array, start: number, end: number, handle: BlockHandle): Generator<void, void> {
    this.flush()
    const offset = this.#written
    const length = head.length + end - start
    handle.offset = offset
    handle.bytes = handle.rawBytes = length
    const chunk = new Uint8Array(CHUNK_BYTES + TRAILER_BYTES)
    let checksum = placeSeed(this.#fileNumber, offset)
    // The codec byte behind the contents is in the checksum, too.
    for (let at = 0; at <= length; at += CHUNK_BYTES) {
      const to = Math.min(length, at + CHUNK_BYTES)
      const fromHead = Math.max(0, Math.min(head.length, to) - at)
      if (fromHead > 0) chunk.set(head.subarray(at, at + fromHead))
      if (to > head.length) chunk.set(value.subarray(start + at + fromHead - head.length, start + to - head.length), fromHead)
      let bytes = to - at
      const isLast = at + CHUNK_BYTES > length
      if (isLast) chunk[bytes++] = CODEC_NONE
      checksum = this.#hash32(chunk.subarray(0, bytes), checksum)
      if (isLast) {
        writeUint32(chunk, bytes, checksum)
        bytes += TRAILER_BYTES - 1
      }
      this.#file.write(chunk, offset + at, 0, bytes)
      this.#written += bytes
      yield
    }
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
}
