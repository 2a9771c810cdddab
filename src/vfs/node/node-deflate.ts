import type * as Zlib from 'node:zlib'
import { CorruptionError } from '../../errors.js'
import type { BlockCompression } from '../environment.js'

// Loaded with the first block, not with the store.
const zlib = (): typeof Zlib => process.getBuiltinModule('node:zlib')

/** Raw deflate by Node's zlib at level 1: on blocks of a few kilobytes higher levels cost much and gain little. */
export const nodeDeflate: BlockCompression = {
  compress(bytes) {
    // One output chunk that is large enough for most blocks saves zlib a second round and a copy.
    return zlib().deflateRawSync(bytes, { level: 1, chunkSize: Math.max(64, bytes.length) })
  },

  /** Throws a `CorruptionError` if the bytes are not a deflate stream of exactly `size` bytes. */
  decompress(bytes, size) {
    let result: Uint8Array
    try {
      result = zlib().inflateRawSync(bytes, { maxOutputLength: Math.max(1, size), chunkSize: Math.max(64, size) })
    } catch (cause) {
      throw new CorruptionError(`the bytes are no deflate stream of ${size} bytes`, { cause })
    }
    if (result.length !== size) throw new CorruptionError(`it has ${result.length} bytes where ${size} are expected`)
    return result
  },

  /** Throws a `CorruptionError` if the bytes are not a deflate stream. */
  decompressUnsized(bytes) {
    try {
      return zlib().inflateRawSync(bytes, { maxOutputLength: MAX_UNSIZED_BYTES })
    } catch (cause) {
      throw new CorruptionError('the bytes are no deflate stream', { cause })
    }
  },
}

/** Larger blocks are never compressed. */
const MAX_UNSIZED_BYTES = 64 * 1024 * 1024
