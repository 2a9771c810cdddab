import { describe, expect, it } from 'vitest'
import { isUnderfull, pack } from '../../src/btree/tree/rebalance.js'
import { keyOf } from '../contract/support/opened-engine.js'
import { BareTree } from './support/bare-tree.js'

const name = (i: number): Uint8Array => keyOf(`key ${String(i).padStart(5, '0')}`)

async function filled(entries: number): Promise<BareTree> {
  const bare = await BareTree.open(256)
  for (let i = 0; i < entries; i++) bare.put(name(i), new Uint8Array(20))
  return bare
}

describe('rebalancing', () => {
  it('deletes merge underfull leaves: none but the root stays underfull, and the tree loses levels down to an empty leaf', async () => {
    const bare = await filled(600)
    const { height, levels } = bare.tree
    const leaves = levels.pages[0]
    expect(height).toBeGreaterThan(2)
    for (let i = 0; i < 600; i++) if (i % 8 !== 0) expect(bare.del(name(i))).toBe(true)
    expect(await bare.violations()).toEqual([])
    expect(levels.pages[0]).toBeLessThan(leaves / 2)
    for (let i = 0; i < 600; i += 8) {
      expect(bare.get(name(i))).toEqual(new Uint8Array(20))
      bare.del(name(i))
    }
    expect(bare.tree.root).toMatchObject({ level: 0, entries: 0, liveBytes: 0 })
    expect(await bare.violations()).toEqual([])
  })

  it('a leaf is underfull below a quarter of its size, and a merge never happens above it', async () => {
    const bare = await filled(5)
    expect(isUnderfull(bare.store, bare.tree.root)).toBe(false)
    for (let i = 0; i < 4; i++) bare.del(name(i))
    expect(isUnderfull(bare.store, bare.tree.root)).toBe(true)
  })

  it('a merge changes no page of a live version', async () => {
    const bare = await filled(300)
    const version = bare.versions.hold(bare.tree.root, true)
    for (let i = 0; i < 290; i++) bare.del(name(i))
    for (let i = 0; i < 300; i++) expect(bare.get(name(i), version)).toEqual(new Uint8Array(20))
    bare.versions.release(version, true)
    expect(await bare.violations()).toEqual([])
  })

  it('packing fills the left page and returns what is left of the right one', async () => {
    const bare = await filled(40)
    for (let i = 0; i < 40; i++) if (i % 2 === 1) bare.del(name(i))
    const { path } = bare.tree
    const before = bare.tree.root.children!.length
    const outcomes = new Set<string>()
    for (let slot = 0; bare.tree.root.level > 0 && slot + 1 < bare.tree.root.children!.length;) {
      const parent = path.descend(name(0), 0, name(0).length, 1)
      const outcome = pack(path, parent, slot)
      outcomes.add(outcome)
      if (outcome !== 'merged') slot++
    }
    expect(outcomes).toContain('merged')
    expect(bare.tree.root.children!.length).toBeLessThan(before)
    for (let i = 0; i < 40; i += 2) expect(bare.get(name(i))).toEqual(new Uint8Array(20))
    expect(await bare.violations()).toEqual([])
  })
})
