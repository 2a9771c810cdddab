import { describe, expect, it } from 'vitest'
import type { Loss } from '../../src/engine/contract.js'
import { halfOpen, rangeContains } from '../../src/engine/range.js'
import { builtInEngines, Kvarium, repair, verify } from '../../src/index.js'
import { MemoryFileSystem } from '../../src/vfs/index.js'
import { flips } from '../damage/support/damages.js'
import { filesOf, fileSystemOf, sameBytes, DIRECTORY, lastingStores, type Files, type SmallStore } from '../damage/support/small-store.js'
import { keyOf } from '../contract/support/opened-engine.js'
import { SUBJECTS } from '../damage/support/subjects.js'
import { slice } from '../support/thoroughness.js'

const TARGET = '/repaired'

/** The files of a small store with the file that the store keeps beside the engine's. */
async function withIdentity(store: SmallStore, engine: string): Promise<Map<string, Uint8Array>> {
  const fileSystem = new MemoryFileSystem()
  const db = new Kvarium(DIRECTORY, { engine: builtInEngines.resolve(engine), fileSystem })
  await db.open()
  await db.close()
  return new Map(store.files).set('KVARIUM', filesOf(fileSystem).get('KVARIUM')!)
}

async function listed(fileSystem: MemoryFileSystem, location: string, engine: string): Promise<string[]> {
  const db = new Kvarium<string, string>(location, { engine: builtInEngines.resolve(engine), fileSystem, keyEncoding: 'utf8' })
  await db.open()
  const all = (await db.iterator().all()).map(([key, value]) => `${key}=${value}`)
  await db.close()
  return all
}

function unchanged(fileSystem: MemoryFileSystem, files: Files): boolean {
  const now = filesOf(fileSystem)
  return now.size === files.size && [...files].every(([name, bytes]) => sameBytes(bytes, now.get(name)!))
}

function changed(files: Files, name: string, at: number): Map<string, Uint8Array> {
  const bytes = files.get(name)!.slice()
  bytes[at < 0 ? bytes.length + at : at] ^= 0x10
  return new Map(files).set(name, bytes)
}

/** Whether a key may have suffered from one of the losses. */
function isDoubtful(key: string, losses: readonly Loss[]): boolean {
  return losses.some(({ keys }) => {
    return keys === undefined || rangeContains(halfOpen(keys), keyOf(key))
  })
}

const byEngine = SUBJECTS.map(subject => ({ ...subject, engine: subject.factory.name }))

describe.each(byEngine)('verify and repair of $name', subject => {
  const { engine } = subject

  it('find nothing wrong with a sound store, change no file of it, and copy all of it', async () => {
    for (const store of await lastingStores(subject)) {
      const files = await withIdentity(store, engine)
      const fileSystem = fileSystemOf(files)
      expect(await verify(DIRECTORY, { fileSystem })).toMatchObject({ engine, opens: true, entries: store.contents.length, findings: [] })
      const report = await repair(DIRECTORY, TARGET, { fileSystem })
      expect(report).toMatchObject({ engine, entries: store.contents.length, losses: [] })
      expect(unchanged(fileSystem, files)).toBe(true)
      expect(await listed(fileSystem, TARGET, engine)).toEqual(store.contents)
    }
  })

  it('any flipped byte that matters is found, and what cannot have suffered from the losses is saved as it was', async () => {
    const [, clean] = await lastingStores(subject)
    const files = await withIdentity(clean, engine)
    for (const damage of flips({ ...clean, files }, [0x40], place => place % slice(307, 101) === 0)) {
      const fileSystem = fileSystemOf(damage.files)
      const { findings } = await verify(DIRECTORY, { fileSystem, engine })
      if (findings.length === 0) {
        // Bytes that no read needs: unused space, or the end of the manifest that only marks a clean close.
        expect(await listed(fileSystem, DIRECTORY, engine), damage.what).toEqual(clean.contents)
        continue
      }
      const { losses } = await repair(DIRECTORY, TARGET, { fileSystem, engine })
      expect(unchanged(fileSystem, damage.files), damage.what).toBe(true)
      const saved = await listed(fileSystem, TARGET, engine)
      const isSafe = (entry: string): boolean => !isDoubtful(entry.slice(0, entry.indexOf('=')), losses)
      expect(saved.filter(isSafe), damage.what).toEqual(clean.contents.filter(isSafe))
    }
  })

  it('a lost KVARIUM does not hinder them', async () => {
    const [, clean] = await lastingStores(subject)
    const fileSystem = fileSystemOf(clean.files)
    const report = await verify(DIRECTORY, { fileSystem })
    expect(report).toMatchObject({ engine, opens: true, findings: [{ file: `${DIRECTORY}/KVARIUM` }] })
    expect((await repair(DIRECTORY, TARGET, { fileSystem })).losses).toHaveLength(1)
    expect(await listed(fileSystem, TARGET, engine)).toEqual(clean.contents)
  })
})

