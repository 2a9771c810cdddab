import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/codec/entry.js'
import { SortedBlockBuilder } from '../../src/codec/sorted-block-builder.js'
import { CorruptionError } from '../../src/errors.js'
import { BlockCompressor, decompressBlock, decompressUnsized } from '../../src/sstable/block-compression.js'
import { restoreSlots, withoutSlots } from '../../src/sstable/block-slots.js'

const PLACE = { file: '/a.sst', offset: 0 }
const bytes = (limits: fc.IntArrayConstraints): fc.Arbitrary<Uint8Array> => fc.uint8Array(limits)
const entries = fc
  .tuple(
    bytes({ maxLength: 6 }),
    fc.array(fc.tuple(fc.oneof(bytes({ maxLength: 6 }), bytes({ minLength: 130, maxLength: 140 })), bytes({ maxLength: 200 })), {
      maxLength: 30,
    }),
  )
  .map(([prefix, drawn]) =>
    drawn.map(([key, value]) => ({ key: Uint8Array.of(...prefix, ...key), value })).sort((a, b) => compareKeys(a.key, b.key)),
  )

function blockOf(all: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]): Uint8Array {
  const builder = new SortedBlockBuilder()
  for (const { key, value } of all) builder.add(key, 0, key.length, Uint8Array.of(7, 8), 2, value, 0, value.length)
  const out = new Uint8Array(builder.estimatedBytes)
  return out.slice(0, builder.finish(out, 0))
}

function restored(stripped: Uint8Array, size: number): Uint8Array {
  const target = new Uint8Array(size).fill(0xaa)
  target.set(stripped, size - stripped.length)
  restoreSlots(target, size - stripped.length)
  return target
}

describe('a block without its slots', () => {
  it('is made whole again, whatever its keys and values', () => {
    fc.assert(
      fc.property(entries, all => {
        const block = blockOf(all)
        const stripped = new Uint8Array(block.length)
        const length = withoutSlots(block, stripped)
        expect(length).toBe(block.length - 8 * all.length)
        expect(restored(stripped.subarray(0, length), block.length)).toEqual(block)
      }),
    )
  })

  it('is not made where the slots say what the cells do not', () => {
    const block = blockOf([1, 2, 3].map(i => ({ key: Uint8Array.of(i, 9, 9, 9, 9), value: Uint8Array.of(i) })))
    for (let at = 0; at < block.length; at++) {
      const changed = block.slice()
      changed[at] ^= 1
      const target = new Uint8Array(changed.length)
      const length = withoutSlots(changed, target)
      if (length >= 0) expect(restored(target.subarray(0, length), changed.length)).toEqual(changed)
    }
    const [first, second] = [block.slice(8, 16), block.slice(16, 24)]
    block.set(second, 8)
    block.set(first, 16)
    expect(withoutSlots(block, new Uint8Array(block.length))).toBe(-1)
    expect(withoutSlots(new Uint8Array(3), new Uint8Array(3))).toBe(-1)
  })

  it('that is damaged is an error, and nothing outside of the block is read or written', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(255), fc.integer({ min: -9, max: 9 }), (all, at, byte, more) => {
        const block = blockOf(all)
        const stripped = new Uint8Array(block.length)
        const length = withoutSlots(block, stripped)
        stripped[at % length] = byte
        const around = new Uint8Array(block.length + 40).fill(0x55)
        const size = Math.max(length, block.length + more)
        const target = around.subarray(20, 20 + size)
        target.set(stripped.subarray(0, length), size - length)
        try {
          restoreSlots(target, size - length)
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptionError)
        }
        expect(around.subarray(0, 20)).toEqual(new Uint8Array(20).fill(0x55))
        expect(around.subarray(20 + size)).toEqual(new Uint8Array(around.length - 20 - size).fill(0x55))
      }),
    )
  })

  it('is what LZ4 compresses, by a number of its own, and blocks of the older number are read', () => {
    const all = Array.from({ length: 30 }, (_, i) => ({ key: Uint8Array.of(1, 2, i, 0, i), value: new Uint8Array(90).fill(i) }))
    const block = blockOf(all)
    const compressor = new BlockCompressor('lz4', {})
    const compressed = compressor.compress(block)!.slice()
    expect(compressor.codec).toBe(4)
    const target = new Uint8Array(block.length)
    decompressBlock(4, compressed, target, {}, PLACE)
    expect(target).toEqual(block)
    expect(decompressUnsized(4, compressed, {}, PLACE)).toEqual(block)
    expect(() => decompressBlock(4, compressed, new Uint8Array(block.length - 1), {}, PLACE)).toThrow(CorruptionError)
    expect(() => decompressBlock(4, compressed, new Uint8Array(block.length + 1), {}, PLACE)).toThrow(CorruptionError)
    expect(() => decompressBlock(4, compressed, new Uint8Array(8), {}, PLACE)).toThrow(CorruptionError)

    const cut = compressed.subarray(0, -1)
    const place = { file: '/a.sst', offset: 4096 }
    const message = expect.stringMatching(/^a block does not decompress with lz4: .*ends early.* \(\/a.sst at byte 4096\)$/) as string
    const where = { name: 'CorruptionError', ...place, message }
    expect(() => decompressUnsized(4, cut, {}, place)).toThrow(expect.objectContaining(where))
    expect(() => decompressBlock(4, cut, target, {}, place)).toThrow(expect.objectContaining(where))
    expect(() => decompressBlock(2, cut, target, {}, { ...place, block: 7 })).toThrow(/^data block 7 does not decompress with lz4: /)

    const noBlock = new Uint8Array(500).fill(3)
    const older = compressor.compress(noBlock)!.slice()
    expect(compressor.codec).toBe(2)
    const again = new Uint8Array(500)
    decompressBlock(2, older, again, {}, PLACE)
    expect(again).toEqual(noBlock)
  })
})
