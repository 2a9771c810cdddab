import { xxHash32 } from './xxhash32.js'

/**
 * 32-bit xxHash of bytes under a seed. The seed encodes where the bytes belong (file number, offset), so that a valid block
 * in the wrong place fails like a damaged one.
 */
export type Hash32 = (bytes: Uint8Array, seed: number) => number

/**
 * Bytes hashed in one call; longer inputs are chained, because WASM memory never shrinks: the hash of a chunk is the seed of
 * the next one.
 */
export const CHUNK_BYTES = 1 << 20

/**
 * Inputs up to this length are hashed in JavaScript. The way into WASM and back takes 90 to 160 ns, as long as a hash of 40 bytes takes
 * here; a key of 16 bytes takes 40.
 */
const SHORT_BYTES = 32

/** Hashes inputs that are not short: in JavaScript until the WASM module is there. */
let hashLong: Hash32 = xxHash32

const hash32: Hash32 = (bytes, seed) => {
  if (bytes.length <= SHORT_BYTES) return xxHash32(bytes, seed)
  if (bytes.length <= CHUNK_BYTES) return hashLong(bytes, seed)
  let hash = seed
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) hash = hashLong(bytes.subarray(start, start + CHUNK_BYTES), hash)
  return hash
}

let loaded: Promise<Hash32> | undefined

/** Loads and instantiates the WASM module once per thread (about 1.6 ms); no top-level await, which would break `require(esm)`. */
export function loadHash32(): Promise<Hash32> {
  loaded ??= loadLong()
  return loaded
}

/** The same hash at once, for what has few bytes to hash at first: slower than WASM until that is loaded, which this begins. */
export function hash32Now(): Hash32 {
  // Where a page allows no WASM, what waits for it says so.
  loadHash32().catch(() => undefined)
  return hash32
}

async function loadLong(): Promise<Hash32> {
  const { default: xxhash } = await import('xxhash-wasm')
  const { h32Raw } = await xxhash()
  hashLong = h32Raw
  return hash32
}

/** A cheap integer mix (murmur3's finaliser) for seeds and headers of a few words. Returns an unsigned 32-bit number. */
export function mix32(a: number, b: number): number {
  let h = (Math.imul(a, 0x9e3779b1) ^ b) | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** The seed of the bytes at `offset` of file `fileNumber`. */
export function placeSeed(fileNumber: number, offset: number): number {
  return mix32(mix32(fileNumber, Math.floor(offset / 0x1_0000_0000)), offset | 0)
}