describe('repair of lsm', () => {
  const [subject] = SUBJECTS

  it('a damaged record costs only itself', async () => {
    const [, clean] = await lastingStores(subject)
    const files = await withIdentity(clean, 'lsm')
    const log = [...files.keys()].find(name => name.endsWith('.log'))!
    const fileSystem = fileSystemOf(changed(files, log, 40))
    await expect(new Kvarium(DIRECTORY, { fileSystem }).open()).rejects.toMatchObject({ cause: { code: 'LEVEL_CORRUPTION' } })
    const { losses } = await repair(DIRECTORY, TARGET, { fileSystem })
    expect(losses).toMatchObject([{ file: `${DIRECTORY}/${log}`, offset: 16 }])
    expect(losses[0].message).toMatch(/^bytes 16 to \d+ of the log/)
    const last = clean.contents.length
    expect((await listed(fileSystem, TARGET, 'lsm')).length).toBeGreaterThan(last - 5)
  })

  it('without CURRENT or without its manifest the tables and logs are found by their names', async () => {
    const [, clean] = await lastingStores(subject)
    const files = await withIdentity(clean, 'lsm')
    for (const lost of [...files.keys()].filter(name => name === 'CURRENT' || name.startsWith('MANIFEST'))) {
      const without = new Map(files)
      without.delete(lost)
      const fileSystem = fileSystemOf(without)
      expect(await verify(DIRECTORY, { fileSystem })).toMatchObject({ opens: false, entries: clean.contents.length })
      expect((await repair(DIRECTORY, TARGET, { fileSystem })).losses).toHaveLength(1)
      expect(await listed(fileSystem, TARGET, 'lsm')).toEqual(clean.contents)
    }
  })
})

describe('repair of btree', () => {
  const subject = SUBJECTS.find(({ name }) => name === 'btree')!

  it('a damaged record of a log costs only itself, and a damaged page only its keys', async () => {
    const [unclean] = await lastingStores(subject)
    const files = await withIdentity(unclean, 'btree')
    const log = [...files.keys()].find(name => name.endsWith('.log'))!
    const fileSystem = fileSystemOf(changed(files, log, 40))
    expect(await verify(DIRECTORY, { fileSystem })).toMatchObject({ opens: false })
    const { losses } = await repair(DIRECTORY, TARGET, { fileSystem })
    expect(losses).toMatchObject([{ file: `${DIRECTORY}/${log}`, offset: 16 }])
    expect((await listed(fileSystem, TARGET, 'btree')).length).toBeGreaterThan(unclean.contents.length - 5)
  })

  it('without the data file the logs are what is left', async () => {
    const [unclean] = await lastingStores(subject)
    const files = await withIdentity(unclean, 'btree')
    files.delete('data.btree')
    const fileSystem = fileSystemOf(files)
    const report = await repair(DIRECTORY, TARGET, { fileSystem })
    expect(report.losses[0]).toMatchObject({ file: `${DIRECTORY}/data.btree` })
    expect(report.entries).toBeGreaterThan(0)
    const saved = await listed(fileSystem, TARGET, 'btree')
    expect(unclean.contents).toEqual(expect.arrayContaining(saved))
  })
})

