import { registry as builtInEngines } from '../../src/node-engines.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { IoError } from '../../src/errors.js'
import { Kvarium } from '../../src/store/portable-kvarium.js'
import { FaultyFileSystem } from '../../src/vfs/testing/faulty-file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'

const KEYS = 400
const keyAt = (i: number): string => `key ${String(i).padStart(4, '0')}`
const SMALL = { lsm: { blockSize: 256 }, btree: { pageSize: 256 } }

const failed: unknown = expect.objectContaining({
  code: 'LEVEL_IO_ERROR',
  file: expect.stringContaining('/store/') as unknown,
  cause: expect.objectContaining({ name: 'FileSystemError', code: 'EIO' }) as unknown,
})

describe.each(['lsm', 'btree'] as const)('a read of %s that the disk fails', engine => {
  let fileSystem: FaultyFileSystem
  let db: Kvarium

  beforeEach(async () => {
    fileSystem = new FaultyFileSystem(new MemoryFileSystem())
    db = new Kvarium('/store', { engine: builtInEngines.resolve(engine), fileSystem, cacheSize: 0, ...SMALL[engine] })
    for (let i = 0; i < KEYS; i++) await db.put(keyAt(i), 'v'.repeat(50))
    await db.flush()
    await db.settle()
  })

  afterEach(async () => {
    fileSystem.heal()
    await db.close()
  })

  const failReads = (skip = 0): void =>
    fileSystem.inject({ on: ({ kind }) => kind === 'read', skip, times: Infinity, effect: { kind: 'error', code: 'EIO', done: 'nothing' } })

  it('is an IoError to get, has and their like, never a key that is not there', async () => {
    failReads()
    const key = keyAt(200)
    const many = Array.from({ length: 100 }, (_, i) => keyAt(i))
    expect(() => db.getSync(key)).toThrow(IoError)
    await expect(db.get(key)).rejects.toEqual(failed)
    await expect(db.has(key)).rejects.toEqual(failed)
    await expect(db.getMany([key])).rejects.toEqual(failed)
    await expect(db.getMany(many)).rejects.toEqual(failed)
    await expect(db.hasMany([key])).rejects.toEqual(failed)
    fileSystem.heal()
    expect(await db.get(key)).toHaveLength(50)
    expect(await db.has(key)).toBe(true)
  })

  it('is an IoError to iterators, in both directions, never their end', async () => {
    failReads()
    for (const reverse of [false, true]) {
      await expect(db.iterator({ reverse }).next()).rejects.toEqual(failed)
      await expect(db.keys({ reverse }).all()).rejects.toEqual(failed)
      await expect(db.values({ reverse }).nextv(5)).rejects.toEqual(failed)
    }
    await expect(db.clear({ limit: 300 })).rejects.toEqual(failed)
    fileSystem.heal()
    expect(await db.keys().all()).toHaveLength(KEYS)
  })

  it('in the middle of an iterator skips nothing: it fails again, or goes on after a seek', async () => {
    for (const reverse of [false, true]) {
      const iterator = db.keys({ reverse })
      const seen: string[] = []
      failReads(10)
      const walk = async (): Promise<void> => {
        for (let key = await iterator.next(); key !== undefined; key = await iterator.next()) seen.push(key)
      }
      await expect(walk()).rejects.toEqual(failed)
      const all = Array.from({ length: KEYS }, (_, i) => keyAt(i))
      if (reverse) all.reverse()
      expect(seen.length).toBeGreaterThan(0)
      expect(seen).toEqual(all.slice(0, seen.length))
      expect(() => iterator.seek(keyAt(5))).toThrow(IoError)
      fileSystem.heal()
      await expect(iterator.next()).rejects.toEqual(failed)
      iterator.seek(seen.at(-1)!)
      await walk()
      expect([...new Set(seen)]).toEqual(all)
      await iterator.close()
    }
  })

  it('is an IoError to whatever else has to read: writes, clears, flushes, sizes', async () => {
    failReads()
    const codes = new Set<unknown>()
    const attempt = (work: Promise<unknown>): Promise<unknown> =>
      work.catch((error: unknown) => codes.add((error as { code: unknown }).code))
    for (let i = 0; i < KEYS; i++) await attempt(db.put(keyAt(i), 'w'))
    await attempt(db.clear({ gte: keyAt(10), lt: keyAt(20) }))
    await attempt(db.flush())
    await attempt(db.compactRange())
    await attempt(db.approximateSize(keyAt(0), keyAt(KEYS)))
    await attempt(db.settle())
    expect([...codes].filter(code => code !== 'LEVEL_WRITES_STOPPED')).toEqual(['LEVEL_IO_ERROR'])
  })
})
