import { describe, expect, it } from 'vitest'
import { btreeEngine } from '../../src/btree/factory.js'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Engine, EngineFactory } from '../../src/engine/contract.js'
import { hashEngine } from '../../src/hash/factory.js'
import { lsmEngine } from '../../src/lsm/whole-engine.js'
import type { TraceEvent } from '../../src/trace/events.js'
import { Trace } from '../../src/trace/span.js'
import { simulatedEnvironment } from '../../src/vfs/index.js'
import { fillOptions, keyOf } from '../contract/support/opened-engine.js'
import { HookedFileSystem, isChange } from '../lsm/support/hooked-file-system.js'
import { DIRECTORY, emptyFileSystem, sizeOf, violations } from '../lsm/support/opened-lsm.js'

const ENTRIES = 10_000
const VALUE = new Uint8Array(200).fill(7)
const LOADED_BYTES = ENTRIES * 200
/** What an empty store may take. */
const SMALL_BYTES = 64 * 1024

const ENGINES: readonly (readonly [string, EngineFactory])[] = [
  ['lsm', lsmEngine()],
  ['btree', btreeEngine({ poisonFrames: true })],
  ['hash', hashEngine({ poisonFrames: true })],
]

const keyAt = (i: number): Uint8Array => keyOf(`key ${String((i * 7919) % ENTRIES).padStart(6, '0')}`)

