import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadHash32 } from '../../src/codec/checksum.js'
import { encodeUtf8 } from '../../src/codec/text.js'
import type { EngineFactory } from '../../src/engine/contract.js'
import { encodeIdentity } from '../../src/store/identity.js'
import type { UntypedOptions } from '../../src/store/store-options.js'
import { joinPath, type FileSystem } from '../../src/vfs/file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { NodeFileSystem } from '../../src/vfs/node/node-file-system.js'
import { SteppedFileSystem } from './support/stepped-file-system.js'
import { destroy, reasonOf, registry, TestStore } from './support/test-store.js'

const base = mkdtempSync(join(tmpdir(), 'kvarium-directory-'))
afterAll(() => rmSync(base, { recursive: true, force: true }))
let places = 0

/** A fresh place for a store on each kind of file system. */
const PLACES: [string, () => { fileSystem: FileSystem; location: string }][] = [
  ['memory', () => ({ fileSystem: new MemoryFileSystem(), location: '/data/store' })],
  ['node', () => ({ fileSystem: new NodeFileSystem(), location: `${base}/${++places}/store` })],
]

function put(fileSystem: FileSystem, path: string, content: string | Uint8Array): void {
  const file = fileSystem.create(path)
  file.write(typeof content === 'string' ? encodeUtf8(content) : content, 0)
  file.close()
}

function get(fileSystem: FileSystem, path: string): string {
  const file = fileSystem.openRead(path)
  const bytes = new Uint8Array(file.size())
  file.read(bytes, 0)
  file.close()
  return new TextDecoder().decode(bytes)
}

/** Everything in a directory but what the lock keeps there. */
function snapshot(fileSystem: FileSystem, directory: string): Record<string, string> {
  const names = fileSystem.list(directory).filter(name => !name.startsWith('LOCK'))
  return Object.fromEntries(names.map(name => [name, get(fileSystem, joinPath(directory, name))]))
}

