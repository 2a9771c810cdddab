import { describe, expect, it } from 'vitest'
import type { Engine } from '../../src/engine/contract.js'
import { CorruptionError } from '../../src/errors.js'
import { joinPath, type MemoryFileSystem } from '../../src/vfs/index.js'
import { HookedFileSystem } from './support/hooked-file-system.js'
import { DIRECTORY, emptyFileSystem, filler, get, leftovers, openLsm, put, scan, tablesOf, violations } from './support/opened-lsm.js'

const logsOf = (fileSystem: MemoryFileSystem): string[] => fileSystem.list(DIRECTORY).filter(name => name.endsWith('.log'))

function flip(fileSystem: MemoryFileSystem, name: string, at: number): void {
  const file = fileSystem.openWrite(joinPath(DIRECTORY, name))
  const byte = new Uint8Array(1)
  file.read(byte, at)
  file.write(Uint8Array.of(byte[0] ^ 0x20), at)
  file.close()
}

function cut(fileSystem: MemoryFileSystem, name: string, bytes: number): void {
  const file = fileSystem.openWrite(joinPath(DIRECTORY, name))
  file.truncate(Math.max(0, file.size() - bytes))
  file.close()
}

async function fill(engine: Engine, count: number, bytes = 300): Promise<void> {
  for (let i = 0; i < count; i++) await put(engine, `k${String(i).padStart(4, '0')}`, filler(bytes, i))
}

/** Flushes never get to write a table, so logs gather. */
function holdFlushes(hooked: HookedFileSystem): void {
  hooked.before = operation => {
    if (operation.kind === 'create' && operation.path.endsWith('.sst')) throw new Error('not now')
  }
}

/** Two logs and more, none of them flushed; synced after the first `syncedFrom` writes, if given. */
async function severalLogs(sync: 'never' | 'at the end'): Promise<{ fileSystem: MemoryFileSystem; written: number }> {
  const fileSystem = emptyFileSystem()
  const hooked = new HookedFileSystem(fileSystem)
  const engine = await openLsm({ fileSystem: hooked, created: true })
  holdFlushes(hooked)
  let written = 0
  while (logsOf(fileSystem).length < 3) await put(engine, `k${String(written).padStart(4, '0')}`, filler(300, written++))
  for (let more = 0; more < 5; more++) await put(engine, `k${String(written).padStart(4, '0')}`, filler(300, written++))
  if (sync === 'at the end') {
    await put(engine, `k${String(written).padStart(4, '0')}`, filler(300, written++), true)
    await put(engine, `k${String(written).padStart(4, '0')}`, filler(300, written++), true)
  }
  // The engine is abandoned as by a killed process.
  return { fileSystem: fileSystem.processCrashClone(), written }
}

