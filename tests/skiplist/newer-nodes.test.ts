import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/codec/entry.js'
import { KIND_PUT, Skiplist } from '../../src/skiplist/index.js'
import { Arena } from '../../src/skiplist/arena.js'
import { seededRandom } from './support/seeded-random.js'

interface Place {
  readonly key: Uint8Array
  readonly sequence: number
}

function listOf(places: readonly Place[], seed = 1): Skiplist {
  const list = new Skiplist({ capacityBytes: 1 << 20, random: seededRandom(seed) })
  for (const { key, sequence } of places) list.insert(key, 0, key.length, key, 0, 0, sequence, KIND_PUT)
  return list
}

const place = fc.tuple(fc.nat(40), fc.nat(30), fc.boolean())

describe('skipping what is covered', () => {
  it('ends where steps would, forward and backward, whatever the order of the sequence numbers', () => {
    fc.assert(
      fc.property(
        fc.array(place, { minLength: 1, maxLength: 150 }),
        fc.nat(180),
        fc.nat(41),
        fc.nat(41),
        fc.nat(),
        (drawn, covered, a, b, at) => {
          // Most sequence numbers rise with the inserts, as in a memtable; some do not.
          const places = [
            ...new Map(
              drawn.map(([key, low, rises], i) => [
                `${key}@${rises ? 31 + i : low}`,
                { key: Uint8Array.of(key), sequence: rises ? 31 + i : low },
              ]),
            ).values(),
          ]
          const list = listOf(places, 1 + (at % 7))
          const sorted = [...places].sort((x, y) => compareKeys(x.key, y.key) || y.sequence - x.sequence)
          const from = at % sorted.length
          const edge = Uint8Array.of(a)
          const end = b > 35 ? undefined : Uint8Array.of(b)
          const cursor = list.cursor()
          const stand = (): string => (cursor.valid ? `${cursor.key.copy().join()}@${cursor.sequence}` : 'nowhere')
          const shown = (index: number): string =>
            sorted[index] === undefined ? 'nowhere' : `${sorted[index].key.join()}@${sorted[index].sequence}`

          cursor.seek(sorted[from].key, sorted[from].sequence)
          cursor.skipCovered(covered, end)
          let forward = from
          while (
            forward < sorted.length &&
            sorted[forward].sequence <= covered &&
            (end === undefined || compareKeys(sorted[forward].key, end) < 0)
          )
            forward++
          expect(stand()).toBe(shown(forward))

          cursor.seek(sorted[from].key, sorted[from].sequence)
          cursor.skipCoveredBack(covered, edge)
          let backward = from
          while (backward >= 0 && sorted[backward].sequence <= covered && compareKeys(sorted[backward].key, edge) >= 0) backward--
          expect(stand()).toBe(shown(backward))
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('takes a number of steps that grows as the logarithm of what it passes', () => {
    const original = Arena.prototype.next
    let steps = 0
    Arena.prototype.next = function (node: number, level: number): number {
      steps++
      return original.call(this, node, level)
    }
    try {
      for (const count of [1000, 8000]) {
        const random = seededRandom(5)
        const keys = Array.from({ length: count }, () =>
          Uint8Array.of(random.uint32() & 255, random.uint32() & 255, random.uint32() & 255, 1),
        )
        // One newer entry in the middle of all.
        const list = listOf([...keys.map((key, i) => ({ key, sequence: i + 1 })), { key: Uint8Array.of(128), sequence: count + 1 }])
        const cursor = list.cursor()
        cursor.first()
        steps = 0
        expect([cursor.skipCovered(count, undefined), cursor.sequence]).toEqual([true, count + 1])
        cursor.last()
        expect([cursor.skipCoveredBack(count, new Uint8Array(0)), cursor.sequence]).toEqual([true, count + 1])
        expect(steps).toBeLessThan(200)
      }
    } finally {
      Arena.prototype.next = original
    }
  })
})
