import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LeafPacker, unpackLeaf } from '../../src/btree/pages/packed-leaf.js'
import { readMeta } from '../../src/btree/pages/meta-page.js'
import { loadHash32 } from '../../src/codec/checksum.js'
import type { Engine } from '../../src/engine/contract.js'
import { CorruptionError } from '../../src/errors.js'
import { SeededRandom, type FileSystem } from '../../src/vfs/index.js'
import { rangeOf } from '../contract/support/opened-engine.js'
import { batches } from '../engine/support/ingests.js'
import { slice } from '../support/thoroughness.js'
import { batchOf, DIRECTORY, emptyFileSystem, filler, listed, openBtree, put, scan, shapeOf, violations } from './support/opened-btree.js'

const PACKED = { compression: 'lz4', writeBufferSize: 64 << 10 } as const
const DATA = `${DIRECTORY}/data.btree`

const name = (i: number): string => `key ${String(i).padStart(5, '0')}`

/** Text that no codec makes smaller. */
function noise(bytes: number, seed: number): string {
  const random = new SeededRandom(seed)
  return Array.from({ length: bytes }, () => String.fromCharCode(random.uniform(128))).join('')
}

async function fill(engine: Engine, model: Map<string, string>, entries: number, valueOf: (i: number) => string): Promise<void> {
  for (let from = 0; from < entries; from += 50) {
    const operations = Array.from({ length: 50 }, (_, i) => ['put', name(from + i), valueOf(from + i)] as const)
    for (const [, key, value] of operations) model.set(key, value)
    await engine.write(batchOf(operations), { sync: false })
  }
  await engine.flush()
}

/** A store with a model of it, and the size of its data file. */
async function filled(options: Readonly<Record<string, unknown>>, entries = 1000, valueOf = (i: number): string => filler(60, i)) {
  const fileSystem = emptyFileSystem()
  const engine = await openBtree({ fileSystem, created: true, options })
  const model = new Map<string, string>()
  await fill(engine, model, entries, valueOf)
  return { fileSystem, engine, model, bytes: fileSystem.stat(DATA)!.size }
}

async function metaOf(fileSystem: FileSystem, path = DATA) {
  const file = fileSystem.openRead(path)
  try {
    return readMeta(file, await loadHash32())
  } finally {
    file.close()
  }
}

describe('a packed leaf', () => {
  const place = { file: 'data.btree', offset: 512 }

  it('has the contents that were packed, in whole units, or is not packed', () => {
    const packer = new LeafPacker(512, 64)
    const piece = fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 20 }))
    const contents = fc.array(piece, { maxLength: 20 }).map(pieces => {
      const all = pieces.flatMap(([bytes, times]) => Array.from({ length: times }, () => [...bytes]).flat())
      return Uint8Array.from({ length: 512 }, (_, i) => all[i] ?? 0)
    })
    fc.assert(
      fc.property(contents, bytes => {
        const extent = packer.pack(bytes)?.slice()
        if (extent === undefined) return
        expect(extent.length % 64).toBe(0)
        expect(extent.length).toBeLessThan(512)
        const unpacked = new Uint8Array(512)
        unpackLeaf(extent, unpacked, place)
        expect(unpacked).toEqual(bytes)
        expect(packer.pack(bytes)).toEqual(extent)
      }),
      { seed: 5, numRuns: slice(200, 5000) },
    )
    expect(packer.pack(Uint8Array.from({ length: 512 }, (_, i) => (i * i * 31) >> 3))).toBeUndefined()
  })

  it('of bytes that are none is a CorruptionError with the place', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), extent => {
        try {
          unpackLeaf(extent, new Uint8Array(512), place)
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptionError)
          expect(error).toMatchObject(place)
        }
      }),
      { seed: 6, numRuns: slice(200, 5000) },
    )
  })
})

