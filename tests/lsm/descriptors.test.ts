import { describe, expect, it } from 'vitest'
import { btreeEngine } from '../../src/btree/factory.js'
import type { Engine } from '../../src/engine/contract.js'
import { FilePool } from '../../src/lsm/versions/file-pool.js'
import { joinPath } from '../../src/vfs/file-system.js'
import { FaultyFileSystem, simulatedEnvironment, type FileOperationKind } from '../../src/vfs/index.js'
import { typedError } from '../../src/vfs/vfs-error.js'
import { fillOptions } from '../contract/support/opened-engine.js'
import { DIRECTORY, emptyFileSystem, filler, get, openLsm, put, scan, tablesOf, violations } from './support/opened-lsm.js'

const OPENS: ReadonlySet<FileOperationKind> = new Set<FileOperationKind>(['openRead', 'openWrite', 'create'])

function faulty(): FaultyFileSystem {
  return new FaultyFileSystem(emptyFileSystem())
}

/** Limits how many files can be open from now on. */
function limit(fileSystem: FaultyFileSystem, handles: number, code = 'EMFILE'): void {
  const on = ({ kind }: { kind: FileOperationKind }): boolean => OPENS.has(kind) && fileSystem.openHandles.size >= handles
  fileSystem.inject({ on, times: Infinity, effect: { kind: 'error', code, done: 'nothing' } })
}

/** The next opens fail, this many times. The directory is open already, like that of a locked store. */
function deny(fileSystem: FaultyFileSystem, times: number, code = 'EMFILE'): void {
  fileSystem.inject({ on: ({ kind }) => OPENS.has(kind), times, effect: { kind: 'error', code, done: 'nothing' } })
}

const KEYS = 600
const key = (i: number): string => `k${String(i % KEYS).padStart(4, '0')}`

/** Many small tables; nothing is cached. */
async function manyTables(fileSystem: FaultyFileSystem): Promise<Engine> {
  const options = { maxFileSize: 4096, cacheSize: 0, blockSize: 1024 }
  const engine = await openLsm({ fileSystem, created: true, options })
  for (let i = 0; i < KEYS; i++) await put(engine, key(i), filler(400, i))
  await engine.compact()
  expect(tablesOf(engine).length).toBeGreaterThan(50)
  return engine
}

async function openBtree(fileSystem: FaultyFileSystem, created: boolean): Promise<Engine> {
  const factory = btreeEngine()
  const environment = simulatedEnvironment({ seed: 1, fileSystem })
  return factory.open({ environment, directory: DIRECTORY, created, options: fillOptions(factory, { writeBufferSize: 16 << 10 }) })
}

