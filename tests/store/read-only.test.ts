/** A read-only store shows what a normal open would, beside other readers, and leaves every byte and every time on the disk as it was. */
import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EngineFactory } from '../../src/engine/contract.js'
import { builtInEngines, Kvarium } from '../../src/index.js'
import { FaultyFileSystem, MemoryFileSystem, type FileOperationKind } from '../../src/vfs/index.js'
import type { NodeFileSystem } from '../../src/vfs/node.js'
import { toyEngine } from './support/toy-engine.js'

const MUTATIONS: readonly FileOperationKind[] = [
  ...(['create', 'openWrite', 'rename', 'remove', 'removeDirectory', 'makeDirectory'] as const),
  ...(['syncDirectory', 'write', 'truncate', 'sync'] as const),
]

/** Every mutation fails, as on a file system that is mounted read-only. */
function readOnlyMount(inner: MemoryFileSystem | NodeFileSystem): FaultyFileSystem {
  const mount = new FaultyFileSystem(inner)
  mount.inject({ on: ({ kind }) => MUTATIONS.includes(kind), times: Infinity, effect: { kind: 'error', code: 'EROFS', done: 'nothing' } })
  return mount
}

const ENGINES: readonly (readonly [string, string | EngineFactory])[] = [
  ['lsm', 'lsm'],
  ['btree', 'btree'],
  ['a custom engine', toyEngine('toy')],
]

describe.each(ENGINES)('a read-only store of %s', (_name, engine) => {
  /** A store whose process was killed, with a log that no table or page has yet. */
  async function killed(entries = 40): Promise<MemoryFileSystem> {
    const fileSystem = new MemoryFileSystem()
    const db = new Kvarium('/db', { engine: builtInEngines.resolve(engine), fileSystem })
    for (let i = 0; i < entries / 2; i++) await db.put(`key ${i}`, 'a')
    await db.flush()
    for (let i = entries / 2; i < entries; i++) await db.put(`key ${i}`, 'b')
    await db.del('key 0')
    const image = fileSystem.processCrashClone()
    await db.close()
    return image
  }

  it('shows the tail of the log on a file system that cannot be written, and changes no byte', async () => {
    const image = await killed()
    const before = image.files()
    const mount = readOnlyMount(image)
    const db = new Kvarium('/db', { engine: builtInEngines.resolve(engine), fileSystem: mount, readOnly: true })
    expect(await db.keys().all()).toHaveLength(39)
    expect(await db.get('key 39')).toBe('b')
    expect(await db.get('key 0')).toBeUndefined()
    expect(db.getSync('key 1')).toBe('a')
    expect(await db.getMany(['key 2', 'key 0'])).toEqual(['a', undefined])
    const violations = []
    for await (const violation of db.check()) violations.push(violation)
    expect(violations).toEqual([])
    await db.settle()
    expect(db.stats().pending.jobs).toBe(0)
    await db.close()
    expect(mount.hits).toBe(0)
    expect(image.files()).toEqual(before)
    const normal = new Kvarium('/db', { engine: builtInEngines.resolve(engine), fileSystem: image })
    expect(await normal.keys().all()).toHaveLength(39)
    await normal.close()
  })

  it('refuses every way to write with LEVEL_READ_ONLY', async () => {
    const db = new Kvarium('/db', { engine: builtInEngines.resolve(engine), fileSystem: await killed(), readOnly: true })
    await db.open()
    const sub = db.sublevel('sub')
    const refused = { code: 'LEVEL_READ_ONLY' }
    await expect(db.put('a', '1')).rejects.toMatchObject(refused)
    await expect(db.del('a')).rejects.toMatchObject(refused)
    await expect(db.batch([{ type: 'put', key: 'a', value: '1' }])).rejects.toMatchObject(refused)
    await expect(db.batch().put('a', '1').write()).rejects.toMatchObject(refused)
    await expect(db.clear()).rejects.toMatchObject(refused)
    await expect(db.clear({ limit: 1 })).rejects.toMatchObject(refused)
    await expect(sub.put('a', '1')).rejects.toMatchObject(refused)
    await expect(sub.clear()).rejects.toMatchObject({})
    await expect(db.flush()).rejects.toMatchObject(refused)
    await expect(db.compactRange()).rejects.toMatchObject(refused)
    expect(await db.keys().all()).toHaveLength(39)
    await db.close()
  })

  it('is open beside other readers, and not beside a writer, either way', async () => {
    const fileSystem = await killed()
    const locked = { code: 'LEVEL_DATABASE_NOT_OPEN', cause: { code: 'LEVEL_LOCKED' } }
    const readers = [1, 2, 3].map(() => new Kvarium('/db', { engine: builtInEngines.resolve(engine), fileSystem, readOnly: true }))
    await Promise.all(readers.map(reader => reader.open()))
    const writer = new Kvarium('/db', { engine: builtInEngines.resolve(engine), fileSystem })
    await expect(writer.open()).rejects.toMatchObject(locked)
    for (const reader of readers) expect(await reader.get('key 39')).toBe('b')
    await Promise.all(readers.map(reader => reader.close()))
    await writer.open()
    await expect(readers[0].open()).rejects.toMatchObject(locked)
    await writer.close()
    await readers[0].open()
    await readers[0].close()
  })

  it('needs a store that is there, and makes nothing where there is none', async () => {
    const fileSystem = new MemoryFileSystem()
    fileSystem.makeDirectory('/empty')
    for (const location of ['/nothing', '/empty']) {
      const db = new Kvarium(location, { engine: builtInEngines.resolve(engine), fileSystem: readOnlyMount(fileSystem), readOnly: true })
      await expect(db.open()).rejects.toMatchObject({ cause: { code: 'LEVEL_NOT_FOUND' } })
    }
    expect(fileSystem.list('/')).toEqual(['empty'])
  })

  it('has the manifest of a store that writes, and can be chosen at open', async () => {
    const fileSystem = await killed()
    const db = new Kvarium('/db', { engine: builtInEngines.resolve(engine), fileSystem, readOnly: true })
    await db.open()
    const { supports } = db
    await db.close()
    await db.open({ readOnly: false })
    expect(db.supports).toEqual(supports)
    await db.put('a', '1')
    await db.close()
    await db.open({ readOnly: true })
    await expect(db.put('a', '1')).rejects.toMatchObject({ code: 'LEVEL_READ_ONLY' })
    expect(await db.get('a')).toBe('1')
    await db.close()
  })
})

