import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/codec/text.js'
import { WriteBatch } from '../../src/engine/batch.js'
import type { Cursor, Engine } from '../../src/engine/contract.js'
import { memoryEngine } from '../../src/memory/factory.js'
import { simulatedEnvironment } from '../../src/vfs/index.js'

const NO_SYNC = { sync: false }

let state = 1
const random = { uint32: (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) }

function open(arenaSize: number): Promise<Engine> {
  const environment = { ...simulatedEnvironment({ seed: 1 }), random }
  return memoryEngine.open({ environment, directory: '', created: true, options: { arenaSize } })
}

async function put(engine: Engine, key: string, value: string | Uint8Array): Promise<void> {
  const batch = new WriteBatch()
  batch.put(key, value)
  await engine.write(batch, NO_SYNC)
}

async function del(engine: Engine, key: string): Promise<void> {
  const batch = new WriteBatch()
  batch.del(key)
  await engine.write(batch, NO_SYNC)
}

const text = (bytes: Uint8Array | undefined): string | undefined => (bytes === undefined ? undefined : new TextDecoder().decode(bytes))
const get = (engine: Engine, key: string): string | undefined => text(engine.get(encodeUtf8(key)))

function scan(cursor: Cursor): string[] {
  const all = []
  for (let valid = cursor.first(); valid; valid = cursor.next()) all.push(`${text(cursor.key.copy())}=${text(cursor.value.copy())}`)
  cursor.close()
  return all
}

const versions = (engine: Engine): number => engine.shape()['versions'] as number
const rebuilds = (engine: Engine): number => (engine.shape()['arena'] as { rebuilds: number }).rebuilds

async function violations(engine: Engine): Promise<unknown[]> {
  const all = []
  for await (const violation of engine.check()) all.push(violation)
  return all
}

