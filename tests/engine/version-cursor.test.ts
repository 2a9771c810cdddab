import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KIND_DELETE, KIND_PUT, compareKeys } from '../../src/codec/entry.js'
import { MisuseError } from '../../src/errors.js'
import type { Cursor, KeyRange } from '../../src/engine/contract.js'
import { halfOpen, rangeContains } from '../../src/engine/range.js'
import { VersionCursor, type RangeTombstoneView } from '../../src/engine/version-cursor.js'
import { newReadCounts } from '../../src/trace/ledger.js'
import { ArrayCursor, type Entry } from './support/array-cursor.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (data: Uint8Array): string => new TextDecoder().decode(data)
const put = (key: string, sequence: number, value = `${key}@${sequence}`): Entry => ({
  key: bytes(key),
  sequence,
  kind: KIND_PUT,
  value: bytes(value),
})
const del = (key: string, sequence: number): Entry => ({ key: bytes(key), sequence, kind: KIND_DELETE, value: bytes('') })

function open(entries: readonly Entry[], sequence: number, range: KeyRange = {}, tombstones?: RangeTombstoneView): VersionCursor {
  return new VersionCursor(new ArrayCursor(entries), sequence, halfOpen(range), tombstones)
}

const shown = (cursor: Cursor): string => (cursor.valid ? `${text(cursor.key.copy())}=${text(cursor.value.copy())}` : 'nothing')

function forward(cursor: Cursor): string[] {
  const all = []
  for (let valid = cursor.first(); valid; valid = cursor.next()) all.push(shown(cursor))
  return all
}

function backward(cursor: Cursor): string[] {
  const all = []
  for (let valid = cursor.last(); valid; valid = cursor.prev()) all.push(shown(cursor))
  return all
}

function expectBothWays(cursor: Cursor, expected: readonly string[]): void {
  expect(forward(cursor)).toEqual(expected)
  expect(backward(cursor)).toEqual([...expected].reverse())
}

/** What covers is not skipped: the entries of these tests are stepped over. */
const NOWHERE = { sequence: 0, start: new Uint8Array(0), end: undefined }

