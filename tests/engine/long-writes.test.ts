import { describe, expect, it } from 'vitest'
import { btreeEngine } from '../../src/btree/factory.js'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Engine, EngineFactory } from '../../src/engine/contract.js'
import { hashEngine } from '../../src/hash/factory.js'
import { lsmEngine } from '../../src/lsm/whole-engine.js'
import type { Environment } from '../../src/vfs/environment.js'
import { FaultyFileSystem } from '../../src/vfs/testing/faulty-file-system.js'
import { simulatedEnvironment, type MemoryFileSystem } from '../../src/vfs/index.js'
import { DIRECTORY, emptyFileSystem } from '../lsm/support/opened-lsm.js'
import { fillOptions, keyOf } from '../contract/support/opened-engine.js'

const ENTRIES = 2500
/** Limits of a slice: 1024 operations, or a MiB of bytes and a header. */
const MOST_BYTES_A_TURN = (1 << 20) + 16
const LONG_VALUE = 6 << 20

const ENGINES: readonly (readonly [string, EngineFactory, Readonly<Record<string, unknown>>])[] = [
  ['lsm', lsmEngine(), { writeBufferSize: 1 << 16 }],
  ['btree', btreeEngine({ poisonFrames: true }), { pageSize: 1024, cacheSize: 1 << 16, writeBufferSize: 1 << 16 }],
  ['hash', hashEngine({ poisonFrames: true }), { maxFileSize: 1 << 16, cacheSize: 1 << 16 }],
]

/** Room for all of a batch without a flush or another file. */
function roomyFor(factory: EngineFactory): Readonly<Record<string, number>> {
  return { ['writeBufferSize' in factory.options ? 'writeBufferSize' : 'maxFileSize']: 16 << 20 }
}

/** A store in memory whose every turn of the event loop is seen. */
class Watched {
  engine!: Engine
  turns = 0
  onTurn: (turn: number) => void = () => {}
  readonly files: MemoryFileSystem
  readonly fileSystem: FaultyFileSystem
  readonly #factory: EngineFactory
  readonly #options: Readonly<Record<string, unknown>>
  readonly #environment: Environment

  private constructor(factory: EngineFactory, options: Readonly<Record<string, unknown>>, files: MemoryFileSystem) {
    this.#factory = factory
    this.#options = options
    this.files = files
    this.fileSystem = new FaultyFileSystem(files)
    const environment = simulatedEnvironment({ seed: 1, fileSystem: this.fileSystem })
    const { scheduler } = environment
    const turn = async (): Promise<void> => {
      await scheduler.turn()
      this.onTurn(++this.turns)
    }
    this.#environment = { ...environment, scheduler: { turn, sleep: ms => scheduler.sleep(ms) } }
  }

