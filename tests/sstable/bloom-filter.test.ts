import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CorruptionError, FormatError } from '../../src/errors.js'
import { encodeFilter, FilterReader, keyHash } from '../../src/sstable/bloom-filter.js'
import { bytesOf, hash32 } from './support/built-table.js'
import { packagedFilter } from './support/packaged-filter.js'

const hash = fc.integer({ min: 0, max: 2 ** 32 - 1 })

describe('bloom filter', () => {
  it('the probe answers as the package does, for members and strangers, at every size', () => {
    fc.assert(
      fc.property(
        fc.array(hash, { minLength: 1, maxLength: 300 }),
        fc.array(hash),
        fc.integer({ min: 1, max: 40 }),
        (members, strangers, bitsPerKey) => {
          const packaged = packagedFilter(members.length, bitsPerKey)
          for (const member of members) packaged.add(member as unknown as string)
          const reader = new FilterReader(encodeFilter(Uint32Array.from(members), members.length, bitsPerKey), {})
          expect(reader.bits).toEqual(packaged._filter.array)
          for (const candidate of [...members, ...strangers]) {
            expect(reader.mayContain(candidate)).toBe(packaged.has(candidate as unknown as string))
          }
          expect(members.every(member => reader.mayContain(member))).toBe(true)
        },
      ),
    )
  })

  it('about as many absent keys pass as the theory says', () => {
    for (const [bitsPerKey, theory] of [
      [10, 0.0082],
      [4, 0.147],
    ] as const) {
      const keys = 20_000
      const members = Uint32Array.from({ length: keys }, (_, i) => keyHash(hash32, bytesOf(`user/${i}`)))
      const reader = new FilterReader(encodeFilter(members, keys, bitsPerKey), {})
      let passed = 0
      for (let i = 0; i < 100_000; i++) if (reader.mayContain(keyHash(hash32, bytesOf(`other/${i}`)))) passed++
      expect(passed / 100_000).toBeGreaterThan(theory * 0.8)
      expect(passed / 100_000).toBeLessThan(theory * 1.3)
    }
  })

  it('a filter block that contradicts itself or uses an unknown hash is refused', () => {
    const block = encodeFilter(Uint32Array.of(1, 2, 3), 3, 10)
    const changed = (at: number, byte: number): Uint8Array => {
      const copy = block.slice()
      copy[at] = byte
      return copy
    }
    expect(() => new FilterReader(changed(0, 9), {})).toThrow(FormatError)
    expect(() => new FilterReader(changed(1, 0), {})).toThrow(CorruptionError)
    expect(() => new FilterReader(changed(7, 1), {})).toThrow(CorruptionError)
    expect(() => new FilterReader(block.slice(0, 7), {})).toThrow(CorruptionError)
  })
})
