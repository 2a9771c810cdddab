import { describe, expect, it } from 'vitest'
import { MisuseError } from '../../../src/errors.js'
import { rangeOf, withEngine, type ContractSubject, type OpenedEngine } from './opened-engine.js'
import { churn } from './workload.js'

const ENTRIES = 2000
const VALUE_BYTES = 100
const KEY_BYTES = 'key 0000'.length
const keyAt = (i: number): string => `key ${`${i}`.padStart(4, '0')}`

async function fill(store: OpenedEngine, letter = 'v'): Promise<void> {
  for (let i = 0; i < ENTRIES; i += 100) {
    await store.batch(Array.from({ length: 100 }, (_, j) => ['put', keyAt(i + j), letter.repeat(VALUE_BYTES)] as const))
  }
}

const LIVE_BYTES = ENTRIES * (KEY_BYTES + VALUE_BYTES)

export function numberPromises(subject: ContractSubject): void {
  describe('numbers', () => {
    it(
      'every user byte and operation is counted once',
      withEngine(subject, async store => {
        await store.put('abc', '12345')
        await store.batch([
          ['put', '', '1'],
          ['put', 'abc', ''],
          ['del', 'abc'],
          ['del', 'missing'],
        ])
        await store.engine.flush()
        await store.compact()
        const { ledger } = store.engine.stats()
        expect(ledger.userBytes).toBe(8 + 1 + 3 + 3 + 7)
        expect(ledger.operations).toMatchObject({ puts: 3, deletes: 2, clears: 0 })
        await store.clear({ gte: 'a' })
        expect(store.engine.stats().ledger.operations).toMatchObject({ puts: 3, deletes: 2, clears: 1 })
      }),
    )

    it(
      'gets are counted as found or missing, cursors by what they show',
      withEngine(subject, async store => {
        await store.batch([...'abc'].map(key => ['put', key, '1'] as const))
        const before = store.engine.stats().ledger
        for (const key of 'abxyz') store.get(key)
        const cursor = store.cursor()
        for (let valid = cursor.first(); valid; valid = cursor.next());
        cursor.close()
        const after = store.engine.stats().ledger
        const grown = (of: 'found' | 'missing' | 'scan'): number => after[of].operations - before[of].operations
        expect([grown('found'), grown('missing'), grown('scan')]).toEqual([2, 3, 3])
      }),
    )

    it(
      'no number is ever negative or not a number, and the file bytes are those of the files',
      withEngine(subject, async store => {
        for (let i = 0; i < 4; i++) {
          await churn(store, 80, i)
          if (i === 2) await store.compact()
          await store.engine.settle()
          const stats = store.engine.stats()
          for (const [path, value] of numbersIn(stats)) {
            expect(Number.isFinite(value), `${path} is ${value}`).toBe(true)
            expect(value, path).toBeGreaterThanOrEqual(0)
          }
          expect(stats.engine).toBe(subject.factory.name)
          expect(stats.ledger.peakFileBytes).toBeGreaterThanOrEqual(stats.ledger.fileBytes)
          expect(stats.ledger.fileBytes).toBe(store.directoryBytes())
          expect(stats.memoryBytes).toBeGreaterThan(0)
        }
      }),
    )

    it(
      'live bytes follow what is there',
      withEngine(subject, async store => {
        const live = (): number => store.engine.stats().ledger.liveBytes
        expect(live()).toBe(0)
        await fill(store)
        await fill(store)
        await store.compact()
        expect(live()).toBeGreaterThan(LIVE_BYTES * 0.8)
        expect(live()).toBeLessThan(LIVE_BYTES * 1.25)
        await store.clear({ gte: keyAt(ENTRIES / 2) })
        await store.compact()
        expect(live()).toBeGreaterThan(LIVE_BYTES * 0.4)
        expect(live()).toBeLessThan(LIVE_BYTES * 0.65)
        await store.clear()
        await store.compact()
        expect(live()).toBe(0)
      }),
    )

    it(
      'the size of a range is that of its files: parts add up, nothing is nothing',
      withEngine(subject, async store => {
        const size = (range = {}): number => store.engine.approximateSize(rangeOf(range))
        expect(size()).toBe(0)
        await fill(store)
        await store.compact()
        const all = size()
        expect(all).toBeGreaterThan(LIVE_BYTES * 0.05)
        expect(all).toBeLessThan(LIVE_BYTES * 2)
        const half = size({ lt: keyAt(ENTRIES / 2) })
        expect(half).toBeGreaterThan(all * 0.35)
        expect(half).toBeLessThan(all * 0.65)
        expect(Math.abs(half + size({ gte: keyAt(ENTRIES / 2) }) - all)).toBeLessThan(all * 0.1)
        for (const range of [{ gt: 'l' }, { lt: 'k' }, { gte: 'key 9', lt: 'key 1' }]) expect(size(range)).toBeLessThan(all * 0.02)
        await store.clear()
        await store.compact()
        expect(size()).toBe(0)
        expect(() => size({ gt: 'a', gte: 'a' })).toThrow(MisuseError)
      }),
    )

    it(
      'the approximate size of a range counts what has not been flushed, also right after a reopening',
      withEngine(subject, async store => {
        const size = (range = {}): number => store.engine.approximateSize(rangeOf(range))
        const reopen = async (): Promise<void> => (subject.factory.durable ? store.reopen() : undefined)
        // No compression makes it smaller.
        await store.put('few', Array.from({ length: VALUE_BYTES }, (_, i) => ((i * i * 7919 + i * 31) % 1009).toString(36)[0]).join(''))
        expect(size({ gte: 'f' })).toBeGreaterThanOrEqual(VALUE_BYTES)
        await reopen()
        expect(size({ gte: 'f' })).toBeGreaterThanOrEqual(VALUE_BYTES)
        expect(size({ gte: 'g' })).toBe(0)
        await fill(store)
        await reopen()
        const all = size()
        expect(all).toBeLessThan(LIVE_BYTES * 3)
        const half = keyAt(ENTRIES / 2)
        const parts = [size({ lt: half }), size({ gte: half })]
        for (const part of parts) expect(part).toBeGreaterThan(LIVE_BYTES * 0.05)
        expect(Math.abs(parts[0] + parts[1] - all)).toBeLessThan(all * 0.1)
      }),
    )

    it(
      'space of overwritten, deleted and cleared data is released by a compaction, once no snapshot needs it',
      withEngine(subject, async store => {
        const held = (): number => store.engine.approximateSize({})
        await fill(store)
        await store.compact()
        const once = held()
        for (const letter of 'abcdef') await fill(store, letter)
        const snapshot = store.engine.snapshot()
        await store.clear({ lt: keyAt(ENTRIES / 2) })
        for (let i = ENTRIES / 2; i < ENTRIES * 0.75; i++) await store.del(keyAt(i))
        await store.compact()
        expect(store.scan({}, snapshot)).toHaveLength(ENTRIES)
        // A durable engine estimates by its files, where what a snapshot keeps has its place. An engine in memory counts what is
        // present now: what its snapshots keep is not in the estimate.
        if (subject.factory.durable) expect(held()).toBeGreaterThanOrEqual(once)
        snapshot.release()
        await store.compact()
        expect(held()).toBeLessThanOrEqual(once * 0.35)
        expect(store.scan()).toHaveLength(ENTRIES / 4)
      }),
    )

    it(
      'the shape is plain JSON and names its engine',
      withEngine(subject, async store => {
        await churn(store, 100)
        const shape = store.engine.shape()
        expect(shape.engine).toBe(subject.factory.name)
        expect(JSON.parse(JSON.stringify(shape))).toEqual(shape)
      }),
    )
  })
}

function numbersIn(value: unknown, path = ''): [string, number][] {
  if (typeof value === 'number') return [[path, value]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => numbersIn(inner, `${path}.${name}`))
}
