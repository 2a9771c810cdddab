import { expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/codec/text.js'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Engine, EngineSnapshot } from '../../src/engine/contract.js'
import { MeteredFileSystem, simulatedEnvironment, type MemoryFileSystem } from '../../src/vfs/index.js'
import { LOG_HEADER_BYTES } from '../../src/wal/format.js'
import { textOf } from '../contract/support/opened-engine.js'
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

/** What a killed store leaves: 6 MiB of log in random order behind a checkpoint of as many entries. */
async function killedWithLongLog(): Promise<{ readonly image: MemoryFileSystem; readonly model: Map<string, string> }> {
  const fileSystem = emptyFileSystem()
  const killed = await openBtree({ fileSystem, created: true, options: LARGE_BUFFERS })
  const model = new Map<string, string>()
  for (const round of [0, 1]) {
    for (let i = 0; i < 50; i++) {
      const keys = Array.from({ length: 400 }, (_, j) => `key ${(i * 7919 + j * 104_729) % 19_973}`)
      const fills = keys.map((_, j) => (round === 1 && j % 10 === 0 ? undefined : filler(300, round * 31 + i + j)))
      const batch = batchOf(keys.map((key, j) => (fills[j] === undefined ? ['del', key] : ['put', key, fills[j]])))
      await killed.write(batch, { sync: false })
      for (const [j, key] of keys.entries()) {
        if (fills[j] === undefined) model.delete(key)
        else model.set(key, fills[j])
      }
    }
    if (round === 0) await killed.flush()
  }
  const image = fileSystem.processCrashClone()
  await killed.close()
  return { image, model }
}

function scanned(engine: Engine, snapshot?: EngineSnapshot): [string, string][] {
  const cursor = engine.cursor({}, snapshot)
  const found: [string, string][] = []
  for (let valid = cursor.first(); valid; valid = cursor.next()) found.push([textOf(cursor.key.copy()), textOf(cursor.value.copy())])
  cursor.close()
  return found
}

const sorted = (model: ReadonlyMap<string, string>): [string, string][] => [...model].sort(([a], [b]) => (a < b ? -1 : 1))

it('opening after a kill reads the log and no page below the root, and gets, a scan and a snapshot see all of the log at once', async () => {
  const { image, model } = await killedWithLongLog()
  for (const first of ['get', 'scan', 'snapshot', 'stats', 'size'] as const) {
    const metered = new MeteredFileSystem(image.processCrashClone())
    const engine = await openBtree({ fileSystem: metered, options: LARGE_BUFFERS })
    const { bytesRead } = metered.counts().total
    expect(bytesRead).toBeLessThan(logBytes(image) + 64 * 1024)
    if (first === 'get') for (let i = 0; i < 19_973; i += 97) expect(get(engine, `key ${i}`)).toBe(model.get(`key ${i}`))
    const liveBytes = [...model].reduce((sum, [key, value]) => sum + key.length + value.length, 0)
    if (first === 'stats') expect(engine.stats().ledger.liveBytes).toBe(liveBytes)
    if (first === 'size') expect(engine.approximateSize({})).toBeGreaterThan(liveBytes)
    const snapshot = first === 'snapshot' ? engine.snapshot() : undefined
    await put(engine, 'key 1', 'later')
    if (snapshot !== undefined) expect(scanned(engine, snapshot)).toEqual(sorted(model))
    snapshot?.release()
    expect(scanned(engine)).toEqual(sorted(new Map([...model, ['key 1', 'later']])))
    expect(await violations(engine)).toEqual([])
    await engine.close()
  }
})

it('a store that is closed, or killed again, while its log is still replayed loses nothing', async () => {
  const { image, model } = await killedWithLongLog()
  const environment = simulatedEnvironment({ seed: 1, fileSystem: image })
  const images: MemoryFileSystem[] = []
  const scheduler = {
    turn: () => {
      images.push(image.processCrashClone())
      return environment.scheduler.turn()
    },
    sleep: (ms: number) => environment.scheduler.sleep(ms),
  }
  const engine = await openBtree({ fileSystem: image, environment: { ...environment, scheduler }, options: LARGE_BUFFERS })
  await engine.close()
  expect(logBytes(image)).toBeLessThanOrEqual(3 * LOG_HEADER_BYTES)
  expect(images.length).toBeGreaterThan(10)
  for (const each of [image, ...images.filter((_, i) => i % 8 === 0)]) {
    const again = await openBtree({ fileSystem: each, options: LARGE_BUFFERS })
    expect(scanned(again)).toEqual(sorted(model))
    await again.close()
  }
})

it('puts that change few pages for their bytes leave a bounded log to replay all the same', async () => {
  const fileSystem = emptyFileSystem()
  const engine = await openBtree({ fileSystem, created: true, options: LARGE_BUFFERS })
  const { scheduler } = simulatedEnvironment({ seed: 1 })
  const value = new Uint8Array(MIB)
  let most = 0
  for (let i = 0; i < 64; i++) {
    const batch = new WriteBatch()
    batch.put(encodeUtf8(`key ${String(i).padStart(9, '0')}`), value)
    await engine.write(batch, { sync: false })
    for (let turn = 0; turn < 8; turn++) await scheduler.turn()
    most = Math.max(most, logBytes(fileSystem))
  }
  expect(most).toBeLessThan(44 * MIB)
  // Writers may be delayed, and none waits for a checkpoint.
  const { count, totalMs } = engine.stats().stalls
  expect(totalMs).toBeLessThanOrEqual(12 * count)
  await engine.close()
})