describe('VersionCursor', () => {
  it('shows only the newest visible version of each key', () => {
    const entries = [put('a', 1), put('a', 5), put('b', 2), put('b', 9), put('c', 7)]
    expectBothWays(open(entries, 9), ['a=a@5', 'b=b@9', 'c=c@7'])
    expectBothWays(open(entries, 6), ['a=a@5', 'b=b@2'])
    expectBothWays(open(entries, 1), ['a=a@1'])
    expectBothWays(open(entries, 0), [])
  })

  it('hides a key whose newest visible version is a deletion, and shows it again to an older moment', () => {
    const entries = [put('a', 1), del('a', 2), put('b', 3), del('c', 4), put('c', 5), del('d', 6)]
    expectBothWays(open(entries, 9), ['b=b@3', 'c=c@5'])
    expectBothWays(open(entries, 4), ['b=b@3'])
    expectBothWays(open(entries, 1), ['a=a@1'])
  })

  it('asks the range tombstones about the newest visible version, and only about that', () => {
    const entries = [put('a', 1), put('b', 2), put('b', 7), put('c', 3)]
    const asked = new Set<string>()
    const tombstones: RangeTombstoneView = {
      ...NOWHERE,
      covers: (key, sequence) => {
        asked.add(`${text(key.copy())}@${sequence}`)
        return sequence < 3
      },
    }
    expectBothWays(open(entries, 9, {}, tombstones), ['b=b@7', 'c=c@3'])
    expect([...asked].sort()).toEqual(['a@1', 'b@7', 'c@3'])
    expectBothWays(open(entries, 5, {}, tombstones), ['c=c@3'])
  })

  it('does not walk a long run of versions one by one', () => {
    const entries = [put('a', 1)]
    for (let sequence = 2; sequence < 2000; sequence++) entries.push(sequence % 3 === 0 ? del('b', sequence) : put('b', sequence))
    entries.push(put('c', 2000))
    for (const sequence of [2000, 1001, 1000]) {
      const child = new ArrayCursor(entries)
      const cursor = new VersionCursor(child, sequence, halfOpen({}))
      const expected = [put('a', 1), put('b', sequence === 2000 ? 1999 : sequence), put('c', 2000)]
        .filter(entry => entry.sequence <= sequence)
        .map(entry => `${text(entry.key)}=${text(entry.value)}`)
      expectBothWays(cursor, expected)
      expect(child.steps).toBeLessThan(100)
    }
  })

  it('does not show a key of which a run of versions is too new', () => {
    const entries = [put('a', 1)]
    for (let sequence = 10; sequence < 100; sequence++) entries.push(put('b', sequence))
    entries.push(put('c', 2))
    expectBothWays(open(entries, 5), ['a=a@1', 'c=c@2'])
  })

  it('keeps the key and value of a backward position while the entries reuse their memory', () => {
    const cursor = open([put('a', 1), put('b', 2), put('b', 3)], 9)
    cursor.last()
    const { key, value } = cursor
    expect(text(key.copy())).toBe('b')
    expect(text(value.copy())).toBe('b@3')
  })

  it('keeps long keys apart that differ only in the middle', () => {
    const long = (middle: string): string => 'x'.repeat(100) + middle + 'y'.repeat(100)
    const entries = ['1', '2', '3'].flatMap((middle, i) => [put(long(middle), i + 1, middle), put(long(middle), i + 11, middle + middle)])
    expectBothWays(
      open(entries, 99),
      ['1', '2', '3'].map(middle => `${long(middle)}=${middle}${middle}`),
    )
  })

  it('stays within its bounds wherever it is sent', () => {
    const entries = ['a', 'b', 'c', 'd', 'e'].map((key, i) => put(key, i + 1, key))
    const cursor = open(entries, 9, { gt: bytes('a'), lte: bytes('d') })
    expectBothWays(cursor, ['b=b', 'c=c', 'd=d'])
    expect(cursor.seek(bytes('')) && shown(cursor)).toBe('b=b')
    expect(cursor.seek(bytes('a')) && shown(cursor)).toBe('b=b')
    expect(cursor.seek(bytes('c1')) && shown(cursor)).toBe('d=d')
    expect(cursor.seek(bytes('d1'))).toBe(false)
    expect(cursor.seekReverse(bytes('z')) && shown(cursor)).toBe('d=d')
    expect(cursor.seekReverse(bytes('b1')) && shown(cursor)).toBe('b=b')
    expect(cursor.seekReverse(bytes('b')) && shown(cursor)).toBe('b=b')
    expect(cursor.seekReverse(bytes('a1'))).toBe(false)
  })

  it('refuses to step from nowhere, and to be used after close', () => {
    const child = new ArrayCursor([put('a', 1)])
    const cursor = new VersionCursor(child, 9, halfOpen({}))
    expect(() => cursor.next()).toThrow(MisuseError)
    cursor.first()
    expect(cursor.next()).toBe(false)
    expect(() => cursor.prev()).toThrow(MisuseError)
    cursor.first()
    cursor.close()
    cursor.close()
    expect(child.closed).toBe(1)
    expect(cursor.valid).toBe(false)
    expect(() => cursor.first()).toThrow(MisuseError)
    expect(() => cursor.seekReverse(bytes('a'))).toThrow(MisuseError)
    expect(() => cursor.next()).toThrow(MisuseError)
  })

  it('counts the entries it shows', () => {
    const counts = newReadCounts()
    const cursor = new VersionCursor(
      new ArrayCursor([put('a', 1), put('a', 2), del('b', 3), put('c', 4)]),
      9,
      halfOpen({}),
      undefined,
      counts,
    )
    forward(cursor)
    expect(counts.operations).toBe(2)
  })

  it('is where an oracle is, whatever the walk', () => {
    const key = fc.constantFrom('', 'a', 'aa', 'ab', 'b', 'ba', 'c', 'c'.repeat(40), 'd')
    const entry = fc.record({ key, put: fc.boolean(), repeat: fc.constantFrom(1, 1, 1, 12) })
    const bound = fc.option(key, { nil: undefined })
    const move = fc.oneof(
      fc.constantFrom({ kind: 'next' as const }, { kind: 'prev' as const }, { kind: 'first' as const }, { kind: 'last' as const }),
      fc.record({ kind: fc.constantFrom('seek' as const, 'seekReverse' as const), key }),
    )
    const scene = fc.record({
      entries: fc.array(entry, { maxLength: 30 }),
      sequence: fc.nat(60),
      lower: bound,
      upper: bound,
      exclusive: fc.tuple(fc.boolean(), fc.boolean()),
      cut: fc.nat(60),
      moves: fc.array(move, { maxLength: 40 }),
    })
    fc.assert(
      fc.property(scene, ({ entries, sequence, lower, upper, exclusive, cut, moves }) => {
        const all: Entry[] = []
        for (const { key, put: isPut, repeat } of entries) {
          for (let i = 0; i < repeat; i++) all.push(isPut ? put(key, all.length + 1) : del(key, all.length + 1))
        }
        const range: KeyRange = {
          ...(lower === undefined ? {} : { [exclusive[0] ? 'gt' : 'gte']: bytes(lower) }),
          ...(upper === undefined ? {} : { [exclusive[1] ? 'lt' : 'lte']: bytes(upper) }),
        }
        const tombstones =
          cut % 2 === 0 ? undefined : { ...NOWHERE, covers: (_: unknown, version: number): boolean => version < Math.min(cut, sequence) }
        const live = new Map<string, Entry>()
        for (const version of all) if (version.sequence <= sequence) live.set(text(version.key), version)
        const oracle = [...live.values()]
          .filter(version => version.kind === KIND_PUT && rangeContains(halfOpen(range), version.key))
          .filter(version => tombstones === undefined || !tombstones.covers(version.key, version.sequence))
          .sort((a, b) => compareKeys(a.key, b.key))
        const cursor = open(all, sequence, range, tombstones)
        let at = -1
        for (const step of moves) {
          let valid: boolean
          if (step.kind === 'next' || step.kind === 'prev') {
            if (!cursor.valid) continue
            at += step.kind === 'next' ? 1 : -1
            valid = cursor[step.kind]()
          } else if (step.kind === 'first' || step.kind === 'last') {
            at = step.kind === 'first' ? 0 : oracle.length - 1
            valid = cursor[step.kind]()
          } else if (step.kind === 'seek') {
            at = oracle.findIndex(version => compareKeys(version.key, bytes(step.key)) >= 0)
            valid = cursor.seek(bytes(step.key))
          } else {
            at = oracle.findLastIndex(version => compareKeys(version.key, bytes(step.key)) <= 0)
            valid = cursor.seekReverse(bytes(step.key))
          }
          const expected = oracle[at]
          expect(valid).toBe(expected !== undefined)
          expect(shown(cursor)).toBe(expected === undefined ? 'nothing' : `${text(expected.key)}=${text(expected.value)}`)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
