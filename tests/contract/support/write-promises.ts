import { describe, expect, it } from 'vitest'
import { ByteView } from '../../../src/codec/entry.js'
import { MAX_KEY_BYTES } from '../../../src/codec/limits.js'
import { WriteBatch } from '../../../src/engine/batch.js'
import { slice } from '../../support/thoroughness.js'
import { keyOf, movesOf, withEngine, type ContractSubject } from './opened-engine.js'

/** Around the sizes where lengths take another byte, blocks and buffers overflow. */
const SIZES = [0, 1, 2, 31, 32, 33, 127, 128, 129, 511, 1023, 4095, 4096, 4097, 16_383, 16_384, 16_385, 65_535, 65_536, 300_000]
const ODD_KEYS = [
  '',
  '\0',
  '\0\0',
  '\0\x01',
  '\x01',
  '\x7f',
  '\x7f\xff',
  '\x80',
  '\x80\0',
  '\xfe\xff',
  '\xff',
  '\xff\0',
  '\xff\xff',
  '\xff\xff\xff',
]

export function writePromises(subject: ContractSubject): void {
  describe('writes and gets', () => {
    for (const [when, move] of movesOf(subject)) {
      it(
        `a key that was never written is missing, also next to one that was, ${when}`,
        withEngine(subject, async store => {
          expect(store.get('key')).toBeUndefined()
          await store.put('key', 'value')
          await move(store)
          expect(store.get('key')).toBe('value')
          for (const other of ['', 'ke', 'key\0', 'kex\xff', 'kez', 'KEY']) expect(store.get(other)).toBeUndefined()
        }),
      )

      it(
        `the empty key is a key and an empty value is a value, ${when}`,
        withEngine(subject, async store => {
          await store.put('', 'of the empty key')
          await store.put('empty value', '')
          await move(store)
          expect(store.get('')).toBe('of the empty key')
          expect(store.get('empty value')).toBe('')
          expect(store.scan()).toEqual(['=of the empty key', 'empty value='])
          await store.del('')
          await move(store)
          expect(store.get('')).toBeUndefined()
          expect(store.scan()).toEqual(['empty value='])
        }),
      )

      it(
        `keys are ordered as unsigned bytes, a prefix first, ${when}`,
        withEngine(subject, async store => {
          for (const key of [...ODD_KEYS].reverse()) await store.put(key, key)
          await move(store)
          expect(store.scan()).toEqual(ODD_KEYS.map(key => `${key}=${key}`))
          for (const key of ODD_KEYS) expect(store.get(key)).toBe(key)
        }),
      )

      it(
        `values of every size come back whole, ${when}`,
        withEngine(subject, async store => {
          for (const size of SIZES) await store.put(`size ${size}`, patterned(size))
          await move(store)
          for (const size of SIZES) expectSame(store.engine.get(keyOf(`size ${size}`)), patterned(size))
          const cursor = store.cursor()
          for (let valid = cursor.first(); valid; valid = cursor.next()) expectSame(cursor.value.copy(), patterned(cursor.value.length))
          cursor.close()
        }),
      )

      it(
        `keys of 64 KiB differ by their last byte alone, ${when}`,
        withEngine(subject, async store => {
          const long = (last: string): string => 'k'.repeat((64 << 10) - 1) + last
          for (const last of ['a', 'b', 'c']) await store.put(long(last), last)
          await store.del(long('b'))
          await move(store)
          expect(['a', 'b', 'c', 'd'].map(last => store.get(long(last)))).toEqual(['a', undefined, 'c', undefined])
          expect(store.scan()).toHaveLength(2)
        }),
      )

      it(
        `later operations of a batch win over earlier ones, ${when}`,
        withEngine(subject, async store => {
          await store.put('b', 'before')
          await store.batch([
            ['put', 'a', '1'],
            ['put', 'b', '1'],
            ['del', 'a'],
            ['del', 'b'],
            ['put', 'a', '2'],
            ['put', 'c', '1'],
            ['put', 'a', '3'],
            ['del', 'c'],
          ])
          await move(store)
          expect(store.scan()).toEqual(['a=3'])
        }),
      )

      it(
        `what was overwritten or deleted does not come back, ${when}`,
        withEngine(subject, async store => {
          await store.batch([...'abcdef'].map(key => ['put', key, 'old'] as const))
          await move(store)
          await store.batch([
            ['put', 'a', 'new'],
            ['del', 'b'],
            ['del', 'never there'],
          ])
          await move(store)
          expect(store.scan()).toEqual(['a=new', 'c=old', 'd=old', 'e=old', 'f=old'])
          await store.del('a')
          await store.put('b', 'new')
          await move(store)
          await move(store)
          expect(store.scan()).toEqual(['b=new', 'c=old', 'd=old', 'e=old', 'f=old'])
          expect(await store.violations()).toEqual([])
        }),
      )
    }

    it(
      'a value larger than every buffer survives all moves',
      withEngine(subject, async store => {
        const size = slice(2 << 20, 8 << 20)
        await store.put('before', 'small')
        await store.put('large', patterned(size))
        await store.put('next', 'small')
        for (const [, move] of movesOf(subject)) {
          await move(store)
          expectSame(store.engine.get(keyOf('large')), patterned(size))
        }
        const cursor = store.cursor()
        expect(cursor.last() && cursor.prev() && cursor.value.length).toBe(size)
        cursor.close()
      }),
    )

    it('a key that is too long is refused by the batch, which stays as it was', () => {
      const batch = new WriteBatch()
      batch.put('a', '1')
      const { count, byteLength } = batch
      for (const add of [(key: Uint8Array) => batch.put(key, ''), (key: Uint8Array) => batch.del(key)]) {
        expect(() => add(new Uint8Array(MAX_KEY_BYTES + 1))).toThrow(
          expect.objectContaining({ code: 'LEVEL_INVALID_KEY', message: 'The key has 2097153 bytes; the longest key allowed has 2097152' }),
        )
      }
      expect(batch).toMatchObject({ count, byteLength })
    })

    it(
      'the value that get returns belongs to the caller',
      withEngine(subject, async store => {
        await store.put('key', 'value')
        for (const [, move] of movesOf(subject)) {
          await move(store)
          store.engine.get(keyOf('key'))?.fill(0)
          expect(store.get('key')).toBe('value')
        }
      }),
    )

    it(
      'getView shows what get returns',
      withEngine(subject, async store => {
        if (store.engine.getView === undefined) return
        await store.put('key', 'value')
        await store.put('empty', '')
        await store.put('deleted', 'value')
        await store.del('deleted')
        for (const [, move] of movesOf(subject)) {
          await move(store)
          const view = new ByteView()
          expect(store.engine.getView(keyOf('key'), view) && view.copy()).toEqual(keyOf('value'))
          expect(store.engine.getView(keyOf('empty'), view) && view.length).toBe(0)
          expect(store.engine.getView(keyOf('deleted'), view)).toBe(false)
          expect(store.engine.getView(keyOf('missing'), view)).toBe(false)
        }
      }),
    )

    it(
      'a batch may be reused once it is acknowledged, and so may the arrays put into it at once',
      withEngine(subject, async store => {
        const batch = new WriteBatch()
        const key = keyOf('k0')
        const value = keyOf('v0')
        for (let i = 0; i < 10; i++) {
          key[1] = value[1] = 48 + i
          batch.put(key, value)
          if (i % 3 !== 2) continue
          await store.engine.write(batch, { sync: i === 5 })
          batch.clear()
        }
        await store.engine.write(batch, { sync: false })
        batch.clear()
        batch.put('k0'.repeat(100), 'other')
        expect(store.scan()).toEqual(Array.from({ length: 10 }, (_, i) => `k${i}=v${i}`))
      }),
    )

    it(
      'an empty batch changes nothing',
      withEngine(subject, async store => {
        await store.put('a', '1')
        await store.batch([])
        await store.batch([], true)
        expect(store.scan()).toEqual(['a=1'])
      }),
    )

    it(
      'writes that are not awaited take effect in the order of the calls',
      withEngine(subject, async store => {
        const writes = []
        const expected = new Map<string, string>()
        for (let i = 0; i < 600; i++) {
          const key = `key ${i % 13}`
          expected.set(key, `${i}`.padEnd(i % 300))
          writes.push(store.put(key, `${i}`.padEnd(i % 300), i % 50 === 49))
          if (i % 97 !== 0) continue
          expected.delete(key)
          writes.push(store.del(key))
        }
        await Promise.all(writes)
        for (let i = 0; i < 13; i++) expect(store.get(`key ${i}`)).toBe(expected.get(`key ${i}`))
        expect(store.scan()).toHaveLength(expected.size)
      }),
    )

    it(
      'a reader never sees a part of a batch, however writes, flushes and compactions overlap',
      withEngine(subject, async store => {
        const keys = Array.from({ length: 20 }, (_, i) => `key ${i * 37}`)
        const { scheduler } = store.environment
        let running = 40
        const work: Promise<void>[] = []
        for (let i = 0; i < 40; i++) {
          const batch = keys.map(key => ['put', key, `${i}`.padEnd(150)] as const)
          work.push(store.batch(batch, i % 10 === 0).finally(() => running--))
          if (i % 13 === 5) work.push(store.engine.flush(), store.compact())
        }
        for (let looked = 0; running > 0 || looked === 0; looked++) {
          const cursor = store.cursor()
          const values = new Set<string>()
          let entries = 0
          for (let valid = cursor.first(); valid; valid = cursor.next(), entries++) values.add(cursor.value.copy().join())
          cursor.close()
          const gets = new Set(keys.map(key => store.get(key)))
          expect([0, keys.length]).toContain(entries)
          expect(values.size).toBeLessThanOrEqual(1)
          expect(gets.size).toBe(1)
          await scheduler.turn()
        }
        await Promise.all(work)
        expect(store.get(keys[0] ?? '')).toBe('39'.padEnd(150))
      }),
    )
  })
}

/** Bytes that encode their place in the value. */
export function patterned(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = i ^ (i >>> 8) ^ (i >>> 16) ^ size
  return bytes
}

/** `toEqual` on large arrays takes seconds. */
export function expectSame(actual: Uint8Array | undefined, expected: Uint8Array): void {
  expect(actual?.length).toBe(expected.length)
  expect(expected.findIndex((byte, i) => actual?.[i] !== byte)).toBe(-1)
}
