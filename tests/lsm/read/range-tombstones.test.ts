import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteView } from '../../../src/codec/entry.js'
import { RangeTombstones, type RangeTombstone } from '../../../src/lsm/read/range-tombstones.js'
import { keyOf } from '../../contract/support/opened-engine.js'

const keyText = fc.string({ unit: fc.constantFrom('a', 'b', '\0', 'ÿ'), maxLength: 3 })

const tombstones = fc
  .array(fc.tuple(keyText, keyText), { minLength: 1, maxLength: 30 })
  .map(pairs => pairs.map(([a, b], index) => ({ first: a < b ? a : b, last: a < b ? b : a, sequence: index * 2 + 1 })))

const bytes = ({ first, last, sequence }: { first: string; last: string; sequence: number }): RangeTombstone => ({
  first: keyOf(first),
  last: keyOf(last),
  sequence,
})

/** Every moment is checked. */
const EVERY = Array.from({ length: 64 }, (_, sequence) => sequence)

describe('range tombstones', () => {
  it('answer for every key, snapshot and version as a look at each of them would', () => {
    fc.assert(
      fc.property(tombstones, fc.array(fc.tuple(keyText, fc.nat(62)), { minLength: 1, maxLength: 40 }), (all, questions) => {
        const fragments = RangeTombstones.of(fc.sample(fc.shuffledSubarray(all, { minLength: all.length }), 1)[0].map(bytes), EVERY)!
        for (const [text, sequence] of questions) {
          const over = all.filter(({ first, last }) => first <= text && text <= last).map(tombstone => tombstone.sequence)
          const padded = keyOf(`x${text}x`)
          const newest = Math.max(0, ...over.filter(each => each <= sequence))
          expect(fragments.newestOver(padded, 1, padded.length - 1, sequence)).toBe(newest)
          const after = over.filter(each => each > sequence)
          expect(fragments.oldestAfter(padded, 1, padded.length - 1, sequence)).toBe(after.length === 0 ? 0 : Math.min(...after))
          const view = new ByteView()
          view.set(padded, 1, padded.length - 1)
          expect(fragments.at(sequence).covers(view, newest)).toBe(false)
          if (newest > 0) expect(fragments.at(sequence).covers(view, newest - 1)).toBe(true)
        }
      }),
    )
  })

  it('that were cut in two, where tables were, count as one', () => {
    const whole = RangeTombstones.of([bytes({ first: 'a', last: 'c', sequence: 5 })])!
    const cut = RangeTombstones.of([bytes({ first: 'b\0', last: 'c', sequence: 5 }), bytes({ first: 'a', last: 'b', sequence: 5 })])!
    for (const text of ['', 'a', 'b', 'b\0', 'b\0\0', 'c', 'c\0']) {
      const key = keyOf(text)
      expect(cut.newestOver(key, 0, key.length, 9)).toBe(whole.newestOver(key, 0, key.length, 9))
    }
  })

  it('are nothing where there are none', () => {
    expect(RangeTombstones.of([])).toBeUndefined()
  })

  it('added one by one answer like all at once, and readers of older moments do not notice', () => {
    fc.assert(
      fc.property(tombstones, keyText, (all, text) => {
        const growing = RangeTombstones.of([bytes(all[0])], EVERY)!
        const key = keyOf(text)
        for (let count = 1; count <= all.length; count++) {
          if (count > 1) growing.add(bytes(all[count - 1]), EVERY)
          for (let moment = 0; moment <= count * 2; moment++) {
            const whole = RangeTombstones.of(all.map(bytes), EVERY)!
            expect(growing.newestOver(key, 0, key.length, moment)).toBe(whole.newestOver(key, 0, key.length, moment))
          }
        }
      }),
      { numRuns: 30 },
    )
  })

  it('of thousands of clears cost no more each than the first ones', () => {
    const seconds = (from: number, to: number): number => {
      const started = performance.now()
      for (let sequence = from; sequence < to; sequence++)
        growing.add({ first: keyOf(`k${sequence % 7}`), last: keyOf(`k${sequence % 7}9`), sequence })
      return performance.now() - started
    }
    const growing = RangeTombstones.of([bytes({ first: 'a', last: 'z', sequence: 1 })])!
    seconds(2, 20_000)
    const key = keyOf('k34')
    expect(growing.newestOver(key, 0, key.length, 20_000)).toBe(19_995)
    expect(seconds(20_000, 40_000)).toBeLessThan(1000)
  })
})

describe('range tombstones under newer ones', () => {
  const moment = fc.uniqueArray(fc.nat(62), { maxLength: 4 }).map(moments => moments.sort((a, b) => a - b))

  it('are kept only for the moments that tell them apart, and answer those as before', () => {
    fc.assert(
      fc.property(tombstones, moment, keyText, (all, moments, text) => {
        const whole = RangeTombstones.of(
          all.map(bytes),
          Array.from({ length: 64 }, (_, sequence) => sequence),
        )!
        const pruned = RangeTombstones.of(all.map(bytes), moments)!
        const again = RangeTombstones.of(pruned.pieces(), moments)!
        const key = keyOf(text)
        for (const at of [...moments, 99]) {
          const expected = whole.newestOver(key, 0, key.length, at)
          expect(pruned.newestOver(key, 0, key.length, at)).toBe(expected)
          expect(again.newestOver(key, 0, key.length, at)).toBe(expected)
        }
        expect(pruned.pieces().length).toBeLessThanOrEqual(2 * all.length * (moments.length + 1))
      }),
      { numRuns: 500 },
    )
  })

  it('over the same keys again and again become one fragment, also while cursors are opened and closed', () => {
    const growing = new RangeTombstones()
    const held = growing.at(150)
    for (let sequence = 100; sequence < 3100; sequence++) {
      const cursor = growing.at(sequence - 1)
      growing.add(bytes({ first: `k${sequence % 7}`, last: `k${(sequence % 7) + 2}`, sequence }))
      cursor.close()
      if (sequence === 2000) held.close()
    }
    growing.add(bytes({ first: 'a', last: 'z', sequence: 4000 }))
    expect([growing.fragments, growing.pieces().length]).toEqual([2, 1])
  })

  it('of nested clears take two pieces each at the most', () => {
    const nested = new RangeTombstones()
    for (let i = 0; i < 100; i++)
      nested.add(bytes({ first: `a${String(i).padStart(3, '0')}`, last: `z${String(999 - i)}`, sequence: i + 1 }))
    expect(nested.pieces().length).toBeLessThanOrEqual(200)
    const key = keyOf('m')
    expect(nested.newestOver(key, 0, key.length, 1000)).toBe(100)
  })
})
