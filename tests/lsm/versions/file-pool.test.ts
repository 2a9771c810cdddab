import { describe, expect, it } from 'vitest'
import { FilePool } from '../../../src/lsm/versions/file-pool.js'
import { joinPath } from '../../../src/vfs/file-system.js'
import { HookedFileSystem } from '../support/hooked-file-system.js'
import { DIRECTORY, emptyFileSystem, filler, openLsm, put, scan, tablesOf } from '../support/opened-lsm.js'

function poolOf(files: number, maxOpen: number): { hooked: HookedFileSystem; pool: FilePool; path: (i: number) => string } {
  const fileSystem = emptyFileSystem()
  const path = (i: number): string => joinPath(DIRECTORY, `f${i}`)
  for (let i = 0; i < files; i++) {
    const file = fileSystem.create(path(i))
    file.write(Uint8Array.of(i), 0)
    file.close()
  }
  const hooked = new HookedFileSystem(fileSystem)
  return { hooked, pool: new FilePool(hooked, maxOpen), path }
}

describe('a file pool', () => {
  it('keeps no more handles open than allowed, and reads every file all the same', () => {
    const { hooked, pool, path } = poolOf(20, 8)
    const files = Array.from({ length: 20 }, (_, i) => pool.openRead(path(i)))
    for (let round = 0; round < 3; round++) {
      for (const [i, file] of files.entries()) {
        const byte = new Uint8Array(1)
        expect([file.size(), file.read(byte, 0), byte[0]]).toEqual([1, 1, i])
        expect(hooked.open.size).toBeLessThanOrEqual(8)
      }
    }
    for (const file of files) file.close()
    expect(hooked.open.size).toBe(0)
    expect(() => files[0].read(new Uint8Array(1), 0)).toThrow('has been closed')
  })

  it('hands out files for reading only', async () => {
    const { pool, path } = poolOf(1, 8)
    const file = pool.openRead(path(0))
    expect(() => file.write(Uint8Array.of(1), 0)).toThrow('reading only')
    expect(() => file.truncate(0)).toThrow('reading only')
    await expect(file.sync()).rejects.toThrow('reading only')
  })

  it('whose files cannot be opened again says so, and goes on when they can', () => {
    const { hooked, pool, path } = poolOf(9, 8)
    const files = Array.from({ length: 9 }, (_, i) => pool.openRead(path(i)))
    hooked.before = ({ kind }) => {
      if (kind === 'openRead') throw new Error('too many open files')
    }
    expect(() => files[0].read(new Uint8Array(1), 0)).toThrow('too many open files')
    hooked.before = () => {}
    expect(files[0].read(new Uint8Array(1), 0)).toBe(1)
  })
})

it('a store with more tables than handles reads them all, and holds no more handles than it may', async () => {
  const hooked = new HookedFileSystem(emptyFileSystem())
  const engine = await openLsm({ fileSystem: hooked, created: true, options: { maxOpenFiles: 8, maxFileSize: 4096, cacheSize: 0 } })
  for (let i = 0; i < 600; i++) await put(engine, `k${String(i).padStart(4, '0')}`, filler(200, i))
  await engine.compact()
  expect(tablesOf(engine).length).toBeGreaterThan(16)
  const one = engine.cursor({})
  one.first()
  for (let round = 0; round < 2; round++) expect(scan(engine)).toHaveLength(600)
  let count = 1
  while (one.next()) count++
  one.close()
  expect(count).toBe(600)
  // Besides the tables the log and the manifest are open.
  expect(hooked.open.size).toBeLessThanOrEqual(8 + 2)
  await engine.close()
  expect(hooked.open.size).toBe(0)
})
