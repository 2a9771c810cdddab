import { describe, expect, it } from 'vitest'
import { MAX_KEY_BYTES } from '../../src/codec/limits.js'
import { MAX_BATCH_BYTES } from '../../src/engine/batch.js'
import { builtInEngines, Kvarium, type EngineFactory } from '../../src/index.js'
import { MemoryFileSystem } from '../../src/vfs/index.js'
import { nodeEnvironment } from '../../src/vfs/node/node-environment.js'
import { sameBytes } from '../damage/support/small-store.js'
import { SUBJECTS } from '../damage/support/subjects.js'
import { toyEngine } from '../store/support/toy-engine.js'

const LOCATION = '/store'

type Options = Readonly<Record<string, unknown>>
type Store = Kvarium<string, string>
type Loose = Record<string, (...parameters: unknown[]) => unknown>

/** One of each engine, by name. */
const FACTORIES = new Map(SUBJECTS.map(subject => [subject.factory.name, subject.factory]))

function store(fileSystem: MemoryFileSystem, engine: EngineFactory | string, options: Options = {}): Store {
  return new Kvarium<string, string>(LOCATION, { engine: builtInEngines.resolve(engine), fileSystem, ...options })
}

/** Everything on a file system, by path. */
function contentsOf(fileSystem: MemoryFileSystem, directory = '/'): Map<string, Uint8Array> {
  const contents = new Map<string, Uint8Array>()
  for (const name of fileSystem.list(directory)) {
    const path = directory === '/' ? `/${name}` : `${directory}/${name}`
    if (fileSystem.stat(path)!.kind === 'directory') {
      for (const [inner, bytes] of contentsOf(fileSystem, path)) contents.set(inner, bytes)
      contents.set(`${path}/`, new Uint8Array(0))
      continue
    }
    const file = fileSystem.openRead(path)
    const bytes = new Uint8Array(file.size())
    file.read(bytes, 0)
    file.close()
    contents.set(path, bytes)
  }
  return contents
}

function expectSame(fileSystem: MemoryFileSystem, before: ReadonlyMap<string, Uint8Array>): void {
  const after = contentsOf(fileSystem)
  expect([...after.keys()].sort()).toEqual([...before.keys()].sort())
  for (const [path, bytes] of before) expect(sameBytes(bytes, after.get(path)!), path).toBe(true)
}

/** What a call fails with, whether it throws or rejects; the cause, where opening failed. */
async function failureOf(action: () => unknown): Promise<{ readonly code?: string; readonly message: string }> {
  try {
    await action()
  } catch (error) {
    const { code, cause } = error as { code?: string; cause?: unknown }
    return (code === 'LEVEL_DATABASE_NOT_OPEN' && cause !== undefined ? cause : error) as Error
  }
  throw new Error(`it did not fail: ${String(action)}`)
}

const loose = (db: Store): Loose => db as unknown as Loose

/** Where no code is given abstract-level answers by itself, with a plain TypeError. */
const CALLS: readonly [name: string, call: (db: Store) => unknown, code: string | undefined, message: RegExp][] = [
  ['a key that is null', db => loose(db).put(null, 'x'), 'LEVEL_INVALID_KEY', /null or undefined/],
  ['a key that is missing', db => loose(db).get(), 'LEVEL_INVALID_KEY', /null or undefined/],
  ['a key that is too long', db => db.put('k'.repeat(MAX_KEY_BYTES + 1), 'x'), 'LEVEL_INVALID_KEY', /longest key allowed has \d+/],
  ['a deleted key that is too long', db => db.del('k'.repeat(MAX_KEY_BYTES + 1)), 'LEVEL_INVALID_KEY', /longest key allowed/],
  ['a value that is undefined', db => loose(db).put('k', undefined), 'LEVEL_INVALID_VALUE', /null or undefined/],
  [
    'a value that is too long',
    db => db.put('k', new Uint8Array(MAX_BATCH_BYTES) as unknown as string, { valueEncoding: 'view' } as object),
    'LEVEL_BATCH_TOO_LARGE',
    /at most \d+. Split it/,
  ],
  ['a batch that is no array', db => loose(db).batch({ key: 'a' }), undefined, /array/],
  ['a batch with an operation of no kind', db => loose(db).batch([{ type: 'putt', key: 'a', value: 'b' }]), undefined, /type/],
  [
    'a batch whose last key is missing',
    db =>
      loose(db).batch([
        { type: 'put', key: 'a', value: 'b' },
        { type: 'put', value: 'b' },
      ]),
    'LEVEL_INVALID_KEY',
    /null or undefined/,
  ],
  [
    'a batch whose last key is too long',
    db =>
      db.batch([
        { type: 'put', key: 'a', value: 'b' },
        { type: 'del', key: 'k'.repeat(MAX_KEY_BYTES + 1) },
      ]),
    'LEVEL_INVALID_KEY',
    /longest key allowed/,
  ],
  ['many keys that are no array', db => loose(db).getMany('a'), undefined, /array|iterable/i],
  ['an unknown encoding', db => loose(db).get('a', { valueEncoding: 'jsno' }), 'LEVEL_ENCODING_NOT_FOUND', /jsno/],
]

