import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/codec/text.js'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Engine, EngineSnapshot } from '../../src/engine/contract.js'
import { memoryEngine } from '../../src/memory/factory.js'
import { simulatedEnvironment } from '../../src/vfs/index.js'

const ENTRIES = 5000
const NO_SYNC = { sync: false }

/** An engine whose every turn of the event loop is seen. */
class Watched {
  turns = 0
  onTurn: (turn: number) => void = () => {}
  engine!: Engine

  static async open(arenaSize = 1 << 14): Promise<Watched> {
    const watched = new Watched()
    const environment = simulatedEnvironment({ seed: 1 })
    const turn = async (): Promise<void> => {
      await environment.scheduler.turn()
      watched.onTurn(++watched.turns)
    }
    const scheduler = { turn, sleep: (ms: number) => environment.scheduler.sleep(ms) }
    const options = { arenaSize }
    watched.engine = await memoryEngine.open({ environment: { ...environment, scheduler }, directory: '', created: true, options })
    return watched
  }

  /** Turns that the write takes. */
  async turnsOf(write: () => Promise<void> | void): Promise<number> {
    const before = this.turns
    await write()
    return this.turns - before
  }
}

const key = (i: number): Uint8Array => encodeUtf8(`k${String(i).padStart(6, '0')}`)

function batchOf(value: string, from = 0, to = ENTRIES): WriteBatch {
  const batch = new WriteBatch()
  for (let i = from; i < to; i++) batch.put(key((i * 7919) % ENTRIES), value)
  return batch
}

const put = (i: number, value: string): WriteBatch => {
  const batch = new WriteBatch()
  batch.put(key(i), value)
  return batch
}

const get = (engine: Engine, i: number, snapshot?: EngineSnapshot): string | undefined => {
  const value = engine.get(key(i), snapshot)
  return value && new TextDecoder().decode(value)
}

/** How many entries there are of each value, by a scan; and the values of three keys. */
function seen(engine: Engine, snapshot?: EngineSnapshot): string {
  const counts: Record<string, number> = {}
  const cursor = engine.cursor({}, snapshot)
  for (let valid = cursor.first(); valid; valid = cursor.next()) {
    const value = new TextDecoder().decode(cursor.value.copy())
    counts[value] = (counts[value] ?? 0) + 1
  }
  cursor.close()
  return JSON.stringify([counts, [0, ENTRIES >> 1, ENTRIES - 1].map(i => get(engine, i, snapshot))])
}

async function expectSound(engine: Engine): Promise<void> {
  for await (const violation of engine.check()) expect(violation).toBeUndefined()
}

describe('a long write of the memory engine', () => {
  it('is seen by readers as a whole or not at all, at every turn of the event loop', async () => {
    const watched = await Watched.open()
    const { engine } = watched
    await engine.write(batchOf('old'), NO_SYNC)
    const old = seen(engine)
    const during = new Set<string>()
    const snapshots: EngineSnapshot[] = []
    watched.onTurn = () => {
      during.add(seen(engine))
      snapshots.push(engine.snapshot())
    }
    await engine.write(batchOf('new'), NO_SYNC)
    expect([...during]).toEqual([old])
    expect(seen(engine)).toBe(old.replaceAll('old', 'new'))
    for (const snapshot of snapshots) expect(seen(engine, snapshot)).toBe(old)
    await expectSound(engine)
  })

  it.each([
    ['of everything', {}, ENTRIES],
    ['of a part', { gte: key(100), lt: key(4900) }, 4800],
    ['of a twentieth', { gte: key(0), lt: key(250) }, 250],
  ])('a clear %s is seen as a whole or not at all, also by snapshots taken in the middle', async (_, range, cleared) => {
    const watched = await Watched.open()
    const { engine } = watched
    await engine.write(batchOf('old'), NO_SYNC)
    const before = engine.snapshot()
    const old = seen(engine)
    const during = new Set<string>()
    const snapshots: EngineSnapshot[] = []
    watched.onTurn = () => {
      during.add(seen(engine))
      snapshots.push(engine.snapshot())
    }
    await engine.clear(range, NO_SYNC)
    watched.onTurn = () => {}
    expect([...during].filter(each => each !== old)).toEqual([])
    expect(engine.shape()['entries']).toBe(ENTRIES - cleared)
    for (const snapshot of [before, ...snapshots]) expect(seen(engine, snapshot)).toBe(old)
    await expectSound(engine)
    for (const snapshot of [before, ...snapshots]) snapshot.release()
    await engine.compact()
    await expectSound(engine)
  })

  it('takes a turn for every 1024 operations, entries that it clears or copies', async () => {
    const watched = await Watched.open(1 << 22)
    const { engine } = watched
    expect(await watched.turnsOf(() => engine.write(batchOf('value'), NO_SYNC))).toBe(Math.floor(ENTRIES / 1024))
    expect(await watched.turnsOf(() => engine.compact())).toBe(2 * Math.floor(ENTRIES / 1024))
    expect(await watched.turnsOf(() => engine.clear({ gte: key(0), lt: key(2500) }, NO_SYNC))).toBeGreaterThanOrEqual(2 + 4)
    expect(engine.shape()['entries']).toBe(ENTRIES - 2500)
    await expectSound(engine)
  })

  it('takes a turn for every MiB of a value, also when the list is copied', async () => {
    const watched = await Watched.open(1 << 22)
    const { engine } = watched
    const value = new Uint8Array(6 << 20).map((_, i) => i * 31)
    const batch = new WriteBatch()
    batch.put(key(0), value)
    expect(await watched.turnsOf(() => engine.write(batch, NO_SYNC))).toBeGreaterThanOrEqual(6)
    expect(await watched.turnsOf(() => engine.compact())).toBeGreaterThanOrEqual(6)
    expect(Buffer.compare(engine.get(key(0))!, value)).toBe(0)
    await expectSound(engine)
  })

  it('a put that finds the arena full takes turns while the list is copied', async () => {
    const watched = await Watched.open(1 << 14)
    const { engine } = watched
    let most = 0
    for (let i = 0; i < ENTRIES; i++) most = Math.max(most, await watched.turnsOf(() => engine.write(put(i, 'value'), NO_SYNC)))
    expect(most).toBeGreaterThanOrEqual(2)
    expect(engine.shape()['entries']).toBe(ENTRIES)
    await expectSound(engine)
  })

  it('is not overtaken by a later write, nor by a clear', async () => {
    const { engine } = await Watched.open()
    const acknowledged: string[] = []
    const after = (name: string, write: Promise<void> | void): Promise<void> =>
      Promise.resolve(write).then(() => void acknowledged.push(name))
    await Promise.all([
      after('long', engine.write(batchOf('a'), NO_SYNC)),
      after('put', engine.write(put(0, 'later'), NO_SYNC)),
      after('compact', engine.compact()),
      after('long again', engine.write(batchOf('b'), NO_SYNC)),
      after('clear', engine.clear({ gte: key(1) }, NO_SYNC)),
    ])
    expect(acknowledged).toEqual(['long', 'put', 'compact', 'long again', 'clear'])
    expect([get(engine, 0), get(engine, 1)]).toEqual(['b', undefined])
    await expectSound(engine)
  })

  it('is done before a close that was called in the middle of it', async () => {
    const watched = await Watched.open()
    const { engine } = watched
    const done: string[] = []
    const write = Promise.resolve(engine.write(batchOf('a'), NO_SYNC)).then(() => done.push('write'))
    await engine.close().then(() => done.push('close'))
    await write
    expect(done).toEqual(['write', 'close'])
  })
})