describe('opening', () => {
  it('names a table that is missing or has another size', async () => {
    const fileSystem = emptyFileSystem()
    const engine = await openLsm({ fileSystem, created: true })
    await fill(engine, 50)
    await engine.compact()
    const name = `${String(tablesOf(engine)[0]).padStart(6, '0')}.sst`
    await engine.close()
    const shorter = fileSystem.processCrashClone()
    cut(shorter, name, 1)
    await expect(openLsm({ fileSystem: shorter })).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION', file: joinPath(DIRECTORY, name) })
    fileSystem.remove(joinPath(DIRECTORY, name))
    await expect(openLsm({ fileSystem })).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION', file: joinPath(DIRECTORY, name) })
  })

  it('names a log that is missing', async () => {
    const fileSystem = emptyFileSystem()
    const engine = await openLsm({ fileSystem, created: true })
    await put(engine, 'a', '1')
    await engine.close()
    const [name] = logsOf(fileSystem)
    fileSystem.remove(joinPath(DIRECTORY, name))
    await expect(openLsm({ fileSystem })).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION', file: joinPath(DIRECTORY, name) })
  })

  it('after a kill finds everything acknowledged, from all logs', async () => {
    const { fileSystem, written } = await severalLogs('never')
    const engine = await openLsm({ fileSystem })
    expect(scan(engine)).toHaveLength(written)
    expect(await violations(engine)).toEqual([])
    await engine.close()
  })

  it('takes logs larger than a memtable of now', async () => {
    const fileSystem = emptyFileSystem()
    const engine = await openLsm({ fileSystem, created: true, options: { writeBufferSize: 1 << 20 } })
    await fill(engine, 500)
    await put(engine, 'large', filler(200_000))
    await engine.close()
    const again = await openLsm({ fileSystem, options: { writeBufferSize: 16 << 10 } })
    expect(scan(again)).toHaveLength(501)
    expect(get(again, 'large')).toHaveLength(200_000)
    await again.settle()
    expect(leftovers(again, fileSystem)).toEqual([])
    expect(logsOf(fileSystem)).toHaveLength(1)
    await again.close()
  })

  it('drops what lies behind a hole between logs: a prefix is what is left', async () => {
    const { fileSystem, written } = await severalLogs('never')
    const [first] = logsOf(fileSystem)
    cut(fileSystem, first, 400)
    const engine = await openLsm({ fileSystem })
    const found = scan(engine)
    expect(found.length).toBeGreaterThan(10)
    expect(found.length).toBeLessThan(written - 20)
    expect(found.map(entry => entry.slice(0, 5))).toEqual(found.map((_, i) => `k${String(i).padStart(4, '0')}`))
    await put(engine, 'new', 'x', true)
    await engine.close()
    // The logs behind the hole are gone: the next opening meets no hole.
    const again = await openLsm({ fileSystem })
    expect(scan(again)).toHaveLength(found.length + 1)
    await again.close()
  })

  it('reports a hole that a later sync proves to have been durable', async () => {
    const { fileSystem } = await severalLogs('at the end')
    const [first, second] = logsOf(fileSystem)
    const shorter = fileSystem.processCrashClone()
    cut(shorter, first, 400)
    await expect(openLsm({ fileSystem: shorter })).rejects.toBeInstanceOf(CorruptionError)
    const without = fileSystem.processCrashClone()
    without.remove(joinPath(DIRECTORY, second))
    await expect(openLsm({ fileSystem: without })).rejects.toBeInstanceOf(CorruptionError)
  })

  it('after a clean close reports any flipped byte of a log, or has lost nothing by it', async () => {
    const original = emptyFileSystem()
    const engine = await openLsm({ fileSystem: original, created: true })
    await fill(engine, 20, 30)
    await engine.close()
    const [name] = logsOf(original)
    const size = original.stat(joinPath(DIRECTORY, name))!.size
    let reported = 0
    for (let at = 0; at < size; at++) {
      const fileSystem = original.processCrashClone()
      flip(fileSystem, name, at)
      try {
        const again = await openLsm({ fileSystem })
        expect(scan(again)).toHaveLength(20)
        await again.close()
      } catch (error) {
        expect(error, `byte ${at}`).toMatchObject({ file: joinPath(DIRECTORY, name) })
        reported++
      }
    }
    // All but those of the marker of the clean close.
    expect(reported).toBeGreaterThanOrEqual(size - 16)
  })

  it('that fails leaves no handle open, and changes nothing that the next one needs', async () => {
    const { fileSystem, written } = await severalLogs('never')
    for (let failAt = 0; ; failAt++) {
      const hooked = new HookedFileSystem(fileSystem.processCrashClone())
      let operations = 0
      hooked.before = operation => {
        if (operations++ === failAt) throw new Error(`${operation.kind} failed`)
      }
      const outcome = await openLsm({ fileSystem: hooked, options: { writeBufferSize: 20 << 10 } }).catch((error: unknown) => error)
      hooked.before = () => {}
      if (!(outcome instanceof Error)) {
        await (outcome as Engine).close()
        // A leftover could not be removed, or everything went well.
        if (operations <= failAt) break
        continue
      }
      expect(hooked.open.size, `after a failure of operation ${failAt}`).toBe(0)
      const engine = await openLsm({ fileSystem: hooked })
      expect(scan(engine)).toHaveLength(written)
      await engine.close()
    }
  })

  it('that finds a damaged table leaves the manifest current, and no handle open', async () => {
    const fileSystem = emptyFileSystem()
    const engine = await openLsm({ fileSystem, created: true })
    await fill(engine, 100)
    await engine.flush()
    const snapshot = engine.snapshot()
    await engine.clear({}, { sync: false })
    await engine.flush()
    const table = `${String(tablesOf(engine).at(-1)).padStart(6, '0')}.sst`
    snapshot.release()
    const damaged = fileSystem.processCrashClone()
    await engine.close()
    flip(damaged, table, 8)
    const before = damaged.list(DIRECTORY).filter(name => name.startsWith('MANIFEST'))
    const hooked = new HookedFileSystem(damaged)
    await expect(openLsm({ fileSystem: hooked })).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION', file: joinPath(DIRECTORY, table) })
    expect(hooked.open.size).toBe(0)
    expect(damaged.list(DIRECTORY).filter(name => name.startsWith('MANIFEST'))).toEqual(before)
  })

  it('a directory whose creation was cut short starts empty over what is there', async () => {
    const fileSystem = emptyFileSystem()
    for (const name of ['000001.log', '000007.sst', 'MANIFEST-000003', 'CURRENT.tmp']) {
      const file = fileSystem.create(joinPath(DIRECTORY, name))
      file.write(Uint8Array.of(1, 2, 3), 0)
      file.close()
    }
    const engine = await openLsm({ fileSystem, created: true })
    expect(scan(engine)).toEqual([])
    expect(leftovers(engine, fileSystem)).toEqual([])
    expect(fileSystem.list(DIRECTORY).every(name => name === 'CURRENT' || Number(/\d+/.exec(name)![0]) > 7)).toBe(true)
    await engine.close()
  })
})
