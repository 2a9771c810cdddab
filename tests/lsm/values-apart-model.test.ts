/** Random histories of a store whose values are partly apart, with crashes, held moments, copies and readers, beside a map. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KIND_DELETE, KIND_DELETE_RANGE, KIND_PUT_EXPIRING } from '../../src/codec/entry.js'
import { readExpiry, EXPIRY_BYTES } from '../../src/codec/expiry.js'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Cursor, Engine, EngineSnapshot, ReaderEngine } from '../../src/engine/contract.js'
import { backup, Kvarium, verify } from '../../src/index.js'
import { lsmEngine } from '../../src/lsm/whole-engine.js'
import { MemoryFileSystem, SeededRandom, simulatedEnvironment } from '../../src/vfs/index.js'
import { fillOptions, keyOf, rangeOf, textOf, walkForward } from '../contract/support/opened-engine.js'
import { SMALL_LSM } from '../contract/support/small-lsm.js'
import { batches } from '../engine/support/ingests.js'
import { slice } from '../support/thoroughness.js'
import { HookedFileSystem, isChange } from './support/hooked-file-system.js'
import { DIRECTORY, emptyFileSystem, filler, get, leftovers, listed, openLsm, scan, violations } from './support/opened-lsm.js'

const PAST = Date.UTC(2020, 0)
const FUTURE = Date.UTC(2100, 0)
const THRESHOLDS = [30, 100, 0, 400]
const COMPACTIONS = ['leveled', 'lazy-leveled', 'tiered']
const factory = lsmEngine()

type Model = ReadonlyMap<string, string>

interface Held {
  readonly read: () => string[]
  readonly release: () => unknown
  readonly contents: string[]
}

interface Crash {
  readonly at: string
  readonly image: MemoryFileSystem
  /** Contents that may be there. */
  readonly possible: readonly Model[]
}

function forward(cursor: Cursor): string[] {
  try {
    return walkForward(cursor)
  } finally {
    cursor.close()
  }
}

function backward(cursor: Cursor): string[] {
  const found = []
  for (let valid = cursor.last(); valid; valid = cursor.prev()) found.push(`${textOf(cursor.key.copy())}=${textOf(cursor.value.copy())}`)
  return found.reverse()
}

async function assertSound(engine: Engine, fileSystem: MemoryFileSystem, directory = DIRECTORY): Promise<void> {
  await engine.settle()
  expect(await violations(engine)).toEqual([])
  expect(leftovers(engine, fileSystem, directory)).toEqual([])
}

