import { describe, expect, it } from 'vitest'
import { backup, builtInEngines, Kvarium, type BackupProgress } from '../../src/index.js'
import type { FileSystem } from '../../src/vfs/file-system.js'
import { LimitedFileSystem, MemoryFileSystem } from '../../src/vfs/index.js'
import { nodeEnvironment } from '../../src/vfs/node/node-environment.js'
import { DIRECTORY } from '../damage/support/small-store.js'
import { SMALL } from '../repair/support/cut-sweep.js'
import { slice } from '../support/thoroughness.js'
import { BadDisk, contentsOf, crashImages, filesOf, run, soundBackup, TARGET, TwoDisks, write } from './support/backups.js'

describe.each(['lsm', 'btree'])('a backup of %s', engine => {
  it('has every entry, also those of the log, and the store stays as it is', async () => {
    const fileSystem = new MemoryFileSystem()
    await write(fileSystem, engine, 0, 120)
    const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem, ...SMALL })
    for (let i = 0; i < 30; i++) await db.put(`late${i}`, 'in the log alone')
    const killed = fileSystem.processCrashClone()
    await db.close()
    const before = filesOf(killed, DIRECTORY)
    const expected = await contentsOf(killed, DIRECTORY, engine)
    const phases = new Set<BackupProgress['phase']>()
    const report = await run(killed, { verify: true, onProgress: ({ phase }) => phases.add(phase) })
    expect(report).toMatchObject({
      directory: DIRECTORY,
      target: TARGET,
      engine,
      incremental: false,
      entries: expected.length,
      keptBytes: 0,
    })
    expect(report.bytes).toBe([...filesOf(killed, TARGET).values()].reduce((sum, { length }) => sum + length, 0))
    expect(phases).toContain('check')
    expect(filesOf(killed, DIRECTORY)).toEqual(before)
    await soundBackup(killed, engine, expected)
  })

  it('that is incremental keeps what is the same, is equal to the store, and can be repeated', async () => {
    const memory = new MemoryFileSystem()
    const fileSystem = new TwoDisks(memory)
    await write(fileSystem, engine, 0, 200)
    await run(fileSystem, { incremental: true })
    let kept = 0
    for (let round = 1; round <= 3; round++) {
      await write(fileSystem, engine, 200 * round, 60)
      const expected = await contentsOf(fileSystem, DIRECTORY, engine)
      const report = await run(fileSystem, { incremental: true, verify: true })
      expect(report).toMatchObject({ incremental: true, linkedBytes: 0, entries: expected.length })
      kept += report.keptBytes
      await soundBackup(fileSystem, engine, expected)
      expect(memory.list(TARGET).filter(name => name.startsWith('KVARIUM'))).toEqual(['KVARIUM'])
    }
    if (engine === 'lsm') expect(kept).toBeGreaterThan(0)
    const again = await run(fileSystem, { incremental: true })
    expect(again.sequence).toBeGreaterThan(300)
  })

  it('that is incremental and dies at any operation leaves the earlier backup or the new one, and can be run again', async () => {
    const memory = new MemoryFileSystem()
    await write(new TwoDisks(memory), engine, 0, 120)
    await run(new TwoDisks(memory))
    const earlier = await contentsOf(memory, TARGET, engine)
    await write(new TwoDisks(memory), engine, 100, 40)
    const newer = await contentsOf(memory, DIRECTORY, engine)
    let images = await crashImages(memory, { incremental: true })
    expect(images.length).toBeGreaterThan(25)
    images = images.filter((_, i) => i % slice(2, 1) === 0)
    let replaced = 0
    for (const [index, image] of images.entries()) {
      const found = await contentsOf(image, TARGET, engine)
      const isNew = found.length === newer.length
      if (isNew) replaced++
      expect(found).toEqual(isNew ? newer : earlier)
      if (index % 4 !== 0) continue
      await run(new TwoDisks(image), { incremental: true })
      await soundBackup(image, engine, newer)
    }
    expect(replaced).toBeGreaterThan(2)
    expect(replaced).toBeLessThan(images.length)
  })

  it('that dies at any operation leaves no store or the whole, and can be run again', async () => {
    const memory = new MemoryFileSystem()
    await write(new TwoDisks(memory), engine, 0, 60)
    const expected = await contentsOf(memory, DIRECTORY, engine)
    let images = await crashImages(memory)
    images = images.filter((_, i) => i % slice(2, 1) === 0)
    let finished = 0
    for (const image of images) {
      const found = await contentsOf(image, TARGET, engine).catch(() => undefined)
      if (found === undefined) await run(new TwoDisks(image))
      else finished++
      expect(await contentsOf(image, TARGET, engine)).toEqual(expected)
    }
    expect(finished).toBeLessThan(images.length)
  })

  it('on a full disk, or aborted, leaves nothing, or the earlier backup', async () => {
    const memory = new MemoryFileSystem()
    await write(new TwoDisks(memory), engine, 0, 100)
    const size = memory.bytesInUse()
    const full = (bytes: number, directories = [DIRECTORY, TARGET]): FileSystem =>
      new TwoDisks(new LimitedFileSystem(memory, bytes, directories))
    await expect(run(full(size + 2000, [DIRECTORY]))).rejects.toMatchObject({
      code: expect.stringMatching(/LEVEL_IO_ERROR|ENOSPC/) as string,
    })
    expect(memory.stat(TARGET)).toBeUndefined()
    await expect(run(memory, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'LEVEL_ABORTED' })
    expect(memory.stat(TARGET)).toBeUndefined()
    await run(new TwoDisks(memory))
    await write(new TwoDisks(memory), engine, 100, 100)
    const before = filesOf(memory, TARGET)
    await expect(run(full(memory.bytesInUse() + 2000), { incremental: true })).rejects.toThrow()
    expect(filesOf(memory, TARGET)).toEqual(before)
    await expect(run(memory, { incremental: true, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'LEVEL_ABORTED' })
    expect(filesOf(memory, TARGET)).toEqual(before)
  })

  it('has the expiries of the store, and what expires while both are compared is in both', async () => {
    const fileSystem = new MemoryFileSystem()
    const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem })
    const start = Date.now()
    for (let i = 0; i < 200; i++) await db.put(`key${i}`, 'v', { ttl: 1_000_000 + i })
    await db.close()
    // Some milliseconds go by whenever the time is asked for.
    let now = start + 1_000_000
    const clock = { now: () => performance.now(), wallTime: () => (now += 5) }
    const environment = { ...nodeEnvironment(), fileSystem, clock }
    const { entries } = await backup(DIRECTORY, TARGET, { environment, verify: true })
    expect(entries).toBeGreaterThan(100)
    const copy = new Kvarium(TARGET, { engine: builtInEngines.resolve(engine), fileSystem, readOnly: true })
    await copy.open()
    expect(await copy.expiresAt('key199')).toBeGreaterThan(start + 1_000_000)
    await copy.close()
  })

  it('on a disk that changes a byte is found to differ by `verify`, and does not take the place of the earlier one', async () => {
    const memory = new MemoryFileSystem()
    await write(memory, engine, 0, 100)
    const bad = new TwoDisks(new BadDisk(memory))
    await expect(run(bad, { verify: true })).rejects.toMatchObject({
      code: expect.stringMatching(/LEVEL_BACKUP_DIFFERS|LEVEL_CORRUPTION/) as string,
    })
    expect(memory.stat(TARGET)).toBeUndefined()
    await run(new TwoDisks(memory), { verify: true })
    const before = filesOf(memory, TARGET)
    await write(memory, engine, 100, 50)
    await expect(run(bad, { incremental: true, verify: true })).rejects.toThrow()
    expect(filesOf(memory, TARGET)).toEqual(before)
  })

  it('refuses what is no earlier backup, or one that has been written to, or is newer than the store', async () => {
    const fileSystem = new MemoryFileSystem()
    const options = { fileSystem, incremental: true }
    await write(fileSystem, engine, 0, 60)
    await expect(backup('/missing', TARGET, options)).rejects.toMatchObject({ code: 'LEVEL_NOT_FOUND' })
    await expect(backup(DIRECTORY, `${DIRECTORY}/inside`, options)).rejects.toMatchObject({ code: 'LEVEL_INVALID_LOCATION' })
    await run(fileSystem)
    await expect(run(fileSystem)).rejects.toMatchObject({ code: 'LEVEL_ALREADY_EXISTS' })
    const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem })
    await db.open()
    await expect(run(fileSystem, { incremental: true })).rejects.toMatchObject({ code: 'LEVEL_LOCKED' })
    await db.checkpoint('/other')
    await db.close()
    const invalid = { code: 'LEVEL_INVALID_TARGET' }
    await expect(backup(DIRECTORY, '/other', options)).rejects.toMatchObject(invalid)
    await expect(backup('/other', TARGET, options)).rejects.toMatchObject({
      message: expect.stringContaining('and not of /other') as string,
    })
    await write(fileSystem, engine, 200, 10)
    await run(fileSystem, { incremental: true })
    const copy = new Kvarium(TARGET, { engine: builtInEngines.resolve(engine), fileSystem })
    await copy.put('a', 'written to the backup')
    await copy.close()
    const before = filesOf(fileSystem, TARGET)
    await expect(run(fileSystem, { incremental: true })).rejects.toMatchObject({
      ...invalid,
      message: expect.stringContaining('has been written to') as string,
    })
    await Kvarium.destroy(DIRECTORY, { fileSystem })
    await write(fileSystem, engine, 0, 5)
    await expect(run(fileSystem, { incremental: true })).rejects.toMatchObject({
      ...invalid,
      message: expect.stringContaining('is newer than the store') as string,
    })
    expect(filesOf(fileSystem, TARGET)).toEqual(before)
  })
})