describe('a B+tree with compression', () => {
  it('takes less of the disk for the same entries, and the ledger says how much', async () => {
    const plain = await filled({ ...PACKED, compression: 'none' })
    const packed = await filled(PACKED)
    expect(packed.bytes).toBeLessThan(plain.bytes * 0.6)
    const { saved, written } = packed.engine.stats().ledger
    expect(plain.engine.stats().ledger.saved.page).toBe(0)
    expect(saved.page).toBeGreaterThan(written.page)
    expect(written.page + saved.page).toBeGreaterThan(plain.engine.stats().ledger.written.page * 0.9)
    const half = packed.engine.approximateSize(rangeOf({ lt: name(500) }))
    expect(half).toBeLessThan(packed.bytes)
    for (const { engine, model } of [plain, packed]) {
      expect(scan(engine)).toEqual(listed(model))
      expect(await violations(engine)).toEqual([])
      await engine.close()
    }
  })

  it('stores what does not shrink as it is', async () => {
    const { engine, model, fileSystem } = await filled(PACKED, 300, i => noise(i % 7 === 0 ? 3000 : 90, i))
    expect(engine.stats().ledger.saved.page).toBeLessThan(engine.stats().ledger.written.page / 4)
    await engine.close()
    const again = await openBtree({ fileSystem })
    expect(scan(again)).toEqual(listed(model))
    expect(await violations(again)).toEqual([])
    await again.close()
  })

  it('keeps what it was created with, whatever it is opened with', async () => {
    const packed = await filled(PACKED, 300)
    await packed.engine.close()
    const plain = await filled({ ...PACKED, compression: 'none' }, 300)
    await plain.engine.close()
    for (const [{ fileSystem, model }, compression] of [
      [packed, 'none'],
      [plain, 'lz4'],
    ] as const) {
      const before = await metaOf(fileSystem)
      const engine = await openBtree({ fileSystem, options: { ...PACKED, compression, pageSize: 4096 } })
      await put(engine, name(7), 'changed')
      await engine.flush()
      model.set(name(7), 'changed')
      expect(scan(engine)).toEqual(listed(model))
      expect(shapeOf(engine).pageBytes).toBe(512)
      expect(await violations(engine)).toEqual([])
      await engine.close()
      const { unitBytes, pageBytes } = await metaOf(fileSystem)
      expect([unitBytes, pageBytes]).toEqual([before.unitBytes, before.pageBytes])
    }
  })

  it('gives space back where leaves shrink, and stays no larger than its leaves', async () => {
    const { engine, model, fileSystem, bytes } = await filled({ ...PACKED, idleCompaction: true }, 1000, i => noise(60, i))
    for (let round = 0; round < 3; round++) await fill(engine, model, 1000, i => filler(60, i + round))
    await engine.compact()
    expect(fileSystem.stat(DATA)!.size).toBeLessThan(bytes * 0.6)
    expect(await violations(engine)).toEqual([])
    await engine.close()
    expect(fileSystem.stat(DATA)!.size).toBeLessThan(bytes * 0.6)
  })

  it('compresses the leaves of an ingest and of a checkpoint, from memory or from disk', async () => {
    const fileSystem = emptyFileSystem()
    for (const directory of ['/copy 1', '/copy 2']) fileSystem.makeDirectory(directory)
    const engine = await openBtree({ fileSystem, created: true, options: PACKED })
    const model = new Map(Array.from({ length: 1000 }, (_, i) => [name(i), filler(60, i)]))
    await engine.ingest!(batches(model))
    const { saved, written } = engine.stats().ledger
    expect(saved.page).toBeGreaterThan(written.page)
    await engine.checkpoint!().write('/copy 1')
    // Leaves that are in memory alone, beside others that are on disk.
    for (let i = 0; i < 1000; i += 2) model.set(name(i), filler(50, i + 1))
    for (let i = 0; i < 1000; i += 2) await put(engine, name(i), filler(50, i + 1))
    await engine.checkpoint!().write('/copy 2')
    const sizes = ['/copy 1', '/copy 2'].map(directory => fileSystem.stat(`${directory}/data.btree`)!.size)
    expect(Math.max(...sizes)).toBeLessThan(1000 * 69 * 0.8)
    const copy = await openBtree({ fileSystem, directory: '/copy 2' })
    expect(scan(copy)).toEqual(listed(model))
    expect(await violations(copy)).toEqual([])
    await copy.close()
    await engine.close()
  })
})