describe.each(PLACES)('a directory on the %s file system', (_name, place) => {
  const reasonToOpen = (location: string, options: UntypedOptions<string, string>): Promise<{ code: string; message: string }> =>
    reasonOf(new TestStore(location, options).open())

  it('what was written is there after closing and opening again', async () => {
    const { fileSystem, location } = place()
    const store = new TestStore(location, { fileSystem })
    await store.put('a', '1')
    await store.close()
    await store.open({ createIfMissing: false })
    expect(await store.get('a')).toBe('1')
    await store.close()
    expect(get(fileSystem, `${location}/KVARIUM`)).toMatch(/^\{"kvarium":1,"engine":"toy"\}\nxxh32 [0-9a-f]{8}\n$/)
    expect(fileSystem.list(location).filter(name => !name.startsWith('LOCK'))).toEqual(['000001.log', 'KVARIUM'])
  })

  it('a missing store is not created against createIfMissing', async () => {
    const { fileSystem, location } = place()
    const reason = await reasonToOpen(location, { fileSystem, createIfMissing: false })
    expect(reason).toMatchObject({ code: 'LEVEL_NOT_FOUND', message: expect.stringContaining('does not exist') as string })
    expect(fileSystem.stat(location)).toBeUndefined()
    fileSystem.makeDirectory(location)
    expect((await reasonToOpen(location, { fileSystem, createIfMissing: false })).code).toBe('LEVEL_NOT_FOUND')
    expect(fileSystem.list(location)).toEqual([])
  })

  it('an existing store is refused with errorIfExists, a new one is not', async () => {
    const { fileSystem, location } = place()
    await using store = new TestStore(location, { fileSystem, errorIfExists: true })
    await store.open()
    await store.close()
    const reason = await reasonToOpen(location, { fileSystem, errorIfExists: true })
    expect(reason).toMatchObject({ code: 'LEVEL_ALREADY_EXISTS', message: expect.stringContaining('already exists') as string })
  })

  it('a directory of something else is refused and stays as it was', async () => {
    const { fileSystem, location } = place()
    fileSystem.makeDirectory(location)
    put(fileSystem, `${location}/thesis.txt`, 'years of work')
    put(fileSystem, `${location}/CURRENT`, 'MANIFEST-000001\n')
    const before = fileSystem.list(location)
    const reason = await reasonToOpen(location, { fileSystem })
    expect(reason.code).toBe('LEVEL_UNSUPPORTED_FORMAT')
    expect(reason.message).toMatch(/is not a kvarium store: it has no file KVARIUM, but contains CURRENT, thesis\.txt/)
    expect((await reasonOf(destroy(location, fileSystem))).code).toBe('LEVEL_UNSUPPORTED_FORMAT')
    expect(fileSystem.list(location)).toEqual(before)
    expect(get(fileSystem, `${location}/thesis.txt`)).toBe('years of work')
  })

  it('a plain file is refused, in place of the directory or above it', async () => {
    const { fileSystem, location } = place()
    fileSystem.makeDirectory(location)
    put(fileSystem, `${location}/file`, 'x')
    const reason = await reasonToOpen(`${location}/file`, { fileSystem })
    expect(reason).toMatchObject({
      code: 'LEVEL_UNSUPPORTED_FORMAT',
      message: expect.stringContaining('is a file; a store needs a directory') as string,
    })
    const above = await reasonToOpen(`${location}/file/store`, { fileSystem })
    expect(above.code).toBe('LEVEL_IO_ERROR')
    expect(above.message).toContain('choose another location')
    expect((await reasonOf(destroy(`${location}/file`, fileSystem))).code).toBe('LEVEL_UNSUPPORTED_FORMAT')
  })

  it('a store of another engine is refused by the names of both', async () => {
    const { fileSystem, location } = place()
    const store = new TestStore(location, { fileSystem })
    await store.put('a', '1')
    await store.close()
    const before = snapshot(fileSystem, location)
    const reason = await reasonToOpen(location, { fileSystem, engine: 'other' })
    expect(reason.code).toBe('LEVEL_UNSUPPORTED_FORMAT')
    expect(reason.message).toContain(`made with the engine "toy" and cannot be opened with "other". Open it with { engine: 'toy' }`)
    expect(snapshot(fileSystem, location)).toEqual(before)
    await store.open()
    expect(await store.get('a')).toBe('1')
    await store.close()
  })

  it('a store of a newer format is refused as such', async () => {
    const { fileSystem, location } = place()
    const hash32 = await loadHash32()
    fileSystem.makeDirectory(location)
    const line = '{"kvarium":4,"engine":"lsm","wonders":7}\n'
    const checksum = (hash32(encodeUtf8(line), 0x4b564152) >>> 0).toString(16).padStart(8, '0')
    put(fileSystem, `${location}/KVARIUM`, `${line}xxh32 ${checksum}\nmore lines\n`)
    const reason = await reasonToOpen(location, { fileSystem })
    expect(reason.code).toBe('LEVEL_UNSUPPORTED_FORMAT')
    expect(reason.message).toContain('made by a newer kvarium: its format is 4, this kvarium knows up to 3')
    expect((await reasonOf(destroy(location, fileSystem))).code).toBe('LEVEL_UNSUPPORTED_FORMAT')
  })

  it('a damaged KVARIUM is corruption, whichever byte it is, and can be destroyed', async () => {
    const { fileSystem, location } = place()
    const store = new TestStore(location, { fileSystem })
    await store.open()
    await store.close()
    const path = `${location}/KVARIUM`
    const good = encodeUtf8(get(fileSystem, path))
    const damaged = [...good.keys()].map(at => good.map((byte, i) => (i === at ? byte ^ 4 : byte)))
    for (const bytes of [
      ...damaged,
      good.slice(0, -1),
      new Uint8Array(0),
      encodeUtf8(`${new TextDecoder().decode(good)}x`),
      new Uint8Array(9999),
    ]) {
      fileSystem.remove(path)
      put(fileSystem, path, bytes)
      expect((await reasonOf(store.open())).code).toBe('LEVEL_CORRUPTION')
    }
    await destroy(location, fileSystem)
    expect(fileSystem.stat(location)).toBeUndefined()
  })

  it('a lost KVARIUM is not taken for an empty directory', async () => {
    const { fileSystem, location } = place()
    const store = new TestStore(location, { fileSystem })
    await store.put('a', '1')
    await store.close()
    fileSystem.remove(`${location}/KVARIUM`)
    expect((await reasonOf(store.open())).message).toContain('restore KVARIUM if it was lost')
    expect(fileSystem.list(location)).toContain('000001.log')
  })

  it('a lost file of the engine is not taken for an empty store', async () => {
    const { fileSystem, location } = place()
    const store = new TestStore(location, { fileSystem })
    await store.open()
    await store.close()
    fileSystem.remove(`${location}/000001.log`)
    expect((await reasonOf(store.open())).code).toBe('LEVEL_CORRUPTION')
  })

  it('a second opener fails because the store is locked, and the first is not disturbed', async () => {
    const { fileSystem, location } = place()
    const first = new TestStore(location, { fileSystem })
    await first.put('a', '1')
    const second = new TestStore(location, { fileSystem })
    const error = await second.open().then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN', cause: { code: 'LEVEL_LOCKED' } })
    expect((await reasonOf(destroy(location, fileSystem))).code).toBe('LEVEL_LOCKED')
    expect(await first.get('a')).toBe('1')
    await first.close()
    await second.open()
    expect(await second.get('a')).toBe('1')
    await second.close()
  })

  it('a failed open leaves no lock behind', async () => {
    const { fileSystem, location } = place()
    const store = new TestStore(location, { fileSystem })
    await store.open()
    await store.close()
    for (let attempt = 0; attempt < 3; attempt++) await reasonToOpen(location, { fileSystem, engine: 'other' })
    await store.open()
    await store.close()
  })

  it('an engine that fails to close, or to open, releases the lock all the same', async () => {
    const { fileSystem, location } = place()
    const toy = registry.resolve('toy')
    const failing: EngineFactory = {
      ...toy,
      async open(context) {
        if (context.options['toys'] === 9) throw new Error('no more toys')
        const engine = await toy.open(context)
        const close = async (): Promise<void> => {
          await engine.close()
          throw new Error('the last sync failed')
        }
        return new Proxy(engine, { get: (target, name) => (name === 'close' ? close : (Reflect.get(target, name) as unknown)) })
      },
    }
    expect((await reasonToOpen(location, { fileSystem, engine: failing, toys: 9 })).message).toBe('no more toys')
    const store = new TestStore(location, { fileSystem, engine: failing })
    await store.put('a', '1')
    await expect(store.close()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_CLOSED' })
    await expect(store.get('a')).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    await store.close()
    const next = new TestStore(location, { fileSystem })
    expect(await next.get('a')).toBe('1')
    await next.close()
  })

  it('destroying removes the store and nothing else', async () => {
    const { fileSystem, location } = place()
    const store = new TestStore(location, { fileSystem })
    await store.put('a', '1')
    await store.close()
    put(fileSystem, `${location}/mine.log`, 'keep')
    await destroy(location, fileSystem)
    expect(snapshot(fileSystem, location)).toEqual({ 'mine.log': 'keep' })
    fileSystem.remove(`${location}/mine.log`)

    const again = new TestStore(location, { fileSystem })
    expect(await again.get('a')).toBeUndefined()
    await again.close()
    await destroy(location, fileSystem)
    expect(fileSystem.stat(location)).toBeUndefined()
    await destroy(location, fileSystem)
  })
})

describe('a directory that the system refuses', () => {
  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')('one without permission is named, with what to do', async () => {
    const location = `${base}/sealed`
    const fileSystem = new NodeFileSystem()
    fileSystem.makeDirectory(location)
    chmodSync(location, 0o500)
    const reason = await reasonOf(new TestStore(location, { fileSystem }).open())
    expect(reason.code).toBe('LEVEL_IO_ERROR')
    expect(reason.message).toContain('Check the permissions')
    chmodSync(location, 0o700)
  })

  it('a full disk during creation is an error that releases everything, and the next open succeeds', async () => {
    const fileSystem = new MemoryFileSystem()
    let steps = 0
    let failAt = 1
    const failing = new SteppedFileSystem(fileSystem, () => {
      if (++steps === failAt) throw Object.assign(new Error('no space is left'), { code: 'ENOSPC' })
    })
    for (; ; failAt++) {
      steps = 0
      const store = new TestStore('/store', { fileSystem: failing })
      const error = await store.open().then(
        () => undefined,
        (reason: unknown) => reason as { cause: { code: string; message: string } },
      )
      if (error === undefined) {
        await store.close()
        break
      }
      expect(error.cause.code).toBe('LEVEL_IO_ERROR')
      expect(error.cause.message).toContain('Free some space')
    }
    expect(failAt).toBeGreaterThan(5)
  })
})

