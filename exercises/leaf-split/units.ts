import assert from 'node:assert/strict'
import type { LeafOverflow } from 'kvarium/btree'

export type SplitLeaf = (overflow: LeafOverflow) => number

/** A check of the cut of a leaf that holds 100 bytes. */
function at(sizes: readonly number[], index: number, ascending: boolean, check: (cut: number) => void) {
  return (split: SplitLeaf): void => check(split({ sizes, capacity: 100, index, ascending }))
}

const even = (count: number): number[] => new Array<number>(count).fill(10)

export const units = [
  {
    name: 'both pages get entries, whole ones',
    check: at([40, 80], 1, false, cut => {
      assert.ok(Number.isInteger(cut), `the cut is an index, and ${cut} is none`)
      assert.notEqual(cut, 0, 'a cut at 0 leaves the left page without entries')
      assert.notEqual(cut, 2, 'a cut behind the last entry leaves the right page without entries')
      assert.equal(cut, 1)
    }),
  },
  {
    name: 'random inserts leave two halves',
    check: at(even(11), 4, false, cut => {
      assert.ok(cut === 5 || cut === 6, `eleven equal entries are cut in the middle, not at ${cut}`)
    }),
  },
  {
    name: 'halves are halves of the bytes',
    check: at([60, 10, 10, 10, 10, 10], 3, false, cut => {
      assert.notEqual(cut, 3, 'the middle is where the bytes are halved, not the number of entries: here it gives 80 and 30')
      assert.equal(cut, 1, 'the cut is where the two pages differ least: 60 and 50')
    }),
  },
  {
    name: 'the two pages differ as little as they can',
    check: at([40, 50, 20], 2, false, cut => {
      assert.notEqual(cut, 2, 'the left page has half of the bytes with its second entry, but 40 and 70 are more even than 90 and 20')
      assert.equal(cut, 1)
    }),
  },
  {
    name: 'ascending inserts leave a full page behind',
    check: at(even(11), 10, true, cut => {
      assert.ok(cut > 6, 'keys that ascend would leave every page half full: nothing comes into the left one any more')
      assert.equal(cut, 10, 'the new entry begins the right page')
    }),
  },
  {
    name: 'ascending inserts may be in the middle of the keys',
    check: at(even(11), 7, true, cut => {
      assert.notEqual(cut, 10, 'ascending says that others follow the new entry, not that it is the last of the leaf')
      assert.notEqual(cut, 8, 'the new entry goes into the right page: behind it is where the next ones go')
      assert.equal(cut, 7)
    }),
  },
  {
    name: 'an ascending insert that does not leave pages that fit is cut like another one',
    check: at([10, 10, 10, 10, 50, 50], 1, true, cut => {
      assert.notEqual(cut, 1, 'cut at the new entry, the right page gets 130 bytes of 100')
      assert.equal(cut, 5, 'where the cut that was meant does not fit, the most even one that does is taken')
    }),
  },
  {
    name: 'an ascending insert at the very front leaves no page without entries',
    check: at(even(11), 0, true, cut => {
      assert.notEqual(cut, 0, 'a cut at 0 leaves the left page without entries')
      assert.ok(cut === 5 || cut === 6, `nothing is before the new entry: the leaf is cut in the middle, not at ${cut}`)
    }),
  },
]
