import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_VARINT_BYTES, VarintReader, varintLength, writeVarint } from '../../src/codec/varint.js'
import { CorruptionError } from '../../src/errors.js'

const anyNumber = fc.oneof(
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 53 }).map(bits => Math.min(2 ** bits, Number.MAX_SAFE_INTEGER)),
  fc.nat(300),
)

describe('varints', () => {
  it('numbers up to 2^53 - 1 come back exactly, one after the other', () => {
    fc.assert(
      fc.property(fc.array(anyNumber), numbers => {
        const bytes = new Uint8Array(numbers.length * MAX_VARINT_BYTES)
        let end = 0
        for (const number of numbers) {
          const next = writeVarint(bytes, end, number)
          expect(next - end).toBe(varintLength(number))
          end = next
        }
        const reader = new VarintReader(bytes, 0, end)
        expect(numbers.map(() => reader.read())).toEqual(numbers)
        expect(() => reader.read()).toThrow(CorruptionError)
      }),
    )
  })

  it('a number that is cut off is corruption, not a smaller number', () => {
    const bytes = new Uint8Array(MAX_VARINT_BYTES)
    const end = writeVarint(bytes, 0, Number.MAX_SAFE_INTEGER)
    expect(end).toBe(MAX_VARINT_BYTES)
    for (let cut = 0; cut < end; cut++) expect(() => new VarintReader(bytes, 0, cut).read()).toThrow(CorruptionError)
  })

  it('a number of more than 53 bits is corruption', () => {
    expect(() => new VarintReader(new Uint8Array(9).fill(0xff)).read()).toThrow(/53 bits/)
    expect(() => new VarintReader(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)).read()).toThrow(/53 bits/)
  })
})
