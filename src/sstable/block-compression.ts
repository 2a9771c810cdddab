/** The codecs of data blocks. LZ4 is part of kvarium, deflate and zstd come from the platform where it has them. */
import { compressLz4, decompressLz4, lz4Size } from '../codec/lz4.js'
import { CorruptionError, FormatError } from '../errors.js'
import type { PlatformCompression } from '../vfs/environment.js'
import { restoreSlots, slotBytesOf, withoutSlots } from './block-slots.js'
import { isAvailable, type CompressionName } from './compression-name.js'
import { MAX_COMPRESSED_RAW_BYTES } from './format.js'

/** By the number in a block's trailer: stored on disk, never renumber. */
const NAMES: readonly CompressionName[] = ['none', 'deflate', 'lz4', 'zstd', 'lz4']
/** LZ4 of a block without its slots. */
const CODEC_LZ4_WITHOUT_SLOTS = 4

/** The name of a codec by its number; `undefined` for one that this version does not know. */
export function compressionName(codec: number): CompressionName | undefined {
  return NAMES[codec]
}

/** Compresses the blocks of a file, one after the other. */
export class BlockCompressor {
  /** That of the block which was compressed last. */
  codec: number
  readonly #name: Exclude<CompressionName, 'none'>
  readonly #platform: PlatformCompression
  #target = new Uint8Array(0)
  #stripped = new Uint8Array(0)

  /** The codec must be available. */
  constructor(name: Exclude<CompressionName, 'none'>, platform: PlatformCompression) {
    this.codec = NAMES.indexOf(name)
    this.#name = name
    this.#platform = platform
  }

  /** The compressed bytes, valid until the next call. `undefined` if they save less than an eighth, which is not worth the time of reading. */
  compress(raw: Uint8Array): Uint8Array | undefined {
    const limit = raw.length - Math.ceil(raw.length / 8)
    if (this.#name === 'lz4') {
      if (this.#stripped.length < raw.length) this.#stripped = new Uint8Array(raw.length)
      const length = withoutSlots(raw, this.#stripped)
      this.codec = length < 0 ? NAMES.indexOf('lz4') : CODEC_LZ4_WITHOUT_SLOTS
      return this.#compressLz4(length < 0 ? raw : this.#stripped.subarray(0, length), limit)
    }
    const compressed = this.#platform[this.#name]!.compress(raw)
    return compressed.length > limit ? undefined : compressed
  }

  #compressLz4(source: Uint8Array, limit: number): Uint8Array | undefined {
    if (this.#target.length < limit) this.#target = new Uint8Array(limit)
    const length = compressLz4(source, this.#target.length === limit ? this.#target : this.#target.subarray(0, limit))
    return length < 0 ? undefined : this.#target.subarray(0, length)
  }
}

/** Where a block is, for errors. */
interface Place {
  readonly file: string
  readonly offset: number
  /** The number of a data block, where it is known. */
  readonly block?: number
}

/** Decompresses the contents of a block, which fill `target` exactly. */
export function decompressBlock(codec: number, stored: Uint8Array, target: Uint8Array, platform: PlatformCompression, place: Place): void {
  const name = nameOf(codec, platform, place)
  try {
    if (codec === CODEC_LZ4_WITHOUT_SLOTS) {
      const start = target.length - lz4Size(stored)
      if (start < 0) throw new CorruptionError('an LZ4 block has more bytes than are expected')
      decompressLz4(stored, target.subarray(start))
      restoreSlots(target, start)
    } else if (name === 'lz4') {
      decompressLz4(stored, target)
    } else {
      const raw = platform[name]!.decompress(stored, target.length)
      if (raw.length !== target.length) throw new CorruptionError(`it has ${raw.length} bytes where ${target.length} are expected`)
      target.set(raw)
    }
  } catch (cause) {
    throw doesNotDecompress(name, place, cause)
  }
}

/** Decompresses a block whose size is not known: for a repair that reads a table without its index. */
export function decompressUnsized(codec: number, stored: Uint8Array, platform: PlatformCompression, place: Place): Uint8Array {
  const name = nameOf(codec, platform, place)
  if (name !== 'lz4' && platform[name]!.decompressUnsized === undefined) {
    throw corruption('a compressed block cannot be read without its index', place)
  }
  try {
    return name === 'lz4' ? decompressUnsizedLz4(codec, stored) : platform[name]!.decompressUnsized!(stored)
  } catch (cause) {
    throw doesNotDecompress(name, place, cause)
  }
}

function decompressUnsizedLz4(codec: number, stored: Uint8Array): Uint8Array {
  const size = lz4Size(stored)
  if (size > MAX_COMPRESSED_RAW_BYTES) throw new CorruptionError('it is larger than any that is compressed')
  const contents = new Uint8Array(size)
  decompressLz4(stored, contents)
  if (codec !== CODEC_LZ4_WITHOUT_SLOTS) return contents
  const slotBytes = slotBytesOf(contents)
  // A cell has two bytes at the least.
  if (slotBytes > 4 * size) throw new CorruptionError('a block without slots has more entries than fit into it')
  const raw = new Uint8Array(slotBytes + size)
  raw.set(contents, slotBytes)
  restoreSlots(raw, slotBytes)
  return raw
}

/** The codecs do not know where a block is. */
function doesNotDecompress(name: CompressionName, place: Place, cause: unknown): CorruptionError {
  const block = place.block === undefined ? 'a block' : `data block ${place.block}`
  const reason = cause instanceof Error ? cause.message : String(cause)
  return corruption(`${block} does not decompress with ${name}: ${reason}`, place, cause)
}

function corruption(message: string, { file, offset }: Place, cause?: unknown): CorruptionError {
  return new CorruptionError(message, { file, offset, cause })
}

function nameOf(codec: number, platform: PlatformCompression, place: Place): Exclude<CompressionName, 'none'> {
  const name = compressionName(codec)
  if (name === undefined) throw new FormatError(`a block of ${place.file} uses codec ${codec}, which this kvarium does not know`, place)
  if (name === 'none') throw corruption('the index and a block disagree on compression', place)
  if (!isAvailable(name, platform)) throw new FormatError(`${place.file} is compressed with ${name}, which is not available here`, place)
  return name
}
