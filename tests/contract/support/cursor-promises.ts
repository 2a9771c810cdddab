import { describe, expect, it } from 'vitest'
import { MisuseError } from '../../../src/errors.js'
import {
  keyOf,
  movesOf,
  rangeOf,
  shown,
  walkBackward,
  walkForward,
  withEngine,
  type ContractSubject,
  type OpenedEngine,
} from './opened-engine.js'
import { TEXT_RANGES, within } from './text-ranges.js'

/** Live keys `b` to `y`, two letters apart, in as many places as the engine has: with deleted and overwritten ones between. */
const LIVE = [...'bdfhjlnprtvxy'].map(key => `${key}=live ${key}`)

async function layered(store: OpenedEngine): Promise<void> {
  const put = (key: string): readonly ['put', string, string] => ['put', key, `live ${key}`]
  await store.batch([...'abcdefgh'].map(key => ['put', key, 'old'] as const))
  await store.engine.flush()
  await store.batch([...[...'bdjlr'].map(put), ['del', 'c'], ['put', 'k', 'old']])
  await store.engine.flush()
  await store.compact({ gte: 'a', lt: 'm' })
  await store.batch([...[...'fnptv'].map(put), ['del', 'a'], ['del', 'e'], ['put', 'z', 'old']])
  await store.engine.flush()
  await store.batch([...[...'hxy'].map(put), ['del', 'g'], ['del', 'k'], ['del', 'z'], ['del', 'm']])
}

