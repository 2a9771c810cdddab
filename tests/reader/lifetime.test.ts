import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Kvarium, Trace, type TraceEvent } from '../../src/index.js'
import { lsmEngine } from '../../src/lsm/whole-engine.js'
import { LeveledPicker } from '../../src/lsm/compaction/pickers/leveled-picker.js'
import { openReader } from '../../src/reader/index.js'
import type { ReaderHandle } from '../../src/reader/index.js'
import { MemoryFileSystem } from '../../src/vfs/index.js'
import { codeOf, messagesArrive, openStore, readerOf, SHARED_ENGINES, temporaryDirectory } from './support/shared-store.js'

const entries = (count: number, value = 'value '.repeat(20)): { type: 'put'; key: string; value: string }[] =>
  Array.from({ length: count }, (_, i) => ({ type: 'put', key: `key ${String(i).padStart(5, '0')}`, value }))

const fileBytes = (db: Kvarium): number => db.stats().ledger.fileBytes

describe.each(SHARED_ENGINES)('a version of %s that is shared', engine => {
  it('keeps its space until the last of share and readers has released it, and no longer', async () => {
    const db = await openStore(engine, { idleCompaction: false })
    await db.batch(entries(3000))
    await db.compactRange()
    const full = fileBytes(db)
    const share = await db.share()
    const readers = [await openReader(share.handle()), await openReader(share.handle())]
    share.release()
    expect(db.stats().readers).toBe(2)
    const rewrite = async (): Promise<void> => {
      await db.clear()
      await db.put('new', 'entry')
      await db.compactRange()
      await db.settle()
    }
    await rewrite()
    expect(fileBytes(db)).toBeGreaterThan(full / 2)
    await readers[0].close()
    await messagesArrive()
    await rewrite()
    expect(await readers[1].keys().all()).toHaveLength(3000)
    expect(fileBytes(db)).toBeGreaterThan(full / 2)
    await readers[1].close()
    await messagesArrive()
    expect(db.stats().readers).toBe(0)
    await rewrite()
    expect(fileBytes(db)).toBeLessThan(full / 10)
  })

  it('is released by a refresh once no iterator and no snapshot reads it', async () => {
    const db = await openStore(engine, { idleCompaction: false })
    await db.batch(entries(3000))
    await db.compactRange()
    const full = fileBytes(db)
    const reader = await readerOf(db)
    const iterator = reader.keys()
    const snapshot = reader.snapshot()
    await db.clear()
    await db.compactRange()
    await reader.refresh()
    expect(await reader.keys().all()).toEqual([])
    const compacted = async (): Promise<number> => {
      await messagesArrive()
      await db.put('new', 'entry')
      await db.compactRange()
      await db.settle()
      return fileBytes(db)
    }
    expect(await compacted()).toBeGreaterThan(full / 2)
    expect(await iterator.all()).toHaveLength(3000)
    await iterator.close()
    expect(await compacted()).toBeGreaterThan(full / 2)
    await snapshot.close()
    expect(await compacted()).toBeLessThan(full / 10)
  })

  it('is no more in a handle whose share was released before a reader opened it', async () => {
    const db = await openStore(engine)
    const share = await db.share()
    const handle = share.handle()
    share.release()
    expect(db.stats().readers).toBe(0)
    expect(await codeOf(openReader(handle))).toBe('LEVEL_SHARE_RELEASED')
    expect(await codeOf(() => share.handle())).toBe('LEVEL_SHARE_RELEASED')
  })

  it('is released when a handle comes to nothing', async () => {
    const db = await openStore(engine)
    const share = await db.share()
    share.handle().port.close()
    await messagesArrive()
    expect(db.stats().readers).toBe(0)
  })

  it('is an operation of a trace, to which its release belongs', async () => {
    const events: TraceEvent[] = []
    const trace = new Trace({ level: 'step', listener: event => events.push(event) })
    const db = await openStore(engine, { trace })
    await db.batch(entries(2000))
    await db.compactRange()
    const share = await db.share()
    const shared = events.findLast(event => event.type === 'operation.end')
    expect(shared).toMatchObject({ kind: 'share', status: 'ok' })
    await db.clear()
    await db.compactRange()
    events.length = 0
    share.release()
    await db.settle()
    expect(events.some(event => event.type === 'file.remove' || event.type === 'space.free')).toBe(true)
    expect(events.filter(event => event.operation === 0 && event.job === 0)).toEqual([])
  })

  it('leaves the directory to the store: no lock, no file of its own, and none after it', async () => {
    const db = await openStore(engine)
    await db.batch(entries(100))
    const share = await db.share()
    const before = readdirSync(db.location).sort()
    const reader = await readerOf(share)
    await reader.keys().all()
    expect(readdirSync(db.location).sort()).toEqual(before)
    await db.close()
    await db.open()
    expect(await db.keys().all()).toHaveLength(100)
    await db.close()
    await Kvarium.destroy(db.location)
    expect(existsSync(db.location)).toBe(false)
  })
})

