import { expect, it } from 'vitest'
import { WriteBatch } from '../../src/engine/batch.js'
import { MeteredFileSystem, simulatedEnvironment } from '../../src/vfs/index.js'
import { joinPath } from '../../src/vfs/file-system.js'
import { LOG_HEADER_BYTES } from '../../src/wal/format.js'
import { keyOf } from '../contract/opened-engine.js'
import { batchOf, DIRECTORY, emptyFileSystem, filler, get, openBtree, put, sizeOf, violations } from './opened-btree.js'

const MIB = 1 << 20
/** Buffers so large that none of them is a reason for a checkpoint here. */
const LARGE = { writeBufferSize: 256 * MIB, pageSize: 4096, cacheSize: 64 * MIB }

function logBytes(fileSystem: ReturnType<typeof emptyFileSystem>): number {
  const logs = fileSystem.list(DIRECTORY).filter(name => name.endsWith('.log'))
  return logs.reduce((sum, name) => sum + fileSystem.stat(joinPath(DIRECTORY, name))!.size, 0)
}

it('a clean close leaves nothing to replay, however much was written, and the next open reads none of it', async () => {
  const fileSystem = emptyFileSystem()
  const engine = await openBtree({ fileSystem, created: true, options: LARGE })
  for (let i = 0; i < 20_000; i++) await put(engine, `key ${i % 1000} ${i}`, filler(100, i))
  await engine.close()
  expect(logBytes(fileSystem)).toBeLessThanOrEqual(3 * LOG_HEADER_BYTES)
  const metered = new MeteredFileSystem(fileSystem)
  const again = await openBtree({ fileSystem: metered, options: LARGE })
  expect(metered.counts().total.bytesRead).toBeLessThan(32 * 1024)
  expect(get(again, 'key 77 77')).toBe(filler(100, 77))
  await again.close()
  expect(logBytes(fileSystem)).toBeLessThanOrEqual(3 * LOG_HEADER_BYTES)
})

it('opening and closing again and again, with and without a write, leaves one empty log', async () => {
  const fileSystem = emptyFileSystem()
  for (let i = 0; i < 12; i++) {
    const engine = await openBtree({ fileSystem, created: i === 0 })
    if (i % 3 === 0) await put(engine, `key ${i}`, 'value')
    await engine.close()
    expect(fileSystem.list(DIRECTORY).filter(name => name.endsWith('.log'))).toHaveLength(1)
    expect(logBytes(fileSystem)).toBeLessThanOrEqual(3 * LOG_HEADER_BYTES)
  }
})

it.each([
  ['one key of 10 kB', 1, 10_000, 4000],
  ['a thousand keys of 1 kB', 1000, 1000, 40],
])('%s overwritten for ever takes the disk of a bounded log, and little once it settles', async (_, keys, valueBytes, rounds) => {
  const fileSystem = emptyFileSystem()
  const engine = await openBtree({ fileSystem, created: true, options: LARGE })
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

it('replay of a large log lets the event loop turn, and applies its entries in the order of their keys', async () => {
  const fileSystem = emptyFileSystem()
  const killed = await openBtree({ fileSystem, created: true, options: LARGE })
  const model = new Map<string, string>()
  for (let i = 0; i < 40; i++) {
    const keys = Array.from({ length: 400 }, (_, j) => `key ${(i * 7919 + j * 104_729) % 9973}`)
    await killed.write(batchOf(keys.map((key, j) => ['put', key, filler(300, i + j)])), { sync: false })
    keys.forEach((key, j) => model.set(key, filler(300, i + j)))
  }
  const image = fileSystem.processCrashClone()
  await killed.close()
  const environment = simulatedEnvironment({ seed: 1, fileSystem: image })
  let turns = 0
  const scheduler = { ...environment.scheduler, turn: () => (turns++, environment.scheduler.turn()), sleep: environment.scheduler.sleep }
  const engine = await openBtree({ fileSystem: image, environment: { ...environment, scheduler }, options: LARGE })
  expect(turns).toBeGreaterThanOrEqual(Math.floor(logBytes(image) / MIB))
  for (const [key, value] of model) expect(get(engine, key)).toBe(value)
  expect(await violations(engine)).toEqual([])
  await engine.close()
})
