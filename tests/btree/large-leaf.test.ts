import { expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/codec/text.js'
import type { Page } from '../../src/btree/pages/page.js'
import { WriteBatch } from '../../src/engine/batch.js'
import { FaultyFileSystem } from '../../src/vfs/testing/faulty-file-system.js'
import { simulatedEnvironment } from '../../src/vfs/index.js'
import { BareTree } from './support/bare-tree.js'
import { batchOf, emptyFileSystem, filler, get, openBtree, put, shapeOf, sizeOf, violations } from './support/opened-btree.js'

const MIB = 1 << 20
const LONG = 6 * MIB

function longBatch(key: string, fill: number, bytes = LONG): WriteBatch {
  const batch = new WriteBatch()
  batch.put(encodeUtf8(key), new Uint8Array(bytes).fill(fill))
  return batch
}

function shown(value: Uint8Array): string {
  return value.every(byte => byte === value[0]) ? `${value.length} of ${value[0]}` : 'a mixture'
}

/** The leaves of a tree in memory, from the first to the last. */
function leaves(page: Page): Page[] {
  return page.level === 0 ? [page] : page.children!.flatMap(child => leaves(child!))
}

it('a value of many MiB over another one that left memory is read, logged and put into its page by the MiB, and seen as a whole', async () => {
  const files = emptyFileSystem()
  const fileSystem = new FaultyFileSystem(files)
  const environment = simulatedEnvironment({ seed: 1, fileSystem })
  let [turns, bytes, most] = [0, 0, 0]
  let onTurn: () => void = () => {}
  const seen = new Set<string>()
  const turn = async (): Promise<void> => {
    await environment.scheduler.turn()
    turns++
    onTurn()
    most = Math.max(most, bytes)
    bytes = 0
  }
  const scheduler = { turn, sleep: (ms: number) => environment.scheduler.sleep(ms) }
  const options = { pageSize: 1024, cacheSize: 64 << 10, writeBufferSize: 64 * MIB }
  const engine = await openBtree({ environment: { ...environment, scheduler }, fileSystem, created: true, options })
  await engine.write(longBatch('long', 1), { sync: false })
  await engine.flush()
  fileSystem.after = operation => {
    if (operation.kind === 'write' || operation.kind === 'read') bytes += operation.bytes
  }
  turns = most = 0
  await engine.write(longBatch('long', 2), { sync: false })
  // A third of the turns for each: the old value's check, the log, the page.
  expect(turns).toBeGreaterThanOrEqual((3 * LONG) / MIB)
  expect(most).toBeLessThanOrEqual(MIB + 1024)
  onTurn = () => seen.add(shown(engine.get(encodeUtf8('long'))!))
  await engine.write(longBatch('long', 3), { sync: false })
  expect([...seen].slice(0, 2)).toEqual([`${LONG} of 2`, `${LONG} of 3`].slice(0, seen.size))
  expect(seen.size).toBeLessThanOrEqual(2)
  expect(shown(engine.get(encodeUtf8('long'))!)).toBe(`${LONG} of 3`)
  expect(await violations(engine)).toEqual([])
  await engine.close()
})

it('a put beside a large leaf, and a clear or a delete beside it, neither copies nor changes it', async () => {
  const tree = await BareTree.open(512)
  const key = (text: string): Uint8Array => encodeUtf8(text)
  tree.put(key('m'), new Uint8Array(5000))
  const [large] = leaves(tree.tree.root)
  expect(large.isLarge).toBe(true)
  const { block } = large
  const held = tree.versions.hold(tree.tree.root, true)
  for (let i = 0; i < 300; i++) tree.put(key(`${i % 2 === 0 ? 'a' : 'z'}${(i * 7919) % 1000}`), new Uint8Array(20))
  for (let i = 0; i < 300; i += 3) tree.del(key(`${i % 2 === 0 ? 'a' : 'z'}${(i * 7919) % 1000}`))
  tree.clear(key('a5'), key('l'))
  tree.clear(key('n'), key('z5'))
  expect(leaves(tree.tree.root).filter(leaf => leaf.isLarge)).toEqual([large])
  expect(large.block).toBe(block)
  expect(await tree.violations()).toEqual([])
  tree.put(key('m'), new Uint8Array(7000))
  expect([tree.get(key('m'))!.length, tree.get(key('m'), held)!.length]).toEqual([7000, 5000])
  tree.clear(key('a'), key('zzz'))
  expect([tree.get(key('m')), tree.tree.root.entries, tree.get(key('m'), held)!.length]).toEqual([undefined, 0, 5000])
  tree.versions.release(held, true)
  expect(await tree.violations()).toEqual([])
})

it('puts beside a large value, and deletes of it, write it no second time', async () => {
  const fileSystem = emptyFileSystem()
  const engine = await openBtree({ fileSystem, created: true, options: { pageSize: 1024, cacheSize: 16 << 10 } })
  await engine.write(longBatch('m', 1, MIB), { sync: false })
  await engine.flush()
  const before = engine.stats().ledger
  for (const text of ['n', 'l', 'k', 'o']) await put(engine, text, filler(80, 1))
  await engine.flush()
  const after = engine.stats().ledger
  expect(after.written.page - before.written.page).toBeLessThan(64 << 10)
  await engine.write(batchOf([['del', 'm']]), { sync: false })
  await engine.flush()
  await engine.settle()
  expect([get(engine, 'm'), get(engine, 'k'), get(engine, 'o')]).toEqual([undefined, filler(80, 1), filler(80, 1)])
  expect(sizeOf(fileSystem)).toBeLessThan(128 << 10)
  expect(await violations(engine)).toEqual([])
  await engine.close()
})

it('a large value that is the only entry moves to the front of the file, is replaced and is deleted', async () => {
  const fileSystem = emptyFileSystem()
  const open = (created: boolean) => openBtree({ fileSystem, created, options: { pageSize: 1024, cacheSize: 16 << 10 } })
  let engine = await open(true)
  for (const fill of [1, 2, 3]) {
    await engine.write(longBatch('m', fill, MIB), { sync: false })
    await engine.flush()
  }
  await engine.compact()
  expect(sizeOf(fileSystem)).toBeLessThan(1.1 * MIB)
  await engine.close()
  engine = await open(false)
  expect(engine.get(encodeUtf8('m'))!.every(byte => byte === 3)).toBe(true)
  await engine.write(batchOf([['put', 'm', 'short']]), { sync: false })
  expect([get(engine, 'm'), shapeOf(engine).entries]).toEqual(['short', 1])
  await engine.write(longBatch('m', 4, MIB), { sync: false })
  await engine.flush()
  await engine.write(batchOf([['del', 'm']]), { sync: false })
  expect([get(engine, 'm'), shapeOf(engine).entries]).toEqual([undefined, 0])
  expect(await violations(engine)).toEqual([])
  await engine.close()
})