describe('repair of an engine that can only be read open', () => {
  it.each(byEngine)('reads around what is damaged ($name)', async subject => {
    const { salvage, ...factory } = subject.factory
    expect(salvage).toBeDefined()
    const [, clean] = await lastingStores(subject)
    const files = await withIdentity(clean, factory.name)
    let probed = 0
    for (const damage of flips(
      { ...clean, files },
      [0x40],
      place => place % slice(subject.factory.name === 'hash' ? 97 : 307, 101) === 0,
    )) {
      const fileSystem = fileSystemOf(damage.files)
      let losses: readonly Loss[]
      try {
        losses = (await repair(DIRECTORY, TARGET, { fileSystem, engine: factory })).losses
      } catch (error) {
        expect(error, damage.what).toMatchObject({ code: 'LEVEL_CORRUPTION' })
        expect(fileSystem.stat(TARGET), damage.what).toBeUndefined()
        continue
      }
      const saved = await listed(fileSystem, TARGET, factory.name)
      const isSafe = (entry: string): boolean => !isDoubtful(entry.slice(0, entry.indexOf('=')), losses)
      expect(saved.filter(isSafe), damage.what).toEqual(clean.contents.filter(isSafe))
      if (losses.some(({ keys }) => keys !== undefined)) probed++
    }
    expect(probed).toBeGreaterThan(0)
  })
})

describe('what is not a damaged store', () => {
  it.each<[string, (fileSystem: MemoryFileSystem) => Promise<unknown>, string]>([
    ['nothing', fileSystem => verify('/nowhere', { fileSystem }), 'LEVEL_NOT_FOUND'],
    ['an empty directory', fileSystem => verify('/empty', { fileSystem }), 'LEVEL_NOT_FOUND'],
    ['a file', fileSystem => verify('/store/KVARIUM', { fileSystem }), 'LEVEL_UNSUPPORTED_FORMAT'],
    ['something else', fileSystem => verify('/other', { fileSystem }), 'LEVEL_INVALID_ENGINE'],
    ['no location', fileSystem => verify('', { fileSystem }), 'LEVEL_INVALID_LOCATION'],
    ['an unknown engine', fileSystem => verify('/store', { fileSystem, engine: 'lsn' }), 'LEVEL_INVALID_ENGINE'],
    ['the target is there', fileSystem => repair('/store', '/other', { fileSystem }), 'LEVEL_ALREADY_EXISTS'],
    ['the target is a file', fileSystem => repair('/store', '/other/letter.txt', { fileSystem }), 'LEVEL_ALREADY_EXISTS'],
    ['the target is the store', fileSystem => repair('/store', '/store/', { fileSystem }), 'LEVEL_INVALID_LOCATION'],
    ['the target is in the store', fileSystem => repair('/store', '/store/new', { fileSystem }), 'LEVEL_INVALID_LOCATION'],
    [
      'a misspelled option',
      fileSystem => repair('/store', '/new', { fileSystem, engineOptions: { blockSize: 1 } }),
      'LEVEL_INVALID_OPTION',
    ],
  ])('%s is refused, and nothing is written', async (_name, action, code) => {
    const fileSystem = new MemoryFileSystem()
    const db = new Kvarium('/store', { fileSystem })
    await db.put('a', '1')
    await db.close()
    fileSystem.makeDirectory('/empty')
    fileSystem.makeDirectory('/other')
    fileSystem.create('/other/letter.txt').close()
    const before = [fileSystem.list('/'), fileSystem.list('/store'), fileSystem.list('/other'), fileSystem.list('/empty')]
    await expect(action(fileSystem)).rejects.toMatchObject({ code })
    expect([fileSystem.list('/'), fileSystem.list('/store'), fileSystem.list('/other'), fileSystem.list('/empty')]).toEqual(before)
    const again = new Kvarium<string, string>('/store', { fileSystem })
    expect(await again.get('a')).toBe('1')
    await expect(verify('/store', { fileSystem })).rejects.toMatchObject({ code: 'LEVEL_LOCKED' })
    await again.close()
  })
})