class History {
  crashes = 0
  readonly #fileSystem = emptyFileSystem()
  readonly #hooked = new HookedFileSystem(this.#fileSystem)
  readonly #random: SeededRandom
  readonly #compaction: string
  readonly #images: Crash[] = []
  #engine!: Engine
  /** Contents after each step, the present last. */
  readonly #states: Model[] = [new Map()]
  #synced = 0
  readonly #held: Held[] = []
  #copies = 0
  #operations = 0
  #feedFrom: { readonly sequence: number; readonly model: Model } | undefined

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    this.#compaction = this.#oneOf(COMPACTIONS)
  }

  async run(steps: number): Promise<void> {
    await this.#open(this.#hooked, true)
    this.#hooked.before = operation => {
      if (isChange(operation) && this.#random.uniform(40) === 0) this.#crash(`${++this.#operations} ${operation.kind} ${operation.path}`)
    }
    for (let step = 0; step < steps; step++) {
      await this.#step(this.#random.uniform(100))
      expect(scan(this.#engine)).toEqual(listed(this.#present))
      for (const crash of this.#images.splice(0)) await this.#verifyCrash(crash)
    }
    for (const held of this.#held.splice(0)) await this.#release(held)
    await this.#engine.flush()
    await assertSound(this.#engine, this.#fileSystem)
    await this.#engine.close()
  }

  async #step(roll: number): Promise<void> {
    const engine = this.#engine
    if (roll < 50) await this.#write()
    else if (roll < 53) await this.#clear()
    else if (roll < 56) await this.#ingest()
    else if (roll < 62) await engine.flush()
    else if (roll < 66) await engine.compact(this.#random.uniform(2) === 0 ? undefined : rangeOf({ gte: this.#key(), lt: 'k5' }))
    else if (roll < 70) await engine.settle()
    else if (roll < 82) await this.#hold()
    else if (roll < 88) await this.#releaseOne()
    else if (roll < 92) await this.#checkpoint()
    else if (roll < 96) await this.#followFeed()
    else await this.#reopen()
  }

  get #present(): Model {
    return this.#states.at(-1)!
  }

  #oneOf<T>(all: readonly T[]): T {
    return all[this.#random.uniform(all.length)]
  }

  #key(): string {
    return `k${String(this.#random.uniform(80)).padStart(2, '0')}`
  }

  #value(): string {
    const length = this.#oneOf([3, 29, 30, 99, 100, 250, 900, 3000])
    return `${filler(length - 1, this.#random.uniform(26))}${this.#random.uniform(10)}`
  }

  async #open(fileSystem: MemoryFileSystem | HookedFileSystem, created: boolean): Promise<void> {
    this.#engine = await this.#opened(fileSystem, created, DIRECTORY)
    this.#feedFrom = undefined
  }

  #opened(fileSystem: MemoryFileSystem | HookedFileSystem, created: boolean, directory: string): Promise<Engine> {
    const options = {
      compaction: this.#compaction,
      valueThreshold: this.#oneOf(THRESHOLDS),
      writeBufferSize: 8 << 10,
      maxFileSize: 4 << 10,
      level1Size: 12 << 10,
      changesRetainBytes: this.#oneOf([0, 20_000, 1 << 20]),
    }
    return openLsm({ fileSystem, created, directory, options, manifestBytes: 2000, seed: this.#random.uint32() })
  }

  async #reopen(): Promise<void> {
    for (const held of this.#held.splice(0)) await this.#release(held)
    await this.#engine.close()
    await this.#open(this.#hooked, false)
    this.#synced = this.#states.length - 1
    expect(await violations(this.#engine)).toEqual([])
  }

  async #write(): Promise<void> {
    const model = new Map(this.#present)
    const batch = new WriteBatch()
    for (let left = 1 + this.#random.uniform(12); left > 0; left--) {
      const key = this.#key()
      const roll = this.#random.uniform(10)
      if (roll < 2) {
        batch.del(keyOf(key))
        model.delete(key)
        continue
      }
      const value = this.#value()
      if (roll === 2) batch.put(keyOf(key), keyOf(value), PAST)
      else batch.put(keyOf(key), keyOf(value), roll === 3 ? FUTURE : undefined)
      if (roll === 2) model.delete(key)
      else model.set(key, value)
    }
    const sync = this.#random.uniform(6) === 0
    this.#states.push(model)
    await this.#engine.write(batch, { sync })
    if (sync) this.#synced = this.#states.length - 1
  }

  async #clear(): Promise<void> {
    const [gte, lt] = [this.#key(), this.#key()].sort()
    if (gte === lt) return
    this.#states.push(new Map([...this.#present].filter(([key]) => key < gte || key >= lt)))
    await this.#engine.clear(rangeOf({ gte, lt }), { sync: false })
  }

  async #ingest(): Promise<void> {
    const entries = new Map(Array.from({ length: 1 + this.#random.uniform(40) }, () => [this.#key(), this.#value()]))
    this.#states.push(new Map([...this.#present, ...entries]))
    await this.#engine.ingest!(batches(entries))
    this.#synced = this.#states.length - 1
    this.#feedFrom = undefined
  }

  async #hold(): Promise<void> {
    if (this.#held.length > 5) return
    const engine = this.#engine
    const contents = listed(this.#present)
    const roll = this.#random.uniform(3)
    if (roll === 0) {
      const cursor = engine.cursor({})
      const started = cursor.first()
      if (started) expect(textOf(cursor.key.copy())).toBe(contents[0].split('=')[0])
      this.#held.push({ read: () => (started ? backward(cursor) : []), release: () => cursor.close(), contents })
    } else if (roll === 1) {
      const snapshot: EngineSnapshot = engine.snapshot()
      this.#held.push({ read: () => forward(engine.cursor({}, snapshot)), release: () => snapshot.release(), contents })
    } else {
      const version = await engine.share!()
      const { cacheSize, maxOpenFiles } = fillOptions(factory, SMALL_LSM)
      const environment = simulatedEnvironment({ seed: 1, fileSystem: this.#hooked })
      const context = { environment, directory: DIRECTORY, options: { cacheSize, maxOpenFiles } }
      const reader: ReaderEngine = await factory.openReader!(context, version)
      const release = async (): Promise<void> => {
        await reader.close()
        version.release()
      }
      this.#held.push({ read: () => forward(reader.cursor({})), release, contents })
    }
  }

  async #releaseOne(): Promise<void> {
    const [held] = this.#held.splice(this.#random.uniform(this.#held.length + 1), 1)
    if (held !== undefined) await this.#release(held)
  }

  async #release({ read, release, contents }: Held): Promise<void> {
    expect(read()).toEqual(contents)
    await release()
  }

  async #checkpoint(): Promise<void> {
    const checkpoint = this.#engine.checkpoint!()
    const contents = this.#present
    const directory = `/copy${++this.#copies}`
    this.#fileSystem.makeDirectory(directory)
    if (this.#random.uniform(2) === 0) await this.#write()
    if (this.#random.uniform(2) === 0) await this.#engine.compact()
    await checkpoint.write(directory)
    checkpoint.release()
    const copy = await this.#opened(this.#fileSystem, false, directory)
    expect(scan(copy)).toEqual(listed(contents))
    await assertSound(copy, this.#fileSystem, directory)
    await copy.close()
  }

  /** What the feed has since the last time turns the contents at that time into those of now. */
  async #followFeed(): Promise<void> {
    const snapshot = this.#engine.snapshot()
    const from = this.#feedFrom
    if (snapshot.sequence !== undefined) this.#feedFrom = { sequence: snapshot.sequence, model: this.#present }
    snapshot.release()
    if (from === undefined) return
    const model = new Map(from.model)
    const feed = this.#engine.changes!({ since: from.sequence, live: false })
    try {
      for (let batch = await feed.next(); batch !== undefined; batch = await feed.next()) {
        while (batch.next()) {
          const key = textOf(batch.key.copy())
          const value = batch.value.copy()
          if (batch.kind === KIND_DELETE) model.delete(key)
          else if (batch.kind === KIND_DELETE_RANGE) {
            for (const each of model.keys()) if (each >= key && each <= textOf(value)) model.delete(each)
          } else if (batch.kind !== KIND_PUT_EXPIRING) model.set(key, textOf(value))
          else if (readExpiry(value, 0) === PAST) model.delete(key)
          else model.set(key, textOf(value.subarray(EXPIRY_BYTES)))
        }
      }
      expect(listed(model)).toEqual(listed(this.#present))
    } catch (error) {
      if ((error as { code?: string }).code !== 'LEVEL_CHANGES_GONE') throw error
    } finally {
      feed.close()
    }
  }

  #crash(at: string): void {
    const kind = this.#random.uniform(3)
    const image =
      kind === 0 ? this.#fileSystem.processCrashClone() : this.#fileSystem.crashClone(kind === 1 ? 'none' : this.#random.uint32())
    this.#images.push({ at, image, possible: this.#states.slice(this.#synced) })
  }

  async #verifyCrash({ at, image, possible }: Crash): Promise<void> {
    this.crashes++
    const engine = await this.#opened(image, false, DIRECTORY)
    const found = scan(engine)
    expect(
      possible.some(model => listed(model).join() === found.join()),
      `a crash before ${at}`,
    ).toBe(true)
    await assertSound(engine, image)
    const batch = new WriteBatch()
    batch.put(keyOf('k00'), keyOf(filler(500)))
    await engine.write(batch, { sync: true })
    await engine.compact()
    expect(get(engine, 'k00')).toBe(filler(500))
    expect(scan(engine).filter(each => !each.startsWith('k00='))).toEqual(found.filter(each => !each.startsWith('k00=')))
    await assertSound(engine, image)
    await engine.close()
  }
}

/** `KVARIUM_SEED` is the first one. */
const SEED = Number(process.env['KVARIUM_SEED'] ?? 1)

describe('a store whose values are partly apart', () => {
  it('has after any history, crash, copy and reopen with another threshold what a map has, and no file too many', async () => {
    let crashes = 0
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 - 1 }), async seed => {
        const history = new History(seed)
        await history.run(slice(50, 150))
        crashes += history.crashes
      }),
      { numRuns: Number(process.env['KVARIUM_RUNS'] ?? slice(2, 40)), seed: SEED, endOnFailure: true },
    )
    expect(crashes).toBeGreaterThan(5)
  }, 600_000)

  it('is backed up over and over into the same place, each time as it is then', async () => {
    for (let seed = SEED; seed < SEED + slice(1, 20); seed++) {
      const random = new SeededRandom(seed)
      const fileSystem = new MemoryFileSystem()
      const model = new Map<string, string>()
      for (let round = 0; round < slice(3, 6); round++) {
        const valueThreshold = THRESHOLDS[random.uniform(THRESHOLDS.length)]
        const db = new Kvarium(DIRECTORY, { ...SMALL_LSM, valueThreshold, fileSystem })
        for (let i = 0; i < 60; i++) {
          const key = `k${random.uniform(100)}`
          const value = filler(1 + random.uniform(600), i)
          model.set(key, value)
          await db.put(key, value)
          if (random.uniform(5) > 0) continue
          model.delete(key)
          await db.del(key)
        }
        if (random.uniform(2) === 0) await db.compactRange()
        await db.close()
        await backup(DIRECTORY, '/backup', { fileSystem, incremental: round > 0, verify: true })
        expect((await verify('/backup', { fileSystem })).findings).toEqual([])
        const copy = new Kvarium('/backup', { fileSystem, readOnly: true })
        expect((await copy.iterator().all()).map(([key, value]) => `${key}=${value}`)).toEqual(listed(model))
        await copy.close()
      }
    }
  })
})
