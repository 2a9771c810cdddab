import { describe, expect, it } from 'vitest'
import { loadHash32 } from '../../src/codec/checksum.js'
import { builtInEngines, Kvarium, repair, verify } from '../../src/index.js'
import { inspectDirectory } from '../../src/inspect/index.js'
import { encodeIdentity, IDENTITY } from '../../src/store/identity.js'
import { MemoryFileSystem } from '../../src/vfs/index.js'
import { changesImage, FaultyFileSystem, type FileOperation } from '../../src/vfs/testing/faulty-file-system.js'
import { DIRECTORY } from '../damage/support/small-store.js'
import { SMALL, TARGET } from './support/cut-sweep.js'

const ENTRIES = 250
const WORKING = `${DIRECTORY}/KVARIUM.repair`
const LOST = `${DIRECTORY}/KVARIUM.lost`
const USERS = [`${DIRECTORY}/notes.txt`, `${DIRECTORY}/mine/000001.log`]

type Contents = readonly [string, string][]

async function healthyStore(engine: string): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem, ...SMALL })
  for (let i = 0; i < ENTRIES; i++) {
    await db.put(`key${String(i).padStart(4, '0')}`, 'v'.repeat(100))
    if (i % 150 === 100) await db.flush()
  }
  await db.del('key0007')
  await db.close()
  for (const path of USERS) {
    fileSystem.makeDirectory(path.slice(0, path.lastIndexOf('/')))
    const file = fileSystem.create(path)
    file.write(Uint8Array.of(1, 2, 3), 0)
    await file.sync()
    file.close()
  }
  for (const directory of [DIRECTORY, `${DIRECTORY}/mine`]) await fileSystem.syncDirectory(directory)
  return fileSystem
}

/** A store with a damaged block or page that matters, and the name of the file that has it. */
async function damagedStore(engine: string): Promise<{ fileSystem: MemoryFileSystem; damaged: string }> {
  const fileSystem = await healthyStore(engine)
  return { fileSystem, damaged: await damage(fileSystem, engine) }
}

async function damage(fileSystem: MemoryFileSystem, engine: string): Promise<string> {
  const damaged = fileSystem.list(DIRECTORY).find(name => /\.(sst|btree)$/.test(name))!
  for (let at = engine === 'lsm' ? 100 : 8292; ; at += 4096) {
    const file = fileSystem.openWrite(`${DIRECTORY}/${damaged}`)
    file.write(Uint8Array.of(0x5a, 0xa5, 0x5a), at)
    await file.sync()
    file.close()
    const { entries } = await repair(DIRECTORY, TARGET, { fileSystem: fileSystem.processCrashClone(), engine, engineOptions: SMALL })
    if (entries < ENTRIES - 1) return damaged
  }
}

/** Every file with its bytes, but for what a repair in place that did not get far leaves. */
function stateOf(fileSystem: MemoryFileSystem): Map<string, string> {
  const state = new Map<string, string>()
  for (const [path, size] of fileSystem.files()) {
    if (path.startsWith(WORKING)) continue
    const bytes = new Uint8Array(size)
    const file = fileSystem.openRead(path)
    file.read(bytes, 0)
    file.close()
    state.set(path, Buffer.from(bytes).toString('latin1'))
  }
  return state
}

async function contentsOf(fileSystem: MemoryFileSystem | FaultyFileSystem, engine: string, location = DIRECTORY): Promise<Contents> {
  const db = new Kvarium(location, { engine: builtInEngines.resolve(engine), fileSystem, createIfMissing: false, ...SMALL })
  try {
    return await db.iterator().all()
  } finally {
    await db.close()
  }
}

/** What a repair into another directory saves. */
async function savedOf(fileSystem: MemoryFileSystem, engine: string): Promise<Contents> {
  const image = fileSystem.processCrashClone()
  await repair(DIRECTORY, TARGET, { fileSystem: image, engine, engineOptions: SMALL })
  return contentsOf(image, engine, TARGET)
}

function expectUsersFiles(fileSystem: MemoryFileSystem): void {
  for (const path of USERS) expect(fileSystem.stat(path)).toMatchObject({ kind: 'file', size: 3 })
}

