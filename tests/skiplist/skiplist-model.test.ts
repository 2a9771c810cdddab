import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/codec/entry.js'
import type { EntryKind, SkiplistCursor } from '../../src/skiplist/index.js'
import { ByteView, KIND_PUT, MAX_SEQUENCE, Skiplist } from '../../src/skiplist/index.js'
import { seededRandom } from './support/seeded-random.js'

interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly sequence: number
  readonly kind: EntryKind
}

/** The oracle: an array in internal order. */
function compareEntries(a: Entry, b: Entry): number {
  return compareKeys(a.key, b.key) || b.sequence - a.sequence
}

const trickyByte = fc.constantFrom(0, 1, 0x7f, 0x80, 0xfe, 0xff)
const trickyKey = fc.array(trickyByte, { maxLength: 9 }).map(bytes => Uint8Array.from(bytes))
const prefixed = fc
  .tuple(fc.constantFrom(3, 4, 8, 13, 40), fc.constantFrom(0, 0x61, 0xff), trickyKey)
  .map(([length, fill, tail]) => Uint8Array.from([...new Uint8Array(length).fill(fill), ...tail]))
const anyKey = fc.oneof(trickyKey, prefixed, fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 200, maxLength: 700 }))
const anySequence = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.constantFrom(2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52, MAX_SEQUENCE - 1, MAX_SEQUENCE),
)
const anyEntry: fc.Arbitrary<Entry> = fc.record({
  key: anyKey,
  value: fc.oneof(fc.uint8Array({ maxLength: 9 }), fc.uint8Array({ minLength: 60, maxLength: 140 })),
  sequence: anySequence,
  kind: fc.constantFrom<EntryKind>(0, 1, 2),
})
/** Some keys come again, so that one key has several versions. */
const anyEntries = fc
  .array(fc.tuple(anyEntry, fc.option(fc.nat(), { freq: 2, nil: undefined })), { maxLength: 120 })
  .map(drawn => drawn.map(([entry, again]) => (again === undefined ? entry : { ...entry, key: drawn[again % drawn.length][0].key })))
  .map(entries => [...new Map(entries.map(entry => [`${entry.key.join()}@${entry.sequence}`, entry])).values()])
const anyOrder = fc.constantFrom<'as drawn' | 'ascending' | 'descending'>('as drawn', 'ascending', 'descending')

/** With the key and value in the middle of larger arrays, as a write batch holds them. */
function insert(list: Skiplist, { key, value, sequence, kind }: Entry): boolean {
  const keys = Uint8Array.from([9, 9, 9, ...key, 9, 9])
  const values = Uint8Array.from([8, ...value, 8, 8])
  return list.insert(keys, 3, 3 + key.length, values, 1, 1 + value.length, sequence, kind)
}

function entryAt(cursor: SkiplistCursor): Entry {
  return { key: cursor.key.copy(), value: cursor.value.copy(), sequence: cursor.sequence, kind: cursor.kind }
}

function entryAtNode(list: Skiplist, node: number): Entry | undefined {
  if (node === 0) return undefined
  const key = new ByteView()
  const value = new ByteView()
  list.setKeyView(node, key)
  list.setValueView(node, value)
  return { key: key.copy(), value: value.copy(), sequence: list.sequenceAt(node), kind: list.kindAt(node) }
}

function filled(entries: readonly Entry[], seed: number, order: 'as drawn' | 'ascending' | 'descending' = 'as drawn') {
  const list = new Skiplist({ capacityBytes: 1 << 18, random: seededRandom(seed) })
  const sorted = [...entries].sort(compareEntries)
  const inserted = order === 'as drawn' ? entries : order === 'ascending' ? sorted : [...sorted].reverse()
  for (const entry of inserted) expect(insert(list, entry)).toBe(true)
  return { list, sorted }
}

/** Every key there is, its neighbours before and behind, and some that are nowhere near. */
function probesFor(entries: readonly Entry[], others: readonly Uint8Array[]): Uint8Array[] {
  const probes = [new Uint8Array(0), ...others]
  for (const { key } of entries) {
    probes.push(key, Uint8Array.from([...key, 0]), key.subarray(0, -1))
    if (key.length > 0) probes.push(Uint8Array.from(key, (byte, i) => (i === key.length - 1 ? (byte + 255) & 255 : byte)))
  }
  return probes
}

