import { describe, expect, it } from 'vitest'
import { cutEvenly } from '../../src/btree/tree/split.js'
import { SeededRandom } from '../../src/vfs/seeded-random.js'
import { keyOf } from '../contract/support/opened-engine.js'
import { BareTree } from './support/bare-tree.js'

const name = (n: number): Uint8Array => keyOf(`key ${String(n).padStart(6, '0')}`)

/** Keys in random order, in a tree with leaves of 512 bytes. */
async function filled(keys: number, seed: number, valueBytes: (n: number) => number): Promise<BareTree> {
  const bare = await BareTree.open(512)
  const random = new SeededRandom(seed)
  const order = Array.from({ length: keys }, (_, n) => n)
  for (let left = keys; left > 1; left--) {
    const index = random.uniform(left)
    ;[order[left - 1], order[index]] = [order[index], order[left - 1]]
  }
  for (const n of order) bare.put(name(n), new Uint8Array(valueBytes(n)))
  return bare
}

function fillOf({ tree, store }: BareTree): number {
  const [leaves] = tree.levels.pages
  let used = 0
  const visit = (page: typeof tree.root): void => {
    if (page.level === 0) used += page.block!.usedBytes
    else for (let slot = 0; slot < page.children!.length; slot++) visit(store.child(page, slot))
  }
  visit(tree.root)
  return used / (leaves * store.unitBytes)
}

describe('leaves that fill in random order', () => {
  it('are about four fifths full, and the tree is sound', async () => {
    const bare = await filled(4000, 1, () => 20)
    expect(fillOf(bare)).toBeGreaterThan(0.79)
    expect(bare.tree.root.entries).toBe(4000)
    expect(await bare.violations()).toEqual([])
  })

  it('of any size share them without a loss, also where values grow and shrink, and where a version is held', async () => {
    const bare = await filled(1500, 2, n => (n * 37) % 140)
    const version = bare.versions.hold(bare.tree.root, true)
    for (let n = 0; n < 1500; n++) bare.put(name((n * 7) % 1500), new Uint8Array((n * 53) % 160).fill(1))
    for (let n = 0; n < 1500; n++) {
      expect(bare.get(name((n * 7) % 1500))).toEqual(new Uint8Array((n * 53) % 160).fill(1))
      expect(bare.get(name(n), version)).toEqual(new Uint8Array((n * 37) % 140))
    }
    expect(await bare.violations()).toEqual([])
    bare.versions.release(version, true)
    expect(await bare.violations()).toEqual([])
  })

  it('keep separators that no longer fit into their branch in place: it is split, and counts what is under it', async () => {
    const bare = await BareTree.open(256)
    // Long keys, whose separators get longer and shorter.
    const long = (n: number): Uint8Array => keyOf(`${'x'.repeat((n * 13) % 50)}${n}`)
    for (let n = 0; n < 1200; n++) bare.put(long(n), new Uint8Array(n % 30))
    expect(bare.tree.height).toBeGreaterThan(2)
    for (let n = 0; n < 1200; n++) expect(bare.get(long(n))).toEqual(new Uint8Array(n % 30))
    expect(await bare.violations()).toEqual([])
  })
})

it('an even cut leaves each page about as full, and never fuller than it can be', () => {
  expect(cutEvenly([40, 40, 40, 40, 40, 40], 3, 100)).toEqual([0, 2, 4])
  expect(cutEvenly([10, 10, 10, 90], 2, 100)).toEqual([0, 3])
  expect(cutEvenly([90, 10, 90], 2, 100)).toEqual([0, 2])
  expect(cutEvenly([90, 90, 90], 2, 100)).toBeUndefined()
  expect(cutEvenly([90], 2, 100)).toBeUndefined()
})
