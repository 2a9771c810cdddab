import { describe, expect, it } from 'vitest'
import type { AbstractSnapshot } from 'abstract-level'
import { MAX_KEY_BYTES } from '../../src/codec/limits.js'
import { msgpack } from '../../src/store/msgpack.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { bufferEngine, openMemory, plainEngine, TestStore } from './support/test-store.js'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

describe('reading and writing', () => {
  it.each(['', 'a', 'é', '🙂', 'x'.repeat(255), '漢'.repeat(256), '漢'.repeat(257), '\ud800'])(
    'key %# of any length and script is found',
    async key => {
      const db = await openMemory()
      await db.put(key, `${key}!`)
      expect(db.getSync(key)).toBe(new TextDecoder().decode(new TextEncoder().encode(`${key}!`)))
      expect(await db.get(key)).toBe(db.getSync(key))
      expect(await db.has(key)).toBe(true)
      expect(await db.has(`${key}-`)).toBe(false)
      await db.del(key)
      expect(db.getSync(key)).toBeUndefined()
    },
  )

  it.each(['view', 'buffer'] as const)(
    'a %s value is a copy of the right class, whose change does not reach the store',
    async valueEncoding => {
      const db = await openMemory<string, Uint8Array>({ valueEncoding })
      for (const length of [0, 1, 100, 5000]) {
        const value = new Uint8Array(length).fill(7)
        await db.put('k', value)
        value.fill(1)
        const read = db.getSync('k')!
        expect(Object.getPrototypeOf(read)).toBe(valueEncoding === 'buffer' ? Buffer.prototype : Uint8Array.prototype)
        expect(read.length).toBe(length)
        read.fill(9)
        await db.put('other', new Uint8Array(length).fill(3))
        expect([...new Set(await db.get('k'))]).toEqual(length === 0 ? [] : [7])
        expect([...new Set(read)]).toEqual(length === 0 ? [] : [9])
      }
    },
  )

  it('values of neighbours do not share bytes, though they share memory', async () => {
    const db = await openMemory<string, Uint8Array>({ valueEncoding: 'view' })
    for (let i = 0; i < 50; i++) await db.put(String(i), new Uint8Array(i).fill(i))
    const values = await Promise.all([...Array(50).keys()].map(i => db.get(String(i))))
    values.forEach(value => value!.fill(255))
    values.forEach((value, i) => expect(value!.every(byte => byte === 255) && value!.length === i).toBe(true))
    expect(db.getSync('20')).toEqual(new Uint8Array(20).fill(20))
  })

  it('an engine without getView serves all the same', async () => {
    const db = await openMemory({ engine: plainEngine })
    await db.put('a', '1')
    expect([db.getSync('a'), await db.get('a'), await db.getMany(['a', 'b']), await db.has('b')]).toEqual([
      '1',
      '1',
      ['1', undefined],
      false,
    ])
  })

  it.each([10, 5000])('a value of %d bytes is a copy, also when the engine hands out Buffers', async length => {
    const db = await openMemory<string, Uint8Array>({ engine: bufferEngine, valueEncoding: 'view' })
    await db.put('a', new Uint8Array(length).fill(1))
    db.getSync('a')!.fill(2)
    expect(db.getSync('a')).toEqual(new Uint8Array(length).fill(1))
  })

  it('many keys at once are read at one moment, however long it takes', async () => {
    const db = await openMemory()
    const keys = [...Array(20_000).keys()].map(String)
    await db.batch(keys.map(key => ({ type: 'put', key, value: 'before' })))
    const reading = db.getMany(keys)
    const looking = db.hasMany([...keys, 'none'])
    await db.batch(keys.map(key => ({ type: 'put', key, value: 'after' })))
    expect([...new Set(await reading)]).toEqual(['before'])
    expect((await looking).filter(found => !found)).toHaveLength(1)
    expect(db.stats().pending.jobs).toBe(0)
    expect(db.shape()['snapshots']).toBe(0)
  })

  it('closing waits for reads and clears that are under way', async () => {
    const db = await openMemory()
    const keys = [...Array(20_000).keys()].map(String)
    await db.batch(keys.map(key => ({ type: 'put', key, value: 'v' })))
    const settled: string[] = []
    const work = [db.getMany(keys).then(() => settled.push('read')), db.clear({ limit: 19_999 }).then(() => settled.push('clear'))]
    await db.close()
    expect(settled).toEqual(expect.arrayContaining(['read', 'clear']))
    await Promise.all(work)
    await db.open()
    expect(await db.keys().all()).toHaveLength(1)
  })

  it('a write that fails half-way leaves nothing in the next one', async () => {
    const db = await openMemory()
    const tooLong = 'k'.repeat(MAX_KEY_BYTES + 1)
    await expect(
      db.batch([
        { type: 'put', key: 'ghost', value: '1' },
        { type: 'put', key: tooLong, value: '2' },
      ]),
    ).rejects.toMatchObject({ code: 'LEVEL_INVALID_KEY' })
    await expect(db.put(tooLong, '1')).rejects.toThrow('the longest key allowed')
    await db.put('a', '1')
    expect(await db.iterator().all()).toEqual([['a', '1']])
  })

  it('a batch that the engine still holds is not reused by the next write', async () => {
    const store = new TestStore('/held', { fileSystem: new MemoryFileSystem() })
    await Promise.all([...Array(100).keys()].map(i => store.put(String(i), `v${i}`, { sync: i % 2 === 0 })))
    await store.close()
    await store.open()
    for (let i = 0; i < 100; i++) expect(store.getSync(String(i))).toBe(`v${i}`)
    await store.close()
  })

  it('a chained batch can be cleared, mixed with sublevels and written with sync', async () => {
    const db = await openMemory()
    const people = db.sublevel('people')
    await db.batch().put('x', '0').clear().put('a', '1').put('b', '2', { sublevel: people }).del('x').write({ sync: true })
    expect(await db.iterator().all()).toEqual([
      ['!people!b', '2'],
      ['a', '1'],
    ])
  })

  it('operations after close are refused in the words of Level', async () => {
    const db = await openMemory()
    await db.put('a', '1')
    const iterator = db.iterator()
    await db.close()
    await expect(db.get('a')).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    await expect(iterator.next()).rejects.toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' })
    await expect(db.flush()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    await expect(db.compactRange()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    for (const call of [() => db.getSync('a'), () => db.stats(), () => db.shape(), () => db.check()]) {
      expect(call).toThrow(expect.objectContaining({ code: 'LEVEL_DATABASE_NOT_OPEN' }))
    }
  })

  it('a check ends with the session that it began in', async () => {
    for (const engine of ['memory', 'toy']) {
      const db = new TestStore('memory', { engine, fileSystem: new MemoryFileSystem() })
      await db.open()
      const [one, other] = [db.check()[Symbol.asyncIterator](), db.check()[Symbol.asyncIterator]()]
      const step = one.next()
      await db.close()
      expect(await step).toEqual({ done: true, value: undefined })
      await expect(other.next()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
      await db.open()
      await expect(db.check()[Symbol.asyncIterator]().next()).resolves.toEqual({ done: true, value: undefined })
      await db.close()
    }
  })

  it('the methods of its own wait for the store to open', async () => {
    const db = new TestStore('memory', { engine: 'memory' })
    expect(
      await Promise.all([db.approximateSize('a', 'z'), db.compactRange('a', 'z'), db.compactRange(), db.flush(), db.settle()]),
    ).toEqual([0, undefined, undefined, undefined, undefined])
    expect(db.stats()).toMatchObject({ engine: 'memory', location: 'memory', amplification: { space: 0, write: { total: 0 } } })
    expect(db.shape()).toMatchObject({ engine: 'memory' })
    const violations = []
    for await (const violation of db.check()) violations.push(violation)
    expect(violations).toEqual([])
  })
})

describe('iterators', () => {
  const filled = async (count: number, length = 1): Promise<TestStore> => {
    const db = await openMemory()
    const value = 'v'.repeat(length)
    await db.batch([...Array(count).keys()].map(i => ({ type: 'put', key: String(i).padStart(5, '0'), value })))
    return db
  }

  it('a batch ends at the high-water mark, is never empty before the end, and nothing is left out', async () => {
    const db = await filled(100, 10_000)
    for (const [options, most] of [
      [{}, 8],
      [{ highWaterMarkBytes: 1 }, 1],
      [{ highWaterMarkBytes: 0 }, 1],
      [{ highWaterMarkBytes: 1e9 }, 100],
    ] as const) {
      const iterator = db.iterator(options)
      const sizes = []
      for (let batch = await iterator.nextv(1000); batch.length > 0; batch = await iterator.nextv(1000)) sizes.push(batch.length)
      expect(Math.max(...sizes)).toBeLessThanOrEqual(most)
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(100)
      await iterator.close()
    }
    expect(await db.values().all()).toHaveLength(100)
    expect(await db.keys({ reverse: true, limit: 2 }).all()).toEqual(['00099', '00098'])
  })

  it('next, nextv and seek can be mixed in both directions', async () => {
    const db = await filled(10)
    const forward = db.keys({ gt: '00001', lte: '00008' })
    expect(await forward.next()).toBe('00002')
    expect(await forward.nextv(2)).toEqual(['00003', '00004'])
    forward.seek('00007')
    expect(await forward.nextv(9)).toEqual(['00007', '00008'])
    forward.seek('00001')
    expect(await forward.next()).toBeUndefined()
    forward.seek('00002')
    expect(await forward.next()).toBe('00002')
    await forward.close()
    const backward = db.keys({ reverse: true, gte: '00002' })
    expect(await backward.next()).toBe('00009')
    backward.seek('00004x')
    expect(await backward.nextv(3)).toEqual(['00004', '00003', '00002'])
    expect(await backward.next()).toBeUndefined()
    await backward.close()
  })

  it('gte wins over gt, and lte over lt', async () => {
    const db = await filled(6)
    expect(await db.keys({ gte: '00002', gt: '00004', lte: '00003', lt: '00001' }).all()).toEqual(['00002', '00003'])
  })

  it('an iterator of a closed snapshot breaks neither the open under way nor another iterator', async () => {
    const db = await filled(3)
    const snapshot = db.snapshot()
    await db.close()
    const opening = db.open()
    const stale = db.keys({ snapshot })
    const fresh = db.keys()
    await opening
    await expect(stale.next()).rejects.toMatchObject({ code: 'LEVEL_SNAPSHOT_NOT_OPEN' })
    expect(await fresh.all()).toHaveLength(3)
  })

  it('a snapshot of another store is refused', async () => {
    const db = await filled(1)
    const snapshot: AbstractSnapshot = (await filled(1)).snapshot()
    await expect(db.get('a', { snapshot })).rejects.toMatchObject({ code: 'LEVEL_INVALID_SNAPSHOT' })
    await expect(db.keys({ snapshot }).next()).rejects.toMatchObject({ code: 'LEVEL_INVALID_SNAPSHOT' })
  })
})

describe('snapshots and clears', () => {
  it('a snapshot holds its moment for gets, iterators and counts, and only until it is closed', async () => {
    const db = await openMemory()
    await db.put('a', 'old')
    const snapshot = db.snapshot()
    await db.put('a', 'new')
    await db.put('b', 'new')
    expect(db.getSync('a', { snapshot })).toBe('old')
    expect(await db.getMany(['a', 'b'], { snapshot })).toEqual(['old', undefined])
    expect(await db.hasMany(['a', 'b'], { snapshot })).toEqual([true, false])
    expect(await db.iterator({ snapshot }).all()).toEqual([['a', 'old']])
    await snapshot.close()
    await expect(db.get('a', { snapshot })).rejects.toMatchObject({ code: 'LEVEL_SNAPSHOT_NOT_OPEN' })
    expect(db.shape()['snapshots']).toBe(0)
  })

  it.each([
    [{}, ''],
    [{ gte: 'b', lt: 'd' }, 'ade'],
    [{ limit: 2 }, 'cde'],
    [{ limit: 2, reverse: true }, 'abc'],
    [{ gt: 'a', limit: 1 }, 'acde'],
    [{ limit: 0 }, 'abcde'],
    [{ limit: 99, gt: 'c' }, 'abc'],
  ])('clear %o leaves "%s"', async (options, left) => {
    const db = await openMemory()
    await db.batch([...'abcde'].map(key => ({ type: 'put', key, value: key })))
    await db.clear(options)
    expect((await db.keys().all()).join('')).toBe(left)
  })

  it('a clear with a snapshot deletes what was there then, and nothing younger', async () => {
    const db = await openMemory()
    await db.put('a', '1')
    const snapshot = db.snapshot()
    await db.put('a', '2')
    await db.put('b', '2')
    await db.clear({ snapshot })
    expect(await db.keys().all()).toEqual(['b'])
  })

  it('a limited clear of more keys than fit one batch deletes exactly that number', async () => {
    const db = await openMemory()
    await db.batch([...Array(5000).keys()].map(i => ({ type: 'put', key: String(i).padStart(4, '0'), value: '' })))
    await db.clear({ limit: 4321 })
    expect(await db.keys({ limit: 1 }).all()).toEqual(['4321'])
    expect(await db.keys().all()).toHaveLength(5000 - 4321)
  })
})

describe('msgpack', () => {
  const record = { name: 'Zürich', at: [47.37, 8.54], pop: 341730, capital: false, none: null, when: new Date(0), big: 2n ** 63n, odd: NaN }

  it('values of every kind it promises come back', async () => {
    const db = await openMemory<string, unknown>({ valueEncoding: 'msgpack' })
    await db.put('zurich', record)
    expect(db.getSync('zurich')).toEqual(record)
    expect(await db.values().all()).toEqual([record])
    await db.put('bytes', { raw: bytes(1, 2) })
    const read = db.getSync('bytes') as { raw: Uint8Array }
    expect([...read.raw]).toEqual([1, 2])
  })

  it('values that were packed one after the other do not share bytes', async () => {
    const db = await openMemory<string, unknown>({ valueEncoding: 'msgpack' })
    const operations = [...Array(2000).keys()].map(i => ({ type: 'put' as const, key: String(i), value: { i, text: 'x'.repeat(i % 50) } }))
    await db.batch(operations)
    for (const { key, value } of operations) expect(db.getSync(key)).toEqual(value)
  })

  it('its name works for one operation and in sublevels of sublevels', async () => {
    const db = await openMemory()
    await db.put('a', 5 as unknown as string, { valueEncoding: 'msgpack' })
    expect(await db.get('a', { valueEncoding: 'msgpack' })).toBe(5)
    const inner = db.sublevel('outer').sublevel<string, unknown>('inner', { valueEncoding: 'msgpack' })
    await inner.put('k', record)
    expect(await inner.get('k')).toEqual(record)
    expect(await db.sublevel('outer').get('!inner!k', { valueEncoding: msgpack })).toEqual(record)
    expect(inner.getSync('k')).toEqual(record)
    expect(db.supports.encodings['msgpack'] && inner.supports.encodings['msgpack']).toBe(true)
    expect(() => db.sublevel('x', { keyEncoding: 'msgpack' })).toThrow('is for values')
  })

  it('an object of more than 65,535 keys comes back', async () => {
    const db = await openMemory<string, unknown>({ valueEncoding: 'msgpack' })
    const wide = { inside: [Object.fromEntries(Array.from({ length: 65_537 }, (_, i) => [`k${i}`, i]))] }
    await db.put('a', wide)
    expect(db.getSync('a')).toEqual(wide)
  })

  it('a key __proto__ stays a key, and reaches no prototype', async () => {
    const db = await openMemory<string, unknown>({ valueEncoding: 'msgpack' })
    const odd: unknown = JSON.parse('{"__proto__":{"polluted":[{"__proto__":1,"__proto_":2}]},"a":"__proto__","list":[{"b":null}]}')
    await db.put('a', odd)
    const read = db.getSync('a') as object
    expect(Object.keys(read)).toEqual(['__proto__', 'a', 'list'])
    expect(JSON.stringify(read)).toBe(JSON.stringify(odd))
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  const loop: { self?: unknown } = {}
  loop.self = [loop]
  it.each<[string, unknown, string]>([
    ['2^64', { sizes: [1n, 2n ** 64n] }, 'the value["sizes"][1] is a bigint outside of -(2^63) to 2^64 - 1. Store it as a string'],
    ['less than -(2^63)', -(2n ** 63n) - 1n, 'the value is a bigint outside'],
    ['a function', { on: { click: () => 1 } }, 'the value["on"]["click"] is a function. Leave it out'],
    ['a symbol', new Map([['tag', Symbol('x')]]), 'the value["tag"] is a symbol'],
    ['an object that contains itself', loop, 'the value["self"][0] contains itself'],
  ])('%s is refused by its path, and the next value is stored', async (_, value, message) => {
    const db = await openMemory<string, unknown>({ valueEncoding: 'msgpack' })
    await expect(db.put('a', value)).rejects.toThrow(message)
    await db.put('a', { after: 2n ** 64n - 1n, before: -(2n ** 63n) })
    expect(db.getSync('a')).toEqual({ after: 2n ** 64n - 1n, before: -(2n ** 63n) })
  })

  it('bytes that are no msgpack are a decode error', async () => {
    const db = await openMemory()
    await db.put('a', bytes(1, 2) as unknown as string, { valueEncoding: 'view' })
    await expect(db.get('a', { valueEncoding: 'msgpack' })).rejects.toMatchObject({ code: 'LEVEL_DECODE_ERROR' })
  })
})
