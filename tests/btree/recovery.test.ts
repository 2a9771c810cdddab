import { expect, it } from 'vitest'
import { MeteredFileSystem, simulatedEnvironment } from '../../src/vfs/index.js'
import { LOG_HEADER_BYTES } from '../../src/wal/format.js'
import { LARGE_BUFFERS, MIB } from './support/large-buffers.js'
import { batchOf, DIRECTORY, emptyFileSystem, filler, get, logBytes, openBtree, put, violations } from './support/opened-btree.js'

it('a clean close leaves nothing to replay, however much was written, and the next open reads none of it', async () => {
  const fileSystem = emptyFileSystem()
  const engine = await openBtree({ fileSystem, created: true, options: LARGE_BUFFERS })
  for (let i = 0; i < 20_000; i++) await put(engine, `key ${i % 1000} ${i}`, filler(100, i))
  await engine.close()
  expect(logBytes(fileSystem)).toBeLessThanOrEqual(3 * LOG_HEADER_BYTES)
  const metered = new MeteredFileSystem(fileSystem)
  const again = await openBtree({ fileSystem: metered, options: LARGE_BUFFERS })
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

it('replay of a large log lets the event loop turn, and applies its entries in the order of their keys', async () => {
  const fileSystem = emptyFileSystem()
  const killed = await openBtree({ fileSystem, created: true, options: LARGE_BUFFERS })
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
  const scheduler = {
    turn: () => (turns++, environment.scheduler.turn()),
    sleep: (ms: number) => environment.scheduler.sleep(ms),
  }
  const engine = await openBtree({ fileSystem: image, environment: { ...environment, scheduler }, options: LARGE_BUFFERS })
  expect(turns).toBeGreaterThanOrEqual(Math.floor(logBytes(image) / MIB))
  for (const [key, value] of model) expect(get(engine, key)).toBe(value)
  expect(await violations(engine)).toEqual([])
  await engine.close()
})