describe('a crash while creating or destroying', () => {
  /** Images of a file system at every step of an action, as power loss or the death of the process may leave it. */
  async function crashes(start: MemoryFileSystem, action: (fileSystem: FileSystem) => Promise<void>): Promise<MemoryFileSystem[]> {
    const images: MemoryFileSystem[] = []
    const stepped = new SteppedFileSystem(start, () => {
      images.push(start.processCrashClone(), start.crashClone('none'))
      for (let seed = 0; seed < 4; seed++) images.push(start.crashClone(seed))
    })
    await action(stepped)
    return images
  }

  async function create(fileSystem: FileSystem): Promise<void> {
    const store = new TestStore('/a/store', { fileSystem })
    await store.open()
    await store.close()
  }

  async function expectUsable(image: MemoryFileSystem): Promise<void> {
    const store = new TestStore('/a/store', { fileSystem: image })
    await store.put('k', 'v', { sync: true })
    await store.close()
    const reopened = new TestStore('/a/store', { fileSystem: image.crashClone('none') })
    await reopened.open({ createIfMissing: false })
    expect(await reopened.get('k')).toBe('v')
    await reopened.close()
  }

  it('a store whose creation was cut off at any step opens, empty, and keeps what is then written', async () => {
    const images = await crashes(new MemoryFileSystem(), create)
    expect(images.length).toBeGreaterThan(50)
    for (const image of images) await expectUsable(image)
  })

  it('also when the second creation is cut off too', async () => {
    const once = await crashes(new MemoryFileSystem(), create)
    let images = 0
    for (const image of once.filter((_, index) => index % 5 === 0)) {
      for (const twice of await crashes(image, create)) {
        await expectUsable(twice)
        images++
      }
    }
    expect(images).toBeGreaterThan(500)
  })

  it('a store whose destruction was cut off at any step is whole, or can be created and destroyed', async () => {
    const start = new MemoryFileSystem()
    const store = new TestStore('/a/store', { fileSystem: start })
    await store.put('k', 'v', { sync: true })
    await store.close()
    for (const image of await crashes(start, fileSystem => destroy('/a/store', fileSystem))) {
      const after = image.processCrashClone()
      const opened = new TestStore<string, string>('/a/store', { fileSystem: after })
      const value = await opened.get('k')
      expect(value === undefined || value === 'v').toBe(true)
      await opened.close()
      await destroy('/a/store', image)
      expect(image.stat('/a/store')).toBeUndefined()
    }
  })

  it('leftovers of a creation with another engine are not built upon', async () => {
    const fileSystem = new MemoryFileSystem()
    fileSystem.makeDirectory('/store')
    put(fileSystem, '/store/KVARIUM.tmp', encodeIdentity('other', await loadHash32()))
    put(fileSystem, '/store/000001.log', 'half')
    expect((await reasonOf(new TestStore('/store', { fileSystem }).open())).message).toContain('made with the engine "other"')
    const store = new TestStore('/store', { fileSystem, engine: 'other' })
    await store.open()
    await store.close()
  })
})