/** A store with default options on a simulated clock, but without compression: its values are all the same. */
class Subject {
  engine!: Engine
  changes = 0
  readonly files = emptyFileSystem()
  readonly events: TraceEvent[] = []
  readonly #factory: EngineFactory
  readonly #fileSystem = new HookedFileSystem(this.files)
  readonly environment = simulatedEnvironment({ seed: 1, fileSystem: this.#fileSystem })

  constructor(factory: EngineFactory) {
    this.#factory = factory
    this.#fileSystem.before = operation => {
      if (isChange(operation)) this.changes++
    }
  }

  static async loaded(factory: EngineFactory, options: Readonly<Record<string, unknown>> = {}): Promise<Subject> {
    const subject = new Subject(factory)
    await subject.open(true, options)
    await subject.write(0, ENTRIES, 'put')
    return subject
  }

  async open(created: boolean, options: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const factory = this.#factory
    const trace = new Trace({ level: 'job', listener: event => void this.events.push(event) })
    this.engine = await factory.open({
      environment: this.environment,
      directory: DIRECTORY,
      created,
      options: fillOptions(factory, factory.name === 'lsm' ? { compression: 'none', ...options } : options),
      trace,
    })
  }

  async write(from: number, to: number, kind: 'put' | 'del'): Promise<void> {
    for (let at = from; at < to; at += 100) {
      const batch = new WriteBatch()
      for (let i = at; i < Math.min(to, at + 100); i++) {
        if (kind === 'put') batch.put(keyAt(i), VALUE)
        else batch.del(keyAt(i))
      }
      await this.engine.write(batch, { sync: false })
    }
  }

  get bytes(): number {
    return sizeOf(this.files)
  }

  idle(ms: number): Promise<void> {
    return this.environment.scheduler.sleep(ms)
  }

  /** Reasons of the jobs that flushed, or made a checkpoint. */
  get reasons(): (string | undefined)[] {
    return this.events.flatMap(event =>
      event.type === 'job.begin' && (event.kind === 'flush' || event.kind === 'checkpoint') ? [event.reason] : [],
    )
  }
}

describe.each(ENGINES)('an idle store of %s', (_, factory) => {
  it('gives the space of deleted keys back, says so in stats and trace, and then writes nothing more', async () => {
    const subject = await Subject.loaded(factory)
    await subject.write(0, ENTRIES, 'del')
    expect(subject.bytes).toBeGreaterThan(LOADED_BYTES)
    await subject.idle(5000)
    expect(subject.bytes).toBeLessThan(SMALL_BYTES)
    expect(subject.engine.stats().idleCompaction).toEqual({
      runs: 1,
      freedBytes: expect.toSatisfy((bytes: number) => bytes > LOADED_BYTES) as number,
    })
    expect(subject.reasons).toContain('idle')
    const { changes } = subject
    await subject.idle(600_000)
    expect(subject.changes).toBe(changes)
    expect(await violations(subject.engine)).toEqual([])
    await subject.engine.close()
  })

  it('gives the space of a cleared range back', async () => {
    const subject = await Subject.loaded(factory)
    await subject.engine.clear({}, { sync: false })
    await subject.idle(5000)
    expect(subject.bytes).toBeLessThan(SMALL_BYTES)
    await subject.engine.close()
  })

  it('gives the space of most keys back, in files too, and keeps the others', async () => {
    const subject = await Subject.loaded(factory)
    await subject.engine.flush()
    await subject.write(0, ENTRIES - 1000, 'del')
    await subject.idle(5000)
    expect(subject.bytes).toBeLessThan(LOADED_BYTES / 3)
    for (let i = 0; i < ENTRIES; i += 97) expect(subject.engine.get(keyAt(i)) !== undefined).toBe(i >= ENTRIES - 1000)
    expect(await violations(subject.engine)).toEqual([])
    await subject.engine.close()
  })

  it('does nothing while writes go on, few keys are deleted, or none', async () => {
    const subject = await Subject.loaded(factory)
    await subject.engine.flush()
    await subject.write(0, 500, 'del')
    await subject.idle(10_000)
    expect(subject.reasons).not.toContain('idle')
    for (let at = 500; at < ENTRIES; at += 500) {
      await subject.write(at, at + 500, 'del')
      await subject.idle(900)
    }
    expect(subject.reasons).not.toContain('idle')
    await subject.idle(3000)
    expect(subject.reasons).toContain('idle')
    await subject.engine.close()
  })

  it('leaves deleted data while a snapshot sees it, and gives it back when the snapshot is released', async () => {
    const subject = await Subject.loaded(factory)
    const snapshot = subject.engine.snapshot()
    await subject.write(0, ENTRIES, 'del')
    const { changes } = subject
    await subject.idle(10_000)
    expect(subject.changes).toBe(changes)
    snapshot.release()
    await subject.idle(5000)
    expect(subject.bytes).toBeLessThan(SMALL_BYTES)
    await subject.engine.close()
  })

  it('leaves it alone without the option', async () => {
    const subject = await Subject.loaded(factory, { idleCompaction: false })
    await subject.write(0, ENTRIES, 'del')
    const { changes } = subject
    await subject.idle(600_000)
    expect(subject.changes).toBe(changes)
    await subject.engine.close()
  })
})

describe.each(ENGINES)('a store of %s that closes', (_, factory) => {
  it('gives the space of deleted keys back', async () => {
    const subject = await Subject.loaded(factory)
    await subject.engine.flush()
    await subject.write(0, ENTRIES, 'del')
    await subject.engine.close()
    expect(subject.bytes).toBeLessThan(SMALL_BYTES)
    await subject.open(false)
    expect(subject.engine.get(keyAt(1))).toBeUndefined()
    expect(await violations(subject.engine)).toEqual([])
    await subject.engine.close()
  })

  it('gives it back in the middle of an idle run', async () => {
    for (let turns = 1; turns < 40; turns += 13) {
      const subject = await Subject.loaded(factory)
      await subject.engine.flush()
      await subject.write(0, ENTRIES - 2000, 'del')
      await subject.idle(2000)
      for (let turn = 0; turn < turns; turn++) await subject.environment.scheduler.turn()
      await subject.engine.close()
      expect(subject.bytes).toBeLessThan(LOADED_BYTES * 0.6)
      await subject.open(false)
      expect(await violations(subject.engine)).toEqual([])
      await subject.engine.close()
    }
  })
})

it.each(['is closed', 'is killed'])('what a session leaves behind that %s, the next one gives back when it is idle', async ending => {
  const factory = lsmEngine({ leastDeferredBytes: 1 })
  const subject = await Subject.loaded(factory, { idleCompaction: false })
  await subject.engine.flush()
  // Below the share at which the picker compacts a table, as the file of the tombstones is one of its own.
  await subject.write(0, ENTRIES / 2, 'del')
  if (ending === 'is closed') await subject.engine.close()
  await subject.open(false)
  await subject.idle(5000)
  expect(subject.bytes).toBeLessThan(LOADED_BYTES * 0.6)
  await subject.engine.close()
})

it('a write stops the moving of pages, which goes on once the store is idle again', async () => {
  const subject = await Subject.loaded(btreeEngine({ poisonFrames: true }))
  await subject.engine.flush()
  const full = subject.bytes
  // The first keys lie in front.
  await subject.engine.clear({ gte: keyOf('key 000000'), lt: keyOf('key 007000') }, { sync: false })
  subject.events.length = 0
  while (!subject.reasons.includes('idle')) await subject.environment.scheduler.turn()
  await subject.write(ENTRIES - 1, ENTRIES, 'put')
  for (let turn = 0; turn < 200; turn++) await subject.environment.scheduler.turn()
  expect(subject.reasons).toEqual(['idle'])
  expect(subject.bytes).toBeGreaterThan(full / 2)
  await subject.idle(5000)
  expect(subject.bytes).toBeLessThan(full / 2)
  expect(await violations(subject.engine)).toEqual([])
  await subject.engine.close()
})
