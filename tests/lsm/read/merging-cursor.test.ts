import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MergingCursor } from '../../../src/lsm/read/merging-cursor.js'
import { ArrayCursor } from '../support/array-cursor.js'
import { compare, entriesOf, keys, moves } from '../support/cursor-moves.js'

describe('a merging cursor', () => {
  it('stands where a cursor over all entries together would, whichever way it turns', () => {
    fc.assert(
      fc.property(
        keys,
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.nat(5), { minLength: 1, maxLength: 20 }),
        moves,
        (texts, count, places, steps) => {
          const entries = entriesOf(texts)
          const children = Array.from(
            { length: count },
            (_, child) => new ArrayCursor(entries.filter((_entry, i) => places[i % places.length] % count === child)),
          )
          const cursor = new MergingCursor(children)
          compare(cursor, new ArrayCursor(entries), steps)
          cursor.close()
          expect(children.every(child => child.closed)).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })
})
