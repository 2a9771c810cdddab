// Misconception: as it may say yes wrongly, it is safe to say yes always. It is, and useless.
import type { FilterBits } from 'kvarium/sstable'

const LEAST_BITS = 64
const MOST_PROBES = 30

export function build(hashes: Uint32Array, bitsPerKey: number): FilterBits {
  const bits = new Uint8Array(Math.ceil(Math.max(LEAST_BITS, hashes.length * bitsPerKey) / 8))
  const probes = Math.min(MOST_PROBES, Math.max(1, Math.round(bitsPerKey * Math.LN2)))
  for (const hash of hashes) {
    for (let i = 0; i < probes; i++) {
      const bit = position(hash, i, bits.length * 8)
      bits[bit >>> 3] |= 1 << (bit & 7)
    }
  }
  return { bits, probes }
}

export function mayContain(_filter: FilterBits, _hash: number): boolean {
  return true
}

function position(hash: number, i: number, bitCount: number): number {
  const step = (hash >>> 15) | (hash << 17) | 1
  return ((hash + Math.imul(i, step)) >>> 0) % bitCount
}
