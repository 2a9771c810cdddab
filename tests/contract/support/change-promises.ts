import { describe, expect, it } from 'vitest'
import { KIND_DELETE, KIND_PUT } from '../../../src/codec/entry.js'
import type { BatchReader } from '../../../src/engine/batch.js'
import type { BatchFeed, FeedOptions } from '../../../src/engine/contract.js'
import { OpenedEngine, rangeOf, textOf, withEngine, type ContractSubject } from './opened-engine.js'
import { churn, contentOf } from './workload.js'

/** A batch as text: its sequence number, then its operations. */
function shownBatch(batch: BatchReader): string {
  const operations = []
  while (batch.next()) {
    const [key, value] = [textOf(batch.key.copy()), textOf(batch.value.copy())]
    operations.push(batch.kind === KIND_PUT ? `${key}=${value}` : batch.kind === KIND_DELETE ? `-${key}` : `-${key}..${value}`)
  }
  return `${batch.lastSequence}: ${operations.join(' ')}`
}

function feedOf({ engine }: OpenedEngine, options: Partial<FeedOptions> = {}): BatchFeed {
  return engine.changes!({ since: undefined, live: false, ...options })
}

/** All that a feed delivers until its end, or `count` batches of it. */
async function take(feed: BatchFeed, count = Infinity): Promise<string[]> {
  const batches: string[] = []
  while (batches.length < count) {
    const batch = await feed.next()
    if (batch === undefined) break
    batches.push(shownBatch(batch))
  }
  return batches
}

async function all(store: OpenedEngine, options: Partial<FeedOptions> = {}): Promise<string[]> {
  const feed = feedOf(store, options)
  const batches = await take(feed)
  feed.close()
  return batches
}

function sequenceOf(batch: string | undefined): number {
  return Number.parseInt(batch ?? '0', 10)
}

/** Applies what a feed says to a model. */
function follow(model: Map<string, string>, batch: BatchReader): void {
  while (batch.next()) {
    const [key, value] = [textOf(batch.key.copy()), textOf(batch.value.copy())]
    if (batch.kind === KIND_PUT) model.set(key, value)
    else if (batch.kind === KIND_DELETE) model.delete(key)
    else for (const other of [...model.keys()]) if (other >= key && other <= value) model.delete(other)
  }
}

