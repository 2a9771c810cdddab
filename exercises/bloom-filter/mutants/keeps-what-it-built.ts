// Misconception: what build knew is still there when the filter is asked; but a table has only the bits, and another process reads them.
import type { FilterBits } from 'kvarium/sstable'

const LEAST_BITS = 64
const MOST_PROBES = 30

const probesOf = new WeakMap<Uint8Array, number>()

export function build(hashes: Uint32Array, bitsPerKey: number): FilterBits {
  const bits = new Uint8Array(Math.ceil(Math.max(LEAST_BITS, hashes.length * bitsPerKey) / 8))
  const probes = Math.min(MOST_PROBES, Math.max(1, Math.round(bitsPerKey * Math.LN2)))
  for (const hash of hashes) {
    for (let i = 0; i < probes; i++) {
      const bit = position(hash, i, bits.length * 8)
      bits[bit >>> 3] |= 1 << (bit & 7)
    }
  }
  probesOf.set(bits, probes)
  return { bits, probes }
}

export function mayContain({ bits }: FilterBits, hash: number): boolean {
  const probes = probesOf.get(bits)
  if (probes === undefined) return false
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
