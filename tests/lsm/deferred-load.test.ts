import { describe, expect, it } from 'vitest'
import type { Engine } from '../../src/engine/contract.js'
import { lsmEngine } from '../../src/lsm/whole-engine.js'
import { joinPath, simulatedEnvironment, type MemoryFileSystem } from '../../src/vfs/index.js'
import { fillOptions, keyOf } from '../contract/support/opened-engine.js'
import { SMALL_LSM } from '../contract/support/small-lsm.js'
import { HookedFileSystem } from './support/hooked-file-system.js'
import {
  DIRECTORY,
  emptyFileSystem,
  filler,
  get,
  leftovers,
  openLsm,
  put,
  scan,
  violations,
  type OpenSettings,
} from './support/opened-lsm.js'

const openDeferred = (settings: OpenSettings): Promise<Engine> => openLsm({ leastDeferredBytes: 0, ...settings })

const isLog = (name: string): boolean => name.endsWith('.log')

/** What a kill leaves: tables, and several logs with puts, deletions and a cleared range. Flushes stop half way. */
async function killed(): Promise<{ fileSystem: MemoryFileSystem; entries: string[] }> {
  const fileSystem = emptyFileSystem()
  const hooked = new HookedFileSystem(fileSystem)
  const engine = await openLsm({ fileSystem: hooked, created: true })
  for (let i = 0; i < 60; i++) await put(engine, `k${String(i).padStart(3, '0')}`, filler(300, i))
  await engine.flush()
  hooked.before = operation => {
    if (operation.kind === 'create' && operation.path.endsWith('.sst')) throw new Error('not now')
  }
  await engine.clear({ gte: keyOf('k010'), lt: keyOf('k050') }, { sync: false })
  for (let i = 40; fileSystem.list(DIRECTORY).filter(isLog).length < 3; i++)
    await put(engine, `k${String(i).padStart(3, '0')}`, filler(301, i))
  const entries = scan(engine)
  return { fileSystem: fileSystem.processCrashClone(), entries }
}

function damage(fileSystem: MemoryFileSystem, at: (size: number) => number): string {
  const path = joinPath(DIRECTORY, fileSystem.list(DIRECTORY).find(isLog)!)
  const file = fileSystem.openWrite(path)
  const byte = new Uint8Array(1)
  file.read(byte, at(file.size()))
  file.write(Uint8Array.of(byte[0] ^ 0x20), at(file.size()))
  file.close()
  return path
}

describe('logs that are loaded once the store is open', () => {
  it('are in whatever looks first', async () => {
    const { fileSystem, entries } = await killed()
    const [key, value] = entries.at(-1)!.split('=')
    const looks: [string, (engine: Engine) => unknown][] = [
      ['get', engine => expect(get(engine, key)).toBe(value)],
      ['a get of a cleared key', engine => expect(get(engine, 'k012')).toBeUndefined()],
      ['cursor', engine => expect(scan(engine)).toEqual(entries)],
      [
        'a cursor of a snapshot',
        engine => {
          const cursor = engine.cursor({}, engine.snapshot())
          let count = 0
          for (let valid = cursor.first(); valid; valid = cursor.next()) count++
          cursor.close()
          expect(count).toBe(entries.length)
        },
      ],
      ['approximateSize', engine => expect(engine.approximateSize({ gte: keyOf('k040') })).toBeGreaterThan(301)],
      ['stats', engine => expect(engine.stats().pending.memoryBytes).toBeGreaterThan(10_000)],
      ['shape', engine => expect((engine.shape() as unknown as { frozen: unknown[] }).frozen.length).toBeGreaterThan(0)],
      ['check', async engine => expect(await violations(engine)).toEqual([])],
      ['write', async engine => await put(engine, 'k000', 'new', true)],
      ['clear', async engine => await engine.clear({ gte: keyOf('z') }, { sync: false })],
      ['flush', engine => engine.flush()],
      ['compact', engine => engine.compact()],
      ['settle', engine => engine.settle()],
      ['share', async engine => (await engine.share!()).release()],
      ['close', engine => engine.close()],
    ]
    for (const [name, look] of looks) {
      const copy = fileSystem.processCrashClone()
      const engine = await openDeferred({ fileSystem: copy })
      await look(engine)
      if (name !== 'close') {
        const expected = name === 'write' ? ['k000=new', ...entries.slice(1)] : entries
        expect(scan(engine), name).toEqual(expected)
        await engine.settle()
        expect(leftovers(engine, copy), name).toEqual([])
        await engine.close()
      }
      const again = await openLsm({ fileSystem: copy })
      expect(scan(again), name).toHaveLength(entries.length)
      await again.close()
    }
  })

  it('go into memtables in the background, and no open reads them again', async () => {
    const { fileSystem, entries } = await killed()
    const engine = await openDeferred({ fileSystem })
    await engine.settle()
    expect(leftovers(engine, fileSystem)).toEqual([])
    expect(scan(engine)).toEqual(entries)
    await engine.close()
  })

  it('are read, and not changed, by an open for reading', async () => {
    const { fileSystem, entries } = await killed()
    const before = fileSystem.list(DIRECTORY)
    const factory = lsmEngine({ leastDeferredBytes: 0 })
    const environment = simulatedEnvironment({ seed: 1, fileSystem })
    const engine = await factory.open({
      environment,
      directory: DIRECTORY,
      created: false,
      inspecting: true,
      options: fillOptions(factory, SMALL_LSM),
    })
    expect(scan(engine)).toEqual(entries)
    await engine.close()
    expect(fileSystem.list(DIRECTORY)).toEqual(before)
  })

  it('are refused at opening where an undamaged part proves the damage', async () => {
    const { fileSystem } = await killed()
    const path = damage(fileSystem, () => 12)
    await expect(openDeferred({ fileSystem })).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION', file: path })
  })

  it('are an error for every look if they are damaged after the opening', async () => {
    const { fileSystem } = await killed()
    const hooked = new HookedFileSystem(fileSystem)
    const engine = await openDeferred({ fileSystem: hooked })
    const path = damage(fileSystem, size => size >> 1)
    const refusal = expect.objectContaining({ code: 'LEVEL_CORRUPTION', file: path }) as unknown
    for (let i = 0; i < 2; i++) expect(() => get(engine, 'k001')).toThrow(refusal)
    expect(() => scan(engine)).toThrow(refusal)
    await expect(Promise.resolve(put(engine, 'a', 'b'))).rejects.toEqual(refusal)
    await engine.close()
    expect(hooked.open.size).toBe(0)
  })

  it('are read at the next look if a file could not be read', async () => {
    const { fileSystem, entries } = await killed()
    for (let failAt = 0; failAt < 6; failAt++) {
      const hooked = new HookedFileSystem(fileSystem.processCrashClone())
      const engine = await openDeferred({ fileSystem: hooked })
      let operations = 0
      hooked.before = operation => {
        if (isLog(operation.path) && operations++ === failAt) throw new Error('not now')
      }
      let failures = 0
      for (let tries = 0; tries < 2; tries++) {
        try {
          expect(scan(engine)).toEqual(entries)
        } catch (error) {
          expect((error as Error).message).toContain('not now')
          failures++
        }
      }
      expect(failures, `at operation ${failAt}`).toBeLessThan(2)
      await put(engine, 'a', 'b')
      expect(scan(engine)).toHaveLength(entries.length + 1)
      await engine.close()
      expect(hooked.open.size).toBe(0)
    }
  })
})
