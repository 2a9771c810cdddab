import { describe, expect, it } from 'vitest'
import type { LsmShape } from '../../src/lsm/shape.js'
import type { Engine } from '../../src/engine/contract.js'
import { joinPath, type MemoryFileSystem } from '../../src/vfs/index.js'
import { HookedFileSystem } from './support/hooked-file-system.js'
import { DIRECTORY, emptyFileSystem, filler, get, openLsm, put, scan } from './support/opened-lsm.js'

const OPTIONS = { writeBufferSize: 4 << 20, level0Tables: 6, level0StopTables: 20 }

const logsOf = (fileSystem: MemoryFileSystem): string[] => fileSystem.list(DIRECTORY).filter(name => name.endsWith('.log'))

/** Counts the operations of one session by kind, with the files that it leaves. */
async function session(fileSystem: MemoryFileSystem, work: (engine: Engine) => Promise<void> | void = () => {}): Promise<Session> {
  const hooked = new HookedFileSystem(fileSystem)
  const counts: Record<string, number> = {}
  hooked.before = ({ kind }) => (counts[kind] = (counts[kind] ?? 0) + 1)
  const engine = await openLsm({ fileSystem: hooked, options: OPTIONS })
  await work(engine)
  await engine.close()
  const files = fileSystem.list(DIRECTORY)
  return { counts, files: files.length, logs: logsOf(fileSystem).length, tables: files.filter(name => name.endsWith('.sst')).length }
}

interface Session {
  readonly counts: Readonly<Record<string, number>>
  readonly files: number
  readonly logs: number
  readonly tables: number
}

async function created(entries: number): Promise<MemoryFileSystem> {
  const fileSystem = emptyFileSystem()
  const engine = await openLsm({ fileSystem, created: true, options: OPTIONS })
  for (let i = 0; i < entries; i++) await put(engine, `k${String(i).padStart(6, '0')}`, filler(100, i))
  await engine.close()
  return fileSystem
}

describe('one session after another', () => {
  it.each([0, 10, 5000])('open 122 costs what open 2 costs, over a store of %d entries in which nothing is written', async entries => {
    const fileSystem = await created(entries)
    await session(fileSystem)
    const second = await session(fileSystem)
    for (let i = 3; i < 122; i++) await session(fileSystem)
    expect(await session(fileSystem)).toEqual(second)
    expect(second.logs).toBeLessThanOrEqual(2)
    expect(second.counts['sync']).toBeLessThanOrEqual(8)
  })

  it('sessions of one small write each gather neither logs, nor tables, nor syncs', async () => {
    const fileSystem = await created(0)
    for (let i = 0; i < 200; i++) {
      const { counts, logs, tables } = await session(fileSystem, engine => put(engine, `k${i}`, 'v'))
      expect(logs).toBeLessThanOrEqual(6)
      expect(tables).toBeLessThanOrEqual(8)
      expect(counts['sync']).toBeLessThanOrEqual(20)
    }
    const engine = await openLsm({ fileSystem, options: OPTIONS })
    expect(scan(engine)).toHaveLength(200)
    await engine.close()
  })

  it('sessions that are killed at once gather few logs, and lose nothing', async () => {
    let fileSystem = await created(0)
    for (let i = 0; i < 100; i++) {
      const engine = await openLsm({ fileSystem, options: OPTIONS })
      expect(scan(engine)).toHaveLength(i)
      await put(engine, `k${i}`, 'v')
      fileSystem = fileSystem.processCrashClone()
      // The open behind the sixteenth waits for their flush.
      expect(logsOf(fileSystem).length).toBeLessThanOrEqual(17)
      await engine.close()
    }
  })

  it('sessions that are killed when the background is at rest gather no more than five', async () => {
    let fileSystem = await created(0)
    for (let i = 0; i < 30; i++) {
      const engine = await openLsm({ fileSystem, options: OPTIONS })
      await engine.settle()
      await put(engine, `k${i}`, 'v')
      fileSystem = fileSystem.processCrashClone()
      expect(logsOf(fileSystem).length).toBeLessThanOrEqual(5)
      await engine.close()
    }
  })
})

describe('a clean close', () => {
  it('leaves nothing to replay of a large memtable', async () => {
    const fileSystem = await created(20_000)
    const bytes = logsOf(fileSystem).reduce((sum, name) => sum + fileSystem.stat(joinPath(DIRECTORY, name))!.size, 0)
    expect(bytes).toBeLessThan(64 << 10)
    const engine = await openLsm({ fileSystem, options: OPTIONS })
    expect(engine.stats().ledger.read.open).toBeLessThan(64 << 10)
    expect((engine.shape() as LsmShape).levels.reduce((sum, level) => sum + level.entries, 0)).toBe(20_000)
    await engine.close()
  })

  it('leaves a small log as it is', async () => {
    const fileSystem = await created(100)
    expect(fileSystem.list(DIRECTORY).filter(name => name.endsWith('.sst'))).toEqual([])
  })

  it('on a disk that takes no table leaves everything in the logs', async () => {
    const fileSystem = emptyFileSystem()
    const hooked = new HookedFileSystem(fileSystem)
    const engine = await openLsm({ fileSystem: hooked, created: true, options: OPTIONS })
    for (let i = 0; i < 5000; i++) await put(engine, `k${i}`, filler(100, i))
    hooked.before = ({ kind, path }) => {
      if (kind === 'create') throw new Error(`no space for ${path}`)
    }
    await engine.close()
    hooked.before = () => {}
    expect(hooked.open.size).toBe(0)
    const again = await openLsm({ fileSystem, options: OPTIONS })
    expect(scan(again)).toHaveLength(5000)
    expect(get(again, 'k4999')).toBe(filler(100, 4999))
    await again.close()
  })
})
