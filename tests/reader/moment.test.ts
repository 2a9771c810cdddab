import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openReader, type Reader } from '../../src/reader/index.js'
import type { SkiplistState } from '../../src/skiplist/index.js'
import { messagesArrive, openStore, readerOf, SHARED_ENGINES, type SharedEngine } from './support/shared-store.js'
import { slice } from '../support/thoroughness.js'

type Entries = readonly (readonly [string, string])[]

const keyOf = (number: number): string => `key ${String(number).padStart(3, '0')}`
const valueOf = (number: number): string => `${number} `.repeat(1 + (number % 40))

type Step =
  | { readonly do: 'put'; readonly key: number; readonly value: number }
  | { readonly do: 'del'; readonly key: number }
  | { readonly do: 'batch'; readonly from: number; readonly value: number }
  | { readonly do: 'clear'; readonly from: number; readonly to: number }
  | { readonly do: 'flush' | 'compact' | 'share' | 'refresh' | 'close' }
  | { readonly do: 'read'; readonly from: number; readonly to: number; readonly limit: number; readonly reverse: boolean }

const number = fc.nat(200)
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), key: number, value: number }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('del' as const), key: number }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('batch' as const), from: number, value: number }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('clear' as const), from: number, to: number }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('flush' as const, 'compact' as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('share' as const, 'refresh' as const, 'close' as const) }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('read' as const),
        from: number,
        to: number,
        limit: fc.integer({ min: -1, max: 9 }),
        reverse: fc.boolean(),
      }),
    },
  ),
  { minLength: 5, maxLength: 60 },
)

/** A reader, and the entries that it has to see. */
interface Expected {
  readonly reader: Reader
  model: ReadonlyMap<string, string>
}

const sorted = (model: ReadonlyMap<string, string>): Entries => [...model].sort(([a], [b]) => (a < b ? -1 : 1))

async function assertReads({ reader, model }: Expected, step: Step & { readonly do: 'read' }): Promise<void> {
  const [gte, lt] = [keyOf(step.from), keyOf(step.to)]
  const inRange = sorted(model).filter(([key]) => key >= gte && key < lt)
  if (step.reverse) inRange.reverse()
  const wanted = step.limit < 0 ? inRange : inRange.slice(0, step.limit)
  const range = { gte, lt, limit: step.limit, reverse: step.reverse }
  expect(await reader.iterator(range).all()).toEqual(wanted)
  expect(await reader.keys(range).all()).toEqual(wanted.map(([key]) => key))
  expect(await reader.values(range).all()).toEqual(wanted.map(([, value]) => value))
  const keys = [step.from, step.to, step.from + 1].map(keyOf)
  expect(await reader.getMany(keys)).toEqual(keys.map(key => model.get(key)))
  expect(reader.getSync(keys[0])).toBe(model.get(keys[0]))
  expect(await reader.has(keys[1])).toBe(model.has(keys[1]))
}

