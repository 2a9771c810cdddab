import type { Random } from '../../../src/skiplist/index.js'

/** mulberry32: small, good enough for tower heights, the same on every run. */
export function seededRandom(seed: number): Random {
  let state = seed | 0
  return {
    uint32() {
      state = (state + 0x6d2b79f5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
      return (mixed ^ (mixed >>> 14)) >>> 0
    },
  }
}
