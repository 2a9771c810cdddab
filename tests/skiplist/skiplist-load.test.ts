import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/codec/entry.js'
import { KIND_PUT, MAX_SEQUENCE, Skiplist } from '../../src/skiplist/index.js'
import { seededRandom } from './support/seeded-random.js'

/** Keys with long common beginnings, ends that differ in trailing zeros alone, and repeats. */
const key = fc.oneof(
  fc.array(fc.constantFrom(0, 1, 0x61, 0xff), { maxLength: 12 }).map(bytes => Uint8Array.from(bytes)),
  fc.nat(300).map(number => new TextEncoder().encode(`a long common beginning ${String(number).padStart(12, '0')}`)),
  fc.nat(3).map(number => Uint8Array.of(number)),
)
const keys = fc.array(key, { maxLength: 300 })

function load(list: Skiplist, loaded: readonly Uint8Array[], firstSequence: number): void {
  const load = list.load()
  loaded.forEach((key, i) => {
    const value = new Uint8Array(i % 40).fill(i)
    expect(load.insert(key, 0, key.length, value, 0, value.length, firstSequence + i, KIND_PUT)).toBe(true)
  })
  load.finish()
}

function contents(list: Skiplist): string[] {
  const cursor = list.cursor()
  const entries: string[] = []
  for (cursor.first(); cursor.valid; cursor.next()) entries.push(`${cursor.key.copy().join()}@${cursor.sequence}:${cursor.value.length}`)
  return entries
}

function contentsBackward(list: Skiplist): string[] {
  const cursor = list.cursor()
  const entries: string[] = []
  for (cursor.last(); cursor.valid; cursor.prev()) entries.push(`${cursor.key.copy().join()}@${cursor.sequence}:${cursor.value.length}`)
  return entries.reverse()
}

describe('a loaded skiplist', () => {
  it('holds what inserts would have made, takes more, and outgrows its arena', () => {
    fc.assert(
      fc.property(keys, fc.array(key, { maxLength: 40 }), fc.constantFrom(1, 2 ** 32 - 20, MAX_SEQUENCE - 1000), (loaded, more, first) => {
        const list = new Skiplist({ capacityBytes: Skiplist.HEAD_BYTES + 600, random: seededRandom(loaded.length) })
        const model = new Skiplist({ capacityBytes: 1 << 20, random: seededRandom(7) })
        load(list, loaded, first)
        loaded.forEach((key, i) => model.insert(key, 0, key.length, new Uint8Array(i % 40), 0, i % 40, first + i, KIND_PUT))
        expect(contents(list)).toEqual(contents(model))
        expect(contentsBackward(list)).toEqual(contents(model))
        expect(list.count).toBe(loaded.length)
        more.forEach((key, i) => {
          const sequence = first + loaded.length + i
          if (list.insert(key, 0, key.length, key, 0, 0, sequence, KIND_PUT))
            model.insert(key, 0, key.length, key, 0, 0, sequence, KIND_PUT)
        })
        expect(contents(list)).toEqual(contents(model))
        for (const key of [...loaded, ...more]) {
          expect(list.find(key, 0, key.length, MAX_SEQUENCE) === 0).toBe(model.find(key, 0, key.length, MAX_SEQUENCE) === 0)
        }
      }),
    )
  })

  it('is skipped over as one of inserts: nothing newer than a tombstone is missed', () => {
    fc.assert(
      fc.property(keys, fc.nat(300), fc.nat(300), (loaded, at, covered) => {
        fc.pre(loaded.length > 0)
        const list = new Skiplist({ capacityBytes: 1 << 20, random: seededRandom(at) })
        load(list, loaded, 1)
        const sorted = loaded
          .map((key, i) => ({ key, sequence: i + 1 }))
          .sort((a, b) => compareKeys(a.key, b.key) || b.sequence - a.sequence)
        const from = at % sorted.length
        const next = sorted.slice(from).find(({ sequence }) => sequence > covered)
        const before = sorted.slice(0, from + 1).findLast(({ sequence }) => sequence > covered)
        const cursor = list.cursor()
        cursor.seek(sorted[from].key, sorted[from].sequence)
        cursor.skipCovered(covered, undefined)
        expect(cursor.valid ? cursor.sequence : undefined).toBe(next?.sequence)
        cursor.seek(sorted[from].key, sorted[from].sequence)
        cursor.skipCoveredBack(covered, new Uint8Array())
        expect(cursor.valid ? cursor.sequence : undefined).toBe(before?.sequence)
      }),
    )
  })

  it('refuses entries out of the order of their sequence numbers, and a list that is not empty', () => {
    const list = new Skiplist({ capacityBytes: 1 << 16, random: seededRandom(1) })
    const load = list.load()
    load.insert(Uint8Array.of(1), 0, 1, Uint8Array.of(1), 0, 1, 5, KIND_PUT)
    expect(() => load.insert(Uint8Array.of(2), 0, 1, Uint8Array.of(1), 0, 1, 5, KIND_PUT)).toThrow(/ascending sequence/)
    load.finish()
    expect(() => list.load()).toThrow(/while it is empty/)
  })

  it('stays in shared memory when it grows, for a flush in another thread', () => {
    const list = new Skiplist({ capacityBytes: Skiplist.HEAD_BYTES, shared: true, random: seededRandom(1) })
    load(list, [Uint8Array.of(1), Uint8Array.of(2)], 1)
    expect(list.transferable().buffer).toBeInstanceOf(SharedArrayBuffer)
    expect(Skiplist.view(list.transferable()).count).toBe(2)
  })
})
