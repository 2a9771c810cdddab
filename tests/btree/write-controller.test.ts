import { expect, it } from 'vitest'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Environment } from '../../src/vfs/environment.js'
import type { FileSystem } from '../../src/vfs/file-system.js'
import { simulatedEnvironment } from '../../src/vfs/index.js'
import { keyOf } from '../contract/support/opened-engine.js'
import { LARGE_BUFFERS, MIB } from './support/large-buffers.js'
import { emptyFileSystem, filler, openBtree, put, scan, shapeOf, sizeOf, violations } from './support/opened-btree.js'

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

/** An environment where a turn of the event loop takes `turnMs`, and nothing else takes time. */
function timedEnvironment(fileSystem: FileSystem, turnMs: number): { readonly environment: Environment; readonly time: { now: number } } {
  const simulated = simulatedEnvironment({ seed: 1, fileSystem })
  const time = { now: 0 }
  const turn = async (): Promise<void> => {
    await simulated.scheduler.turn()
    time.now += turnMs
  }
  const sleep = async (ms: number): Promise<void> => {
    for (const end = time.now + ms; time.now < end;) await turn()
  }
  return { environment: { ...simulated, clock: { now: () => time.now }, scheduler: { turn, sleep } }, time }
}

it('writers that outrun a checkpoint are delayed a little each, and none waits for the rest of it', async () => {
  const fileSystem = emptyFileSystem()
  const { environment, time } = timedEnvironment(fileSystem, 1)
  const options = { pageSize: 512, writeBufferSize: 2 * MIB, cacheSize: MIB }
  const engine = await openBtree({ fileSystem, environment, created: true, options })
  for (let i = 0; i < 10_000; i++) await put(engine, `key ${i}`, filler(60, i))
  // The first one shows how long they take.
  await engine.flush()
  let [worstMs, highest] = [0, 0]
  for (let i = 0; i < 60_000; i++) {
    const since = time.now
    await put(engine, `key ${(i * 7919) % 30_011}`, filler(60, i))
    worstMs = Math.max(worstMs, time.now - since)
    highest = Math.max(highest, engine.stats().pending.memoryBytes)
  }
  expect(engine.stats().stalls.count).toBeGreaterThan(100)
  expect(shapeOf(engine).file.checkpoint).toBeGreaterThan(5)
  expect(worstMs).toBeLessThan(20)
  expect(highest).toBeLessThan(2 * options.writeBufferSize)
  await engine.close()
})

it('a close does not wait for delayed writers one by one, and loses none of them', async () => {
  const fileSystem = emptyFileSystem()
  const { environment, time } = timedEnvironment(fileSystem, 1)
  const options = { pageSize: 512, writeBufferSize: 2 * MIB, cacheSize: MIB }
  const engine = await openBtree({ fileSystem, environment, created: true, options })
  const writes: Promise<void>[] = []
  let puts = 0
  while (writes.length < 500) {
    const written = put(engine, `key ${(puts * 7919) % 30_011}`, filler(60, puts))
    if (engine.stats().stalls.count > 0) writes.push(Promise.resolve(written))
    if (++puts % 100 === 0) await environment.scheduler.turn()
  }
  const before = time.now
  await Promise.all([engine.close(), ...writes])
  expect(time.now - before).toBeLessThan(5000)
  const again = await openBtree({ fileSystem })
  expect(scan(again)).toHaveLength(Math.min(puts, 30_011))
  await again.close()
})