/** The images that a crash before any operation of `work` may leave, each made by `inner`. */
async function crashImages(inner: MemoryFileSystem, work: (fileSystem: FaultyFileSystem) => Promise<unknown>): Promise<MemoryFileSystem[]> {
  const images: MemoryFileSystem[] = []
  const fileSystem = new FaultyFileSystem(inner)
  fileSystem.before = operation => {
    if (!changesImage(operation)) return
    images.push(inner.processCrashClone(), images.length % 4 === 0 ? inner.crashClone('none') : inner.crashClone(images.length))
  }
  await work(fileSystem)
  return [...images, inner.processCrashClone(), inner.crashClone('none')]
}

const repairIn = (fileSystem: MemoryFileSystem | FaultyFileSystem) => Kvarium.repair(DIRECTORY, { fileSystem, engineOptions: SMALL })

describe.each(['lsm', 'btree'])('a repair of %s in place', engine => {
  it('saves what a repair into another directory saves, and keeps the damaged file and what is not of the store', async () => {
    const { fileSystem, damaged } = await damagedStore(engine)
    const saved = await savedOf(fileSystem, engine)
    expect(saved.length).toBeGreaterThan(100)
    expect(saved.length).toBeLessThan(ENTRIES - 1)
    const before = stateOf(fileSystem)
    const report = await repairIn(fileSystem)
    expect(report).toMatchObject({ directory: DIRECTORY, target: DIRECTORY, engine, entries: saved.length })
    expect(report.losses.map(({ file }) => file)).toEqual([`${DIRECTORY}/${damaged}`])
    expect(stateOf(fileSystem).get(`${LOST}/${damaged}`)).toBe(before.get(`${DIRECTORY}/${damaged}`))
    expect(fileSystem.list(LOST)).toEqual([damaged])
    expect(fileSystem.stat(WORKING)).toBeUndefined()
    expect(await contentsOf(fileSystem, engine)).toEqual(saved)
    expect((await verify(DIRECTORY, { fileSystem })).findings).toEqual([])
    expectUsersFiles(fileSystem)
  })

  it('that dies at any operation leaves the old store or the repaired one', async () => {
    const { fileSystem } = await damagedStore(engine)
    const saved = await savedOf(fileSystem, engine)
    const before = stateOf(fileSystem)
    const isOld = (image: MemoryFileSystem): boolean => {
      const now = stateOf(image)
      return now.size === before.size && [...before].every(([path, bytes]) => now.get(path) === bytes)
    }
    const images = await crashImages(fileSystem, repairIn)
    const replaced = images.filter(image => !isOld(image))
    expect(replaced.length).toBeGreaterThan(20)
    expect(images.length - replaced.length).toBeGreaterThan(40)
    for (const [index, image] of images.entries()) {
      if (index % 5 === 0) {
        const report = await verify(DIRECTORY, { fileSystem: image.processCrashClone() })
        expect(report.findings.length === 0).toBe(!isOld(image))
        const look = await inspectDirectory(DIRECTORY, { fileSystem: image })
        expect(look).toMatchObject({ engine, problems: [] })
      }
      if (isOld(image)) expect(await repairIn(image)).toMatchObject({ entries: saved.length })
      expect(await contentsOf(image, engine)).toEqual(saved)
      expect(image.stat(WORKING)).toBeUndefined()
      expect(image.list(LOST)).toHaveLength(1)
      expectUsersFiles(image)
    }
    // The open that finishes it may die as well, and so may a second repair, or a destruction.
    const half = replaced[0]
    for (const image of await crashImages(half.processCrashClone(), work => contentsOf(work, engine))) {
      expect(await contentsOf(image, engine)).toEqual(saved)
    }
    for (const image of await crashImages(half.processCrashClone(), repairIn)) {
      await repairIn(image)
      expect(await contentsOf(image, engine)).toEqual(saved)
      expect(image.list(LOST)).toHaveLength(1)
    }
    for (const image of await crashImages(half.processCrashClone(), work => Kvarium.destroy(DIRECTORY, { fileSystem: work }))) {
      const opened = image.list(DIRECTORY).includes(IDENTITY) ? await contentsOf(image, engine) : undefined
      if (opened !== undefined) expect(opened).toEqual(saved)
      if (image.list(DIRECTORY).length > 2) await Kvarium.destroy(DIRECTORY, { fileSystem: image })
      expect(image.list(DIRECTORY)).toEqual(['mine', 'notes.txt'])
    }
  }, 240_000)

  it('whose operation fails, once or on a full disk, leaves the old store or the repaired one', async () => {
    const { fileSystem: original } = await damagedStore(engine)
    const saved = await savedOf(original, engine)
    const before = stateOf(original)
    const isHit = (operation: FileOperation): boolean => changesImage(operation)
    for (const [code, times] of [['EIO', 1] as const, ['ENOSPC', Infinity] as const]) {
      for (let skip = 0; ; skip++) {
        const inner = original.processCrashClone()
        const fileSystem = new FaultyFileSystem(inner)
        fileSystem.inject({ on: isHit, skip, times, effect: { kind: 'error', code, done: 'nothing' } })
        const failure = await repairIn(fileSystem).then(
          () => undefined,
          (error: unknown) => error,
        )
        if (fileSystem.hits === 0) break
        if (failure !== undefined) expect(failure).toMatchObject({ code: 'LEVEL_IO_ERROR' })
        if ([...before].every(([path, bytes]) => stateOf(inner).get(path) === bytes)) await repairIn(inner)
        expect(await contentsOf(inner, engine)).toEqual(saved)
        expect(inner.stat(WORKING)).toBeUndefined()
        expectUsersFiles(inner)
      }
    }
  }, 240_000)

  it('of a sound store loses nothing, twice in a row, and removes the old files', async () => {
    const fileSystem = await healthyStore(engine)
    const contents = await contentsOf(fileSystem, engine)
    expect(contents).toHaveLength(ENTRIES - 1)
    for (let round = 0; round < 2; round++) {
      expect(await repairIn(fileSystem)).toMatchObject({ entries: contents.length, losses: [] })
      expect(fileSystem.stat(LOST)).toBeUndefined()
    }
    expect(await contentsOf(fileSystem, engine)).toEqual(contents)
  })

  it('keeps the damaged files of every repair under names of their own', async () => {
    const { fileSystem, damaged } = await damagedStore(engine)
    await repairIn(fileSystem)
    const again = await damage(fileSystem, engine)
    fileSystem.rename(`${LOST}/${damaged}`, `${LOST}/${again}`)
    await repairIn(fileSystem)
    expect(fileSystem.list(LOST)).toEqual([again, `${again}.2`])
    await Kvarium.destroy(DIRECTORY, { fileSystem })
    expect(fileSystem.list(DIRECTORY)).toEqual(['mine', 'notes.txt'])
  })

  it('of a store whose KVARIUM is lost makes it a store again', async () => {
    const fileSystem = new MemoryFileSystem()
    const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem, ...SMALL })
    await db.put('a', 'b')
    await db.close()
    fileSystem.remove(`${DIRECTORY}/${IDENTITY}`)
    const { losses } = await repairIn(fileSystem)
    expect(losses.map(({ file }) => file)).toEqual([`${DIRECTORY}/${IDENTITY}`])
    expect(await contentsOf(fileSystem, engine)).toEqual([['a', 'b']])
    expect(fileSystem.stat(LOST)).toBeUndefined()
  })

  it('is refused while the store is open, and where there is no store', async () => {
    const fileSystem = await healthyStore(engine)
    const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem, ...SMALL })
    await db.open()
    await expect(repairIn(fileSystem)).rejects.toMatchObject({ code: 'LEVEL_LOCKED' })
    await db.close()
    await expect(Kvarium.repair('/nowhere', { fileSystem })).rejects.toMatchObject({ code: 'LEVEL_NOT_FOUND' })
    await expect(Kvarium.repair('', { fileSystem })).rejects.toMatchObject({ code: 'LEVEL_INVALID_LOCATION' })
  })

  it('that can neither be finished nor begun says which file is missing, and can be repaired', async () => {
    const fileSystem = await healthyStore(engine)
    const contents = await contentsOf(fileSystem, engine)
    fileSystem.remove(`${DIRECTORY}/${IDENTITY}`)
    const marker = fileSystem.create(`${DIRECTORY}/${IDENTITY}`)
    marker.write(encodeIdentity(engine, await loadHash32(), 2), 0)
    marker.close()
    const failure = await contentsOf(fileSystem, engine).catch((error: unknown) => error)
    expect(failure).toMatchObject({ cause: { code: 'LEVEL_CORRUPTION', file: `${WORKING}/KVARIUM` } })
    const { losses } = await repairIn(fileSystem)
    expect(losses.map(({ file }) => file)).toEqual([`${WORKING}/KVARIUM`])
    expect(await contentsOf(fileSystem, engine)).toEqual(contents)
  })
})