const CONSTRUCTIONS: readonly [name: string, options: Options, code: string, message: RegExp][] = [
  ['a misspelled option', { cacheSzie: 1 }, 'LEVEL_INVALID_OPTION', /Did you mean "cacheSize"/],
  ['an option of Level, misspelled', { errorIfExist: true }, 'LEVEL_INVALID_OPTION', /Did you mean "errorIfExists"/],
  ['an option of the wrong type', { cacheSize: '1 MiB' }, 'LEVEL_INVALID_OPTION', /must be an integer from/],
  ['an option out of its range', { cacheSize: -1 }, 'LEVEL_INVALID_OPTION', /must be an integer from 0/],
  ['a flag that is no flag', { createIfMissing: 'yes' }, 'LEVEL_INVALID_OPTION', /must be true or false/],
]

describe.each([...FACTORIES])('misuse of %s', (name, factory) => {
  it.each(CALLS)('%s is refused, and changes nothing', async (_name, call, code, message) => {
    const fileSystem = new MemoryFileSystem()
    const db = store(fileSystem, factory)
    await db.put('', 'of the empty key')
    const before = contentsOf(fileSystem)
    const failure = await failureOf(() => call(db))
    if (code === undefined) expect(failure).toBeInstanceOf(TypeError)
    else expect(failure).toMatchObject({ code })
    expect(failure.message).toMatch(message)
    expectSame(fileSystem, before)
    await db.put('after', 'it goes on')
    expect(await db.iterator().all()).toEqual([
      ['', 'of the empty key'],
      ['after', 'it goes on'],
    ])
    await db.close()
  })

  it.each(CONSTRUCTIONS)('%s is refused by the constructor', async (_name, options, code, message) => {
    const fileSystem = new MemoryFileSystem()
    const failure = await failureOf(() => store(fileSystem, factory, options))
    expect(failure).toBeInstanceOf(TypeError)
    expect(failure).toMatchObject({ code })
    expect(failure.message).toMatch(message)
    expectSame(fileSystem, new Map())
  })

  it('an unknown option is refused by the open, with those that there are, and makes no directory', async () => {
    const fileSystem = new MemoryFileSystem()
    const failure = await failureOf(() => store(fileSystem, factory, { flavour: 'vanilla' }).open())
    expect(failure).toMatchObject({ code: 'LEVEL_INVALID_OPTION' })
    expect(failure.message).toMatch(/no option "flavour". Known options: .*cacheSize/)
    expectSame(fileSystem, new Map())
  })

  it('what is at the location and is no store of this engine is refused, and stays as it is', async () => {
    const write = (fileSystem: MemoryFileSystem, path: string): void => {
      const file = fileSystem.create(path)
      file.write(Uint8Array.of(1, 2, 3), 0)
      file.close()
    }
    const toy = toyEngine('toy')
    const places: readonly [name: string, make: (fileSystem: MemoryFileSystem) => void | Promise<void>, message: RegExp][] = [
      ['a file', fileSystem => write(fileSystem, LOCATION), /is a file; a store needs a directory/],
      [
        'a directory of something else',
        fileSystem => {
          fileSystem.makeDirectory(LOCATION)
          write(fileSystem, `${LOCATION}/photo.jpg`)
        },
        /not a kvarium store: .* contains photo.jpg.* Nothing was changed/,
      ],
      [
        'a store of another engine',
        async fileSystem => closed(store(fileSystem, toy)),
        /made with the engine "toy".* Open it with { engine: 'toy' }/,
      ],
    ]
    for (const [place, make, message] of places) {
      const fileSystem = new MemoryFileSystem()
      await make(fileSystem)
      const before = contentsOf(fileSystem)
      const failure = await failureOf(() => store(fileSystem, factory).open())
      expect(failure, place).toMatchObject({ code: 'LEVEL_UNSUPPORTED_FORMAT' })
      expect(failure.message, place).toMatch(message)
      expectSame(fileSystem, before)
    }
    const fileSystem = new MemoryFileSystem()
    await closed(store(fileSystem, factory))
    const failure = await failureOf(() => store(fileSystem, toy).open())
    expect(failure.message).toMatch(new RegExp(`made with the engine "${name}"`))
  })

  it('of many that open the same directory at once one gets it, and the others fail with the reason', async () => {
    const fileSystem = new MemoryFileSystem()
    for (let round = 0; round < 5; round++) {
      const openers = Array.from({ length: 8 }, () => store(fileSystem, factory))
      const outcomes = await Promise.allSettled(openers.map(db => db.open()))
      const refused = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [(outcome.reason as Error).cause] : []))
      expect(refused).toHaveLength(7)
      for (const reason of refused) expect(reason).toMatchObject({ code: 'LEVEL_LOCKED' })
      const winner = openers[outcomes.findIndex(outcome => outcome.status === 'fulfilled')]
      await winner.put(`round${round}`, 'won')
      await winner.close()
    }
    const db = store(fileSystem, factory)
    expect(await db.keys().all()).toEqual([0, 1, 2, 3, 4].map(round => `round${round}`))
    await db.close()
  })

  it('after close every call is refused in the words of Level, and every promise settles', async () => {
    const fileSystem = new MemoryFileSystem()
    const db = store(fileSystem, factory)
    await db.put('a', '1')
    const iterator = db.iterator()
    const snapshot = db.snapshot()
    await db.close()
    const before = contentsOf(fileSystem)
    const calls: readonly (() => unknown)[] = [
      () => db.get('a'),
      () => db.getSync('a'),
      () => db.getMany(['a']),
      () => db.has('a'),
      () => db.put('a', '2'),
      () => db.del('a'),
      () => db.batch([{ type: 'put', key: 'a', value: '2' }]),
      () => db.batch(),
      () => db.clear(),
      () => db.iterator(),
      () => db.snapshot(),
      () => db.flush(),
      () => db.settle(),
      () => db.compactRange(),
      () => db.approximateSize('a', 'b'),
      () => db.stats(),
      () => db.shape(),
      () => db.check(),
    ]
    for (const call of calls) expect(await failureOf(call), String(call)).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    expect(await failureOf(() => iterator.next())).toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' })
    await snapshot.close()
    await iterator.close()
    await db.close()
    expectSame(fileSystem, before)
  })

  it('closing in the middle of iterating, writing, clearing and compacting settles everything and keeps what was acknowledged', async () => {
    const environment = nodeEnvironment({ fileSystem: new MemoryFileSystem() })
    const options = { environment, engine: factory, ...SUBJECTS.find(subject => subject.factory === factory)!.options }
    const db = new Kvarium<string, string>(LOCATION, options)
    await db.open()
    const value = 'x'.repeat(500)
    for (let i = 0; i < 200; i++) await db.put(`k${i}`, value)
    const acknowledged: string[] = []
    const iterator = db.iterator()
    await iterator.next()
    const underway = [
      ...Array.from({ length: 100 }, (_, i) => db.put(`late${i}`, value).then(() => acknowledged.push(`late${i}`))),
      db.put('synced', value, { sync: true }).then(() => acknowledged.push('synced')),
      db.compactRange(),
      db.flush(),
      db.clear({ gte: 'k', lt: 'k2' }),
      iterator.all(),
      db.iterator({ reverse: true }).all(),
    ]
    const closing = db.close()
    const outcomes = await Promise.allSettled([...underway, closing])
    expect(outcomes.at(-1)!.status).toBe('fulfilled')
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: expect.stringMatching(/^LEVEL_/) as string })
    }
    const again = new Kvarium<string, string>(LOCATION, options)
    expect((await again.getMany(acknowledged)).every(found => found === value)).toBe(true)
    expect(await again.get('k25')).toBe(value)
    for await (const violation of again.check()) expect(violation).toBeUndefined()
    await again.close()
  })

  it('a value far larger than every buffer comes back as it was', async () => {
    const fileSystem = new MemoryFileSystem()
    const { options } = SUBJECTS.find(subject => subject.factory === factory)!
    const big = new Uint8Array(8 << 20).map((_, i) => (i * 31) & 0xff)
    const make = (): Kvarium<string, Uint8Array> =>
      new Kvarium<string, Uint8Array>(LOCATION, { engine: factory, fileSystem, valueEncoding: 'view', ...options })
    const db = make()
    await db.put('big', big)
    expect(sameBytes((await db.get('big'))!, big)).toBe(true)
    await db.flush()
    await db.put('k'.repeat(MAX_KEY_BYTES), Uint8Array.of(1))
    await db.close()
    const again = make()
    expect(sameBytes((await again.get('big'))!, big)).toBe(true)
    expect(await again.get('k'.repeat(MAX_KEY_BYTES))).toEqual(Uint8Array.of(1))
    await again.close()
  })
})

async function closed(db: Store): Promise<void> {
  await db.put('a', '1')
  await db.close()
}
