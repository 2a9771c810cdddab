import { describe, expect, it } from 'vitest'
import { builtInEngines, Kvarium } from '../../src/index.js'
import { MemoryFileSystem } from '../../src/vfs/index.js'

const ENGINES = ['lsm', 'btree', 'memory'] as const
const SMALL: Readonly<Record<string, object>> = {
  lsm: { maxFileSize: 16 << 10, writeBufferSize: 64 << 10, level1Size: 64 << 10 },
  btree: { writeBufferSize: 64 << 10, cacheSize: 64 << 10 },
}

type Store = Kvarium<string, string>

function open(engine: string, fileSystem: MemoryFileSystem): Store {
  return new Kvarium('/store', { engine: builtInEngines.resolve(engine), fileSystem, ...SMALL[engine] })
}

function key(index: number): string {
  return `key${String(index).padStart(6, '0')}`
}

function* entries(from: number, to: number, value = 'ingested'): Generator<[string, string]> {
  for (let i = from; i < to; i++) yield [key(i), `${value} ${i}`]
}

async function contents(store: Store): Promise<[string, string][]> {
  const all = await store.iterator().all()
  return all
}

async function sound(store: Store): Promise<void> {
  const violations = []
  for await (const violation of store.check()) violations.push(violation)
  expect(violations).toEqual([])
}

