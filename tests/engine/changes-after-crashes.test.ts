import { beforeAll, describe, expect, it } from 'vitest'
import { btreeEngine } from '../../src/btree/factory.js'
import { loadHash32, type Hash32 } from '../../src/codec/checksum.js'
import { KIND_PUT } from '../../src/codec/entry.js'
import type { Engine, EngineFactory, FeedOptions } from '../../src/engine/contract.js'
import { parseLogName } from '../../src/engine/durable/log-names.js'
import { RetainedLogs } from '../../src/engine/durable/retained-logs.js'
import { hashEngine } from '../../src/hash/factory.js'
import { lsmEngine } from '../../src/lsm/whole-engine.js'
import type { MemoryFileSystem } from '../../src/vfs/index.js'
import { SeededRandom, simulatedEnvironment, type FileSystem } from '../../src/vfs/index.js'
import { LogCursor } from '../../src/wal/log-cursor.js'
import { LogWriter } from '../../src/wal/writer.js'
import { SMALL_BTREE } from '../contract/support/small-btree.js'
import { SMALL_HASH } from '../contract/support/small-hash.js'
import { SMALL_LSM } from '../contract/support/small-lsm.js'
import { fillOptions, textOf } from '../contract/support/opened-engine.js'
import { HookedFileSystem, isChange } from '../lsm/support/hooked-file-system.js'
import { slice } from '../support/thoroughness.js'
import { batchOf, emptyFileSystem } from './support/engine-calls.js'

const SUBJECTS: readonly (readonly [string, EngineFactory, object])[] = [
  ['lsm', lsmEngine(), SMALL_LSM],
  ['btree', btreeEngine(), SMALL_BTREE],
  ['hash', hashEngine(), SMALL_HASH],
]

let hash32: Hash32
beforeAll(async () => {
  hash32 = await loadHash32()
})

function opener(factory: EngineFactory, options: object) {
  return (fileSystem: FileSystem, created: boolean, changesRetainBytes = 1 << 20): Promise<Engine> =>
    factory.open({
      environment: simulatedEnvironment({ seed: 1, fileSystem }),
      directory: '/store',
      created,
      options: fillOptions(factory, { ...options, changesRetainBytes }),
    })
}

/** Puts that a feed delivers until its end, by sequence number. */
async function read(engine: Engine, options: Partial<FeedOptions> = {}): Promise<Map<number, string>> {
  const feed = engine.changes!({ since: undefined, live: false, ...options })
  const found = new Map<number, string>()
  for (let batch = await feed.next(); batch !== undefined; batch = await feed.next()) {
    batch.next()
    expect(batch.kind).toBe(KIND_PUT)
    found.set(batch.lastSequence, textOf(batch.value.copy()))
  }
  feed.close()
  return found
}