describe('when descriptors run out', () => {
  it('the file used longest ago is closed, and not the one opened longest ago', () => {
    const fileSystem = faulty()
    const paths = ['a', 'b', 'c', 'd'].map(name => joinPath(DIRECTORY, name))
    for (const path of paths) fileSystem.create(path).close()
    const pool = new FilePool(fileSystem, 1000)
    const [a, b] = paths.slice(0, 3).map(path => pool.openRead(path))
    const byte = new Uint8Array(1)
    a.read(byte, 0)
    limit(fileSystem, 3)
    const open = (): string[] => [...fileSystem.openHandles].map(handle => handle.path.slice(-1)).sort()
    pool.openRead(paths[3])
    expect(open()).toEqual(['a', 'c', 'd'])
    b.read(byte, 0)
    expect(open()).toEqual(['a', 'b', 'd'])
  })

  it('a pool takes descriptors from another pool of the same files', () => {
    const fileSystem = faulty()
    const path = joinPath(DIRECTORY, 'a')
    fileSystem.create(path).close()
    const [one, two] = [new FilePool(fileSystem, 8), new FilePool(fileSystem, 8)]
    const files = [one.openRead(path), one.openRead(path)]
    limit(fileSystem, 2)
    for (let i = 0; i < 3; i++) files.push(two.openRead(path))
    for (const file of [...files, ...files]) expect(file.read(new Uint8Array(1), 0)).toBe(0)
    expect(fileSystem.openHandles.size).toBe(2)
    for (const file of files) file.close()
    expect([fileSystem.openHandles.size, fileSystem.spareHandles.size]).toEqual([0, 0])
  })

  it.each(['EMFILE', 'ENFILE'])('2,000 gets of many small tables succeed with 15 descriptors (%s)', async code => {
    const fileSystem = faulty()
    const engine = await manyTables(fileSystem)
    limit(fileSystem, 15, code)
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 1000; i++) expect(get(engine, key(i * 37))).toBe(filler(400, (i * 37) % KEYS))
    }
    expect(scan(engine)).toHaveLength(KEYS)
    for (let i = 0; i < KEYS; i++) await put(engine, key(i), filler(400, i))
    await engine.compact()
    expect(await violations(engine)).toEqual([])
    await engine.close()
    expect(fileSystem.openHandles.size).toBe(0)
  })

  it.each(Array.from({ length: 12 }, (_, i) => i + 1))('reads go on, and nothing is lost, with %i handles', async handles => {
    const fileSystem = faulty()
    const engine = await manyTables(fileSystem)
    limit(fileSystem, handles)
    // The log and the manifest are open already: with one handle more every read succeeds.
    let failed = 0
    for (let i = 0; i < KEYS; i++) {
      try {
        expect(get(engine, key(i))).toBe(filler(400, i))
      } catch (error) {
        expect(typedError(error)).toMatchObject({ code: 'LEVEL_IO_ERROR', message: expect.stringContaining('ulimit -n') as string })
        failed++
      }
    }
    if (handles > 2) expect(failed).toBe(0)
    await put(engine, 'more', '1', true)
    await engine.close()
    expect(fileSystem.openHandles.size).toBe(0)
    fileSystem.heal()
    const again = await openLsm({ fileSystem })
    expect(scan(again)).toHaveLength(KEYS + 1)
    await again.close()
  })

  it('a merge of many tables, and all that goes with it, needs few handles', async () => {
    const fileSystem = faulty()
    const engine = await manyTables(fileSystem)
    // Log, manifest, the manifest that follows it, CURRENT, an output, an input.
    limit(fileSystem, 6)
    for (let i = 0; i < KEYS; i++) await put(engine, key(i), filler(300, i))
    await engine.compact()
    await engine.settle()
    expect(scan(engine)).toHaveLength(KEYS)
    await engine.close()
  })

  it('one failure is made good by a table that is open, whatever is opened', async () => {
    const fileSystem = faulty()
    const engine = await manyTables(fileSystem)
    for (let i = 0; i < 20; i++) {
      scan(engine)
      deny(fileSystem, 1)
      // A log, a table, inputs of a merge, a manifest.
      await put(engine, key(i), filler(400, i))
      await (i % 4 === 0 ? engine.compact() : engine.flush())
      expect(fileSystem.hits).toBe(i + 1)
    }
    expect(scan(engine)).toHaveLength(KEYS)
    await engine.close()
  })

  it.each(['lsm', 'btree'])('%s closes without a single descriptor to spare, and has lost nothing', async name => {
    const fileSystem = faulty()
    const openAgain = (created: boolean): Promise<Engine> =>
      name === 'lsm' ? openLsm({ fileSystem, created, manifestBytes: 100 }) : openBtree(fileSystem, created)
    for (let keys = 1; keys <= 400; keys += 57) {
      const engine = await openAgain(keys === 1)
      for (let i = 0; i < keys; i++) await put(engine, key(i), filler(300, i + keys))
      if (keys % 2 === 0) await engine.settle()
      for (let i = 0; i < keys % 5; i++) await put(engine, key(i), filler(300, i + keys))
      deny(fileSystem, Infinity)
      await engine.close()
      expect(fileSystem.openHandles.size).toBe(0)
      fileSystem.heal()
      const again = await openAgain(false)
      expect(scan(again)).toEqual(Array.from({ length: keys }, (_, i) => `${key(i)}=${filler(300, i + keys)}`))
      await again.close()
    }
  })

  it.each(['lsm', 'btree'])('%s cannot be opened, says which limit to raise, and opens when it is raised', async name => {
    const fileSystem = faulty()
    const openAgain = (created: boolean): Promise<Engine> =>
      name === 'lsm' ? openLsm({ fileSystem, created }) : openBtree(fileSystem, created)
    const engine = await openAgain(true)
    await put(engine, 'a', '1', true)
    await engine.close()
    for (const [code, advice] of [
      ['EMFILE', 'ulimit -n'],
      ['ENFILE', 'fs.file-max'],
    ]) {
      deny(fileSystem, Infinity, code)
      const error: unknown = await openAgain(false).catch((reason: unknown) => reason)
      expect(typedError(error)).toMatchObject({ code: 'LEVEL_IO_ERROR', message: expect.stringContaining(advice) as string })
      expect(fileSystem.openHandles.size).toBe(0)
      fileSystem.heal()
    }
    const again = await openAgain(false)
    expect(scan(again)).toEqual(['a=1'])
    await again.close()
  })
})
