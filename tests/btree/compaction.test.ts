import { expect, it } from 'vitest'
import { SeededRandom } from '../../src/vfs/index.js'
import { batchOf, emptyFileSystem, filler, get, openBtree, put, shapeOf, sizeOf, violations } from './support/opened-btree.js'

const ENTRIES = 4000

it('a compaction packs the leaves of a random fill and gives the rest of the file back; another one writes nothing', async () => {
  const fileSystem = emptyFileSystem()
  const engine = await openBtree({ fileSystem, created: true, options: { pageSize: 1024, writeBufferSize: 128 << 10 } })
  const random = new SeededRandom(5)
  for (let i = 0; i < ENTRIES; i++) await put(engine, `key ${String(random.uniform(1e6)).padStart(6, '0')}`, filler(80, i))
  await engine.flush()
  const leaf = () => shapeOf(engine).tree.at(-1)!
  expect(leaf().fill).toBeLessThan(0.75)
  const loose = sizeOf(fileSystem)
  await engine.compact()
  expect(leaf().fill).toBeGreaterThan(0.85)
  expect(sizeOf(fileSystem)).toBeLessThan(loose * 0.75)
  expect(shapeOf(engine).file.freeBytes).toBeLessThan(shapeOf(engine).file.bytes * 0.05)
  const before = engine.stats().ledger.written.page
  await engine.compact()
  expect(engine.stats().ledger.written.page - before).toBeLessThan(sizeOf(fileSystem) * 0.1)
  expect(await violations(engine)).toEqual([])
  await engine.close()
})

it('ascending inserts fill their leaves, and a tree that settles gives back what checkpoints left free', async () => {
  const fileSystem = emptyFileSystem()
  const engine = await openBtree({ fileSystem, created: true, options: { pageSize: 1024, writeBufferSize: 128 << 10 } })
  for (let i = 0; i < ENTRIES; i++) await put(engine, `key ${String(i).padStart(6, '0')}`, filler(80, i))
  await engine.flush()
  expect(shapeOf(engine).tree.at(-1)!.fill).toBeGreaterThan(0.86)
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < ENTRIES; i += 7)
      await engine.write(batchOf([['put', `key ${String(i).padStart(6, '0')}`, filler(80, round)]]), { sync: false })
  }
  await engine.flush()
  await engine.settle()
  const { file } = shapeOf(engine)
  expect(file.freeBytes).toBeLessThan(file.bytes / 7)
  expect(get(engine, 'key 000007')).toBe(filler(80, 2))
  expect(await violations(engine)).toEqual([])
  await engine.close()
})

const ASCENDING: readonly (readonly [key: (i: number) => string, limit: number])[] = [
  [i => String(i).padStart(16, '0'), 1.02],
  [i => `user:${i}`, 1.08],
  [i => `${'long'.repeat(40)}${i * i}`, 0.5],
]

it('an ascending fill takes hardly more space than its keys and values, whatever digit of the key is carried', async () => {
  for (const [key, limit] of ASCENDING) {
    const fileSystem = emptyFileSystem()
    const engine = await openBtree({ fileSystem, created: true, options: { pageSize: 4096, writeBufferSize: 16 << 20 } })
    const keys = Array.from({ length: 20_000 }, (_, i) => key(i)).sort()
    for (const [i, each] of keys.entries()) await put(engine, each, filler(100, i))
    await engine.flush()
    await engine.settle()
    expect(engine.stats().ledger.fileBytes / shapeOf(engine).liveBytes).toBeLessThan(limit)
    expect(await violations(engine)).toEqual([])
    await engine.close()
  }
})

it.each([
  ['after a checkpoint', true],
  ['with all of it still to be written', false],
])('a tree that was overwritten as a whole leaves hardly any of its file free at the close, %s', async (_, isFlushed) => {
  const fileSystem = emptyFileSystem()
  const engine = await openBtree({ fileSystem, created: true, options: { pageSize: 4096, writeBufferSize: 16 << 20 } })
  const name = (i: number): string => `key ${String((i * 7919) % 12_000).padStart(6, '0')}`
  for (let i = 0; i < 12_000; i++) await put(engine, name(i), filler(100, i))
  await engine.flush()
  for (let i = 0; i < 12_000; i++) await put(engine, name(i), filler(100, i + 1))
  if (isFlushed) await engine.flush()
  await engine.close()
  const again = await openBtree({ fileSystem })
  const { file } = shapeOf(again)
  expect(file.freeBytes).toBeLessThan(file.bytes / 8)
  for (let i = 0; i < 12_000; i += 97) expect(get(again, name(i))).toBe(filler(100, i + 1))
  expect(await violations(again)).toEqual([])
  await again.close()
})
