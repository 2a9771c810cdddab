/**
 * xxHash32 in JavaScript: the rounds of the hash, for what the WASM module does not serve well. Those are short inputs, what
 * is hashed before the module is loaded, and a hash that grows with its input.
 */
export const PRIME_1 = 0x9e3779b1 | 0
export const PRIME_2 = 0x85ebca77 | 0
const PRIME_3 = 0xc2b2ae3d | 0
const PRIME_4 = 0x27d4eb2f | 0
export const PRIME_5 = 0x165667b1 | 0
export const STRIPE_BYTES = 16

/** The hash of the bytes, unsigned. */
export function xxHash32(bytes: Uint8Array, seed: number): number {
  const length = bytes.length
  let at = 0
  let hash: number
  if (length < STRIPE_BYTES) {
    hash = (seed + PRIME_5) | 0
  } else {
    let lane1 = (seed + PRIME_1 + PRIME_2) | 0
    let lane2 = (seed + PRIME_2) | 0
    let lane3 = seed | 0
    let lane4 = (seed - PRIME_1) | 0
    for (; at + STRIPE_BYTES <= length; at += STRIPE_BYTES) {
      lane1 = round(lane1, readInt32(bytes, at))
      lane2 = round(lane2, readInt32(bytes, at + 4))
      lane3 = round(lane3, readInt32(bytes, at + 8))
      lane4 = round(lane4, readInt32(bytes, at + 12))
    }
    hash = (rotate(lane1, 1) + rotate(lane2, 7) + rotate(lane3, 12) + rotate(lane4, 18)) | 0
  }
  return finishXxHash32((hash + length) | 0, bytes, at, length)
}

/** Hashes the bytes `[at, end)` behind the last whole stripe into the sum of the lanes and the length. Unsigned. */
export function finishXxHash32(hash: number, bytes: Uint8Array, at: number, end: number): number {
  for (; at + 4 <= end; at += 4) hash = Math.imul(rotate((hash + Math.imul(readInt32(bytes, at), PRIME_3)) | 0, 17), PRIME_4)
  for (; at < end; at++) hash = Math.imul(rotate((hash + Math.imul(bytes[at], PRIME_5)) | 0, 11), PRIME_1)
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2)
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** A lane after another word. */
export function round(lane: number, word: number): number {
  return Math.imul(rotate((lane + Math.imul(word, PRIME_2)) | 0, 13), PRIME_1)
}

export function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

function readInt32(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}
