import { CorruptionError } from '../../errors.js'
import type { BlockCompression } from '../environment.js'

/** What Node has from 22.15 on. */
interface Zstd {
  zstdCompressSync(bytes: Uint8Array, options: ZstdOptions): Uint8Array
  zstdDecompressSync(bytes: Uint8Array, options: ZstdOptions): Uint8Array
}

interface ZstdOptions {
  readonly params?: Readonly<Record<number, number>>
  readonly chunkSize?: number
  readonly maxOutputLength?: number
}

const zlib = (): Partial<Zstd> => process.getBuiltinModule('node:zlib') as unknown as Partial<Zstd>

/** ZSTD_c_compressionLevel. */
const LEVEL_PARAMETER = 100

/** Zstandard by Node's zlib at level 1, or `undefined` where Node has none: before 22.15. */
export const nodeZstd: BlockCompression | undefined = hasZstd() ? zstdBy(() => zlib() as Zstd) : undefined

/** Node's versions say it without loading zlib; those of Bun and Deno do not say what their zlib has. */
function hasZstd(): boolean {
  const { bun, deno, zstd } = process.versions
  return bun === undefined && deno === undefined ? zstd !== undefined : zlib().zstdCompressSync !== undefined
}

/** Loads zlib with the first block. */
function zstdBy(load: () => Zstd): BlockCompression {
  const decompressUpTo = (bytes: Uint8Array, options: ZstdOptions): Uint8Array => {
    try {
      return load().zstdDecompressSync(bytes, options)
    } catch (cause) {
      throw new CorruptionError('the bytes are no zstd frame', { cause })
    }
  }
  return {
    compress: bytes => load().zstdCompressSync(bytes, { params: { [LEVEL_PARAMETER]: 1 }, chunkSize: Math.max(64, bytes.length) }),

    /** Throws a `CorruptionError` if the bytes are not a frame of exactly `size` bytes. */
    decompress(bytes, size) {
      const result = decompressUpTo(bytes, { maxOutputLength: Math.max(1, size), chunkSize: Math.max(64, size) })
      if (result.length !== size) throw new CorruptionError(`it has ${result.length} bytes where ${size} are expected`)
      return result
    },

    /** Throws a `CorruptionError` if the bytes are not a frame. */
    decompressUnsized: bytes => decompressUpTo(bytes, { maxOutputLength: MAX_UNSIZED_BYTES }),
  }
}

/** Larger blocks are never compressed. */
const MAX_UNSIZED_BYTES = 64 * 1024 * 1024
