import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys, EMPTY } from '../../src/codec/entry.js'
import { Cell, SortedBlock } from '../../src/codec/sorted-block.js'
import { singleEntryBlockBytes, SortedBlockBuilder, writeSingleEntryBlock } from '../../src/codec/sorted-block-builder.js'
import { CorruptionError } from '../../src/errors.js'

type Entry = readonly [key: Uint8Array, payload: Uint8Array]

/** Keys that collide in prefixes and heads: few letters, zeros, and lengths around the four bytes of a head. */
const letters = fc.constantFrom(0, 1, 0x61, 0x62, 0xff)
const nastyKey = fc.oneof(
  fc.array(letters, { maxLength: 7 }).map(bytes => Uint8Array.from(bytes)),
  fc.array(letters, { maxLength: 3 }).map(bytes => Uint8Array.from([0x61, 0x61, 0x61, 0x61, 0x61, ...bytes])),
  fc.tuple(fc.integer({ min: 120, max: 400 }), letters).map(([length, byte]) => new Uint8Array(length).fill(byte)),
)
const payload = fc.oneof(
  { weight: 9, arbitrary: fc.uint8Array({ maxLength: 5 }) },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 17_000 }).map(length => new Uint8Array(length).fill(length)) },
)
const entries = fc.array(fc.tuple(nastyKey, payload), { maxLength: 40 }).map((list): Entry[] => list.sort(([a], [b]) => compareKeys(a, b)))

function build(list: readonly Entry[], builder = new SortedBlockBuilder()): Uint8Array {
  for (const [key, value] of list) {
    const tagEnd = Math.min(2, value.length)
    builder.add(key, 0, key.length, value, tagEnd, value, tagEnd, value.length)
  }
  const estimate = builder.estimatedBytes
  const out = new Uint8Array(estimate + 3)
  const end = builder.finish(out, 3)
  expect(end).toBeLessThanOrEqual(estimate + 3)
  return out.slice(3, end)
}

function read(bytes: Uint8Array): Entry[] {
  const block = new SortedBlock(bytes, bytes.length, 'test', 0)
  const cell = new Cell()
  return Array.from({ length: block.count }, (_, i): Entry => {
    block.readCell(i, cell)
    return [block.keyAt(i), bytes.slice(cell.payloadStart, cell.payloadEnd)]
  })
}

describe('sorted block', () => {
  it('entries come back whatever their keys share', () => {
    const reused = new SortedBlockBuilder()
    fc.assert(
      fc.property(entries, list => {
        const text = ([key, payload]: Entry): string => `${key.join()} = ${payload.join()}`
        expect(read(build(list, reused)).map(text)).toEqual(list.map(text))
      }),
    )
  })

  it('the longest common prefix is stored once', () => {
    const keys = ['user/0001', 'user/0002', 'user/0199'].map(key => new TextEncoder().encode(key))
    const bytes = build(keys.map(key => [key, EMPTY]))
    expect(new SortedBlock(bytes, bytes.length, 'test', 0).prefixLength).toBe('user/0'.length)
    expect(bytes.length).toBe(8 + 6 + 3 * (8 + 2 + 3))
  })

  it('a search lands where a linear scan does, for members, neighbours and strangers', () => {
    fc.assert(
      fc.property(entries, fc.array(nastyKey), (list, strangers) => {
        const bytes = build(list)
        const block = new SortedBlock(bytes, bytes.length, 'test', 0)
        const neighbours = list.flatMap(([key]) => [key, Uint8Array.from([...key, 0]), key.slice(0, -1)])
        for (const target of [...strangers, ...neighbours, EMPTY]) {
          const padded = Uint8Array.from([9, 9, ...target, 9])
          const at = list.findIndex(([key]) => compareKeys(key, target) >= 0)
          const expected = at === -1 ? list.length : at
          const found = expected < list.length && compareKeys(list[expected][0], target) === 0
          expect(block.lowerBound(padded, 2, padded.length - 1)).toBe(expected)
          expect(block.find(padded, 2, padded.length - 1)).toBe(found ? expected : -1 - expected)
          if (expected < list.length) expect(block.keyEquals(expected, target, 0, target.length)).toBe(found)
        }
      }),
    )
  })

  it('of equal keys the first is found, and a key padded with zeros is another key', () => {
    const keys = ['a', 'a', 'a\0', 'a\0\0\0', 'a\0\0\0', 'a\0\0\0\0', 'b'].map(key => new TextEncoder().encode(key))
    const bytes = build(keys.map((key, i) => [key, Uint8Array.of(i)]))
    const block = new SortedBlock(bytes, bytes.length, 'test', 0)
    expect(keys.map(key => block.find(key, 0, key.length))).toEqual([0, 0, 2, 3, 3, 5, 6])
  })

  it('a block formed around one large entry is the block the builder makes', () => {
    const key = Uint8Array.of(1, 2, 3)
    const value = new Uint8Array(100_000).fill(7)
    const size = singleEntryBlockBytes(key.length, 2 + value.length)
    const out = new Uint8Array(size)
    const tag = Uint8Array.of(7, 7)
    expect(writeSingleEntryBlock(out, 0, key, 0, 3, tag, 2, value, 0, value.length)).toBe(size)
    expect(out.join()).toBe(build([[key, new Uint8Array(100_002).fill(7)]]).join())
  })

  it('a search with a wrong structure ends in a typed error or an index, never outside the block', () => {
    fc.assert(
      fc.property(entries, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }), nastyKey, (list, damages, target) => {
        const bytes = build(list)
        for (const [at, byte] of damages) bytes[at % bytes.length] = byte
        touchEverything(bytes, target)
      }),
    )
  })

  it('random bytes end in a typed error or entries within the bytes', () => {
    const header = fc.tuple(fc.nat(6), fc.nat(6)).map(([count, prefix]) => [count, 0, 0, 0, prefix, 0, 0, 0])
    const blocks = fc.oneof(
      fc.uint8Array(),
      fc.tuple(header, fc.uint8Array({ maxLength: 90 })).map(([h, rest]) => Uint8Array.from([...h, ...rest])),
    )
    fc.assert(fc.property(blocks, nastyKey, touchEverything))
  })
})

function touchEverything(bytes: Uint8Array, target: Uint8Array): void {
  try {
    const block = new SortedBlock(bytes, bytes.length, 'test', 0)
    const cell = new Cell()
    expect(block.lowerBound(target, 0, target.length)).toBeLessThanOrEqual(block.count)
    for (let i = 0; i < block.count; i++) {
      block.readCell(i, cell)
      expect(cell.payloadStart).toBeGreaterThanOrEqual(cell.suffixStart)
      expect(cell.payloadEnd).toBeGreaterThanOrEqual(cell.payloadStart)
      expect(cell.payloadEnd).toBeLessThanOrEqual(bytes.length)
    }
  } catch (error) {
    expect(error).toBeInstanceOf(CorruptionError)
  }
}
