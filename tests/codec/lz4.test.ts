import fc from 'fast-check'
import * as wasm from 'lz4-wasm-nodejs'
import { describe, expect, it } from 'vitest'
import { compressLz4, decompressLz4, lz4Size } from '../../src/codec/lz4.js'
import { CorruptionError } from '../../src/errors.js'

/** Bytes around the region under test, to see what is written outside of it. */
const GUARD = 0xa5
const GUARD_BYTES = 16

function compress(source: Uint8Array): Uint8Array {
  const target = new Uint8Array(source.length + source.length / 200 + 32)
  const length = compressLz4(source, target)
  expect(length).toBeGreaterThan(0)
  return target.slice(0, length)
}

/** Decompresses between guards, from a view into a larger buffer. */
function decompress(block: Uint8Array, size: number): Uint8Array {
  const source = new Uint8Array(block.length + 2 * GUARD_BYTES).fill(GUARD)
  source.set(block, GUARD_BYTES)
  const whole = new Uint8Array(size + 2 * GUARD_BYTES).fill(GUARD)
  const target = whole.subarray(GUARD_BYTES, GUARD_BYTES + size)
  try {
    decompressLz4(source.subarray(GUARD_BYTES, GUARD_BYTES + block.length), target)
  } finally {
    const outside = [...whole.subarray(0, GUARD_BYTES), ...whole.subarray(GUARD_BYTES + size)]
    expect(outside.every(byte => byte === GUARD)).toBe(true)
  }
  return target
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** Bytes with repetitions of all lengths and distances. */
const repetitive = fc
  .array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.tuple(fc.nat(70_000), fc.nat(400))), { maxLength: 60 })
  .map(parts => {
    const bytes: number[] = []
    for (const part of parts) {
      if (part instanceof Uint8Array) bytes.push(...part)
      else if (bytes.length > 0)
        for (let i = 0, from = Math.max(0, bytes.length - 1 - part[0]); i < part[1]; i++) bytes.push(bytes[from + i])
    }
    return Uint8Array.from(bytes)
  })

const anyBytes = fc.oneof(
  repetitive,
  fc.uint8Array({ maxLength: 6000 }),
  fc.string({ maxLength: 3000 }).map(text => Buffer.from(text)),
)

/** Longer than two windows: runs, text that repeats at a distance of more than a window, and bytes that nothing repeats. */
function longSources(): Uint8Array[] {
  let state = 1
  const random = (): number => (state = Math.imul(state, 48271) >>> 0) >>> 24
  const noise = Uint8Array.from({ length: 150_000 }, random)
  const mixed = new Uint8Array(300_000)
  for (let at = 0; at < mixed.length; at += 1000)
    mixed.set(at % 3000 === 0 ? noise.subarray(at / 3, at / 3 + 1000) : noise.subarray(0, 900), at)
  const far = new Uint8Array(140_000)
  far.set(noise.subarray(0, 70_000))
  far.set(noise.subarray(0, 70_000), 70_000)
  return [new Uint8Array(200_000), noise, mixed, far, ...[65_535, 65_536, 65_537, 65_548, 131_072].map(size => mixed.subarray(0, size))]
}

describe('LZ4', () => {
  it('bytes come back, and nothing around them changes', () => {
    fc.assert(
      fc.property(anyBytes, source => {
        const block = compress(source)
        expect(sameBytes(decompress(block, source.length), source)).toBe(true)
        expect(lz4Size(block)).toBe(source.length)
      }),
      { numRuns: 500 },
    )
  })

  it('sources of several windows come back', () => {
    for (const source of longSources()) {
      const block = compress(source)
      expect(sameBytes(decompress(block, source.length), source)).toBe(true)
      expect(lz4Size(block)).toBe(source.length)
    }
    expect(compress(new Uint8Array(200_000)).length).toBeLessThan(1000)
  })

  it('another implementation reads the blocks, and its blocks are read', () => {
    const check = (source: Uint8Array): void => {
      const sized = new Uint8Array(4)
      new DataView(sized.buffer).setUint32(0, source.length, true)
      expect(sameBytes(wasm.decompress(Buffer.concat([sized, compress(source)])), source)).toBe(true)
      expect(sameBytes(decompress(wasm.compress(source).subarray(4), source.length), source)).toBe(true)
    }
    fc.assert(fc.property(anyBytes, check), { numRuns: 200 })
    for (const source of longSources()) check(source)
  })

  it('what follows in the format holds: the last match starts 12 bytes before the end, and 5 literals end the block', () => {
    for (let size = 0; size < 80; size++) {
      const block = compress(new Uint8Array(size))
      const literals = block.at(0)! >>> 4
      if (size < 13) expect([literals, block.length]).toEqual([size, size + 1])
      else expect(block.subarray(-5).every(byte => byte === 0)).toBe(true)
    }
  })

  it('a target that is too small is refused, and nothing is written behind it', () => {
    fc.assert(
      fc.property(anyBytes, fc.nat(100), (source, percent) => {
        const room = Math.floor((source.length * percent) / 100)
        const whole = new Uint8Array(room + GUARD_BYTES).fill(GUARD)
        const length = compressLz4(source, whole.subarray(0, room))
        expect(whole.subarray(room).every(byte => byte === GUARD)).toBe(true)
        if (length >= 0) expect(sameBytes(decompress(whole.slice(0, length), source.length), source)).toBe(true)
        else expect(length).toBe(-1)
      }),
    )
  })

  it('hostile bytes are corruption or some block, and touch nothing outside of the target', () => {
    const attempt = (block: Uint8Array, size: number): void => {
      try {
        decompress(block, size)
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptionError)
      }
      try {
        lz4Size(block)
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptionError)
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(5000), attempt), { numRuns: 2000 })
    const broken = fc.tuple(repetitive, fc.nat(), fc.nat(255), fc.integer({ min: -20, max: 20 }))
    fc.assert(
      fc.property(broken, ([source, place, byte, longer]) => {
        const block = compress(source)
        block[place % block.length] = byte
        attempt(block, Math.max(0, source.length + longer))
      }),
      { numRuns: 1000 },
    )
  })

  it('a block that is cut or of another size is corruption', () => {
    const source = Buffer.from('one two three, one two three, one two three, and so on until the end of it')
    const block = compress(source)
    for (let cut = 0; cut < block.length; cut++) expect(() => decompress(block.subarray(0, cut), source.length)).toThrow(CorruptionError)
    for (const size of [0, source.length - 1, source.length + 1]) expect(() => decompress(block, size)).toThrow(CorruptionError)
  })

  it('an offset of 0 or before the start is corruption', () => {
    expect(() => decompress(Uint8Array.of(0x10, 65, 0, 0, 0x50, 1, 2, 3, 4, 5), 10)).toThrow(/before its start/)
    expect(() => decompress(Uint8Array.of(0x10, 65, 2, 0, 0x50, 1, 2, 3, 4, 5), 10)).toThrow(/before its start/)
    expect([...decompress(Uint8Array.of(0x10, 65, 1, 0, 0x50, 1, 2, 3, 4, 5), 10)]).toEqual([65, 65, 65, 65, 65, 1, 2, 3, 4, 5])
  })
})
