import { exercise } from '../../exercises/bloom-filter/exercise.js'
import { encodeFilter, FilterReader } from '../../src/sstable/bloom-filter.js'
import type { FilterBits } from '../../src/sstable/index.js'
import { exerciseSuite } from './support/exercise-suite.js'

const HEADER_BYTES = 8

/** The engine's own filter, block and all. */
const builtIn = {
  build(hashes: Uint32Array, bitsPerKey: number): FilterBits {
    const block = encodeFilter(hashes, hashes.length, bitsPerKey)
    return { bits: block.subarray(HEADER_BYTES), probes: block[1] }
  },
  mayContain({ bits, probes }: FilterBits, hash: number): boolean {
    const block = new Uint8Array(HEADER_BYTES + bits.length)
    block.set([1, probes])
    new DataView(block.buffer).setUint32(4, bits.length * 8, true)
    block.set(bits, HEADER_BYTES)
    return new FilterReader(block, {}).mayContain(hash)
  },
}

exerciseSuite(exercise, { 'keeps-what-it-built': 'model', 'no-least-size': 'divergence' }, builtIn)