  static async open(factory: EngineFactory, options: Readonly<Record<string, unknown>>, files?: MemoryFileSystem): Promise<Watched> {
    const watched = new Watched(factory, options, files ?? emptyFileSystem())
    const context = { environment: watched.#environment, directory: DIRECTORY, options: fillOptions(factory, options) }
    watched.engine = await factory.open({ ...context, created: files === undefined })
    return watched
  }

  reopenOn(files: MemoryFileSystem): Promise<Watched> {
    return Watched.open(this.#factory, this.#options, files)
  }
}

const key = (i: number): Uint8Array => keyOf(`k${String((i * 7919) % ENTRIES).padStart(6, '0')}`)

function batchOf(value: string, entries = ENTRIES): WriteBatch {
  const batch = new WriteBatch()
  for (let i = 0; i < entries; i++) batch.put(key(i), keyOf(value))
  return batch
}

/** The different values that there are, by a scan; and by gets of three keys. */
function valuesIn(engine: Engine): { scanned: string[]; got: string[]; entries: number } {
  const scanned = new Set<string>()
  const cursor = engine.cursor({})
  let entries = 0
  for (let valid = cursor.first(); valid; valid = cursor.next(), entries++) scanned.add(String.fromCharCode(...cursor.value.copy()))
  cursor.close()
  const got = [0, ENTRIES >> 1, ENTRIES - 1].map(i => String.fromCharCode(...(engine.get(key(i)) ?? [])))
  return { scanned: [...scanned], got, entries }
}

const whole = (value: string): ReturnType<typeof valuesIn> => ({ scanned: [value], got: [value, value, value], entries: ENTRIES })

describe.each(ENGINES)('a long batch on %s', (_, factory, options) => {
  it('is seen by readers as a whole or not at all, at every turn of the event loop', async () => {
    const watched = await Watched.open(factory, options)
    const { engine } = watched
    await engine.write(batchOf('old'), { sync: false })
    const before = engine.snapshot()
    const seen = new Set<string>()
    watched.onTurn = () => seen.add(JSON.stringify(valuesIn(engine)))
    await engine.write(batchOf('new'), { sync: true })
    expect(valuesIn(engine)).toEqual(whole('new'))
    watched.onTurn = () => {}
    expect([...seen].filter(each => each !== JSON.stringify(whole('old')) && each !== JSON.stringify(whole('new')))).toEqual([])
    expect(seen.has(JSON.stringify(whole('old')))).toBe(true)
    expect(String.fromCharCode(...engine.get(key(3), before)!)).toBe('old')
    before.release()
    for await (const violation of engine.check()) expect(violation).toBeUndefined()
    await engine.close()
  })

  it('takes a turn for every 1024 operations, and for every MiB that it writes', async () => {
    const watched = await Watched.open(factory, { ...options, ...roomyFor(factory) })
    let bytes = 0
    let most = 0
    watched.onTurn = () => {
      most = Math.max(most, bytes)
      bytes = 0
    }
    watched.fileSystem.after = operation => {
      if (operation.kind === 'write') bytes += operation.bytes
    }
    const before = watched.turns
    await watched.engine.write(batchOf('value'), { sync: false })
    expect(watched.turns - before).toBeGreaterThanOrEqual(ENTRIES / 1024)
    const long = new WriteBatch()
    long.put(keyOf('long'), new Uint8Array(LONG_VALUE).fill(7))
    await watched.engine.write(long, { sync: false })
    expect(most).toBeLessThanOrEqual(MOST_BYTES_A_TURN)
    const value = watched.engine.get(keyOf('long'))!
    expect([value.length, value.every(byte => byte === 7)]).toEqual([LONG_VALUE, true])
    await watched.engine.close()
  })

  it('of a long text is encoded between turns, not within the call', async () => {
    const watched = await Watched.open(factory, { ...options, ...roomyFor(factory) })
    const text = 'text €'.repeat(1 << 20)
    const long = new WriteBatch()
    long.put(keyOf('long'), text)
    const write = watched.engine.write(long, { sync: false })
    expect([watched.turns, long.isEncoded]).toEqual([0, false])
    await write
    expect(watched.turns).toBeGreaterThanOrEqual(text.length / (256 * 1024))
    expect(Buffer.compare(watched.engine.get(keyOf('long'))!, Buffer.from(text))).toBe(0)
    await watched.engine.close()
  })

  it('is not overtaken by a later write, nor by a clear', async () => {
    const watched = await Watched.open(factory, options)
    const { engine } = watched
    const acknowledged: string[] = []
    const after = (name: string, write: Promise<void> | void): Promise<void> =>
      Promise.resolve(write).then(() => void acknowledged.push(name))
    const put = new WriteBatch()
    put.put(key(0), keyOf('later'))
    const writes = [
      after('long', engine.write(batchOf('a'), { sync: false })),
      after('put', engine.write(put, { sync: false })),
      after('long again', engine.write(batchOf('b'), { sync: false })),
      after('clear', engine.clear({ gte: key(1) }, { sync: false })),
    ]
    await Promise.all(writes)
    expect(acknowledged).toEqual(['long', 'put', 'long again', 'clear'])
    expect(String.fromCharCode(...engine.get(key(0))!)).toBe('b')
    expect(engine.get(key(1))).toBeUndefined()
    await engine.close()
  })

  it.each(['flush', 'settle', 'compact', 'close'] as const)('is whole after a %s that was called in the middle of it', async call => {
    const watched = await Watched.open(factory, options)
    const { engine } = watched
    await engine.write(batchOf('old'), { sync: false })
    let called: Promise<void> | undefined
    const from = watched.turns
    watched.onTurn = turn => {
      if (turn - from >= 4) called ??= engine[call]()
    }
    await engine.write(batchOf('new'), { sync: false })
    expect(called).toBeDefined()
    await called
    watched.onTurn = () => {}
    if (call !== 'close') {
      expect(valuesIn(engine)).toEqual(whole('new'))
      await engine.close()
    }
    const { engine: reopened } = await watched.reopenOn(watched.files.processCrashClone())
    expect(valuesIn(reopened)).toEqual(whole('new'))
    await reopened.close()
  })

  it('is there as a whole or not at all after a kill, or a power loss, at any turn', async () => {
    const watched = await Watched.open(factory, options)
    const { engine } = watched
    await engine.write(batchOf('old'), { sync: true })
    const images: MemoryFileSystem[] = []
    watched.onTurn = turn => images.push(watched.files.processCrashClone(), watched.files.crashClone(turn))
    await engine.write(batchOf('new'), { sync: false })
    watched.onTurn = () => {}
    expect(images.length).toBeGreaterThanOrEqual(10)
    for (const image of images) {
      const { engine: reopened } = await watched.reopenOn(image)
      expect([whole('old'), whole('new')]).toContainEqual(valuesIn(reopened))
      await reopened.close()
    }
    await engine.close()
  })

  it('whose write to the log fails leaves what was there, and stops writing', async () => {
    const watched = await Watched.open(factory, { ...options, ...roomyFor(factory) })
    const { engine } = watched
    await engine.write(batchOf('old'), { sync: true })
    const long = batchOf('new')
    long.put(keyOf('long'), new Uint8Array(LONG_VALUE))
    watched.fileSystem.inject({
      on: ({ kind, path }) => kind === 'write' && path.endsWith('.log'),
      skip: 3,
      effect: { kind: 'error', code: 'EIO', done: 'nothing' },
    })
    await expect(engine.write(long, { sync: false })).rejects.toThrow()
    expect(valuesIn(engine)).toEqual(whole('old'))
    expect(() => engine.write(batchOf('more', 1), { sync: false })).toThrow(/takes no more writes/)
    await engine.close()
    const { engine: reopened } = await watched.reopenOn(watched.files.processCrashClone())
    expect(valuesIn(reopened)).toEqual(whole('old'))
    await reopened.close()
  })
})