export function changePromises(unlimited: ContractSubject): void {
  const subject = { ...unlimited, options: { ...unlimited.options, changesRetainBytes: 1 << 30 } }

  describe('changes', () => {
    it(
      'every batch comes once, in order, with all of its operations',
      withEngine(subject, async store => {
        await store.batch([
          ['put', 'a', '1'],
          ['del', 'b'],
        ])
        await store.put('c', '', true)
        await store.del('a')
        expect(await all(store)).toEqual(['2: a=1 -b', '3: c=', '4: -a'])
        expect(await all(store, { since: 2 })).toEqual(['3: c=', '4: -a'])
        expect(await all(store, { since: 4 })).toEqual([])
      }),
    )

    it(
      'a clear is the range from the first to the last key that it deleted, and one that deletes nothing is no change',
      withEngine(subject, async store => {
        await store.batch(Array.from({ length: 100 }, (_, i) => ['put', `k${100 + i}`, 'v'] as const))
        await store.clear({ gte: 'k150', lt: 'k199' })
        await store.clear({ gte: 'x' })
        const since = sequenceOf((await all(store)).at(-2))
        expect(since).toBe(100)
        const [clear] = await all(store, { since })
        expect(clear).toMatch(/^101: -k150..k198$/)
        await store.put('z', '1')
        expect((await all(store)).map(batch => batch.slice(batch.indexOf(':') + 2)).slice(1)).toEqual(['-k150..k198', 'z=1'])
      }),
    )

    it(
      'a feed ends with what was there at its call, while others write',
      withEngine(subject, async store => {
        await store.put('a', '1')
        await store.put('b', '1')
        const feed = feedOf(store)
        await store.put('c', '1')
        expect(await take(feed, 1)).toEqual(['1: a=1'])
        await store.put('d', '1')
        expect(await take(feed)).toEqual(['2: b=1'])
        expect(await feed.next()).toBe(undefined)
        feed.close()
      }),
    )

    it(
      'a live feed waits at the present, and is woken by every kind of write',
      withEngine(subject, async store => {
        const feed = feedOf(store, { live: true })
        const steps: (() => Promise<void>)[] = [
          () => store.put('a', '1'),
          () => store.put('b', '1', true),
          () => store.clear({ lte: 'a' }),
          () => store.batch(Array.from({ length: 3000 }, (_, i) => ['put', `long ${i}`, ''] as const)),
        ]
        const counts = []
        for (const step of steps) {
          const found = Promise.resolve(feed.next())
          await step()
          counts.push((await found)?.count)
        }
        expect(counts).toEqual([1, 1, 1, 3000])
        feed.close()
      }),
    )

    it(
      'followers at any speed, resumed at any change, come to the same content through flushes, clears and compactions',
      withEngine(subject, async store => {
        const model = new Map<string, string>()
        let since = 0
        let feed = feedOf(store, { live: true })
        const expected = new Map<string, string>()
        for (let round = 0; round < 6; round++) {
          await churn(store, 40, round, expected)
          if (round % 4 === 1) await store.engine.flush()
          if (round % 5 === 2) await store.compact()
          // Falls behind, and catches up by a third each round.
          for (let i = 0; i < 15; i++) {
            const batch = (await feed.next())!
            since = batch.lastSequence
            follow(model, batch)
          }
          if (round % 3 === 0) {
            feed.close()
            feed = feedOf(store, { since, live: true })
          }
        }
        feed.close()
        const rest = feedOf(store, { since })
        for (let batch = await rest.next(); batch !== undefined; batch = await rest.next()) follow(model, batch)
        rest.close()
        expect([...model].map(([key, value]) => `${key}=${value}`).sort()).toEqual(contentOf(expected).sort())
        expect(store.engine.stats().ledger.read.changes > 0).toBe(subject.factory.durable)
      }),
    )

    it(
      'a position that is not kept, not reached yet, or within a batch is refused',
      withEngine({ ...unlimited, options: { ...unlimited.options, changesRetainBytes: 2000 } }, async store => {
        for (let i = 0; i < 60; i++) {
          await store.batch([
            ['put', `a${i}`, 'x'.repeat(500)],
            ['put', `b${i}`, ''],
          ])
          if (i % 10 === 9) await store.engine.flush()
        }
        await store.batch([
          ['put', 'a', ''],
          ['put', 'b', ''],
        ])
        const refusal = async (since: number): Promise<unknown> => all(store, { since }).catch((error: unknown) => error)
        for (const since of [2, 121, 123, 1e9]) expect(await refusal(since), String(since)).toMatchObject({ code: 'LEVEL_CHANGES_GONE' })
        expect(await all(store, { since: 120 })).toEqual(['122: a= b='])
        expect(await all(store, { since: 122 })).toEqual([])
        const kept = await all(store)
        expect(kept.length).toBeGreaterThan(1)
        expect(kept.length).toBeLessThan(50)
      }),
    )

    it(
      'a snapshot has the sequence number after which its changes come',
      withEngine(subject, async store => {
        await churn(store, 20)
        const snapshot = store.engine.snapshot()
        const { sequence } = snapshot
        await store.put('after', '1')
        expect(await all(store, { since: sequence! })).toEqual([`${sequence! + 1}: after=1`])
        snapshot.release()
      }),
    )

    it('a feed that waits fails when it is closed, and when the engine is closed', async () => {
      const store = await OpenedEngine.open(subject)
      await store.put('a', '1')
      const closed = feedOf(store, { since: 1, live: true })
      const waiting = Promise.resolve(closed.next()).catch((error: unknown) => error)
      await store.environment.scheduler.turn()
      closed.close()
      closed.close()
      expect(await waiting).toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' })
      const open = feedOf(store, { since: 1, live: true })
      const last = Promise.resolve(open.next()).catch((error: unknown) => error)
      await store.environment.scheduler.turn()
      await store.engine.close()
      expect(await last).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
      expect(() => feedOf(store)).toThrow(/closed/)
      open.close()
      await store.dispose()
    })
  })

  if (subject.factory.durable) describeReopening(unlimited)
}

