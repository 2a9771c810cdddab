/** Leaves without entries, which deletes left in stores of earlier versions where a long prefix made the leaf look full enough. */
import { describe, expect, it, vi } from 'vitest'
import type * as Rebalance from '../../src/btree/tree/rebalance.js'
import type { Engine } from '../../src/engine/contract.js'
import { batches } from '../engine/support/ingests.js'
import { batchOf, emptyFileSystem, filler, listed, openBtree, scan, shapeOf, violations, type Operation } from './support/opened-btree.js'

const version = vi.hoisted(() => ({ isEarlier: false }))

vi.mock('../../src/btree/tree/rebalance.js', async original => {
  const now = await original<typeof Rebalance>()
  const isUnderfull: typeof now.isUnderfull = (store, page) =>
    !(version.isEarlier && page.block!.count === 0) && now.isUnderfull(store, page)
  return { ...now, isUnderfull }
})

const COUNT = 60
/** Takes more than a quarter of a page. */
const PREFIX = 'p'.repeat(200)

function key(index: number): string {
  return `${PREFIX}${String(index).padStart(4, '0')}`
}

function leaves(engine: Engine): number {
  return shapeOf(engine).tree.at(-1)!.pages
}

/** A store of some leaves, from which the keys from `from` to `to` are deleted one by one. */
async function deleted(from: number, to: number): Promise<{ engine: Engine; model: Map<string, string>; lost: number }> {
  const engine = await openBtree({ fileSystem: emptyFileSystem(), created: true })
  const model = new Map<string, string>()
  for (let index = 0; index < COUNT; index++) model.set(key(index * 10), filler(20, index))
  await engine.write(batchOf([...model].map(([each, value]): Operation => ['put', each, value])), { sync: false })
  await engine.flush()
  const before = leaves(engine)
  for (let index = from; index < to; index++) {
    await engine.write(batchOf([['del', key(index * 10)]]), { sync: false })
    model.delete(key(index * 10))
  }
  await engine.flush()
  return { engine, model, lost: before - leaves(engine) }
}

const RANGES = [
  ['at the front', 0, 20],
  ['in the middle', 20, 40],
  ['at the end', 40, COUNT],
  ['everywhere', 0, COUNT],
] as const

const INGESTS = [
  ['before', [-2]],
  ['over', [...Array(COUNT * 2).keys()].map(index => index * 5)],
  ['among', [100, 305, 599]],
  ['behind', [COUNT * 10 + 1]],
] as const

describe('leaves that deletes leave without entries', () => {
  it.each(RANGES)('%s go, however long their prefix is', async (_where, from, to) => {
    version.isEarlier = false
    const { engine, model, lost } = await deleted(from, to)
    expect(lost).toBeGreaterThan(0)
    expect(scan(engine)).toEqual(listed(model))
    await engine.close()
  })

  describe.each(RANGES)('%s, by an earlier version,', (_where, from, to) => {
    it.each(INGESTS)('do not stop an ingest %s them', async (_place, indexes) => {
      version.isEarlier = true
      const { engine, model, lost } = await deleted(from, to)
      version.isEarlier = false
      expect(lost).toBe(0)
      const entries = new Map(indexes.map(index => [index < 0 ? 'a' : key(index), filler(30, index + 2)]))
      await engine.ingest!(batches(entries))
      for (const [each, value] of entries) model.set(each, value)
      expect(scan(engine)).toEqual(listed(model))
      expect(await violations(engine)).toEqual([])
      await engine.compact()
      expect(scan(engine)).toEqual(listed(model))
      expect(await violations(engine)).toEqual([])
      await engine.close()
    })
  })
})