async function run(engine: SharedEngine, plan: readonly Step[]): Promise<void> {
  const db = await openStore(engine)
  let model = new Map<string, string>()
  const readers: Expected[] = []
  const change = (apply: (model: Map<string, string>) => void): void => {
    model = new Map(model)
    apply(model)
  }
  for (const step of plan) {
    switch (step.do) {
      case 'put':
        await db.put(keyOf(step.key), valueOf(step.value))
        change(entries => entries.set(keyOf(step.key), valueOf(step.value)))
        break
      case 'del':
        await db.del(keyOf(step.key))
        change(entries => entries.delete(keyOf(step.key)))
        break
      case 'batch': {
        const numbers = Array.from({ length: 50 }, (_, i) => step.from + i)
        await db.batch(numbers.map(n => ({ type: 'put', key: keyOf(n), value: valueOf(step.value + n) })))
        change(entries => numbers.forEach(n => entries.set(keyOf(n), valueOf(step.value + n))))
        break
      }
      case 'clear':
        await db.clear({ gte: keyOf(step.from), lt: keyOf(step.to) })
        change(entries => {
          for (const key of entries.keys()) if (key >= keyOf(step.from) && key < keyOf(step.to)) entries.delete(key)
        })
        break
      case 'flush':
        await db.flush()
        break
      case 'compact':
        await db.compactRange()
        break
      case 'share':
        if (readers.length < 3) readers.push({ reader: await readerOf(db, { cacheSize: 8 << 10 }), model })
        break
      case 'refresh':
        if (readers[0] === undefined) break
        await readers[0].reader.refresh()
        readers[0].model = model
        break
      case 'close':
        await readers.shift()?.reader.close()
        break
      case 'read':
        for (const each of readers) await assertReads(each, step)
    }
  }
  for (const { reader, model } of readers) {
    expect(await reader.iterator().all()).toEqual(sorted(model))
    expect(await reader.check()[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
    await reader.close()
  }
  expect(await db.iterator().all()).toEqual(sorted(model))
  const violations = []
  for await (const violation of db.check()) violations.push(violation)
  expect(violations).toEqual([])
  await db.close()
}

describe.each(SHARED_ENGINES)('a reader of %s', engine => {
  it('sees exactly its moment, whatever is written, flushed and compacted afterwards', async () => {
    await fc.assert(
      fc.asyncProperty(steps, plan => run(engine, plan)),
      { numRuns: slice(8, 25) },
    )
  })

  it('sees the earlier values of a store that is overwritten, cleared and compacted many times', async () => {
    const db = await openStore(engine)
    const fill = (round: number): Promise<void> =>
      db.batch(Array.from({ length: 500 }, (_, i) => ({ type: 'put', key: keyOf(i), value: `${round} ${valueOf(i)}` })))
    await fill(0)
    const reader = await readerOf(db, { cacheSize: 0 })
    for (let round = 1; round <= 8; round++) {
      await fill(round)
      if (round % 3 === 0) await db.clear()
      await db.compactRange()
    }
    await db.settle()
    expect(await reader.values().all()).toEqual(Array.from({ length: 500 }, (_, i) => `0 ${valueOf(i)}`))
    await reader.refresh()
    expect(await reader.values({ limit: 1 }).all()).toEqual([`8 ${valueOf(0)}`])
  })

  it('keeps the moment of iterators and snapshots over a refresh', async () => {
    const db = await openStore(engine)
    await db.batch([1, 2, 3].map(i => ({ type: 'put', key: keyOf(i), value: 'early' })))
    const reader = await readerOf(db)
    const snapshot = reader.snapshot()
    const iterator = reader.values()
    await db.put(keyOf(1), 'late')
    await db.del(keyOf(2))
    await db.compactRange()
    await reader.refresh()
    expect(await reader.values().all()).toEqual(['late', 'early'])
    expect(await iterator.all()).toEqual(['early', 'early', 'early'])
    expect(await reader.get(keyOf(2), { snapshot })).toBe('early')
    expect(await reader.getMany([keyOf(1), keyOf(2)], { snapshot })).toEqual(['early', 'early'])
    await snapshot.close()
    expect(await reader.get(keyOf(2))).toBeUndefined()
  })

  it('sees no part of a long batch that is being applied', async () => {
    const db = await openStore(engine, { writeBufferSize: 4 << 20 })
    await db.put('a', 'before')
    const long = db.batch(Array.from({ length: 30_000 }, (_, i) => ({ type: 'put', key: `b${i}`, value: String(i) })))
    const share = await db.share()
    const reader = await readerOf(share)
    const seen = (await reader.keys().all()).length
    expect([1, 30_001]).toContain(seen)
    await long
    expect((await reader.keys().all()).length).toBe(seen)
    await reader.refresh()
    expect((await reader.keys().all()).length).toBe(30_001)
  })

  it('keeps what it has in memory over a refresh: only what has changed is read again', async () => {
    const db = await openStore(engine)
    const numbers = Array.from({ length: 3000 }, (_, i) => i)
    const key = (i: number): string => `key ${String(i).padStart(5, '0')}`
    await db.batch(numbers.map(i => ({ type: 'put', key: key(i), value: valueOf(i) })))
    await db.compactRange()
    const reader = await readerOf(db, { cacheSize: 16 << 20 })
    const blocksRead = (): number => {
      const { found } = reader.stats().ledger
      const before = found.blocksFromDisk
      for (const i of numbers) expect(reader.getSync(key(i))?.length).toBeGreaterThan(1)
      return reader.stats().ledger.found.blocksFromDisk - before
    }
    const all = blocksRead()
    expect(all).toBeGreaterThan(100)
    expect(blocksRead()).toBe(0)
    for (let round = 0; round < 5; round++) {
      await db.put(key(500 * round + 3), `changed ${round}`)
      await reader.refresh()
      expect(blocksRead()).toBeLessThan(8)
      expect(reader.getSync(key(500 * round + 3))).toBe(`changed ${round}`)
    }
    await reader.refresh()
    expect(blocksRead()).toBe(0)
  })

  it('of an empty store sees nothing, and after a refresh what came', async () => {
    const db = await openStore(engine)
    const reader = await readerOf(db)
    expect(await reader.keys().all()).toEqual([])
    expect(reader.getSync('a')).toBeUndefined()
    await db.put('a', '1')
    await reader.refresh()
    expect(await reader.iterator().all()).toEqual([['a', '1']])
  })

  it('sees a large memtable, whose memory no later write uses again', async () => {
    const db = await openStore(engine, { writeBufferSize: 4 << 20, maxFileSize: 8 << 20, cacheSize: 1 << 20 })
    const fill = (value: string): Promise<void> =>
      db.batch(Array.from({ length: 3000 }, (_, i) => ({ type: 'put', key: keyOf(i), value: value.repeat(1000) })))
    await fill('a')
    const share = await db.share()
    const handle = share.handle()
    const buffers = ((handle.version.description as { memtables?: { list: SkiplistState }[] }).memtables ?? []).map(
      ({ list }) => list.buffer,
    )
    const before = buffers.map(buffer => new Uint8Array(buffer).slice())
    const reader = await openReader(handle)
    const iterator = reader.values()
    expect(await iterator.next()).toBe('a'.repeat(1000))
    share.release()
    for (let round = 0; round < 6; round++) await fill('b')
    expect(await iterator.all()).toEqual(Array.from({ length: 2999 }, () => 'a'.repeat(1000)))
    await reader.close()
    await messagesArrive()
    for (let round = 0; round < 6; round++) await fill('c')
    for (const [i, buffer] of buffers.entries()) expect(Buffer.compare(new Uint8Array(buffer), before[i])).toBe(0)
  })

  it('sees values of megabytes', async () => {
    const db = await openStore(engine)
    const value = 'long '.repeat(600_000)
    await db.put('long', value)
    const reader = await readerOf(db)
    expect(reader.getSync('long')).toBe(value)
  })
})
