import { describe, expect, it } from 'vitest'
import { OpenedEngine, movesOf, rangeOf, withEngine, type ContractSubject } from './opened-engine.js'
import { churn, contentOf } from './workload.js'

export function lifePromises(subject: ContractSubject): void {
  describe('background work', () => {
    it(
      'a heavy mixed load leaves exactly what was written, and nothing broken',
      withEngine(subject, async store => {
        const expected = await churn(store, 300)
        expect(store.scan()).toEqual(contentOf(expected))
        for (const [, move] of movesOf(subject)) {
          await move(store)
          await store.engine.settle()
          expect(await store.violations()).toEqual([])
          expect(store.scan()).toEqual(contentOf(expected))
        }
        for (let i = 1000; i < 3000; i += 7) expect(store.get(`key ${i}`)).toBe(expected.get(`key ${i}`))
      }),
    )

    it(
      'flush, compact and settle on an empty or idle store do nothing, however often and at once',
      withEngine(subject, async store => {
        const { engine } = store
        for (let i = 0; i < 2; i++) {
          await Promise.all([engine.flush(), engine.compact(), engine.settle(), engine.flush(), engine.compact(), engine.settle()])
          await engine.settle()
          await store.put('a', '1')
          await store.compact({ gte: 'b' })
          await store.compact({ gte: 'z', lt: 'b' })
          expect(store.scan()).toEqual(['a=1'])
        }
      }),
    )

    it(
      'flushes and compactions of parts, called while writes go on, lose nothing',
      withEngine(subject, async store => {
        const work: Promise<void>[] = []
        const expected = new Map<string, string>()
        for (let i = 0; i < 8; i++) {
          await churn(store, 30, i, expected)
          const from = `key ${1000 + i * 200}`
          work.push(store.engine.flush(), store.compact({ gte: from, lt: `${from}~` }), store.compact({ gt: from }))
        }
        await Promise.all(work)
        await store.engine.settle()
        expect(store.scan()).toEqual(contentOf(expected))
        expect(await store.violations()).toEqual([])
      }),
    )
  })

  describe('close', () => {
    it('closing twice is harmless', async () => {
      const store = await OpenedEngine.open(subject)
      await store.put('a', '1')
      await store.engine.close()
      await store.engine.close()
      await store.dispose()
    })

    it('closing with cursors and snapshots open is harmless, and so is releasing them later', async () => {
      const store = await OpenedEngine.open(subject)
      await store.put('a', '1')
      await store.engine.flush()
      const snapshot = store.engine.snapshot()
      const cursor = store.cursor()
      cursor.first()
      await store.engine.close()
      cursor.close()
      snapshot.release()
      await store.dispose()
    })

    it('calls under way finish, and closing waits for them', async () => {
      const store = await OpenedEngine.open(subject)
      await churn(store, 100)
      const { engine } = store
      const open = new Set(['flush', 'compact', 'compact of a part', 'settle', 'check', 'clear'])
      const ends = (name: string) => (): void => void open.delete(name)
      const check = engine.check()[Symbol.asyncIterator]()
      const calls = [
        engine.flush().then(ends('flush')),
        engine.compact().then(ends('compact')),
        engine.compact(rangeOf({ gte: 'key 15' })).then(ends('compact of a part')),
        engine.settle().then(ends('settle')),
        check.next().then(step => {
          expect(step).toMatchObject({ done: true })
          open.delete('check')
        }),
        Promise.resolve(engine.clear(rangeOf({ gte: 'key 2' }), { sync: true })).then(ends('clear')),
      ]
      const closed = engine
        .close()
        .then(() => store.environment.scheduler.turn())
        .then(() => [...open])
      await Promise.all(calls)
      expect(await closed).toEqual([])
      await store.dispose()
    })

    it("calls that come after the close has begun are refused with Level's own code", async () => {
      const store = await OpenedEngine.open(subject)
      await store.put('a', '1')
      const { engine } = store
      const checks = [engine.check(), engine.check()]
      const calls: Record<string, () => unknown> = {
        get: () => store.get('a'),
        put: () => store.put('b', '2'),
        clear: () => store.clear(),
        cursor: () => store.cursor(),
        snapshot: () => engine.snapshot(),
        size: () => engine.approximateSize({}),
        flush: () => engine.flush(),
        compact: () => engine.compact(),
        settle: () => engine.settle(),
        check: () => store.violations(),
        'step of a check': () => checks.pop()?.[Symbol.asyncIterator]().next(),
      }
      const closed = engine.close()
      for (const when of ['while it closes', 'once it is closed']) {
        for (const [name, call] of Object.entries(calls)) {
          const outcome = await Promise.resolve()
            .then(call)
            .catch((error: unknown) => error)
          expect(outcome, `${name} ${when}`).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
        }
        await closed
      }
      await store.dispose()
    })
  })

  if (subject.factory.durable) describeReopening(subject)
}

