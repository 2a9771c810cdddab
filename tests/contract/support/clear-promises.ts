import { describe, expect, it } from 'vitest'
import { MisuseError } from '../../../src/errors.js'
import { slice } from '../../support/thoroughness.js'
import { keyOf, movesOf, rangeOf, walkForward, withEngine, type ContractSubject } from './opened-engine.js'
import { countSteps, stepsOf } from './steps.js'
import { TEXT_RANGES, within } from './text-ranges.js'

const LETTERS = [...'abcdefghijklmnopqrstuvwxyz']

export function clearPromises(subject: ContractSubject): void {
  describe('clear', () => {
    countSteps()

    it(
      'filling and clearing hundreds of times leaves a seek and a get that look at few things, in parts, by pieces and in reverse',
      withEngine(subject, async store => {
        const pad = (number: number): string => String(number).padStart(7, '0')
        await store.batch(['!', '~'].map(key => ['put', key, 'stays'] as const))
        let most = 0
        for (let cycle = 0; cycle < slice(200, 1000); cycle++) {
          const keys = Array.from({ length: 40 }, (_, i) => pad((cycle % 3 === 2 ? 20_000 - cycle : cycle) * 40 + i))
          await store.batch(keys.map(key => ['put', key, 'x'.repeat(20)] as const))
          // A limit and reverse are the store's: it clears up to the key that a walk of either direction ends at.
          const middle = keys[20]
          const pieces =
            cycle % 2 === 0
              ? [{ gt: '!', lt: '~' }]
              : [
                  { gt: '!', lte: middle },
                  { gt: middle, lt: '~' },
                ]
          for (const range of cycle % 4 === 1 ? pieces.reverse() : pieces) await store.clear(range)
          if (cycle % 50 !== 49) continue
          for (const target of ['', '"', pad(cycle * 40), '}']) {
            const cursor = store.cursor({ gt: '!', lt: '~' })
            most = Math.max(
              most,
              stepsOf(() =>
                expect([cursor.first(), cursor.last(), cursor.seek(keyOf(target)), cursor.seekReverse(keyOf(target))]).not.toContain(true),
              ),
              stepsOf(() => expect(store.get(target)).toBeUndefined()),
            )
            cursor.close()
          }
        }
        expect(most).toBeLessThan(8000)
        expect(store.scan()).toEqual(['!=stays', '~=stays'])
        expect(await store.violations()).toEqual([])
      }),
    )

    for (const [when, move] of movesOf(subject)) {
      it(
        `deletes exactly the keys within its bounds, whatever the bounds, ${when}`,
        withEngine(subject, async store => {
          for (const range of TEXT_RANGES) {
            await store.batch(['', ...LETTERS].map(key => ['put', key, '1'] as const))
            await move(store)
            await store.clear(range)
            const left = ['', ...LETTERS].filter(key => !within(range, key))
            expect(store.scan(), JSON.stringify(range)).toEqual(left.map(key => `${key}=1`))
            for (const key of ['', 'd', 'n', 'z']) expect(store.get(key)).toBe(left.includes(key) ? '1' : undefined)
          }
          await move(store)
          expect(store.scan()).toHaveLength(1 + LETTERS.indexOf('y'))
          expect(await store.violations()).toEqual([])
        }),
      )

      it(
        `does not touch what is put after it, and hides what was there before, ${when}`,
        withEngine(subject, async store => {
          await store.batch(LETTERS.map(key => ['put', key, 'old'] as const))
          await move(store)
          await store.clear({ gte: 'c', lt: 'x' })
          await store.batch(LETTERS.filter((_, i) => i % 3 === 0).map(key => ['put', key, 'new'] as const))
          await move(store)
          await store.clear({ gt: 'g', lte: 'm' })
          await store.put('k', 'newest')
          await move(store)
          const expected = ['a=new', 'b=old', 'd=new', 'g=new', 'k=newest', 'p=new', 's=new', 'v=new', 'x=old', 'y=new', 'z=old']
          expect(store.scan()).toEqual(expected)
          await store.compact()
          expect(store.scan()).toEqual(expected)
          expect(store.get('m')).toBeUndefined()
          expect(await store.violations()).toEqual([])
        }),
      )
    }

    it(
      'overlapping and repeated clears delete no more and no less',
      withEngine(subject, async store => {
        await store.batch(LETTERS.map(key => ['put', key, '1'] as const))
        await store.clear({ gte: 'e', lt: 'k' })
        await store.clear({ gte: 'h', lt: 'p' })
        await store.engine.flush()
        await store.clear({ gte: 'f', lt: 'l' })
        await store.clear({ gte: 'f', lt: 'l' })
        const expected = LETTERS.filter(key => key < 'e' || key >= 'p').map(key => `${key}=1`)
        for (const [, move] of movesOf(subject)) {
          await move(store)
          expect(store.scan()).toEqual(expected)
        }
      }),
    )

    it(
      'a clear of a store, or a range, without keys is harmless',
      withEngine(subject, async store => {
        await store.clear()
        await store.clear({ gte: 'a' }, true)
        await store.put('b', '1')
        await store.clear({ lt: 'b' })
        await store.clear({ gt: 'b' })
        expect(store.scan()).toEqual(['b=1'])
      }),
    )

    it(
      'bounds of 64 KiB work',
      withEngine(subject, async store => {
        const long = (last: string): string => 'k'.repeat((64 << 10) - 1) + last
        for (const last of ['a', 'b', 'c', 'd', 'e']) await store.put(long(last), '1')
        await store.clear({ gt: long('a'), lte: long('b') })
        await store.clear({ gte: long('d'), lt: long('e') })
        for (const [, move] of movesOf(subject)) {
          await move(store)
          expect(['a', 'b', 'c', 'd', 'e'].map(last => store.get(long(last)))).toEqual(['1', undefined, '1', undefined, '1'])
        }
      }),
    )

    it(
      'puts and clears that are not awaited take effect in the order of the calls',
      withEngine(subject, async store => {
        const work = []
        for (let i = 0; i < 200; i++) {
          work.push(store.put(`a${i % 10}`, `${i}`.padEnd(200)), store.put(`b${i % 10}`, `${i}`))
          if (i % 20 === 9) work.push(store.clear({ lt: 'b' }, i % 40 === 9))
        }
        await Promise.all(work)
        const last = Array.from({ length: 10 }, (_, i) => 190 + i)
        expect(store.scan()).toEqual([...last.map(i => `a${i % 10}=${`${i}`.padEnd(200)}`), ...last.map(i => `b${i % 10}=${i}`)])
      }),
    )

    it(
      'a cursor and a snapshot see all that a clear deleted, and nothing that came after it',
      withEngine(subject, async store => {
        await store.batch(LETTERS.map(key => ['put', key, 'old'] as const))
        await store.engine.flush()
        const snapshot = store.engine.snapshot()
        const cursor = store.cursor()
        await store.clear()
        await store.put('m', 'new')
        await store.compact()
        expect(walkForward(cursor)).toEqual(LETTERS.map(key => `${key}=old`))
        expect(store.scan({ gte: 'l', lte: 'n' }, snapshot)).toEqual(['l=old', 'm=old', 'n=old'])
        expect(store.scan()).toEqual(['m=new'])
        cursor.close()
        snapshot.release()
        await store.compact()
        expect(store.scan()).toEqual(['m=new'])
      }),
    )

    it(
      'costs far less to write than a deletion of each key',
      withEngine(subject, async store => {
        const keys = Array.from({ length: 5000 }, (_, i) => `a long enough key ${i}`)
        await store.batch(keys.map(key => ['put', key, ''] as const))
        await store.engine.flush()
        await store.engine.settle()
        const written = (): number => Object.values(store.engine.stats().ledger.written).reduce((a, b) => a + b, 0)
        const before = written()
        await store.clear({ gt: keys[0] ?? '' })
        expect(written() - before).toBeLessThan(5000 * 5)
        expect(store.scan()).toHaveLength(1)
      }),
    )

    it(
      'two bounds on one side are refused and nothing is deleted',
      withEngine(subject, async store => {
        await store.put('a', '1')
        const clear = async (range: object): Promise<void> => store.engine.clear(rangeOf(range), { sync: false })
        await expect(clear({ gt: 'a', gte: 'a' })).rejects.toThrow(MisuseError)
        await expect(clear({ lt: 'a', lte: 'a' })).rejects.toThrow(MisuseError)
        expect(store.scan()).toEqual(['a=1'])
      }),
    )
  })
}