describe.each(SHARED_ENGINES)('a store of %s that is closed under its readers', engine => {
  it('ends them: reads fail with LEVEL_READER_DETACHED, whatever happens to the files', async () => {
    const db = await openStore(engine, { cacheSize: 0 })
    await db.batch(entries(500))
    await db.compactRange()
    const share = await db.share()
    const reader = await readerOf(share, { cacheSize: 0 })
    const iterator = reader.iterator()
    expect(await iterator.next()).toBeDefined()
    const unopened = share.handle()
    await db.close()
    await db.open()
    await db.clear()
    await db.compactRange()
    for (const work of [
      () => reader.getSync('key 00001'),
      () => reader.get('key 00001'),
      () => reader.getMany(['key 00001']),
      () => reader.has('key 00001'),
      () => reader.keys().all(),
      () => iterator.all(),
      () => reader.refresh(),
      () => openReader(unopened),
    ]) {
      expect(await codeOf(work), String(work)).toBe('LEVEL_READER_DETACHED')
    }
    await reader.close()
    expect(await codeOf(() => share.handle())).toBe('LEVEL_SHARE_RELEASED')
    share.release()
    const again = await readerOf(db)
    expect(await again.keys().all()).toEqual([])
  })

  it('while a refresh is under way, fails the refresh', async () => {
    const db = await openStore(engine)
    await db.batch(entries(500))
    const reader = await readerOf(db)
    const refreshing = codeOf(reader.refresh())
    await db.close()
    expect(await refreshing).toBe('LEVEL_READER_DETACHED')
  })

  it('while it is shared, shares nothing', async () => {
    const db = await openStore(engine)
    await db.batch(entries(500))
    const sharing = codeOf(db.share())
    await db.close()
    expect(['LEVEL_DATABASE_NOT_OPEN', undefined]).toContain(await sharing)
    expect(await codeOf(db.share())).toBe('LEVEL_DATABASE_NOT_OPEN')
  })
})

