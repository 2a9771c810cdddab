import { describe, expect, it } from 'vitest'
import { PageBuilder } from '../../src/btree/tree/page-builder.js'
import type { Page } from '../../src/btree/pages/page.js'
import { keyOf, textOf } from '../contract/support/opened-engine.js'
import { BareTree } from './support/bare-tree.js'

const VALUE = new Uint8Array(10)

function leafOf({ store }: BareTree, keys: readonly string[]): Page {
  const leaf = store.create(0, 1, 0)
  for (const key of keys.map(keyOf)) leaf.block!.insert(leaf.block!.count, key, 0, key.length, VALUE, 0, VALUE.length)
  return leaf
}

const keysOf = ({ block }: Page): string[] => Array.from({ length: block!.count }, (_, i) => textOf(block!.keyAt(i)))
const named = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `shared prefix ${100 + from + i}`)

describe('the page builder', () => {
  it('a page that is built has the longest prefix of its keys', async () => {
    const bare = await BareTree.open(256)
    const [left, right] = [leafOf(bare, named(3)), leafOf(bare, named(2, 3))]
    new PageBuilder(bare.store).merge(left, right, keyOf('shared prefix 103'), 1)
    expect(keysOf(left)).toEqual(named(5))
    expect(left.block!.prefixLength).toBe('shared prefix 10'.length)
    expect(left).toMatchObject({ entries: 5, liveBytes: 5 * ('shared prefix 100'.length + VALUE.length) })
  })

  it('pages fit together only if all entries fit into the capacity', async () => {
    const bare = await BareTree.open(256)
    const builder = new PageBuilder(bare.store)
    const [left, right] = [leafOf(bare, named(3)), leafOf(bare, named(2, 3))]
    expect(builder.fitTogether(left, right, keyOf('shared prefix 103'), 256)).toBe(true)
    expect(builder.fitTogether(left, right, keyOf('shared prefix 103'), 80)).toBe(false)
  })

  it('packing moves entries in order, and returns the first key that stays as the separator', async () => {
    const bare = await BareTree.open(256)
    const [left, right] = [leafOf(bare, named(4)), leafOf(bare, named(5, 4))]
    const separator = new PageBuilder(bare.store).pack(left, right, keyOf('shared prefix 104'), 1)
    expect([...keysOf(left), ...keysOf(right)]).toEqual(named(9))
    expect(left.block!.count).toBeGreaterThan(4)
    if (right.block!.count > 0) expect(keysOf(right)[0].startsWith(textOf(separator!))).toBe(true)
    expect(left.entries + right.entries).toBe(9)
  })
})
