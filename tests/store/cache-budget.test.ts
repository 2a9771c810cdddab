/** A cache that takes its size from the memory that is available: never all of it, with several stores, and where there is no telling. */
import { describe, expect, it } from 'vitest'
import { registry } from '../../src/node-engines.js'
import { KvariumStore } from '../../src/store/kvarium.js'
import { MemoryBudget, MemoryFileSystem } from '../../src/vfs/index.js'
import { availableMemory } from '../../src/vfs/node/available-memory.js'
import { nodeEnvironment } from '../../src/vfs/node/node-environment.js'

const MIB = 1 << 20
const GIB = 1 << 30

function makeStore(
  engine: string,
  memory: MemoryBudget | undefined,
  cacheSize: number | 'auto',
  fileSystem = new MemoryFileSystem(),
): KvariumStore {
  const environment = { ...nodeEnvironment(), fileSystem, memory }
  return new KvariumStore('/store', { engine, cacheSize }, { environment, registry })
}

const capacityOf = (db: KvariumStore): number => db.stats().cache!.capacityBytes

describe.each(['lsm', 'btree'])("cacheSize 'auto' of %s", engine => {
  it('is a quarter of what is left by the stores that are open, and what a store held is free once it is closed', async () => {
    const memory = new MemoryBudget(() => 16 * GIB)
    const stores = [1, 2, 3].map(() => makeStore(engine, memory, 'auto'))
    for (const db of stores) await db.open()
    expect(stores.map(capacityOf)).toEqual([4 * GIB, 3 * GIB, 2.25 * GIB])
    await stores[0].close()
    await stores[0].open()
    expect(capacityOf(stores[0])).toBe((16 - 3 - 2.25) * (GIB / 4))
    for (const db of stores) await db.close()
    const last = makeStore(engine, memory, 'auto')
    await last.open()
    expect(capacityOf(last)).toBe(4 * GIB)
    await last.close()
  })

  it('is the default where little memory is left, or the platform does not say', async () => {
    for (const memory of [new MemoryBudget(() => 100 * MIB), new MemoryBudget(() => 0), undefined]) {
      const db = makeStore(engine, memory, 'auto')
      await db.open()
      expect(capacityOf(db)).toBe(64 * MIB)
      await db.close()
    }
  })

  it('holds nothing after an open that failed, and a size in bytes takes nothing', async () => {
    const memory = new MemoryBudget(() => 16 * GIB)
    const fileSystem = new MemoryFileSystem()
    const first = makeStore(engine, memory, 1234 * 1024, fileSystem)
    await first.open()
    expect(capacityOf(first)).toBe(1234 * 1024)
    await expect(makeStore(engine, memory, 'auto', fileSystem).open()).rejects.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } })
    await first.close()
    expect(memory.take(0, Infinity).bytes).toBe(4 * GIB)
  })

  it('is the only word that is accepted', () => {
    expect(() => makeStore(engine, undefined, 'all' as 'auto')).toThrow('or "auto" (default 67108864)')
  })
})

it('what Node says is available is more than nothing, and less than everything', () => {
  expect(availableMemory()).toBeGreaterThan(1 * MIB)
  expect(availableMemory()).toBeLessThan(2 ** 50)
})
