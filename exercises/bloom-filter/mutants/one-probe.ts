// Misconception: one bit a key is enough, as the hash is a good one.
import type { FilterBits } from 'kvarium/sstable'

const LEAST_BITS = 64

export function build(hashes: Uint32Array, bitsPerKey: number): FilterBits {
  const bits = new Uint8Array(Math.ceil(Math.max(LEAST_BITS, hashes.length * bitsPerKey) / 8))
  const probes = 1
  for (const hash of hashes) {
    for (let i = 0; i < probes; i++) {
      const bit = position(hash, i, bits.length * 8)
      bits[bit >>> 3] |= 1 << (bit & 7)
    }
  }
  return { bits, probes }
}

export function mayContain({ bits, probes }: FilterBits, hash: number): boolean {
  for (let i = 0; i < probes; i++) {
    const bit = position(hash, i, bits.length * 8)
    if ((bits[bit >>> 3] & (1 << (bit & 7))) === 0) return false
  }
  return true
}

function position(hash: number, i: number, bitCount: number): number {
  const step = (hash >>> 15) | (hash << 17) | 1
  return ((hash + Math.imul(i, step)) >>> 0) % bitCount
}