function describeReopening(unlimited: ContractSubject): void {
  const subject = { ...unlimited, options: { ...unlimited.options, changesRetainBytes: 1 << 30 } }

  describe('changes, after opening again', () => {
    it(
      'the history goes on without a gap, through any number of reopens',
      withEngine(subject, async store => {
        const expected: string[] = []
        for (const rounds of [0, 3, 0, 80, 1]) {
          for (let i = 0; i < rounds; i++) {
            await store.put(`key ${i % 7}`, `${i}`.padEnd(i * 9))
            expected.push(`${expected.length + 1}: key ${i % 7}=${`${i}`.padEnd(i * 9)}`)
          }
          if (rounds === 80) await store.engine.flush()
          await store.reopen()
          expect(await all(store)).toEqual(expected)
          expect(await all(store, { since: expected.length })).toEqual([])
          const half = Math.floor(expected.length / 2)
          expect(await all(store, { since: half })).toEqual(expected.slice(half))
        }
        await store.engine.settle()
        expect(store.engine.stats().ledger.fileBytes).toBe(store.directoryBytes())
      }),
    )

    it(
      'a store that is not asked for its changes keeps no more logs than before',
      withEngine(unlimited, async store => {
        const logs = (): number => store.engine.stats().ledger.fileBytes
        for (let i = 0; i < 50; i++) await store.put('same', `${i}`.repeat(500))
        await store.engine.flush()
        await store.compact()
        const before = logs()
        // From the first call on the session keeps them, and its end removes them.
        expect(await all(store)).toEqual([])
        for (let i = 0; i < 50; i++) await store.put('same', `${i}`.repeat(500))
        await store.engine.flush()
        await store.compact()
        expect(await all(store)).toHaveLength(50)
        expect(logs()).toBeGreaterThan(before + 25_000)
        await store.reopen()
        expect(logs()).toBeLessThan(before + 2000)
        expect(await all(store)).toEqual([])
        expect(await all(store, { since: 100 })).toEqual([])
      }),
    )

    it(
      'a slow reader holds one window of a log, however much is written meanwhile',
      withEngine(subject, async store => {
        const feed = feedOf(store, { live: true })
        const first = feed.next()
        await store.put('a', 'first')
        expect(shownBatch((await first)!)).toBe('1: a=first')
        const { memoryBytes } = store.engine.stats()
        for (let i = 0; i < 400; i++) await store.put(`key ${i % 10}`, 'x'.repeat(4000))
        await store.compact()
        await store.engine.settle()
        expect(store.engine.stats().memoryBytes).toBeLessThan(memoryBytes + 400_000)
        // What it has not asked for has not been read.
        expect(store.engine.stats().ledger.read.changes).toBeLessThan(200_000)
        expect(await take(feed, 400)).toHaveLength(400)
        feed.close()
      }),
    )

    it(
      'the changes of a store that compacts and clears are still there when its data are gone',
      withEngine(subject, async store => {
        await churn(store, 50)
        const before = await all(store)
        await store.engine.clear(rangeOf({}), { sync: true })
        await store.compact()
        await store.engine.settle()
        const after = await all(store)
        expect(after.slice(0, before.length)).toEqual(before)
        expect(after.length).toBe(before.length + 1)
        expect(await store.violations()).toEqual([])
      }),
    )
  })
}
