import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/codec/entry.js'
import { halfOpen, isEmptyRange, isEverything, keyAfter, rangeContains } from '../../src/engine/range.js'
import type { KeyRange } from '../../src/engine/contract.js'

const key = (...bytes: number[]): Uint8Array => new Uint8Array(bytes)

describe('ranges', () => {
  it('two bounds on one side are refused by name', () => {
    expect(() => halfOpen({ gt: key(1), gte: key(1) })).toThrow(/"gt" and "gte"/)
    expect(() => halfOpen({ lt: key(1), lte: key(1) })).toThrow(/"lt" and "lte"/)
    expect(() => halfOpen({ lt: key(1), lte: key(1) })).toThrow(expect.objectContaining({ code: 'LEVEL_INVALID_RANGE' }))
  })

  it('no key fits between a key and the key after it', () => {
    const after = keyAfter(key(7))
    expect(compareKeys(after, key(7))).toBeGreaterThan(0)
    for (const other of [key(7, 0), key(7, 1), key(7, 255), key(8)]) expect(compareKeys(after, other)).toBeLessThanOrEqual(0)
  })

  it.each<[string, KeyRange, Uint8Array, boolean]>([
    ['gt leaves its key out', { gt: key(1) }, key(1), false],
    ['gt takes what follows its key', { gt: key(1) }, key(1, 0), true],
    ['gte takes its key', { gte: key(1) }, key(1), true],
    ['lt leaves its key out', { lt: key(1) }, key(1), false],
    ['lt takes what is shorter', { lt: key(1) }, key(), true],
    ['lte takes its key', { lte: key(1) }, key(1), true],
    ['lte leaves what follows its key out', { lte: key(1) }, key(1, 0), false],
    ['bytes are unsigned', { gt: key(127) }, key(128), true],
  ])('%s', (_, range, target, inside) => {
    expect(rangeContains(halfOpen(range), target)).toBe(inside)
  })

  it.each<[string, KeyRange, boolean]>([
    ['nothing is less than the empty key', { lt: key() }, true],
    ['the empty key alone is something', { lte: key() }, false],
    ['a crossed range', { gte: key(2), lt: key(1) }, true],
    ['one key, both ends in', { gte: key(1), lte: key(1) }, false],
    ['one key, its end out', { gte: key(1), lt: key(1) }, true],
    ['one key, its start out', { gt: key(1), lte: key(1) }, true],
    ['everything', {}, false],
  ])('emptiness: %s', (_, range, empty) => {
    expect(isEmptyRange(halfOpen(range))).toBe(empty)
  })

  it('only ranges without a key outside are everything', () => {
    expect(isEverything(halfOpen({}))).toBe(true)
    expect(isEverything(halfOpen({ gte: key() }))).toBe(true)
    expect(isEverything(halfOpen({ gt: key() }))).toBe(false)
    expect(isEverything(halfOpen({ lte: key(255) }))).toBe(false)
  })

  it('a bound in a Node Buffer, whose slice is a view, is copied too', () => {
    const bound = Buffer.from([5])
    const range = halfOpen({ gte: bound, lt: bound })
    bound[0] = 9
    expect(range).toEqual({ lower: key(5), upper: key(5) })
  })

  it('a bound that the caller changes later changes nothing', () => {
    const bound = key(5)
    const range = halfOpen({ gte: bound })
    bound[0] = 9
    expect(rangeContains(range, key(6))).toBe(true)
  })
})