describe('the memory engine', () => {
  it('overwriting and deleting a few keys for ever takes no more memory', async () => {
    const engine = await open(64 * 1024)
    for (let i = 0; i < 100_000; i++) {
      await put(engine, `key ${i % 7}`, `value ${i}`)
      if (i % 5 === 0) await del(engine, `key ${i % 7}`)
      if (i % 3 === 0) await del(engine, `never there ${i}`)
    }
    expect(rebuilds(engine)).toBeGreaterThan(10)
    expect(engine.stats().memoryBytes).toBe(64 * 1024)
    expect(get(engine, `key ${99_999 % 7}`)).toBe('value 99999')
    expect(await violations(engine)).toEqual([])
  })

  it('rebuilds are rare while the data grows', async () => {
    const engine = await open(4096)
    for (let i = 0; i < 20_000; i++) await put(engine, `key ${(i * 7919) % 20_000}`, `value ${i}`)
    expect(rebuilds(engine)).toBeLessThan(40)
    expect(versions(engine)).toBe(20_000)
    expect(await violations(engine)).toEqual([])
  })

  it('a rebuild keeps what a snapshot sees and nothing in between', async () => {
    const engine = await open(4096)
    await put(engine, 'kept', 'old')
    await put(engine, 'gone', 'old')
    const first = engine.snapshot()
    for (let i = 0; i < 10; i++) await put(engine, 'kept', `middle ${i}`)
    await del(engine, 'gone')
    const second = engine.snapshot()
    await put(engine, 'kept', 'new')
    await del(engine, 'gone')
    await engine.compact()
    expect(versions(engine)).toBe(5)
    expect(scan(engine.cursor({}, first))).toEqual(['gone=old', 'kept=old'])
    expect(scan(engine.cursor({}, second))).toEqual(['kept=middle 9'])
    expect(scan(engine.cursor({}))).toEqual(['kept=new'])
    first.release()
    first.release()
    second.release()
    await engine.compact()
    expect(versions(engine)).toBe(1)
  })

  it('a rebuild drops what was overwritten just before a snapshot was taken', async () => {
    const engine = await open(4096)
    await put(engine, 'a', 'never seen')
    await put(engine, 'a', 'seen by the snapshot')
    const snapshot = engine.snapshot()
    await put(engine, 'a', 'seen now')
    await engine.compact()
    expect(versions(engine)).toBe(2)
    expect(scan(engine.cursor({}, snapshot))).toEqual(['a=seen by the snapshot'])
  })

  it('clears alone may fill the arena', async () => {
    const engine = await open(4096)
    const key = (i: number): string => `${'long '.repeat(200)}${100 + i}`
    for (let i = 0; i < 60; i++) await put(engine, key(i), '')
    for (let i = 0; i < 50; i++) await engine.clear({ gte: encodeUtf8(key(i)), lte: encodeUtf8(key(i)) }, NO_SYNC)
    expect(scan(engine.cursor({}))).toHaveLength(10)
    expect(await violations(engine)).toEqual([])
  })

  it('a cursor reads on undisturbed while the arena under it is replaced', async () => {
    const engine = await open(4096)
    for (let i = 0; i < 10; i++) await put(engine, `key ${i}`, 'before')
    const cursor = engine.cursor({})
    cursor.seek(encodeUtf8('key 5'))
    const before = rebuilds(engine)
    for (let i = 0; i < 1000; i++) await put(engine, `key ${i % 10}`, 'after')
    await engine.clear({}, NO_SYNC)
    expect(rebuilds(engine)).toBeGreaterThan(before)
    expect(text(cursor.key.copy())).toBe('key 5')
    expect(scan(cursor)).toEqual(Array.from({ length: 10 }, (_, i) => `key ${i}=before`))
    expect(scan(engine.cursor({}))).toEqual([])
  })

  it('a batch that is larger than the arena goes in whole', async () => {
    const engine = await open(4096)
    const batch = new WriteBatch()
    for (let i = 0; i < 1000; i++) batch.put(`key ${i}`, 'x'.repeat(i % 50))
    await engine.write(batch, NO_SYNC)
    expect(scan(engine.cursor({}))).toHaveLength(1000)
    expect(await violations(engine)).toEqual([])
  })

  it('data that can never fit is refused and changes nothing', async () => {
    const engine = await open(4096)
    await put(engine, 'a', 'before')
    const huge = new WriteBatch()
    huge.put('a', 'after')
    Object.defineProperty(huge, 'userBytes', { value: 2 ** 31 })
    expect(() => engine.write(huge, NO_SYNC)).toThrow(expect.objectContaining({ code: 'LEVEL_MEMORY_FULL' }))
    expect(get(engine, 'a')).toBe('before')
    expect(await violations(engine)).toEqual([])
  })

  it.each([
    ['few of many keys', 3],
    ['many of many keys', 700],
  ])('a clear of %s under a snapshot hides them from the present only', async (_, count) => {
    const engine = await open(4096)
    for (let i = 0; i < 1000; i++) await put(engine, `key ${1000 + i}`, 'x')
    const snapshot = engine.snapshot()
    await engine.clear({ gte: encodeUtf8('key 1100'), lt: encodeUtf8(`key ${1100 + count}`) }, NO_SYNC)
    await put(engine, 'key 1101', 'again')
    expect(scan(engine.cursor({}))).toHaveLength(1000 - count + 1)
    expect(scan(engine.cursor({}, snapshot))).toHaveLength(1000)
    expect(await violations(engine)).toEqual([])
    snapshot.release()
    await engine.compact()
    expect(versions(engine)).toBe(1000 - count + 1)
  })

  it('clearing everything gives the memory back', async () => {
    const engine = await open(4096)
    for (let i = 0; i < 1000; i++) await put(engine, `key ${i}`, 'x')
    await engine.clear({}, NO_SYNC)
    expect(engine.stats().memoryBytes).toBe(4096)
    expect(engine.stats().ledger.liveBytes).toBe(0)
    expect(await violations(engine)).toEqual([])
  })

  it('a snapshot of another engine, or a released one, is refused instead of misread', async () => {
    const [one, other] = [await open(4096), await open(4096)]
    const snapshot = one.snapshot()
    expect(() => other.get(encodeUtf8('a'), snapshot)).toThrow(expect.objectContaining({ code: 'LEVEL_INVALID_SNAPSHOT' }))
    snapshot.release()
    expect(() => one.get(encodeUtf8('a'), snapshot)).toThrow(expect.objectContaining({ code: 'LEVEL_INVALID_SNAPSHOT' }))
  })

  it('snapshots see their moment through any number of rebuilds', async () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd')
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('put', 'del', 'clear'), key }) },
      { weight: 2, arbitrary: fc.constant({ kind: 'snapshot', key: '' }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'release', key: '' }) },
      { weight: 2, arbitrary: fc.constant({ kind: 'compact', key: '' }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
        const engine = await open(4096)
        const model = new Map<string, string>()
        const moments: { snapshot: ReturnType<Engine['snapshot']>; content: string[] }[] = []
        const content = (): string[] => [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => `${k}=${v}`)
        for (const [i, { kind, key }] of steps.entries()) {
          if (kind === 'put') await put(engine, key, `${i}`)
          if (kind === 'put') model.set(key, `${i}`)
          if (kind === 'del') await del(engine, key)
          if (kind === 'del') model.delete(key)
          if (kind === 'clear') await engine.clear({ gte: encodeUtf8(key) }, NO_SYNC)
          if (kind === 'clear') for (const k of [...model.keys()]) if (k >= key) model.delete(k)
          if (kind === 'snapshot') moments.push({ snapshot: engine.snapshot(), content: content() })
          if (kind === 'release') moments.splice(i % (moments.length + 1), 1)[0]?.snapshot.release()
          if (kind === 'compact') await engine.compact()
        }
        for (const { snapshot, content } of moments) expect(scan(engine.cursor({}, snapshot))).toEqual(content)
        expect(scan(engine.cursor({}))).toEqual(content())
        expect(await violations(engine)).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})
