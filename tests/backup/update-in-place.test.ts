import { describe, expect, it } from 'vitest'
import { readMeta, type Meta } from '../../src/btree/pages/meta-page.js'
import { loadHash32 } from '../../src/codec/checksum.js'
import { Kvarium, verify, type BackupOptions, type BackupReport } from '../../src/index.js'
import type { FileSystem } from '../../src/vfs/file-system.js'
import { MemoryFileSystem, SeededRandom } from '../../src/vfs/index.js'
import { changesImage, FaultyFileSystem, type FileOperation } from '../../src/vfs/testing/faulty-file-system.js'
import { DIRECTORY } from '../damage/support/small-store.js'
import { slice } from '../support/thoroughness.js'
import { contentsOf, crashImages, filesOf, run, soundBackup, TARGET, type Contents } from './support/backups.js'

const PAGE = 512
const OPTIONS = { engine: 'btree' as const, pageSize: PAGE, writeBufferSize: 16 << 10, cacheSize: 1 << 20 }
const DATA = `${TARGET}/data.btree`
const INCREMENTAL = { incremental: true }

const keyOf = (i: number): string => `key${String(i).padStart(5, '0')}`

async function withStore<T>(fileSystem: FileSystem, work: (db: Kvarium) => Promise<T>, location = DIRECTORY): Promise<T> {
  const db = new Kvarium(location, { ...OPTIONS, fileSystem })
  try {
    return await work(db)
  } finally {
    await db.close()
  }
}

async function put(fileSystem: FileSystem, keys: readonly number[], value: string, location = DIRECTORY): Promise<void> {
  await withStore(
    fileSystem,
    async db => {
      for (const i of keys) await db.put(keyOf(i), value)
    },
    location,
  )
}

const range = (first: number, count: number, step = 1): number[] => Array.from({ length: count }, (_, i) => first + i * step)

/** A store of some hundred leaves in three levels, and a backup of it. */
async function backedUp(entries = 500): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  await put(fileSystem, range(0, entries), 'v'.repeat(60))
  await run(fileSystem)
  return fileSystem
}

async function metaOf(fileSystem: MemoryFileSystem): Promise<Meta> {
  const file = fileSystem.openRead(DATA)
  try {
    return readMeta(file, await loadHash32())
  } finally {
    file.close()
  }
}

/** Makes an increment, which has to be one in place. */
async function increment(
  fileSystem: FileSystem,
  options: BackupOptions = {},
): Promise<Required<Pick<BackupReport, 'pages'>> & BackupReport> {
  const report = await run(fileSystem, { ...INCREMENTAL, ...options })
  expect(report.pages).toBeDefined()
  return { ...report, pages: report.pages! }
}

async function equalsStore(fileSystem: MemoryFileSystem): Promise<Contents> {
  const expected = await contentsOf(fileSystem, DIRECTORY, 'btree')
  await soundBackup(fileSystem, 'btree', expected)
  return expected
}

function change(fileSystem: MemoryFileSystem, path: string, offset: number, length = 1): void {
  const file = fileSystem.openWrite(path)
  const bytes = new Uint8Array(length)
  file.read(bytes, offset)
  file.write(
    bytes.map(byte => byte ^ 0x55),
    offset,
  )
  file.close()
}

