/** Keys up to the limit over crashes, and what of them stays in memory and in the manifest. */
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/codec/entry.js'
import { MAX_KEY_BYTES } from '../../src/codec/limits.js'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Engine } from '../../src/engine/contract.js'
import { builtInEngines, Kvarium, repair, verify } from '../../src/index.js'
import { inspectDirectory } from '../../src/inspect/index.js'
import { MemoryFileSystem, type FileSystem } from '../../src/vfs/index.js'
import { openBtree } from '../btree/support/opened-btree.js'
import { HookedFileSystem, isChange } from '../lsm/support/hooked-file-system.js'
import { DIRECTORY, emptyFileSystem, openLsm, violations } from '../lsm/support/opened-lsm.js'

const KIB = 1024

/** Keys that differ at both ends, in the order of their numbers. */
function longKey(number: number, bytes: number): Uint8Array {
  const key = new Uint8Array(bytes).fill(0x6b)
  key[0] = key[bytes - 1] = number
  return key
}

async function put(engine: Engine, number: number, bytes: number): Promise<void> {
  const batch = new WriteBatch()
  batch.put(longKey(number, bytes), Uint8Array.of(number))
  await engine.write(batch, { sync: true })
}

function numbersIn(engine: Engine, bytes: number): number[] {
  const cursor = engine.cursor({})
  const numbers: number[] = []
  for (let valid = cursor.first(); valid; valid = cursor.next()) {
    const key = cursor.key.copy()
    expect(compareKeys(key, longKey(key[0], bytes))).toBe(0)
    expect(engine.get(key)).toEqual(Uint8Array.of(key[0]))
    numbers.push(key[0])
  }
  cursor.close()
  return numbers
}

const ENGINES: readonly [string, (fileSystem: FileSystem, created: boolean) => Promise<Engine>][] = [
  ['lsm', (fileSystem, created) => openLsm({ fileSystem, created })],
  ['btree', (fileSystem, created) => openBtree({ fileSystem, created })],
]

describe.each(ENGINES)('long keys on %s', (engine, open) => {
  it('survive a crash at every file operation', { timeout: 240_000 }, async () => {
    const bytes = 70 * KIB
    const fileSystem = emptyFileSystem()
    const hooked = new HookedFileSystem(fileSystem)
    const images: { readonly synced: number; readonly image: MemoryFileSystem }[] = []
    let synced = -1
    hooked.before = operation => {
      if (synced >= 0 && isChange(operation)) images.push({ synced, image: fileSystem.processCrashClone() })
    }
    const opened = await open(hooked, true)
    for (synced = 0; synced < 6;) {
      await put(opened, synced + 1, bytes)
      synced++
      if (synced % 2 === 0) await opened.flush()
    }
    await opened.compact()
    await opened.close()
    expect(images.length).toBeGreaterThan(20)
    for (const { synced: atLeast, image } of images) {
      const recovered = await open(image, false)
      const numbers = numbersIn(recovered, bytes)
      expect(numbers).toEqual(numbers.map((_, index) => index + 1))
      expect([atLeast, atLeast + 1]).toContain(numbers.length)
      expect(await violations(recovered)).toEqual([])
      await recovered.close()
    }
  })

  it('at the limit are there after a kill, and are verified, inspected and repaired', { timeout: 240_000 }, async () => {
    const fileSystem = new MemoryFileSystem()
    const keys = [1, 2, 3, 4, 5].map(number => longKey(number, MAX_KEY_BYTES))
    const store = (on: MemoryFileSystem, location: string): Kvarium<Uint8Array, Uint8Array> =>
      new Kvarium(location, { engine: builtInEngines.resolve(engine), fileSystem: on, keyEncoding: 'view', valueEncoding: 'view' })
    const numbers = async (db: Kvarium<Uint8Array, Uint8Array>): Promise<number[]> => (await db.values().all()).map(value => value[0])
    const db = store(fileSystem, DIRECTORY)
    for (const index of [2, 0, 3, 1]) await db.put(keys[index], Uint8Array.of(index), { sync: true })
    await db.flush()
    await db.put(keys[4], Uint8Array.of(4))
    const killed = fileSystem.processCrashClone()
    await db.close()
    const recovered = store(killed, DIRECTORY)
    expect(await numbers(recovered)).toEqual([0, 1, 2, 3, 4])
    await recovered.close()
    expect(await verify(DIRECTORY, { fileSystem: killed })).toMatchObject({ opens: true, entries: 5, findings: [] })
    expect((await inspectDirectory(DIRECTORY, { fileSystem: killed })).problems).toEqual([])
    expect(await repair(DIRECTORY, '/repaired', { fileSystem: killed })).toMatchObject({ entries: 5, losses: [] })
    const repaired = store(killed, '/repaired')
    expect(await repaired.getMany(keys)).toEqual(keys.map((_, index) => Uint8Array.of(index)))
    await repaired.close()
  })
})

describe('the manifest of a store with long keys', () => {
  it('holds short bounds of its tables, and so does each table', { timeout: 240_000 }, async () => {
    const fileSystem = emptyFileSystem()
    const engine = await openLsm({ fileSystem, created: true })
    const bytes = 100 * KIB
    for (let number = 1; number <= 12; number++) await put(engine, (number * 5) % 13, bytes)
    await engine.flush()
    await engine.compact()
    const files = fileSystem.list(DIRECTORY).map(name => ({ name, bytes: fileSystem.stat(`${DIRECTORY}/${name}`)!.size }))
    const tables = files.filter(({ name }) => name.endsWith('.sst'))
    expect(tables.length).toBeGreaterThan(8)
    // One key each, and less than half of one besides: no second copy as a bound or a separator.
    for (const table of tables) expect(table.bytes).toBeLessThan(1.5 * bytes)
    // Two bounds of a kibibyte for every table that there ever was.
    expect(files.find(({ name }) => name.startsWith('MANIFEST'))!.bytes).toBeLessThan(3 * bytes)
    expect(numbersIn(engine, bytes)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(await violations(engine)).toEqual([])
    await engine.close()
  })
})
