import fc from 'fast-check'
import xxhash from 'xxhash-wasm'
import { describe, expect, it } from 'vitest'
import { loadHash32 } from '../../src/codec/checksum.js'
import { writeUtf8 } from '../../src/codec/text.js'

describe('checksums', () => {
  it('short inputs, which are hashed in JavaScript, have the same checksum as in WASM', async () => {
    const hash32 = await loadHash32()
    const { h32Raw } = await xxhash()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.integer(), (bytes, seed) => {
        expect(hash32(bytes, seed)).toBe(h32Raw(bytes, seed))
        expect(hash32(bytes, seed >>> 0)).toBe(h32Raw(bytes, seed >>> 0))
      }),
      { numRuns: 500 },
    )
    for (let length = 0; length <= 40; length++)
      expect(hash32(new Uint8Array(length).fill(255), 1)).toBe(h32Raw(new Uint8Array(length).fill(255), 1))
  })
})

describe('text', () => {
  it('short text, which is encoded in JavaScript, has the bytes of the standard encoder', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 30 }), fc.string({ unit: 'binary', maxLength: 30 })), fc.nat(5), (text, start) => {
        const bytes = new Uint8Array(200)
        const length = writeUtf8(bytes, text, start)
        expect(bytes.subarray(start, start + length)).toEqual(new TextEncoder().encode(text))
      }),
      { numRuns: 500 },
    )
  })
})
