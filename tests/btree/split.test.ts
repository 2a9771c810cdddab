import { describe, expect, it } from 'vitest'
import { btreeEngine } from '../../src/btree/factory.js'
import type { BtreeShape } from '../../src/btree/shape.js'
import { partition, ruleOf, type LeafOverflow, type LeafSplit } from '../../src/btree/tree/split.js'
import { MisuseError } from '../../src/errors.js'
import { memoryPlace } from '../contract/support/places.js'
import { withEngine, type ContractSubject } from '../contract/support/opened-engine.js'

const OVERFLOW: LeafOverflow = { sizes: [40, 40, 40], capacity: 100, index: 2, ascending: false }
const KEYS = Array.from({ length: 300 }, (_, i) => `key ${1000 + i}`)

const subject = (leafSplit: LeafSplit): ContractSubject => ({
  name: 'btree with a split of its own',
  factory: btreeEngine({ leafSplit, poisonFrames: true }),
  options: { pageSize: 256 },
  place: memoryPlace,
})

describe('the built-in split', () => {
  it.each([
    [
      'a random insert',
      'leaves about equal halves',
      { sizes: [40, 40, 40, 40], index: 1, ascending: false, branch: false },
      [0, 2],
      'middle',
    ],
    [
      'an ascending insert',
      'leaves the page before it as it was',
      { sizes: [40, 40, 40], index: 2, ascending: true, branch: false },
      [0, 2],
      'ascending',
    ],
    ['a large entry', 'gets a page of its own', { sizes: [40, 200, 40], index: 1, ascending: false, branch: false }, [0, 1, 2], 'large'],
    [
      'an ascending insert in a branch',
      'never leaves a branch with one child',
      { sizes: [40, 40, 40], index: 2, ascending: true, branch: true },
      [0, 1],
      'ascending',
    ],
  ] as const)('%s %s', (_, __, overflow, starts, rule) => {
    const asked = { ...overflow, capacity: 100 }
    expect(partition(asked)).toEqual(starts)
    expect(ruleOf(asked, starts, false)).toBe(rule)
  })

  it('a page that holds its entries is not cut', () => {
    expect(partition({ ...OVERFLOW, capacity: 120, branch: false })).toEqual([0])
  })
})

describe('a split of the user', () => {
  it('is asked about leaves only, and only where they can be cut in two', () => {
    const cut: LeafSplit = () => 2
    expect(partition({ ...OVERFLOW, branch: false }, cut)).toEqual([0, 2])
    expect(partition({ ...OVERFLOW, branch: true }, cut)).toEqual(partition({ ...OVERFLOW, branch: true }))
    expect(partition({ ...OVERFLOW, capacity: 120, branch: false }, cut)).toEqual([0])
    expect(partition({ ...OVERFLOW, sizes: [40, 200, 40], branch: false }, cut)).toEqual([0, 1, 2])
  })

  it('cannot make a page that holds nothing, or more than it can', () => {
    for (const cut of [0, 3, -1, 1.5, NaN]) {
      expect(() => partition({ ...OVERFLOW, branch: false }, () => cut)).toThrow(`leafSplit cut 3 entries at ${cut}, which`)
    }
    const uneven = { ...OVERFLOW, sizes: [40, 40, 40, 40], branch: false }
    expect(() => partition(uneven, () => 3)).toThrow(MisuseError)
    expect(() => partition(uneven, () => 3)).toThrow('gives pages of 120 and 40 bytes, where 100 fit')
  })

  it(
    'decides about every leaf, ascending inserts included, and the tree stays whole',
    withEngine(
      subject(({ sizes }) => Math.floor(sizes.length / 2)),
      async store => {
        for (const key of KEYS) await store.put(key, 'small')
        const leaves = (store.engine.shape() as BtreeShape).tree.at(-1)!.pages
        await store.reopen()
        expect(store.scan()).toEqual(KEYS.map(key => `${key}=small`))
        expect(await store.violations()).toEqual([])
        expect(leaves).toBeGreaterThan(30)
      },
    ),
  )
})