describe('a skiplist against a sorted array', () => {
  it('a walk in either direction meets every entry once, unchanged', () => {
    fc.assert(
      fc.property(anyEntries, anyOrder, fc.integer(), (entries, order, seed) => {
        const { list, sorted } = filled(entries, seed, order)
        const forward: Entry[] = []
        const backward: Entry[] = []
        const cursor = list.cursor()
        expect(cursor.valid).toBe(false)
        for (let valid = cursor.first(); valid; valid = cursor.next()) forward.push(entryAt(cursor))
        expect(cursor.valid).toBe(false)
        for (let valid = cursor.last(); valid; valid = cursor.prev()) backward.push(entryAt(cursor))
        expect(list.count).toBe(entries.length)
        expect(forward).toEqual(sorted)
        expect(backward).toEqual([...sorted].reverse())
      }),
    )
  })

  it('a find takes no other version and no similar key', () => {
    fc.assert(
      fc.property(
        anyEntries,
        fc.array(anyKey, { maxLength: 10 }),
        fc.array(anySequence, { minLength: 1, maxLength: 4 }),
        fc.integer(),
        (entries, others, sequences, seed) => {
          const { list, sorted } = filled(entries, seed)
          for (const key of probesFor(entries, others)) {
            for (const sequence of [MAX_SEQUENCE, ...sequences]) {
              const expected = sorted.find(entry => compareKeys(entry.key, key) === 0 && entry.sequence <= sequence)
              expect(entryAtNode(list, list.find(key, 0, key.length, sequence))).toEqual(expected)
            }
          }
        },
      ),
      { numRuns: 50 },
    )
  })

  it('a seek at, before or behind any key lands on its place, and steps go on from there', () => {
    fc.assert(
      fc.property(
        anyEntries,
        fc.array(anyKey, { maxLength: 10 }),
        fc.array(anySequence, { minLength: 1, maxLength: 4 }),
        fc.integer(),
        (entries, others, sequences, seed) => {
          const { list, sorted } = filled(entries, seed)
          const cursor = list.cursor()
          for (const key of probesFor(entries, others)) {
            for (const sequence of [undefined, ...sequences]) {
              const target = { key, sequence: sequence ?? MAX_SEQUENCE } as Entry
              const at = sorted.findIndex(entry => compareEntries(entry, target) >= 0)
              expect(cursor.seek(key, sequence)).toBe(at >= 0)
              if (at < 0) continue
              expect(entryAt(cursor)).toEqual(sorted[at])
              expect(cursor.prev()).toBe(at > 0)
              if (at > 0) {
                expect(entryAt(cursor)).toEqual(sorted[at - 1])
                cursor.next()
                expect(entryAt(cursor)).toEqual(sorted[at])
              }
            }
            const before = sorted.findLastIndex(entry => compareKeys(entry.key, key) < 0)
            expect(cursor.seekBefore(key)).toBe(before >= 0)
            if (before >= 0) expect(entryAt(cursor)).toEqual(sorted[before])
          }
        },
      ),
      { numRuns: 50 },
    )
  })

  it('reads and refused inserts do not mislead the next insert', () => {
    fc.assert(
      fc.property(anyEntries, anyOrder, fc.integer(), (entries, order, seed) => {
        const list = new Skiplist({ capacityBytes: 1 << 18, random: seededRandom(seed) })
        const sorted = [...entries].sort(compareEntries)
        const present: Entry[] = []
        for (const entry of order === 'as drawn' ? entries : order === 'ascending' ? sorted : [...sorted].reverse()) {
          expect(insert(list, entry)).toBe(true)
          present.push(entry)
          const other = present[(present.length * 7) % present.length]
          expect(entryAtNode(list, list.find(other.key, 0, other.key.length, other.sequence))).toEqual(other)
          if (present.length % 3 === 0) expect(() => insert(list, other)).toThrow(/already holds this key/)
        }
        const seen: Entry[] = []
        const cursor = list.cursor()
        for (let valid = cursor.first(); valid; valid = cursor.next()) seen.push(entryAt(cursor))
        expect(seen).toEqual(sorted)
      }),
    )
  })

  it('a duplicate beside the last insert is refused, a similar key with the same sequence is not', () => {
    const list = new Skiplist({ capacityBytes: 1 << 16, random: seededRandom(2) })
    const add = (key: string) => list.insert(new TextEncoder().encode(key), 0, key.length, new Uint8Array(3), 0, 3, 7, KIND_PUT)
    const read = (key: string) => list.find(new TextEncoder().encode(key), 0, key.length, MAX_SEQUENCE) !== 0
    add('middle')
    expect(() => add('middle')).toThrow(/already holds/)
    expect([add('middlf'), add('middld')]).toEqual([true, true])
    expect(() => add('middle')).toThrow(/already holds/)
    expect(() => add('middld')).toThrow(/already holds/)
    for (const key of ['middlc', 'middlb', 'middla', 'middlg', 'middlh']) {
      expect([read(key), read('middle'), add(key), read('zzzzzz'), read(key)]).toEqual([false, true, true, false, true])
      expect(() => add(key)).toThrow(/already holds/)
      add(key + '!')
      expect(read('zzzzzz')).toBe(false)
      expect(() => add(key)).toThrow(/already holds/)
    }
    for (const key of ['b', 'a']) add(key)
    expect(() => add('b')).toThrow(/already holds/)
    expect(list.count).toBe(15)
  })

  it('an open cursor meets inserts on either side of it', () => {
    const list = new Skiplist({ capacityBytes: 1 << 16, random: seededRandom(1) })
    const put = (byte: number) => list.put(Uint8Array.of(byte), Uint8Array.of(byte))
    for (const byte of [10, 20, 30]) put(byte)
    const cursor = list.cursor()
    cursor.seek(Uint8Array.of(20))
    for (const byte of [15, 25, 40]) put(byte)
    expect(cursor.key.copy()).toEqual(Uint8Array.of(20))
    expect(cursor.next() && cursor.key.copy()).toEqual(Uint8Array.of(25))
    cursor.prev()
    expect(cursor.prev() && cursor.key.copy()).toEqual(Uint8Array.of(15))
    expect(cursor.last() && cursor.key.copy()).toEqual(Uint8Array.of(40))
  })

  it('a cursor that stands nowhere refuses to step', () => {
    const list = new Skiplist({ capacityBytes: 1 << 10, random: seededRandom(1) })
    const cursor = list.cursor()
    expect([cursor.first(), cursor.last(), cursor.seek(new Uint8Array(0)), cursor.seekBefore(Uint8Array.of(1))]).toEqual([
      false,
      false,
      false,
      false,
    ])
    expect(() => cursor.next()).toThrow(/next\(\) needs a cursor that stands on an entry/)
    list.put(Uint8Array.of(1), Uint8Array.of(1))
    expect(cursor.first()).toBe(true)
    cursor.close()
    expect(() => cursor.prev()).toThrow(/prev\(\) needs a cursor/)
  })
})
