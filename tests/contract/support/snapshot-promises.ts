import { describe, expect, it } from 'vitest'
import { movesOf, withEngine, type ContractSubject } from './opened-engine.js'

export function snapshotPromises(subject: ContractSubject): void {
  // A snapshot does not outlive its engine.
  const moves = movesOf(subject).filter(([when]) => !when.includes('opening'))

  describe('snapshots', () => {
    for (const [when, move] of moves) {
      it(
        `a snapshot sees its moment through puts, deletes and clears, ${when}`,
        withEngine(subject, async store => {
          await store.batch([...'abcde'].map(key => ['put', key, 'old'] as const))
          await move(store)
          const before = store.engine.snapshot()
          await store.put('a', 'new')
          await store.del('b')
          await store.put('f', 'new')
          await move(store)
          const between = store.engine.snapshot()
          await store.clear({ gte: 'c', lte: 'd' })
          await store.put('d', 'again')
          await store.put('b', 'again')
          await move(store)
          const expectAll = (): void => {
            expect(store.scan({}, before)).toEqual(['a=old', 'b=old', 'c=old', 'd=old', 'e=old'])
            expect([...'abcdef'].map(key => store.get(key, before))).toEqual(['old', 'old', 'old', 'old', 'old', undefined])
            expect(store.scan({}, between)).toEqual(['a=new', 'c=old', 'd=old', 'e=old', 'f=new'])
            expect([...'abcdef'].map(key => store.get(key, between))).toEqual(['new', undefined, 'old', 'old', 'old', 'new'])
            expect(store.scan()).toEqual(['a=new', 'b=again', 'd=again', 'e=old', 'f=new'])
          }
          expectAll()
          await store.engine.flush()
          expectAll()
          await store.compact()
          expectAll()
          before.release()
          await store.compact()
          expect(store.scan({}, between)).toEqual(['a=new', 'c=old', 'd=old', 'e=old', 'f=new'])
          between.release()
          await store.compact()
          expect(store.scan()).toEqual(['a=new', 'b=again', 'd=again', 'e=old', 'f=new'])
          expect(await store.violations()).toEqual([])
        }),
      )
    }

    it(
      'a moment is captured when the call is made, not when something is awaited',
      withEngine(subject, async store => {
        await store.put('a', 'before')
        const snapshot = store.engine.snapshot()
        const cursor = store.cursor()
        const write = store.batch([
          ['put', 'a', 'after'],
          ['put', 'b', 'after'],
        ])
        expect(cursor.first() && cursor.value.copy()).toEqual(new TextEncoder().encode('before'))
        expect(cursor.next()).toBe(false)
        await write
        expect(store.scan({}, snapshot)).toEqual(['a=before'])
        expect(cursor.last() && cursor.value.copy()).toEqual(new TextEncoder().encode('before'))
        cursor.close()
        snapshot.release()
      }),
    )

    it(
      'a snapshot of an empty store stays empty',
      withEngine(subject, async store => {
        const snapshot = store.engine.snapshot()
        await store.put('a', '1')
        await store.compact()
        expect(store.scan({}, snapshot)).toEqual([])
        expect(store.get('a', snapshot)).toBeUndefined()
        snapshot.release()
      }),
    )

    it(
      'releasing one of two snapshots of the same moment, even twice, leaves the other',
      withEngine(subject, async store => {
        await store.put('a', 'old')
        const [one, two] = [store.engine.snapshot(), store.engine.snapshot()]
        one.release()
        one.release()
        await store.put('a', 'new')
        await store.compact()
        expect(store.get('a', two)).toBe('old')
        two.release()
      }),
    )

    it(
      'many snapshots each keep their own version, in whatever order they go',
      withEngine(subject, async store => {
        const taken = []
        for (let i = 0; i < 60; i++) {
          await store.batch([
            ['put', 'key', `version ${i}`],
            ['put', `only ${i}`, 'x'.repeat(200)],
            ['del', `only ${i - 1}`],
          ])
          taken.push({ snapshot: store.engine.snapshot(), i })
          if (i % 7 === 0) await store.engine.flush()
          if (i % 20 === 19) await store.compact()
        }
        while (taken.length > 0) {
          const [{ snapshot } = { snapshot: undefined }] = taken.splice(Math.floor(taken.length / 3), 1)
          snapshot?.release()
          if (taken.length % 15 === 0) await store.compact()
          for (const { snapshot, i } of taken) {
            expect(store.get('key', snapshot)).toBe(`version ${i}`)
            expect(store.scan({ gte: 'only' }, snapshot)).toEqual([`only ${i}=${'x'.repeat(200)}`])
          }
        }
        expect(store.get('key')).toBe('version 59')
      }),
    )
  })
}
