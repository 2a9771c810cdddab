import { loadHash32 } from '../../src/codec/checksum.js'
import type { Case, Micro } from './suite.js'

const CALLS = 100
const SIZES = [16, 128, 4096, 65_536]

export const checksum: Micro = { about: 'xxHash32 under a seed, through WebAssembly', cases }

async function cases(): Promise<Case[]> {
  const hash32 = await loadHash32()
  return SIZES.map(bytes => {
    const input = new Uint8Array(bytes).fill(7)
    const run = (): number => {
      let sum = 0
      for (let seed = 0; seed < CALLS; seed++) sum = (sum + hash32(input, seed)) | 0
      return sum
    }
    return { name: `${bytes} B`, operations: CALLS, run }
  })
}