describe('an increment of a B+tree', () => {
  it('writes the changed leaves and the branches above them, and nothing else', async () => {
    const fileSystem = await backedUp()
    const { pages: before } = await metaOf(fileSystem)
    expect(before.length).toBe(3)
    const all = before.reduce((sum, pages) => sum + pages, 0)
    const rounds: readonly (readonly [keys: number[], leaves: number])[] = [
      [[17], 1],
      [range(300, 5), 3],
      [range(5, 12, 40), 12],
    ]
    for (const [keys, leaves] of rounds) {
      await put(fileSystem, keys, 'w'.repeat(60))
      const { pages, keptBytes, writtenBytes } = await increment(fileSystem)
      const branches = Math.min(leaves, before[1]) + 1
      expect(pages.written).toBeLessThanOrEqual(leaves + branches)
      expect(pages.kept).toBe(all - pages.written)
      expect(keptBytes).toBeGreaterThan(pages.kept * PAGE - 1)
      // Besides pages: three meta pages, the free list, and `KVARIUM` twice.
      expect(writtenBytes).toBeLessThanOrEqual(PAGE * (leaves + 4 * branches) + 3 * 512 + 2 * PAGE + 2 * 256)
      await equalsStore(fileSystem)
    }
  })

  it('of a store that has not changed writes no page, and neither does one of a store whose pages have moved', async () => {
    const fileSystem = await backedUp()
    const before = filesOf(fileSystem, TARGET)
    expect((await increment(fileSystem)).pages.written).toBe(0)
    await withStore(fileSystem, async db => {
      await db.del(keyOf(5))
      await db.put(keyOf(5), 'v'.repeat(60))
      await db.compactRange(keyOf(0), keyOf(9999))
    })
    expect((await increment(fileSystem)).pages.written).toBeLessThan(8)
    expect([...filesOf(fileSystem, TARGET).keys()]).toEqual([...before.keys()])
    await equalsStore(fileSystem)
  })

  it('again and again does not let the file grow: what the earlier tree leaves is used again', async () => {
    const fileSystem = await backedUp()
    const size = fileSystem.stat(DATA)!.size
    const random = new SeededRandom(7)
    let most = 0
    for (let round = 0; round < slice(12, 200); round++) {
      await put(
        fileSystem,
        Array.from({ length: 12 }, () => random.uint32() % 500),
        String(round).padEnd(60, 'x'),
      )
      const { pages } = await increment(fileSystem)
      most = Math.max(most, pages.written)
    }
    expect(fileSystem.stat(DATA)!.size).toBeLessThan(size + 3 * most * 4 * PAGE)
    await equalsStore(fileSystem)
  })

  it('equals the moment of the store, whatever was written, removed, compacted and restarted in between', async () => {
    for (let seed = 1; seed <= slice(2, 100); seed++) {
      const random = new SeededRandom(seed)
      const below = (limit: number): number => random.uint32() % limit
      const fileSystem = new MemoryFileSystem()
      let inPlace = 0
      for (let round = 0; round < slice(6, 12); round++) {
        await withStore(fileSystem, async db => {
          for (let i = below(round === 0 ? 600 : 60); i >= 0; i--) {
            const key = keyOf(below(800))
            const kind = below(40)
            if (kind < 8) await db.del(key)
            else if (kind === 8) await db.clear({ gte: key, lt: keyOf(Number(key.slice(3)) + 60) })
            else if (kind === 9) await db.put(key, 'large'.repeat(i % 2 === 0 ? 60_000 : 900))
            else if (kind === 10) await db.put(key, 'gone some day', { ttl: 1e9 + below(100) })
            else if (kind === 11) await db.compactRange(keyOf(0), keyOf(9999))
            else await db.put(key, String.fromCharCode(97 + below(26)).repeat(below(120)))
          }
        })
        // A backup may be opened to be written, as long as nothing is.
        if (round % 4 === 2) await withStore(fileSystem, db => db.compactRange(keyOf(0), keyOf(9999)), TARGET)
        const { pages, entries } = await run(fileSystem, { ...INCREMENTAL, verify: round % 3 > 0 })
        if (pages !== undefined) inPlace++
        const expected = await equalsStore(fileSystem)
        if (entries !== undefined) expect(entries).toBe(expected.length)
        if (round % 4 === 0) expect(fileSystem.list(TARGET)).toEqual(['KVARIUM', 'data.btree'])
      }
      expect(inPlace).toBeGreaterThan(slice(3, 7))
    }
  })

  it('cut at any operation leaves the earlier moment or the new one, whole, and the next increment comes to its end', async () => {
    const memory = await backedUp(160)
    await put(memory, range(3, 5, 31), 'first')
    await increment(memory)
    const earlier = await contentsOf(memory, TARGET, 'btree')
    // Now with free places in the file, and a log beside it.
    await withStore(memory, db => db.open(), TARGET)
    await put(memory, [...range(9, 5, 31), ...range(160, 10)], 'second')
    const newer = await contentsOf(memory, DIRECTORY, 'btree')
    const images = await crashImages(memory, { incremental: true, verify: true })
    expect(images.length).toBeGreaterThan(20)
    const seen = new Set<string>()
    for (const image of images) {
      const found = await contentsOf(image, TARGET, 'btree')
      seen.add(found.length === newer.length ? 'new' : 'earlier')
      await soundBackup(image, 'btree', found.length === newer.length ? newer : earlier)
      expect((await increment(image)).pages.written).toBeGreaterThan(-1)
      await soundBackup(image, 'btree', newer)
      expect(image.list(TARGET)).toEqual(['KVARIUM', 'data.btree'])
    }
    expect(seen.size).toBe(2)
  })

  it('in which any operation fails leaves the earlier moment or the new one, and the next increment comes to its end', async () => {
    const memory = await backedUp(160)
    await put(memory, range(3, 5, 31), 'first')
    const earlier = await contentsOf(memory, TARGET, 'btree')
    const newer = await contentsOf(memory, DIRECTORY, 'btree')
    const on = (operation: FileOperation): boolean => changesImage(operation) || operation.kind === 'read'
    let isOver = false
    let failures = 0
    for (let skip = 0; !isOver; skip += skip < 60 ? slice(3, 1) : slice(17, 3)) {
      const image = memory.processCrashClone()
      const faulty = new FaultyFileSystem(image)
      faulty.inject({ on, skip, effect: { kind: 'error', code: 'EIO', done: skip % 2 === 0 ? 'nothing' : 'all' } })
      const error = await increment(faulty).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      isOver = faulty.hits === 0
      if (error !== undefined) failures++
      faulty.heal()
      expect(faulty.openHandles.size, `operation ${skip}`).toBe(0)
      const found = await contentsOf(image, TARGET, 'btree')
      expect([JSON.stringify(earlier), JSON.stringify(newer)], `operation ${skip}`).toContain(JSON.stringify(found))
      await increment(image)
      await soundBackup(image, 'btree', newer)
    }
    expect(failures).toBeGreaterThan(20)
  })

  it('writes pages anew that are damaged in the backup, and does not keep them', async () => {
    const fileSystem = await backedUp()
    const { root, length } = await metaOf(fileSystem)
    for (let unit = 8192 / PAGE; unit < length; unit += 7) {
      if (unit >= root.offset && unit < root.offset + root.units) continue
      change(fileSystem, DATA, unit * PAGE + 40)
    }
    expect((await verify(TARGET, { fileSystem })).findings.length).toBeGreaterThan(2)
    const { pages } = await increment(fileSystem, { verify: true })
    expect(pages.written).toBeGreaterThan(10)
    expect(pages.kept).toBeGreaterThan(10)
    await equalsStore(fileSystem)
  })

  it('into a backup that cannot be opened is refused with what to do, and changes nothing', async () => {
    const fileSystem = await backedUp(200)
    await put(fileSystem, range(0, 30, 5), 'changed')
    await increment(fileSystem)
    await put(fileSystem, range(0, 30, 7), 'again')
    const { root, freeList } = await metaOf(fileSystem)
    expect(freeList.units).toBeGreaterThan(0)
    for (const offset of [0, root.offset * PAGE, freeList.offset * PAGE]) {
      const image = fileSystem.processCrashClone()
      change(image, DATA, offset)
      if (offset === 0) change(image, DATA, 4096)
      const before = filesOf(image, TARGET)
      await expect(run(image, INCREMENTAL)).rejects.toMatchObject({
        code: 'LEVEL_INVALID_TARGET',
        message: expect.stringMatching(
          /\/backups\/store is damaged \(.*\): make a backup in a new directory\. Nothing was changed/,
        ) as string,
      })
      expect(filesOf(image, TARGET)).toEqual(before)
    }
  })

  it('of a store with compression keeps the leaves that have not changed, and one of a store without it is a whole new file', async () => {
    const fileSystem = new MemoryFileSystem()
    const packed = new Kvarium(DIRECTORY, { ...OPTIONS, compression: 'lz4', fileSystem })
    for (const i of range(0, 500)) await packed.put(keyOf(i), 'v'.repeat(60))
    await packed.close()
    await run(fileSystem)
    const size = fileSystem.stat(DATA)!.size
    for (let round = 0; round < 3; round++) {
      await put(fileSystem, [17, 300 + round], `round ${round}`.repeat(6 - round))
      const { pages } = await increment(fileSystem)
      expect(pages.written).toBeLessThan(8)
      expect(pages.kept).toBeGreaterThan(60)
      await equalsStore(fileSystem)
    }
    expect(fileSystem.stat(DATA)!.size).toBeLessThan(size * 1.5)
    await Kvarium.destroy(DIRECTORY, { fileSystem })
    await put(fileSystem, range(0, 600), 'v'.repeat(60))
    expect((await run(fileSystem, INCREMENTAL)).pages).toBeUndefined()
    await equalsStore(fileSystem)
  })

  it('of a store with pages of another size, or that has shrunk to a fraction, is a whole new file', async () => {
    const fileSystem = await backedUp()
    await withStore(fileSystem, db => db.clear({ gte: keyOf(100) }))
    const { pages, keptBytes } = await run(fileSystem, { ...INCREMENTAL, verify: true })
    expect([pages, keptBytes]).toEqual([undefined, 0])
    expect(fileSystem.stat(DATA)!.size).toBeLessThan(30_000)
    await equalsStore(fileSystem)
    await Kvarium.destroy(DIRECTORY, { fileSystem })
    const db = new Kvarium(DIRECTORY, { ...OPTIONS, pageSize: 1024, fileSystem })
    for (const i of range(0, 1500)) await db.put(keyOf(i), 'other pages')
    await db.close()
    expect((await run(fileSystem, INCREMENTAL)).pages).toBeUndefined()
    await equalsStore(fileSystem)
  })

  it('that was killed at its commit is distinguished from a backup that was written to since', async () => {
    const memory = await backedUp(100)
    await put(memory, range(0, 5), 'newer')
    const newer = await contentsOf(memory, DIRECTORY, 'btree')
    // Killed when the tree is that of the new moment, but `KVARIUM` has both.
    const faulty = new FaultyFileSystem(memory)
    let killed: MemoryFileSystem | undefined
    faulty.after = ({ kind, path }) => {
      if (kind === 'truncate' || (kind === 'makeDirectory' && path.startsWith(TARGET))) killed = memory.processCrashClone()
    }
    await increment(faulty)
    expect(await contentsOf(killed!, TARGET, 'btree')).toEqual(newer)
    const opened = killed!.processCrashClone()
    await put(opened, [3], 'written to the backup', TARGET)
    const before = filesOf(opened, TARGET)
    await expect(run(opened, INCREMENTAL)).rejects.toMatchObject({
      code: 'LEVEL_INVALID_TARGET',
      message: expect.stringContaining('has been written to') as string,
    })
    expect(filesOf(opened, TARGET)).toEqual(before)
    await increment(killed!)
    await equalsStore(killed!)
  })

  it('beside another one to the same target is refused, and so is one while the backup is read', async () => {
    const fileSystem = await backedUp(200)
    await put(fileSystem, range(0, 5), 'newer')
    const outcomes = await Promise.allSettled([run(fileSystem, INCREMENTAL), run(fileSystem, INCREMENTAL)])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'LEVEL_LOCKED' } })
    const reader = new Kvarium(TARGET, { engine: 'btree', fileSystem, readOnly: true })
    await reader.open()
    await expect(run(fileSystem, INCREMENTAL)).rejects.toMatchObject({ code: 'LEVEL_LOCKED' })
    await reader.close()
    await equalsStore(fileSystem)
  })
})