describe.each(SUBJECTS)('changes of %s after a crash at any file operation', (_name, factory, options) => {
  const open = opener(factory, options)

  it('what a feed has delivered is in the recovered store, under the same number, and a follower goes on without a gap', async () => {
    const fileSystem = emptyFileSystem()
    const hooked = new HookedFileSystem(fileSystem)
    const random = new SeededRandom(7)
    const images: { readonly image: MemoryFileSystem; readonly seen: number; readonly at: string }[] = []
    const delivered: string[] = []
    let operations = 0
    const every = slice(7, 1)
    const engine = await open(hooked, true)
    hooked.before = ({ kind, path, ...rest }) => {
      if (!isChange({ kind, path, ...rest }) || operations++ % every > 0) return
      const image = operations % 3 === 0 ? fileSystem.processCrashClone() : fileSystem.crashClone(random.uint32())
      images.push({ image, seen: delivered.length, at: `${kind} ${path}` })
    }
    const feed = engine.changes!({ since: undefined, live: true })
    for (let i = 1; i <= 150; i++) {
      await engine.write(batchOf([['put', `key ${i % 9}`, `${i} `.padEnd(random.uniform(700))]]), { sync: random.uniform(10) === 0 })
      if (random.uniform(12) === 0) await engine.flush()
      if (random.uniform(4) > 0) continue
      // Reads on until it has everything, which makes all of it durable.
      while (delivered.length < i) {
        const batch = (await feed.next())!
        batch.next()
        delivered.push(textOf(batch.value.copy()))
        expect(batch.lastSequence).toBe(delivered.length)
      }
    }
    feed.close()
    await engine.close()
    expect(images.length).toBeGreaterThan(20)
    for (const { image, seen, at } of images) {
      const recovered = await open(image, false)
      const changes = await read(recovered)
      for (let i = 1; i <= seen; i++) expect(changes.get(i), `change ${i} of ${seen} after ${at}`).toBe(delivered[i - 1])
      const { sequence = 0 } = recovered.snapshot()
      expect([...changes.keys()], at).toEqual(Array.from({ length: sequence }, (_, i) => i + 1))
      await recovered.write(batchOf([['put', 'new', 'after the crash']]), { sync: false })
      expect([...(await read(recovered, { since: seen })).values()].at(-1)).toBe('after the crash')
      await recovered.close()
      const again = await open(image, false)
      expect((await read(again)).get(sequence + 1), at).toBe('after the crash')
      await again.close()
    }
  })

  it('without the option a power loss, a kill and a reopen leave no log behind that recovery does not need', async () => {
    const fileSystem = emptyFileSystem()
    const first = await open(fileSystem, true, 1 << 20)
    for (let i = 1; i <= 60; i++) await first.write(batchOf([['put', 'key', `${i}`.padEnd(600)]]), { sync: false })
    await first.flush()
    await first.close()
    const logs = (): number => fileSystem.list('/store').filter(name => parseLogName(name) !== undefined).length
    expect(logs()).toBeGreaterThan(2)
    const second = await open(fileSystem, false, 0)
    await second.settle()
    expect(logs()).toBeLessThan(3)
    await expect(read(second, { since: 30 })).rejects.toMatchObject({ code: 'LEVEL_CHANGES_GONE' })
    expect(await read(second)).toEqual(new Map())
    await second.close()
  })

  it('a retained log that is gone or damaged is a gap, never a skipped change', async () => {
    const fileSystem = emptyFileSystem()
    const first = await open(fileSystem, true)
    for (let i = 1; i <= 30; i++) {
      await first.write(batchOf([['put', `${i}`, `${i}`]]), { sync: false })
      if (i % 10 === 0) await first.flush()
    }
    await first.close()
    const retained = fileSystem.list('/store').filter(name => parseLogName(name) !== undefined)
    for (const harm of ['remove', 'damage'] as const) {
      const image = fileSystem.processCrashClone()
      const path = `/store/${retained[1]}`
      if (harm === 'remove') image.remove(path)
      else {
        const file = image.openWrite(path)
        file.write(Uint8Array.of(0xff), 60)
        file.close()
      }
      const engine = await open(image, false)
      await expect(read(engine), harm).rejects.toMatchObject({ code: 'LEVEL_CHANGES_GONE' })
      await expect(read(engine, { since: 5 }), harm).rejects.toMatchObject({ code: 'LEVEL_CHANGES_GONE' })
      // What comes behind the gap is still to be had.
      expect((await read(engine, { since: 20 })).size, harm).toBe(10)
      await engine.close()
    }
  })

  it('a failed sync ends the feed, which has delivered nothing that could be lost', async () => {
    const hooked = new HookedFileSystem(emptyFileSystem())
    const engine = await open(hooked, true)
    const feed = engine.changes!({ since: undefined, live: true })
    await engine.write(batchOf([['put', 'a', '1']]), { sync: true })
    expect((await feed.next())?.lastSequence).toBe(1)
    await engine.write(batchOf([['put', 'b', '2']]), { sync: false })
    hooked.before = ({ kind }) => {
      if (kind === 'sync') throw new Error('the disk is gone')
    }
    await expect(Promise.resolve(feed.next())).rejects.toThrow(/the disk is gone/)
    hooked.before = () => undefined
    feed.close()
    await engine.close()
  })
})

describe('the logs of a feed', () => {
  it('a cursor reads no byte at or behind the end that it is given, and goes on when the log grows', async () => {
    const fileSystem = emptyFileSystem()
    const writer = LogWriter.create({ fileSystem, path: '/store/000001.log', logNumber: 1, hash32 })
    const file = fileSystem.openRead('/store/000001.log')
    const cursor = new LogCursor(file, 1, hash32)
    expect(cursor.next(0, true)).toBe(false)
    const ends = [1, 2, 3].map(n => {
      writer.append(new Uint8Array(n * 100_000).fill(n))
      return writer.size
    })
    for (const [i, end] of ends.entries()) {
      expect(cursor.next(end - 1, false)).toBe(false)
      expect(cursor.next(end, true)).toBe(true)
      expect(cursor.payload.length).toBe((i + 1) * 100_000)
      expect(cursor.next(end, true)).toBe(false)
      expect(cursor.bytesRead).toBeLessThanOrEqual(end)
    }
    file.close()
    await writer.close({ marker: false })
  })

  it('the limit is kept at least, the oldest log goes first, and none is kept behind one that could lose its end', async () => {
    const removed: number[] = []
    const retained = new RetainedLogs({ limit: 100, logs: [{ number: 1, bytes: 60 }] }, ({ number }) => {
      removed.push(number)
      return Promise.resolve()
    })
    for (const number of [2, 3]) expect(retained.add({ number, bytes: 60 }, true)).toBe(true)
    await retained.trim()
    expect(removed).toEqual([1])
    expect(retained.add({ number: 4, bytes: 60 }, false)).toBe(false)
    expect(retained.add({ number: 5, bytes: 10 }, true)).toBe(true)
    await retained.trim()
    expect(removed).toEqual([1, 2, 3])
    expect(retained.logs.map(({ number }) => number)).toEqual([5])
    await retained.end()
    expect(retained.logs).toEqual([])
  })
})