describe.each(ENGINES)('an ingest into %s', engine => {
  it('replaces entries of the same keys and keeps the others', async () => {
    const fileSystem = new MemoryFileSystem()
    const store = open(engine, fileSystem)
    await store.batch([...entries(0, 3000, 'old')].map(([k, value]) => ({ type: 'put', key: k, value })))
    await store.ingest(entries(1000, 2000))
    const expected = [...entries(0, 1000, 'old'), ...entries(1000, 2000), ...entries(2000, 3000, 'old')]
    expect(await contents(store)).toEqual(expected)
    await store.put(key(1500), 'newer')
    expect(await store.get(key(1500))).toBe('newer')
    await store.settle()
    await sound(store)
    await store.close()
    if (engine === 'memory') return
    const again = open(engine, fileSystem)
    expect(await again.get(key(1500))).toBe('newer')
    expect((await contents(again)).length).toBe(3000)
    await again.compactRange()
    expect((await contents(again)).length).toBe(3000)
    await sound(again)
    await again.close()
  })

  it('is not seen by a snapshot of before, nor by one taken while it runs', async () => {
    const store = open(engine, new MemoryFileSystem())
    await store.put(key(5), 'old')
    const before = store.snapshot()
    let during: ReturnType<Store['snapshot']> | undefined
    async function* slow(): AsyncGenerator<[string, string]> {
      for (const entry of entries(0, 5000)) {
        if (entry[0] === key(2000)) {
          await store.put(key(2500), 'written meanwhile')
          await store.put('z', 'written meanwhile')
          during = store.snapshot()
        }
        yield entry
      }
    }
    await store.ingest(slow())
    expect(await store.get(key(5), { snapshot: before })).toBe('old')
    expect(await store.get(key(6), { snapshot: before })).toBeUndefined()
    expect(await store.get(key(6), { snapshot: during! })).toBeUndefined()
    expect(await store.get(key(2500), { snapshot: during! })).toBe('written meanwhile')
    expect(await store.get(key(2500))).toBe('ingested 2500')
    expect(await store.get('z')).toBe('written meanwhile')
    await store.compactRange()
    expect(await store.get(key(6), { snapshot: before })).toBeUndefined()
    await before.close()
    await during!.close()
    await sound(store)
    await store.close()
  })

  it.each([
    [
      'an unsorted key',
      [
        ['b', '1'],
        ['a', '2'],
      ],
      { code: 'LEVEL_INGEST_ORDER', message: /"a" of entry 1 comes after a larger one/ },
    ],
    [
      'a repeated key',
      [
        ['a', '1'],
        ['b', '2'],
        ['b', '3'],
      ],
      { code: 'LEVEL_INGEST_ORDER', message: /"b" of entry 2 repeats/ },
    ],
    [
      'an absent value',
      [
        ['a', '1'],
        ['b', undefined],
      ],
      { code: 'LEVEL_INVALID_VALUE', message: /entry 1/ },
    ],
    ['an entry that is no pair', [['a', '1'], 'b'], { code: 'LEVEL_INVALID_ENTRY', message: /Entry 1/ }],
  ])('with %s changes nothing and leaves no file', async (_name, bad, { code, message }) => {
    const fileSystem = new MemoryFileSystem()
    const store = open(engine, fileSystem)
    await store.put('a', 'old')
    const files = engine === 'memory' ? [] : fileSystem.list('/store')
    const failed = store.ingest(bad as [string, string][])
    await expect(failed).rejects.toMatchObject({ code })
    await expect(failed).rejects.toThrow(message)
    expect(await contents(store)).toEqual([['a', 'old']])
    if (engine !== 'memory') expect(fileSystem.list('/store')).toEqual(files)
    await store.ingest([['b', 'fine']])
    expect(await store.get('b')).toBe('fine')
    await store.close()
  })

  it.each(['a failing iterable', 'an aborted signal', 'a signal aborted while the iterable waits', 'a close of the store'])(
    'that ends by %s changes nothing and leaves no file',
    async cause => {
      const fileSystem = new MemoryFileSystem()
      const store = open(engine, fileSystem)
      await store.put('a', 'old')
      const files = engine === 'memory' ? [] : fileSystem.list('/store')
      const abort = new AbortController()
      let closing: Promise<void> | undefined
      async function* failing(): AsyncGenerator<[string, string]> {
        yield* entries(0, 5000)
        if (cause === 'a failing iterable') throw new Error('the source broke')
        if (cause === 'a close of the store') closing = store.close()
        else abort.abort()
        if (cause !== 'an aborted signal') await new Promise(() => undefined)
        yield ['z', 'z']
      }
      const code = cause === 'a close of the store' ? 'LEVEL_DATABASE_NOT_OPEN' : 'LEVEL_ABORTED'
      const expected = cause === 'a failing iterable' ? { message: 'the source broke' } : { code }
      await expect(store.ingest(failing(), { signal: abort.signal })).rejects.toMatchObject(expected)
      if (closing !== undefined) {
        await closing
        await store.open()
      }
      expect(await contents(store)).toEqual([['a', 'old']])
      const tables = (names: readonly string[]): string[] => names.filter(name => name.endsWith('.sst'))
      if (engine !== 'memory') expect(tables(fileSystem.list('/store'))).toEqual(tables(files))
      await store.close()
    },
  )

  it('goes into a sublevel in its encodings', async () => {
    const store = open(engine, new MemoryFileSystem())
    const people = store.sublevel<string, { age: number }>('people', { valueEncoding: 'json' })
    await store.ingest<string, object>(
      [
        ['anna', { age: 3 }],
        ['ben', { age: 4 }],
      ],
      { sublevel: people },
    )
    expect(await people.get('ben')).toEqual({ age: 4 })
    expect(await people.keys().all()).toEqual(['anna', 'ben'])
    await store.close()
  })

  it('of nothing changes nothing', async () => {
    const store = open(engine, new MemoryFileSystem())
    await store.ingest([])
    expect(await contents(store)).toEqual([])
    await store.close()
  })
})

describe.each(['lsm', 'btree'])('an ingest into %s', engine => {
  it('writes at most 1.1 bytes for each byte of the user, also once the tree has settled', async () => {
    const store = open(engine, new MemoryFileSystem())
    const value = Array.from({ length: 100 }, (_, i) => String.fromCharCode(33 + ((i * 37) % 90))).join('')
    await store.open()
    const before = store.stats().ledger
    await store.ingest(Array.from({ length: 20_000 }, (_, i): [string, string] => [key(i), value]))
    await store.settle()
    const after = store.stats().ledger
    const sum = (parts: Readonly<Record<string, number>>): number => Object.values(parts).reduce((a, b) => a + b, 0)
    expect((sum(after.written) - sum(before.written)) / (after.userBytes - before.userBytes)).toBeLessThan(1.1)
    expect(after.written.log).toBe(before.written.log)
    await store.close()
  })
})
