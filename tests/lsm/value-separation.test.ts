import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BlobPointer, MOST_BLOB_BYTES, valueCheck } from '../../src/codec/blob-pointer.js'
import { loadHash32 } from '../../src/codec/checksum.js'
import type { Engine, Loss } from '../../src/engine/contract.js'
import { blobName } from '../../src/lsm/file-names.js'
import type { LsmShape } from '../../src/lsm/shape.js'
import { lsmEngine } from '../../src/lsm/whole-engine.js'
import { SeededRandom, simulatedEnvironment } from '../../src/vfs/index.js'
import { keyHash } from '../../src/sstable/bloom-filter.js'
import { joinPath, type FileSystem } from '../../src/vfs/file-system.js'
import { slice } from '../support/thoroughness.js'
import {
  batchOf,
  blobsOf,
  DIRECTORY,
  emptyFileSystem,
  filler,
  get,
  leftovers,
  listed,
  openLsm,
  put,
  scan,
  violations,
} from './support/opened-lsm.js'

const THRESHOLD = 100
const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes)

function open(fileSystem: FileSystem, options: Readonly<Record<string, unknown>> = {}, created = false): Promise<Engine> {
  return openLsm({ fileSystem, created, options: { valueThreshold: THRESHOLD, idleCompaction: false, ...options } })
}

async function withLargeValues(): Promise<{ fileSystem: FileSystem; engine: Engine }> {
  const fileSystem = emptyFileSystem()
  const engine = await open(fileSystem, {}, true)
  for (let i = 0; i < 50; i++) await put(engine, `k${i}`, filler(1000, i))
  await engine.flush()
  return { fileSystem, engine }
}

function changeByte(fileSystem: FileSystem, path: string, at: number): void {
  const file = fileSystem.openWrite(path)
  const byte = new Uint8Array(1)
  file.read(byte, at)
  byte[0] ^= 1
  file.write(byte, at)
  file.close()
}

