import { expect, it } from 'vitest'
import { WriteBatch } from '../../src/engine/batch.js'
import { keyOf } from '../contract/support/opened-engine.js'
import { LARGE_BUFFERS, MIB } from './support/large-buffers.js'
import { emptyFileSystem, filler, openBtree, put, scan, sizeOf, violations } from './support/opened-btree.js'

it('writers wait for a checkpoint instead of filling memory, and go on in their order', async () => {
  const fileSystem = emptyFileSystem()
  const engine = await openBtree({ fileSystem, created: true })
  const writes: Promise<void>[] = []
  let highest = 0
  for (let i = 0; i < 2000; i++) {
    writes.push(Promise.resolve(put(engine, `key ${(i * 7919) % 2000}`, filler(200, i))))
    highest = Math.max(highest, engine.stats().pending.memoryBytes)
  }
  await Promise.all(writes)
  expect(highest).toBeLessThan(48 << 10)
  expect(engine.stats().stalls.count).toBeGreaterThan(0)
  expect(scan(engine)).toHaveLength(2000)
  await engine.close()
})

it.each([
  ['one key of 10 kB', 1, 10_000, 4000],
  ['a thousand keys of 1 kB', 1000, 1000, 40],
])('%s overwritten for ever takes the disk of a bounded log, and little once it settles', async (_, keys, valueBytes, rounds) => {
  const fileSystem = emptyFileSystem()
  const engine = await openBtree({ fileSystem, created: true, options: LARGE_BUFFERS })
  const liveBytes = keys * valueBytes
  const value = new Uint8Array(valueBytes)
  let most = 0
  for (let round = 0; round < rounds; round++) {
    for (let key = 0; key < keys; key++) {
      const batch = new WriteBatch()
      batch.put(keyOf(`key ${key}`), value.fill(round))
      await engine.write(batch, { sync: false })
    }
    most = Math.max(most, sizeOf(fileSystem))
  }
  expect(most).toBeLessThan(2 * 8 * MIB + 6 * liveBytes)
  await engine.settle()
  expect(sizeOf(fileSystem)).toBeLessThan(5 * MIB + 3 * liveBytes)
  expect(engine.stats().memoryBytes).toBeLessThan(4 * MIB + 3 * liveBytes)
  expect(await violations(engine)).toEqual([])
  await engine.close()
})
