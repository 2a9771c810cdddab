// Misconception: the option is the size of the whole filter, whatever the number of keys.
import type { FilterBits } from 'kvarium/sstable'

const LEAST_BITS = 64
const MOST_PROBES = 30

export function build(hashes: Uint32Array, bitsPerKey: number): FilterBits {
  const bits = new Uint8Array(Math.ceil(Math.max(LEAST_BITS, bitsPerKey) / 8))
  const probes = Math.min(MOST_PROBES, Math.max(1, Math.round(bitsPerKey * Math.LN2)))
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
