import { describe, expect, it } from 'vitest'
import { keyOf } from '../contract/support/opened-engine.js'
import { BareTree } from './support/bare-tree.js'

const ENTRIES = 500
const name = (i: number): Uint8Array => keyOf(`key ${String(i).padStart(5, '0')}`)

async function filled(): Promise<BareTree> {
  const bare = await BareTree.open(256)
  for (let i = 0; i < ENTRIES; i++) bare.put(name(i), new Uint8Array(20).fill(i))
  return bare
}

describe('clearing a range', () => {
  it.each([
    ['within a leaf', 100, 101],
    ['one key', 77, 77],
    ['across branches', 3, 480],
    ['from the first key on', 0, 250],
    ['up to the last key', 250, ENTRIES - 1],
    ['everything', 0, ENTRIES - 1],
  ])('%s removes both ends and what is between them, and nothing else', async (_, first, last) => {
    const bare = await filled()
    bare.clear(name(first), name(last))
    for (let i = 0; i < ENTRIES; i++) expect(bare.get(name(i)) === undefined).toBe(first <= i && i <= last)
    expect(bare.tree.root.entries).toBe(ENTRIES - (last - first + 1))
    expect(await bare.violations()).toEqual([])
  })

  it('takes nothing from a live version', async () => {
    const bare = await filled()
    const version = bare.versions.hold(bare.tree.root, true)
    bare.clear(name(3), name(480))
    for (let i = 0; i < ENTRIES; i++) expect(bare.get(name(i), version)).toEqual(new Uint8Array(20).fill(i))
    bare.versions.release(version, true)
    expect(await bare.violations()).toEqual([])
  })

  it('a range between two keys changes no entry', async () => {
    const bare = await filled()
    bare.clear(keyOf('key 00100a'), keyOf('key 00100b'))
    expect(bare.tree.root.entries).toBe(ENTRIES)
    expect(await bare.violations()).toEqual([])
  })
})
