/** The names of the codecs of data blocks, and which of them there are. */
import type { PlatformCompression } from '../vfs/environment.js'

export type CompressionName = 'none' | 'lz4' | 'deflate' | 'zstd'

export function isAvailable(name: CompressionName, platform: PlatformCompression): boolean {
  return name === 'none' || name === 'lz4' || platform[name] !== undefined
}