describe('a reader', () => {
  it('that is closed refuses reads, and stays closed', async () => {
    const db = await openStore('lsm')
    const reader = await readerOf(db)
    await reader.close()
    expect(await codeOf(reader.get('a'))).toBe('LEVEL_DATABASE_NOT_OPEN')
    expect(await codeOf(reader.refresh())).toBe('LEVEL_DATABASE_NOT_OPEN')
    expect(await codeOf(reader.open())).toBe('LEVEL_DATABASE_NOT_OPEN')
  })

  it('refuses to write, and says where to', async () => {
    const db = await openStore('btree')
    await db.put('a', '1')
    const reader = await readerOf(db)
    const refused = [
      () => reader.put('a', '2'),
      () => reader.del('a'),
      () => reader.batch([{ type: 'put', key: 'a', value: '2' }]),
      () => reader.batch().put('a', '2').write(),
      () => reader.clear(),
      () => reader.flush(),
      () => reader.compactRange(),
    ]
    for (const work of refused) expect(await codeOf(work), String(work)).toBe('LEVEL_READ_ONLY')
    await expect(reader.put('a', '2')).rejects.toThrow('write to the store in the thread that has opened it')
    expect(await db.get('a')).toBe('1')
  })

  it('refuses what is no handle, one of another version, and one that was opened before', async () => {
    const db = await openStore('lsm')
    const share = await db.share()
    for (const none of [undefined, null, 'path', {}, { kvariumReader: 1 }]) {
      expect(await codeOf(openReader(none as unknown as ReaderHandle))).toBe('LEVEL_INVALID_HANDLE')
    }
    expect(await codeOf(openReader({ ...share.handle(), kvariumReader: 2 as 1 }))).toBe('LEVEL_INVALID_HANDLE')
    const handle = share.handle()
    const reader = await openReader(handle)
    expect(await codeOf(openReader(handle))).toBe('LEVEL_INVALID_HANDLE')
    await reader.close()
    expect(await codeOf(openReader(handle))).toBe('LEVEL_INVALID_HANDLE')
  })

  it('says that the store is not where the handle says, and releases the version', async () => {
    const db = await openStore('lsm')
    const share = await db.share()
    const empty = temporaryDirectory()
    for (const location of [empty, join(empty, 'missing')]) {
      expect(await codeOf(openReader({ ...share.handle(), location }))).toBe('LEVEL_NOT_FOUND')
    }
    const other = await openStore('btree')
    expect(await codeOf(openReader({ ...share.handle(), location: other.location }))).toBe('LEVEL_UNSUPPORTED_FORMAT')
    await messagesArrive()
    expect(db.stats().readers).toBe(0)
  })

  it('of a table whose file was deleted from outside fails, and does not miss its keys', async () => {
    const db = await openStore('lsm')
    await db.batch(entries(200))
    await db.flush()
    const reader = await readerOf(db)
    for (const name of readdirSync(db.location)) if (name.endsWith('.sst')) rmSync(join(db.location, name))
    expect(await codeOf(reader.get('key 00001'))).toBe('LEVEL_IO_ERROR')
  })

  it('counts its own reads, and the store none of them', async () => {
    for (const [engine] of SHARED_ENGINES) {
      const db = await openStore(engine)
      await db.batch(entries(500))
      await db.flush()
      const before = db.stats().ledger
      const reader = await readerOf(db, { cacheSize: 1 << 20 })
      for (let round = 0; round < 2; round++) {
        for (let i = 0; i < 100; i++) reader.getSync(`key ${String(i).padStart(5, '0')}`)
        reader.getSync('missing')
      }
      await reader.keys().all()
      const { ledger, cache } = reader.stats()
      expect(ledger.found.operations).toBe(200)
      expect(ledger.missing.operations).toBe(2)
      expect(ledger.scan.operations).toBe(500)
      expect(ledger.read.get).toBe(ledger.found.bytesFromDisk + ledger.missing.bytesFromDisk)
      expect(ledger.read.get).toBeGreaterThan(0)
      expect(ledger.found.blocksFromCache).toBeGreaterThan(100)
      expect(ledger.written).toEqual({ log: 0, flush: 0, compaction: 0, page: 0, meta: 0, backup: 0 })
      expect(cache?.capacityBytes).toBe(1 << 20)
      const after = db.stats().ledger
      expect([after.found, after.missing, after.scan]).toEqual([before.found, before.missing, before.scan])
    }
  })

  it('reads with the encodings of the store, and with one of the user where it is given again', async () => {
    const db = await openStore<unknown>('lsm', { valueEncoding: 'msgpack' })
    const value = { name: 'Ada', bytes: new Uint8Array([1, 2]), at: new Date(0) }
    await db.put('a', value)
    const reader = await readerOf<unknown>(db)
    expect(reader.getSync('a')).toEqual(value)
    expect(reader.getSync('a', { valueEncoding: 'buffer' })).toBeInstanceOf(Uint8Array)

    const shout = {
      name: 'shout',
      format: 'utf8',
      encode: (text: string) => text.toUpperCase(),
      decode: (text: string) => `${text}!`,
    } as const
    const loud = await openStore('btree', { valueEncoding: shout })
    await loud.put('a', 'hello')
    const share = await loud.share()
    const refused = openReader(share.handle())
    await expect(refused).rejects.toMatchObject({ code: 'LEVEL_ENCODING_NOT_FOUND', message: expect.stringContaining('"shout"') as string })
    expect((await readerOf(share, { valueEncoding: shout })).getSync('a')).toBe('HELLO!')
  })

  it('reads sublevels, also nested ones', async () => {
    for (const [engine] of SHARED_ENGINES) {
      const db = await openStore(engine)
      const people = db.sublevel<string, { age: number }>('people', { valueEncoding: 'json' })
      await people.put('ada', { age: 36 })
      await people.sublevel('pets').put('rex', 'dog')
      const reader = await readerOf(db)
      const read = reader.sublevel<string, { age: number }>('people', { valueEncoding: 'json' })
      expect(await read.get('ada')).toEqual({ age: 36 })
      expect(await read.sublevel('pets').iterator().all()).toEqual([['rex', 'dog']])
      expect(await codeOf(read.put('eve', { age: 1 }))).toBe('LEVEL_READ_ONLY')
    }
  })
})

describe('what cannot be shared', () => {
  it('is an engine in memory, a file system in memory, an engine with parts of the user', async () => {
    const memory = new Kvarium('memory', { engine: 'memory' })
    await expect(memory.share()).rejects.toMatchObject({
      code: 'LEVEL_NOT_SUPPORTED',
      message: expect.stringContaining('"memory"') as string,
    })
    await memory.close()
    const files = new Kvarium('/files', { fileSystem: new MemoryFileSystem() })
    expect(await codeOf(files.share())).toBe('LEVEL_NOT_SUPPORTED')
    await files.close()
    const picker = new LeveledPicker({ level0Tables: 4, level1Bytes: 1 << 20, fanOut: 10 })
    const custom = new Kvarium(temporaryDirectory(), { engine: lsmEngine({ parts: { picker } }) })
    expect(await codeOf(custom.share())).toBe('LEVEL_NOT_SUPPORTED')
    await custom.close()
  })

  it('is not a store that is just opening: the share waits', async () => {
    const db = new Kvarium(temporaryDirectory())
    const share = await db.share()
    const reader = await readerOf(share)
    expect(await reader.keys().all()).toEqual([])
    await db.close()
  })
})
