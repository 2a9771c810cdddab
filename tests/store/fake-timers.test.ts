/** Test frameworks replace the timers of a program; a store keeps the real ones, and its work goes on. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Kvarium as PortableKvarium } from '../../src/index.browser.js'
import { builtInEngines, Kvarium } from '../../src/index.js'
import { MemoryFileSystem } from '../../src/vfs/index.js'
import { nodeEnvironment } from '../../src/vfs/node/node-environment.js'
import { portableEnvironment } from '../../src/vfs/portable-environment.js'

// All but nextTick and queueMicrotask: abstract-level needs them.
const FAKED = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'Date',
  'performance',
  'hrtime',
] as const

let directory = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-fake-timers-'))
  vi.useFakeTimers({ toFake: [...FAKED] })
})

afterEach(() => {
  vi.useRealTimers()
  rmSync(directory, { recursive: true, force: true })
})

describe('under fake timers that stand still', () => {
  it.each([
    ['node', () => nodeEnvironment()],
    ['portable', () => portableEnvironment({ fileSystem: new MemoryFileSystem() })],
  ])('the %s environment has turns and pauses, and its clock goes on', async (_name, make) => {
    const { clock, scheduler } = make()
    const before = clock.now()
    await scheduler.turn()
    await scheduler.sleep(2)
    expect(clock.now()).toBeGreaterThan(before)
  })

  it.each(['lsm', 'btree', 'memory'] as const)('%s opens, writes, flushes, scans, compacts and closes', async engine => {
    const db = new Kvarium(join(directory, 'db'), {
      engine: builtInEngines.resolve(engine),
      ...(engine !== 'memory' && { writeBufferSize: 64 << 10 }),
    })
    await use(db)
  })

  it.each(['lsm', 'btree', 'memory'] as const)('%s does so where it is portable', async engine => {
    await use(new PortableKvarium('db', { engine }))
  })
})

async function use(db: Kvarium | PortableKvarium): Promise<void> {
  await db.open()
  const entries = Array.from({ length: 3000 }, (_, i) => [`${i}`.padStart(4, '0'), 'v'.repeat(100)] as const)
  const batch = db.batch()
  for (const [key, value] of entries) batch.put(key, value)
  await batch.write({ sync: true })
  await db.flush()
  expect(await db.iterator().all()).toEqual(entries)
  await db.clear({ lt: '1000' })
  await db.compactRange()
  await db.settle()
  expect(await db.keys().all()).toHaveLength(2000)
  await db.close()
}
