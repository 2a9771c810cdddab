import { expect, it } from 'vitest'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Engine } from '../../src/engine/contract.js'
import { Kvarium } from '../../src/index.js'
import type { TraceEvent } from '../../src/trace/events.js'
import { Trace } from '../../src/trace/span.js'
import { MemoryFileSystem, simulatedEnvironment, type Environment } from '../../src/vfs/index.js'
import { joinPath } from '../../src/vfs/file-system.js'
import { slice } from '../support/thoroughness.js'
import { keyOf } from '../contract/support/opened-engine.js'
import { LARGE_BUFFERS } from './support/large-buffers.js'
import { DIRECTORY, emptyFileSystem, filler, get, openBtree, put, scan, shapeOf, violations } from './support/opened-btree.js'
import { TracedBtree } from './support/traced-btree.js'

const START = Date.UTC(2026, 0, 1)

/** An environment whose wall clock the test moves. */
function movable(fileSystem: MemoryFileSystem, time = START): { readonly environment: Environment; pass(ms: number): void } {
  const environment = simulatedEnvironment({ seed: 1, fileSystem })
  const { clock } = environment
  let now = time
  return { environment: { ...environment, clock: { now: () => clock.now(), wallTime: () => now } }, pass: ms => void (now += ms) }
}

async function putUntil(engine: Engine, key: string, value: string, expiry: number): Promise<void> {
  const batch = new WriteBatch()
  batch.put(keyOf(key), keyOf(value), expiry)
  await engine.write(batch, { sync: false })
}

function formatVersions(fileSystem: MemoryFileSystem): number[] {
  const file = fileSystem.openRead(joinPath(DIRECTORY, 'data.btree'))
  const version = new Uint8Array(1)
  const versions = [0, 4096].map(offset => (file.read(version, offset + 8), version[0]))
  file.close()
  return versions
}

const name = (i: number): string => `key ${String(i).padStart(5, '0')}`

it('what is due leaves with the first change of its page, and no other page is looked at', async () => {
  const fileSystem = emptyFileSystem()
  const { environment, pass } = movable(fileSystem)
  const engine = await openBtree({ fileSystem, environment, created: true })
  for (let i = 0; i < 2000; i++) await putUntil(engine, name(i), filler(20, i), START + 100)
  await engine.flush()
  pass(100)
  const before = shapeOf(engine).entries
  await put(engine, `${name(1000)} and`, 'stays')
  const dropped = before + 1 - shapeOf(engine).entries
  expect(dropped).toBeGreaterThan(3)
  expect(dropped).toBeLessThan(40)
  expect(engine.stats().ledger.expiredBytes).toBe(dropped * (name(0).length + 20))
  expect(await violations(engine)).toEqual([])
  await engine.compact()
  expect([shapeOf(engine).entries, scan(engine)]).toEqual([1, [`${name(1000)} and=stays`]])
  expect(engine.stats().ledger.expiredBytes).toBe(2000 * (name(0).length + 20))
  expect(await violations(engine)).toEqual([])
  await engine.close()
})

it('a full page gives up what is due before it is split: entries that come and go take bounded space without a compaction', async () => {
  const fileSystem = emptyFileSystem()
  const { environment, pass } = movable(fileSystem)
  const engine = await openBtree({ fileSystem, environment, created: true, options: { idleCompaction: false } })
  let most = 0
  for (let i = 0; i < 8000; i++) {
    await putUntil(engine, `session ${(i * 7919) % 10_007}`, filler(30, i), START + i + 100)
    pass(1)
    most = Math.max(most, shapeOf(engine).entries)
  }
  // 100 are live at a time.
  expect(most).toBeLessThan(1000)
  expect(shapeOf(engine).tree.at(-1)!.pages).toBeLessThan(150)
  expect(await violations(engine)).toEqual([])
  await engine.close()
})

it('events alone say how many entries are left once some have expired', async () => {
  const fileSystem = emptyFileSystem()
  const { environment, pass } = movable(fileSystem)
  const traced = new TracedBtree({ environment, level: 'io' })
  const engine = await traced.open(true)
  for (let i = 0; i < 300; i++) await putUntil(engine, name(i), filler(20, i), START + (i % 2 === 0 ? 10 : 1000))
  await engine.flush()
  pass(10)
  await put(engine, name(7), 'changed')
  expect(traced.fold.shape()).toEqual(engine.shape())
  await engine.compact()
  expect(traced.fold.shape()).toEqual(engine.shape())
  expect(shapeOf(engine).entries).toBe(150)
  expect(traced.of('entries.expire').reduce((sum, { entries }) => sum + entries, 0)).toBe(150)
  await traced.close(engine)
})

it('a file says format version 2 from the first entry that expires on, and 1 as long as there was none', async () => {
  const fileSystem = emptyFileSystem()
  const { environment, pass } = movable(fileSystem)
  const engine = await openBtree({ fileSystem, environment, created: true })
  await put(engine, 'a', '1')
  await engine.flush()
  await engine.close()
  expect(formatVersions(fileSystem)).toEqual([1, 1])
  const again = await openBtree({ fileSystem, environment })
  await putUntil(again, 'b', '2', START + 10)
  await again.flush()
  expect(formatVersions(fileSystem)).toContain(2)
  pass(10)
  await again.compact()
  await again.close()
  expect(formatVersions(fileSystem)).toEqual([2, 2])
  const last = await openBtree({ fileSystem, environment })
  expect(scan(last)).toEqual(['a=1'])
  await last.close()
})