export function cursorPromises(subject: ContractSubject): void {
  describe('cursors', () => {
    it(
      'a fresh cursor is on nothing, and so is one over nothing',
      withEngine(subject, async store => {
        const cursor = store.cursor()
        expect(cursor.valid).toBe(false)
        expect([cursor.first(), cursor.last(), cursor.seek(keyOf('a')), cursor.seekReverse(keyOf('a')), cursor.valid]).toEqual(
          Array(5).fill(false),
        )
        cursor.close()
        await store.put('a', '1')
        await store.del('a')
        for (const [, move] of movesOf(subject)) {
          await move(store)
          expect(store.scan()).toEqual([])
        }
      }),
    )

    for (const [when, move] of movesOf(subject)) {
      it(
        `a walk shows each live key once and nothing else, ${when}`,
        withEngine(subject, async store => {
          await layered(store)
          await move(store)
          const cursor = store.cursor()
          expect(walkForward(cursor)).toEqual(LIVE)
          expect(walkBackward(cursor)).toEqual([...LIVE].reverse())
          expect(walkForward(cursor)).toEqual(LIVE)
          cursor.close()
        }),
      )

      it(
        `turning round anywhere neither repeats nor skips, ${when}`,
        withEngine(subject, async store => {
          await layered(store)
          await move(store)
          const cursor = store.cursor()
          for (let i = 0; i < LIVE.length; i++) {
            const key = keyOf((LIVE[i] ?? '').slice(0, 1))
            cursor.seek(key)
            let at = i
            for (const step of [1, 1, -1, 1, -1, -1, -1, 1, -1, 1, 1, 1, -1]) {
              if (at + step < 0 || at + step >= LIVE.length) continue
              at += step
              expect(step > 0 ? cursor.next() : cursor.prev()).toBe(true)
              expect(shown(cursor)).toBe(LIVE[at])
            }
          }
          cursor.close()
        }),
      )

      it(
        `a seek finds the nearest key in its direction, between keys and at both ends, ${when}`,
        withEngine(subject, async store => {
          await layered(store)
          await move(store)
          const cursor = store.cursor()
          for (const target of ['', 'a', 'b', 'b\0', 'c', 'd', 'g', 'k', 'm', 'x', 'x~', 'y', 'y\0', 'z', '\xff']) {
            cursor.seek(keyOf(target))
            expect(shown(cursor)).toBe(LIVE.find(entry => entry.slice(0, 1) >= target))
            cursor.seekReverse(keyOf(target))
            expect(shown(cursor)).toBe(LIVE.findLast(entry => entry.slice(0, 1) <= target))
          }
          cursor.close()
        }),
      )

      it(
        `bounds hold for every way to move, ${when}`,
        withEngine(subject, async store => {
          await layered(store)
          await move(store)
          for (const range of TEXT_RANGES) {
            const inside = LIVE.filter(entry => within(range, entry.slice(0, 1)))
            expect(store.scan(range), JSON.stringify(range)).toEqual(inside)
            const cursor = store.cursor(range)
            for (const target of ['', 'a', 'd', 'e', 'm', 'n', 'o', 'y', 'z\xff']) {
              cursor.seek(keyOf(target))
              expect(shown(cursor)).toBe(inside.find(entry => entry.slice(0, 1) >= target))
              cursor.seekReverse(keyOf(target))
              expect(shown(cursor)).toBe(inside.findLast(entry => entry.slice(0, 1) <= target))
            }
            cursor.close()
          }
        }),
      )
    }

    it(
      'two bounds on one side are refused',
      withEngine(subject, async store => {
        expect(() => store.engine.cursor(rangeOf({ gt: 'a', gte: 'a' }))).toThrow(MisuseError)
        expect(() => store.engine.cursor(rangeOf({ lt: 'a', lte: 'a' }))).toThrow(MisuseError)
      }),
    )

    it(
      'a cursor that ran off an end can be sent back',
      withEngine(subject, async store => {
        await layered(store)
        const cursor = store.cursor()
        cursor.last()
        expect([cursor.next(), cursor.valid]).toEqual([false, false])
        cursor.seek(keyOf('y'))
        expect(shown(cursor)).toBe('y=live y')
        cursor.first()
        expect([cursor.prev(), cursor.valid]).toEqual([false, false])
        cursor.seekReverse(keyOf('c'))
        expect(shown(cursor)).toBe('b=live b')
        cursor.close()
      }),
    )

    it(
      'a cursor keeps its moment, and its place, whatever is written, cleared, flushed and compacted',
      withEngine(subject, async store => {
        await layered(store)
        const snapshot = store.engine.snapshot()
        const cursors = [store.cursor(), store.cursor({}, snapshot), store.cursor(), store.cursor({}, snapshot)]
        const middle = LIVE.findIndex(entry => entry.startsWith('n'))
        cursors.forEach((cursor, i) => (i < 2 ? cursor.seek(keyOf('n')) : cursor.seekReverse(keyOf('n'))))
        snapshot.release()
        await store.batch([...'abnmopz'].map(key => ['put', key, 'new'] as const))
        await store.batch([...'dlpx'].map(key => ['del', key] as const))
        await store.engine.flush()
        await store.clear({ gte: 'r', lt: 'w' })
        await store.compact()
        await store.batch([...'ghr'].map(key => ['put', key, 'x'.repeat(3000)] as const))
        await store.compact()
        cursors.forEach((cursor, i) => {
          const step = i % 2 === 0 ? 1 : -1
          expect(cursor.valid).toBe(true)
          let at = middle
          while (step > 0 ? cursor.next() : cursor.prev()) expect(shown(cursor)).toBe(LIVE[(at += step)])
          expect(at).toBe(step > 0 ? LIVE.length - 1 : 0)
          expect(walkForward(cursor)).toEqual(LIVE)
          expect(walkBackward(cursor)).toEqual([...LIVE].reverse())
          cursor.close()
        })
        expect(store.scan().map(entry => entry.slice(0, 1))).toEqual([...'abfghjmnoryz'])
      }),
    )

    it(
      'what a cursor shows is not disturbed by gets, other cursors and writes until it moves',
      withEngine(subject, async store => {
        await layered(store)
        for (const [, move] of movesOf(subject)) {
          await move(store)
          const cursor = store.cursor()
          const other = store.cursor()
          for (const start of ['first', 'last'] as const) {
            cursor[start]()
            const before = shown(cursor)
            walkForward(other)
            walkBackward(other)
            for (const key of 'abcdxyz') store.get(key)
            expect(shown(cursor)).toBe(before)
          }
          cursor.close()
          other.close()
        }
      }),
    )

    it(
      'cursors do not disturb each other, and closing one, even twice, leaves the others be',
      withEngine(subject, async store => {
        await layered(store)
        const cursors = LIVE.map(() => store.cursor())
        cursors.forEach((cursor, i) => {
          cursor.first()
          for (let step = 0; step < i; step++) cursor.next()
        })
        cursors.forEach((cursor, i) => {
          expect(shown(cursor)).toBe(LIVE[i])
          cursor.close()
          cursor.close()
        })
        expect(store.scan()).toEqual(LIVE)
      }),
    )

    it(
      'a key with thousands of versions is shown once, as fast as it may be',
      withEngine(subject, async store => {
        await store.put('a', 'first')
        await store.put('c', 'last')
        const snapshot = store.engine.snapshot()
        for (let i = 0; i < 3000; i++) await store.batch([i % 2 === 0 ? ['put', 'b', `${i}`] : ['del', 'b']])
        await store.put('b', 'newest')
        expect(store.scan()).toEqual(['a=first', 'b=newest', 'c=last'])
        expect(store.scan({}, snapshot)).toEqual(['a=first', 'c=last'])
        snapshot.release()
      }),
    )
  })
}