function describeReopening(subject: ContractSubject): void {
  describe('opening again', () => {
    it(
      'everything acknowledged is there after any number of reopens, between any amounts of work',
      withEngine(subject, async store => {
        const expected = new Map<string, string>()
        for (const rounds of [0, 1, 0, 150, 3, 60, 0]) {
          await churn(store, rounds, rounds, expected)
          await store.reopen()
          expect(store.scan()).toEqual(contentOf(expected))
          expect(await store.violations()).toEqual([])
        }
      }),
    )

    it(
      'what is written after a reopen is newer than all that was there',
      withEngine(subject, async store => {
        for (let i = 0; i < 6; i++) {
          await store.batch([['put', 'a', `${i}`], [i % 2 === 0 ? 'put' : 'del', 'b', ''] as ['put', string, string]])
          if (i % 3 === 1) await store.engine.flush()
          if (i === 4) await store.compact()
          await store.reopen()
          expect(store.scan()).toEqual([`a=${i}`, ...(i % 2 === 0 ? ['b='] : [])])
        }
        await store.clear()
        await store.reopen()
        await store.put('c', 'after the clear')
        await store.reopen()
        expect(store.scan()).toEqual(['c=after the clear'])
      }),
    )

    it(
      'closing while flushes and compactions are under way loses nothing and leaves no broken store',
      withEngine(subject, async store => {
        const expected = new Map<string, string>()
        for (let i = 0; i < 4; i++) {
          await churn(store, 120, i, expected)
          const work = [store.engine.flush(), store.compact(), store.engine.settle()]
          const ended = Promise.allSettled(work)
          await store.reopen()
          await ended
          expect(store.scan()).toEqual(contentOf(expected))
          expect(await store.violations()).toEqual([])
        }
      }),
    )

    it(
      'writes under way at close finish or fail, and what was acknowledged is there',
      withEngine(subject, async store => {
        const writes = Array.from({ length: 200 }, (_, i) => store.put(`key ${i}`, `${i}`.padEnd(500), i % 10 === 0))
        const outcomes = Promise.allSettled(writes)
        await store.reopen()
        for (const [i, outcome] of (await outcomes).entries()) {
          if (outcome.status === 'fulfilled') expect(store.get(`key ${i}`)).toBe(`${i}`.padEnd(500))
        }
        expect(await store.violations()).toEqual([])
      }),
    )

    it(
      'files of no use are gone: what is there after a reopen is no more than before',
      withEngine(subject, async store => {
        await churn(store, 200)
        await store.compact()
        await store.reopen()
        const before = store.directoryBytes()
        for (let i = 0; i < 5; i++) await store.reopen()
        expect(store.directoryBytes()).toBeLessThan(before * 1.5 + 65_536)
      }),
    )

    it('a creation that was cut short is begun anew', async () => {
      const place = await subject.place(1)
      const same = { ...subject, place: () => place }
      for (let i = 0; i < 2; i++) {
        const store = await OpenedEngine.open(same)
        expect(store.scan()).toEqual([])
        await store.engine.close()
      }
      const store = await OpenedEngine.open(same)
      await store.put('a', '1')
      await store.reopen()
      expect(store.scan()).toEqual(['a=1'])
      await store.dispose()
    })
  })
}
