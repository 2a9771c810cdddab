/** The time affects no byte of a store: clocks are set, jump and stand still. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { btreeEngine } from '../../src/btree/factory.js'
import { Kvarium } from '../../src/index.js'
import { lsmEngine } from '../../src/lsm/whole-engine.js'
import type { Clock } from '../../src/vfs/index.js'
import { MemoryFileSystem, simulatedEnvironment } from '../../src/vfs/index.js'
import { fillOptions } from '../contract/support/opened-engine.js'

const LOCATION = '/store'
const DAY_MS = 86_400_000

afterEach(() => {
  vi.useRealTimers()
})

describe.each([lsmEngine(), btreeEngine()])('the clock beside $name', factory => {
  function open(fileSystem: MemoryFileSystem, clock?: Clock): Kvarium {
    const simulated = simulatedEnvironment({ seed: 1, fileSystem })
    const environment = clock === undefined ? simulated : { ...simulated, clock }
    return new Kvarium(LOCATION, { engine: factory, environment, ...fillOptions(factory) })
  }

  /** Puts, deletes and clears over flushes, merges and reopenings; what is left is checked. */
  async function live(fileSystem: MemoryFileSystem, clock?: Clock): Promise<void> {
    const model = new Map<string, string>()
    for (let session = 0; session < 3; session++) {
      const db = open(fileSystem, clock)
      await db.open()
      for (let i = 0; i < 400; i++) {
        const key = String((i * 7919 + session) % 997).padStart(4, '0')
        if (i % 5 === 0) await db.del(key)
        else await db.put(key, `${session} ${i} `.repeat(10), { sync: i % 50 === 0 })
        if (i % 5 === 0) model.delete(key)
        else model.set(key, `${session} ${i} `.repeat(10))
      }
      await db.clear({ gte: '0100', lt: '0150' })
      for (const key of [...model.keys()]) if (key >= '0100' && key < '0150') model.delete(key)
      await db.settle()
      expect(await db.iterator().all()).toEqual([...model].sort(([a], [b]) => (a < b ? -1 : 1)))
      await db.close()
    }
  }

  function bytesOf(fileSystem: MemoryFileSystem): Record<string, string> {
    return Object.fromEntries(
      fileSystem.list(LOCATION).map(name => {
        const file = fileSystem.openRead(`${LOCATION}/${name}`)
        const bytes = new Uint8Array(file.size())
        file.read(bytes, 0)
        file.close()
        return [name, Buffer.from(bytes).toString('base64')]
      }),
    )
  }

  it('leaves the same files, to the byte, in any year', async () => {
    const dumps: Record<string, string>[] = []
    for (const now of [0, Date.UTC(2100, 0, 1)]) {
      vi.useFakeTimers({ toFake: ['Date'], now })
      const fileSystem = new MemoryFileSystem()
      await live(fileSystem)
      dumps.push(bytesOf(fileSystem))
    }
    expect(Object.keys(dumps[0]).length).toBeGreaterThan(2)
    expect(dumps[1]).toEqual(dumps[0])
  })

  it.each<[string, (call: number) => number]>([
    ['stands still', () => 0],
    ['jumps a day ahead at every look', call => call * DAY_MS],
    ['goes back at every look', call => -call * 100],
    ['jumps back and forth by a day', call => (call % 2 === 0 ? DAY_MS : 0)],
  ])('that %s loses nothing and holds no write up', async (_how, at) => {
    let calls = 0
    await live(new MemoryFileSystem(), { now: () => at(calls++) })
    expect(calls).toBeGreaterThan(0)
  })
})