describe.each(['lsm', 'btree'])('a read-only store of %s', engine => {
  let base: string

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'kvarium-read-only-'))
  })

  afterEach(() => {
    chmodSync(join(base, 'db'), 0o755)
    rmSync(base, { recursive: true, force: true })
  })

  it('leaves the times and bytes of a directory without the right to write', async () => {
    const location = join(base, 'db')
    const db = new Kvarium(location, { engine: builtInEngines.resolve(engine) })
    for (let i = 0; i < 2000; i++) await db.put(`key ${i}`, 'x'.repeat(100))
    await db.close()
    chmodSync(location, 0o555)
    const before = factsOf(location)
    const readers = [1, 2].map(() => new Kvarium(location, { engine: builtInEngines.resolve(engine), readOnly: true }))
    for (const reader of readers) expect(await reader.keys().all()).toHaveLength(2000)
    await Promise.all(readers.map(reader => reader.close()))
    expect(factsOf(location)).toEqual(before)
  })

  it('is refused for damage as a normal open is', async () => {
    const location = join(base, 'db')
    const db = new Kvarium(location, { engine: builtInEngines.resolve(engine) })
    for (let i = 0; i < 200; i++) await db.put(`key ${i}`, 'x'.repeat(100), { sync: i === 199 })
    await db.close()
    const name = readdirSync(location).find(file => file.endsWith('.log'))!
    rmSync(join(location, name))
    const reasons = []
    for (const readOnly of [true, false]) {
      const opened = new Kvarium(location, { engine: builtInEngines.resolve(engine), readOnly })
      reasons.push(await reasonOf(opened.open()))
    }
    expect(reasons[0]).toBeDefined()
    expect(reasons[0]).toBe(reasons[1])
  })
})

describe('an engine without files', () => {
  it('refuses the option, which would give a store that is empty for good', () => {
    expect(() => new Kvarium('any', { engine: 'memory', readOnly: true })).toThrow('needs an engine that keeps files')
  })
})

async function reasonOf(opening: Promise<void>): Promise<string | undefined> {
  try {
    await opening
    return undefined
  } catch (error) {
    return ((error as Error).cause as Error).message
  }
}

/** Names, times of change and bytes of a directory and its files. */
function factsOf(location: string): unknown {
  const stat = (path: string): unknown => {
    const { mtimeNs, ctimeNs, size, ino } = lstatSync(path, { bigint: true })
    return { mtimeNs, ctimeNs, size, ino }
  }
  const files = readdirSync(location).map(name => [name, stat(join(location, name)), readFileSync(join(location, name), 'latin1')])
  return [stat(location), files]
}
