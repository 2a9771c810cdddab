/** The hash of a key, and the check of a value, which the directory and the hint files have. Both are of bytes in a larger array. */
import type { Hash32 } from '../codec/checksum.js'
import { finishXxHash32 } from '../codec/xxhash32.js'

/** Values up to this length are checked without a call into WASM, and without a view of their own. */
export const SHORT_VALUE_BYTES = 256
const KEY_SEED = 0x6b766873
const PRIME_5 = 0x165667b1

export function hashKey(bytes: Uint8Array, start: number, end: number): number {
  return finishXxHash32((KEY_SEED + PRIME_5 + (end - start)) | 0, bytes, start, end)
}

/** A value under another key has another check. */
export function checkOf(hash32: Hash32, keyHash: number, bytes: Uint8Array, start: number, end: number): number {
  if (end - start <= SHORT_VALUE_BYTES) return finishXxHash32((keyHash + PRIME_5 + (end - start)) | 0, bytes, start, end)
  return hash32(bytes.subarray(start, end), keyHash)
}
