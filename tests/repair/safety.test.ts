import { describe, expect, it } from 'vitest'
import { builtInEngines, Kvarium, repair, verify } from '../../src/index.js'
import { FaultyFileSystem, type FileOperation } from '../../src/vfs/testing/faulty-file-system.js'
import { MemoryFileSystem } from '../../src/vfs/index.js'
import { filesOf, sameBytes, DIRECTORY } from '../damage/support/small-store.js'
import { SMALL, TARGET } from './support/cut-sweep.js'

const ENTRIES = 300

async function damagedStore(engine: string): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem, ...SMALL })
  for (let i = 0; i < ENTRIES; i++) await db.put(`key${String(i).padStart(4, '0')}`, 'v'.repeat(100))
  await db.flush()
  await db.close()
  fileSystem.remove(`${DIRECTORY}/KVARIUM`)
  await fileSystem.syncDirectory(DIRECTORY)
  return fileSystem
}

async function entriesOf(fileSystem: MemoryFileSystem, location: string, engine: string): Promise<number> {
  const db = new Kvarium(location, { engine: builtInEngines.resolve(engine), fileSystem, createIfMissing: false, ...SMALL })
  const { length } = await db.keys().all()
  await db.close()
  return length
}

function unchanged(now: ReadonlyMap<string, Uint8Array>, before: ReadonlyMap<string, Uint8Array>): boolean {
  return now.size === before.size && [...before].every(([name, bytes]) => now.has(name) && sameBytes(bytes, now.get(name)!))
}

describe.each(['lsm', 'btree'])('a repair of %s', engine => {
  it('that is killed at any operation leaves no store that lacks entries, and can be run again', async () => {
    const images: MemoryFileSystem[] = []
    const inner = await damagedStore(engine)
    const before = filesOf(inner)
    const fileSystem = new FaultyFileSystem(inner)
    fileSystem.before = ({ kind }) => {
      if (kind === 'read' || kind === 'stat' || kind === 'size' || kind === 'list') return
      images.push(inner.processCrashClone(), inner.crashClone('none'), inner.crashClone(images.length))
    }
    await repair(DIRECTORY, TARGET, { fileSystem, engine, engineOptions: SMALL })
    expect(images.length).toBeGreaterThan(60)
    let finished = 0
    for (const image of images) {
      expect(unchanged(filesOf(image), before)).toBe(true)
      if (image.stat(`${TARGET}/KVARIUM`) === undefined) {
        expect(await repair(DIRECTORY, TARGET, { fileSystem: image, engine, engineOptions: SMALL })).toMatchObject({ entries: ENTRIES })
      } else {
        finished++
      }
      expect(await entriesOf(image, TARGET, engine)).toBe(ENTRIES)
    }
    expect(finished).toBeGreaterThan(0)
  }, 240_000)

  it('on a full disk fails, leaves the old files as they were, and removes what it wrote', async () => {
    const inner = await damagedStore(engine)
    const before = filesOf(inner)
    const isWrite = ({ kind, path }: FileOperation): boolean => kind === 'write' && path.startsWith(TARGET)
    for (let skip = 0; ; skip++) {
      const fileSystem = new FaultyFileSystem(inner)
      fileSystem.inject({ on: isWrite, skip, times: Infinity, effect: { kind: 'error', code: 'ENOSPC', done: 3 } })
      const failure = await repair(DIRECTORY, TARGET, { fileSystem, engine, engineOptions: SMALL }).catch((error: unknown) => error)
      expect(unchanged(filesOf(inner), before)).toBe(true)
      if (inner.stat(`${TARGET}/KVARIUM`) !== undefined) break
      expect(failure).toBeInstanceOf(Error)
      expect(inner.stat(TARGET)).toBeUndefined()
    }
    expect(await entriesOf(inner, TARGET, engine)).toBe(ENTRIES)
  }, 240_000)
})

describe('verify', () => {
  it.each(['lsm', 'btree'])('lists every damaged block or page of %s, each once, and counts what can be read', async engine => {
    const fileSystem = new MemoryFileSystem()
    const options = { engine: builtInEngines.resolve(engine), fileSystem, writeBufferSize: 256 << 10, compression: 'none' } as const
    const db = new Kvarium(DIRECTORY, options)
    for (let i = 0; i < 400; i++) await db.put(`key${String(i).padStart(4, '0')}`, 'v'.repeat(100))
    await db.flush()
    await db.close()
    const name = [...filesOf(fileSystem).keys()].find(each => /\.(sst|btree)$/.test(each))!
    const file = fileSystem.openWrite(`${DIRECTORY}/${name}`)
    const places = engine === 'lsm' ? [100, 9000, 17_000] : [9000, 13_000, 17_500]
    for (const place of places) file.write(Uint8Array.of(0x5a, 0xa5, 0x5a), place)
    file.close()
    const report = await verify(DIRECTORY, { fileSystem, engine })
    const offsets = report.findings.map(finding => finding.offset)
    expect(report.findings.map(finding => finding.file)).toEqual(places.map(() => `${DIRECTORY}/${name}`))
    expect(new Set(offsets).size).toBe(places.length)
    expect(report.entries).toBeGreaterThan(200)
    expect(report.entries).toBeLessThan(400)
    const { entries, losses } = await repair(DIRECTORY, TARGET, { fileSystem, engine })
    expect(entries).toBe(report.entries)
    expect(losses).toHaveLength(places.length)
  })
})