it('a long log is replayed with its expiries, and a read before the end of the replay sees them', async () => {
  const fileSystem = emptyFileSystem()
  const { environment, pass } = movable(fileSystem)
  const killed = await openBtree({ fileSystem, environment, created: true, options: LARGE_BUFFERS })
  for (let i = 0; i < 6000; i++) await putUntil(killed, name((i * 7919) % 6000), filler(300, i), START + 10 + (i % 3) * 10)
  await put(killed, name(7919 % 6000), 'for good')
  const image = fileSystem.processCrashClone()
  await killed.close()
  pass(10)
  const engine = await openBtree({ fileSystem: image, environment: movable(image, START + 10).environment, options: LARGE_BUFFERS })
  expect([get(engine, name(0)), get(engine, name(7919 % 6000))]).toEqual([undefined, 'for good'])
  expect(engine.expiresAt!(keyOf(name((2 * 7919) % 6000)))).toBe(START + 30)
  expect(scan(engine)).toHaveLength(4000)
  expect(await violations(engine)).toEqual([])
  await engine.close()
})

it('an ingest between entries that expire keeps their expiries, and what it has counted is right', async () => {
  const fileSystem = emptyFileSystem()
  const { environment, pass } = movable(fileSystem)
  const engine = await openBtree({ fileSystem, environment, created: true })
  for (let i = 0; i < 600; i++) await putUntil(engine, name(i), filler(i % 40, i), START + (i % 3 === 0 ? 10 : 20))
  const ingested = new WriteBatch()
  for (let i = 100; i < 500; i += 7) ingested.put(keyOf(`${name(i)} and`), keyOf('ingested'))
  ingested.seal(0)
  await engine.ingest!(
    (async function* () {
      await Promise.resolve()
      yield ingested
    })(),
  )
  expect(await violations(engine)).toEqual([])
  expect([engine.expiresAt!(keyOf(name(303))), engine.expiresAt!(keyOf(name(304)))]).toEqual([START + 10, START + 20])
  pass(10)
  expect(scan(engine)).toHaveLength(400 + 58)
  pass(10)
  expect(scan(engine)).toHaveLength(58)
  await engine.close()
})

it('a large value is dropped once it is due, also where it is the whole tree', async () => {
  const fileSystem = emptyFileSystem()
  const { environment, pass } = movable(fileSystem)
  const engine = await openBtree({ fileSystem, environment, created: true })
  await putUntil(engine, 'large', filler(200_000, 1), START + 10)
  await engine.flush()
  pass(10)
  await engine.compact()
  expect([shapeOf(engine).entries, engine.stats().ledger.expiredBytes]).toEqual([0, 200_005])
  for (let i = 0; i < 100; i++) await put(engine, name(i), 'small')
  await putUntil(engine, name(50), filler(200_000, 2), START + 20)
  await engine.flush()
  pass(10)
  await engine.compact()
  expect(shapeOf(engine).entries).toBe(99)
  expect(await violations(engine)).toEqual([])
  await engine.close()
})

it.each([true, false])(
  'an idle tree gives back the space of what has expired without a write (idle compaction: %s)',
  async idleCompaction => {
    const count = slice(20_000, 200_000)
    const fileSystem = new MemoryFileSystem()
    const environment = simulatedEnvironment({ seed: 1, fileSystem })
    const events: TraceEvent[] = []
    const open = (): Kvarium =>
      new Kvarium('/store', {
        engine: 'btree',
        environment,
        idleCompaction,
        trace: new Trace({ level: 'job', listener: event => void events.push(event) }),
      })
    const bytes = (): number => [...fileSystem.files()].reduce((sum, [, size]) => sum + size, 0)
    const idle = async (seconds: number): Promise<void> => {
      for (let i = 0; i < seconds; i++) await environment.scheduler.sleep(1000)
    }
    for (const isReopened of [false, true]) {
      let db = open()
      await db.open()
      for (let from = 0; from < count; from += 1000) {
        const puts = Array.from({ length: 1000 }, (_, i) => ({
          type: 'put' as const,
          key: name(100_000 + from + i),
          value: filler(90, i),
          ttl: 3_600_000,
        }))
        await db.batch(puts)
      }
      await db.batch(Array.from({ length: 200 }, (_, i) => ({ type: 'put' as const, key: `stays ${i}`, value: 'x' })))
      await db.flush()
      const snapshot = db.snapshot()
      await idle(60)
      expect(bytes()).toBeGreaterThan(count * 100)
      await environment.scheduler.sleep(3_700_000)
      // The pages are the snapshot's.
      await idle(10)
      expect((await db.keys({ snapshot }).all()).length).toBe(count + 200)
      expect((await db.keys().all()).length).toBe(200)
      await snapshot.close()
      if (isReopened) {
        await db.close()
        db = open()
        await db.open()
      }
      await idle(70)
      expect((await db.keys().all()).length).toBe(200)
      const { ledger, idleCompaction: runs } = db.stats()
      if (idleCompaction) {
        expect(bytes()).toBeLessThan(count * 30)
        // A few of the last leaf stay: they are not worth writing it anew.
        expect(ledger.expiredBytes).toBeGreaterThan((count - 100) * (name(100_000).length + 90))
        expect(ledger.expiredBytes).toBeLessThanOrEqual(count * (name(100_000).length + 90))
        expect(runs!.runs).toBeGreaterThan(0)
        expect(events.some(({ type }) => type === 'entries.expire')).toBe(true)
      } else expect([ledger.expiredBytes, bytes() > count * 100]).toEqual([0, true])
      for await (const violation of db.check()) throw new Error(violation.message)
      await db.clear()
      await db.close()
    }
  },
)
