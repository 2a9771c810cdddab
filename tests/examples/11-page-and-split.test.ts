/** Example 11 by hand: what fits into a page from the sizes alone, and the leaves that a toy tree without pages splits into. */
import { beforeAll, describe, expect, test } from 'vitest'
import { question, run } from '../../examples/11-page-and-split.js'
import type { Recording } from '../../packages/lab/src/replay/items.js'
import { record } from '../../examples/lab/lab.js'
import { SeededRandom } from '../../src/vfs/seeded-random.js'

const PAGE = 4096
const KEYS = 20_000
/** Bytes of a value and its length, of the slot, and of the length of the key, whose prefix is in the header. */
const ENTRY = 8 + 1 + 1 + 100

const ASCENDING = Array.from({ length: KEYS }, (_, n) => `key${String(n).padStart(13, '0')}`)

let numbers: Recording['numbers']
beforeAll(async () => {
  ;({ numbers } = await record(11, '', { question, run }))
})

interface Leaf {
  keys: string[]
  /** What is stored once for all of its keys, since it was last made anew. */
  prefix: string
}

function prefixOf(keys: readonly string[]): string {
  const [first, last] = [keys[0], keys.at(-1)!]
  let length = 0
  while (length < first.length && first[length] === last[length]) length++
  return first.slice(0, length)
}

function usedBytes(keys: readonly string[], prefix: string): number {
  return 8 + prefix.length + keys.reduce((sum, key) => sum + ENTRY + key.length - prefix.length, 0)
}

/** Puts every key into the leaf where it belongs. One that is full is cut in the middle, or left alone for a new one. */
function leavesOf(keys: Iterable<string>, cut: 'in the middle' | 'at the new key'): Leaf[] {
  const leaves: Leaf[] = [{ keys: [], prefix: '' }]
  for (const key of keys) {
    let at = 0
    for (let low = 0, high = leaves.length - 1; low <= high;) {
      const middle = (low + high) >> 1
      if (middle === 0 || leaves[middle].keys[0] <= key) low = (at = middle) + 1
      else high = middle - 1
    }
    const leaf = leaves[at]
    const index = leaf.keys.findIndex(other => other > key)
    leaf.keys.splice(index === -1 ? leaf.keys.length : index, 0, key)
    if (key.startsWith(leaf.prefix) && usedBytes(leaf.keys, leaf.prefix) <= PAGE) continue
    const before = leaf.prefix
    leaf.prefix = prefixOf(leaf.keys)
    if (usedBytes(leaf.keys, leaf.prefix) <= PAGE) continue
    if (cut === 'at the new key') {
      leaves.push({ keys: leaf.keys.splice(-1), prefix: leaf.prefix })
      leaf.prefix = before
      continue
    }
    const right = leaf.keys.splice(Math.floor(leaf.keys.length / 2))
    leaf.prefix = prefixOf(leaf.keys)
    leaves.splice(at + 1, 0, { keys: right, prefix: prefixOf(right) })
  }
  return leaves
}

function fillOf(leaves: readonly Leaf[]): number {
  return (100 * leaves.reduce((sum, { keys, prefix }) => sum + usedBytes(keys, prefix), 0)) / (leaves.length * PAGE)
}

describe('the pages of example 11', () => {
  test('hold as many entries as their sizes allow', () => {
    // Slot 8, lengths of key and value 1 each, key 3, value 30; the header 8.
    expect(numbers['entry-bytes']).toBe(8 + 1 + 1 + 3 + 30)
    expect(numbers['most']).toBe(5)
    expect(numbers['page-used']).toBe(8 + 5 * 43)
  })

  test('are full to the last entry where keys ascend and full pages are left alone', () => {
    const leaves = leavesOf(ASCENDING, 'at the new key')
    expect(numbers['rightmost-leaves']).toBe(leaves.length)
    expect(numbers['rightmost-fill']).toBeCloseTo(fillOf(leaves), 10)
    // All but a digit or three of a key are prefix.
    const most = Math.floor((PAGE - 8 - 14) / (ENTRY + 2))
    expect(Math.abs(leaves.length / (KEYS / most) - 1)).toBeLessThan(0.01)
  })

  test('are half full where keys ascend and full pages are cut in the middle', () => {
    const leaves = leavesOf(ASCENDING, 'in the middle')
    expect(numbers['middle-leaves']).toBe(leaves.length)
    expect(numbers['middle-fill']).toBeCloseTo(fillOf(leaves), 10)
  })

  test('are as full as those of a toy tree where keys come in another random order', () => {
    const random = new SeededRandom(7)
    const keys = [...ASCENDING]
    for (let left = KEYS; left > 1; left--) {
      const index = random.uniform(left)
      ;[keys[left - 1], keys[index]] = [keys[index], keys[left - 1]]
    }
    const leaves = leavesOf(keys, 'in the middle')
    expect(Math.abs(Number(numbers['random-fill']) - fillOf(leaves))).toBeLessThan(2)
    expect(Math.abs(Number(numbers['random-fill']) - 100 * Math.LN2)).toBeLessThan(2)
    expect(Math.abs(Number(numbers['random-leaves']) / leaves.length - 1)).toBeLessThan(0.03)
  })
})