describe('a pointer to a value', () => {
  it('is the one of the format document', async () => {
    const document = readFileSync(new URL('../../docs/formats/blob.md', import.meta.url), 'utf8')
    const hex = /```hex\n00000000 {2}([0-9a-f ]+?) {2}/.exec(document)![1]
    const hash32 = await loadHash32()
    const pointer = new BlobPointer()
    const value = text('value of k')
    Object.assign(pointer, { file: 4, offset: 50, length: value.length })
    pointer.check = valueCheck(hash32, keyHash(hash32, text('k')), value, 0, value.length)
    const bytes = new Uint8Array(MOST_BLOB_BYTES)
    expect(Buffer.from(bytes.subarray(0, pointer.write(bytes, 0))).toString('hex')).toBe(hex.replaceAll(' ', ''))
  })

  it('is read back as it was written, and never from fewer bytes', () => {
    const number = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
    const expiry = fc.option(fc.integer({ min: 0, max: 2 ** 48 - 1 }), { nil: undefined })
    const check = fc.integer({ min: 0, max: 2 ** 32 - 1 })
    fc.assert(
      fc.property(fc.record({ expiry, file: number, offset: number, length: number, check }), fields => {
        const written = Object.assign(new BlobPointer(), fields)
        const bytes = new Uint8Array(MOST_BLOB_BYTES)
        const end = written.write(bytes, 0)
        const read = new BlobPointer()
        read.read({ bytes, start: 0, end } as never)
        expect(read).toEqual(written)
        expect(() => read.read({ bytes, start: 0, end: end - 1 } as never)).toThrow(/pointer/)
      }),
      { numRuns: slice(50, 1000), seed: 5 },
    )
  })
})

describe('values apart from their keys', () => {
  it('are written once, and moved by no compaction', async () => {
    const { fileSystem, engine } = await withLargeValues()
    await engine.compact()
    const { ledger } = engine.stats()
    expect(ledger.written.log).toBeGreaterThan(50_000)
    expect(ledger.written.flush + ledger.written.compaction).toBeLessThan(12_000)
    expect(get(engine, 'k7')).toBe(filler(1000, 7))
    expect(leftovers(engine, fileSystem)).toEqual([])
    expect(await violations(engine)).toEqual([])
    await engine.close()
  })

  it('are found again after a reopen, with the option on, off and on again', async () => {
    const { fileSystem, engine } = await withLargeValues()
    await engine.close()
    const model = new Map(Array.from({ length: 50 }, (_, i) => [`k${i}`, filler(1000, i)]))
    for (const [session, valueThreshold] of [THRESHOLD, 0, 500, 0].entries()) {
      const again = await open(fileSystem, { valueThreshold })
      model.set(`session ${session}`, filler(600, session))
      await put(again, `session ${session}`, filler(600, session))
      await again.flush()
      await again.compact()
      expect(scan(again)).toEqual(listed(model))
      expect(await violations(again)).toEqual([])
      await again.close()
    }
  })

  it('a log with few of them is not kept for their sake', async () => {
    const fileSystem = emptyFileSystem()
    const engine = await open(fileSystem, {}, true)
    for (let i = 0; i < 100; i++) await put(engine, `small ${i}`, 'v'.repeat(90))
    await put(engine, 'large', filler(2000, 1))
    await engine.flush()
    const [blob] = (engine.shape() as LsmShape).blobs!
    expect(blob.liveBytes).toBe(2000)
    expect(blob.fileBytes).toBeLessThan(2200)
    expect(get(engine, 'large')).toBe(filler(2000, 1))
    await engine.close()
  })

  it('their files go with the last table, cursor and snapshot that needs them', async () => {
    const { fileSystem, engine } = await withLargeValues()
    const cursor = engine.cursor({})
    const snapshot = engine.snapshot()
    await engine.clear({}, { sync: false })
    await engine.compact()
    expect(cursor.first()).toBe(true)
    expect(cursor.value.length).toBe(1000)
    cursor.close()
    expect(engine.get(text('k1'), snapshot)).toHaveLength(1000)
    snapshot.release()
    await engine.compact()
    await engine.settle()
    expect(blobsOf(engine)).toEqual([])
    expect(leftovers(engine, fileSystem)).toEqual([])
    expect(fileSystem.list(DIRECTORY).filter(name => name.endsWith('.blob'))).toEqual([])
    await engine.close()
  })

  it('a scan of the keys reads none of them', async () => {
    const { fileSystem, engine } = await withLargeValues()
    await engine.compact()
    await engine.close()
    const again = await open(fileSystem)
    const cursor = again.cursor({})
    let keys = 0
    for (cursor.first(); cursor.valid; cursor.next()) keys++
    expect(keys).toBe(50)
    expect(again.stats().ledger.scan.bytesFromDisk).toBeLessThan(10_000)
    cursor.close()
    await again.close()
  })

  it('one that is damaged is an error that names the file, the place and what to do, for gets and scans', async () => {
    const { fileSystem, engine } = await withLargeValues()
    const [number] = blobsOf(engine)
    const path = joinPath(DIRECTORY, blobName(number))
    const middle = Math.floor(fileSystem.stat(path)!.size / 2)
    changeByte(fileSystem, path, middle)
    const failures = Array.from({ length: 50 }, (_, i) => i).flatMap(i => {
      try {
        get(engine, `k${i}`)
        return []
      } catch (error) {
        return [error as Error & { file: string; offset: number }]
      }
    })
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatchObject({
      code: 'LEVEL_CORRUPTION',
      file: path,
      message: expect.stringContaining('kvarium repair') as string,
    })
    expect(middle - failures[0].offset).toBeLessThan(1000)
    expect(() => scan(engine)).toThrow(/A value is damaged/)
    const found = await violations(engine)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ file: path })
    await engine.close()
  })

  it('those that can be read are salvaged, and each other one is reported with its key', async () => {
    const { fileSystem, engine } = await withLargeValues()
    const [number] = blobsOf(engine)
    await engine.close()
    const path = joinPath(DIRECTORY, blobName(number))
    changeByte(fileSystem, path, Math.floor(fileSystem.stat(path)!.size / 2))
    const losses: Loss[] = []
    const environment = simulatedEnvironment({ seed: 1, fileSystem })
    const entries = new Map<string, number>()
    const context = { environment, directory: DIRECTORY, created: false, options: {} }
    for await (const { key, value } of lsmEngine().salvage!(context, loss => losses.push(loss))) {
      entries.set(new TextDecoder().decode(key), value.length)
    }
    expect(entries.size).toBe(49)
    expect(new Set(entries.values())).toEqual(new Set([1000]))
    expect(losses).toHaveLength(1)
    expect(losses[0]).toMatchObject({ file: path })
    expect(entries.has(new TextDecoder().decode(losses[0].keys!.gte))).toBe(false)
  })

  it('a file of them that is missing or cut off is noticed at the opening', async () => {
    const { fileSystem, engine } = await withLargeValues()
    const [number] = blobsOf(engine)
    const path = joinPath(DIRECTORY, blobName(number))
    await engine.close()
    const file = fileSystem.openWrite(path)
    const size = file.size()
    file.truncate(size - 1)
    file.close()
    await expect(open(fileSystem)).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION', file: path })
    fileSystem.remove(path)
    await expect(open(fileSystem)).rejects.toMatchObject({ file: path, message: expect.stringContaining('missing') as string })
  })

  it('long ones are written in pieces, read whole, and kept from the cache', async () => {
    const fileSystem = emptyFileSystem()
    const engine = await open(fileSystem, {}, true)
    const long = new Uint8Array(3 << 20).map((_, i) => i * 31)
    const batch = batchOf([['put', 'long', '']])
    batch.clear()
    batch.put(text('long'), long)
    batch.put(text('later'), long, Date.UTC(2100, 1))
    await engine.write(batch, { sync: false })
    await engine.flush()
    for (const key of ['long', 'later']) expect(Buffer.compare(engine.get(text(key))!, long)).toBe(0)
    expect(engine.expiresAt!(text('later'))).toBe(Date.UTC(2100, 1))
    expect(engine.expiresAt!(text('long'))).toBeUndefined()
    expect(engine.stats().cache!.usedBytes).toBeLessThan(1 << 20)
    await engine.close()
  })
})

describe('the space of values apart', () => {
  function bytesOf(fileSystem: FileSystem): number {
    const names = fileSystem.list(DIRECTORY).filter(name => /\.(blob|sst)$/.test(name))
    return names.reduce((sum, name) => sum + fileSystem.stat(joinPath(DIRECTORY, name))!.size, 0)
  }

  it.each(['leveled', 'tiered', 'lazy-leveled'])('is bounded after overwrites and deletions of a %s tree, settled', async compaction => {
    const fileSystem = emptyFileSystem()
    const engine = await open(fileSystem, { compaction, writeBufferSize: 32 << 10 }, true)
    const random = new SeededRandom(7)
    const model = new Map<string, string>()
    for (let i = 0; i < 3000; i++) {
      const key = `k${random.uniform(300)}`
      if (random.uniform(10) === 0) {
        model.delete(key)
        await engine.write(batchOf([['del', key]]), { sync: false })
      } else {
        model.set(key, filler(500 + random.uniform(500), i))
        await put(engine, key, model.get(key)!)
      }
    }
    await engine.flush()
    await engine.settle()
    const live = [...model].reduce((sum, [key, value]) => sum + key.length + value.length, 0)
    expect(bytesOf(fileSystem)).toBeLessThan(1.3 * live)
    expect(scan(engine)).toEqual(listed(model))
    expect(leftovers(engine, fileSystem)).toEqual([])
    expect(await violations(engine)).toEqual([])
    await engine.close()
  })
})
