import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Cache } from '../../src/cache/cache.js'
import { compareKeys, KIND_DELETE, MAX_SEQUENCE } from '../../src/codec/entry.js'
import { keyHash } from '../../src/sstable/bloom-filter.js'
import { TableHit } from '../../src/sstable/table.js'
import { nodeDeflate } from '../../src/vfs/node/node-deflate.js'
import { entryLists, nastyKey } from './support/arbitrary-entries.js'
import { buildTable, compareEntries, entryAt, hash32, openImage, print, scan, show, type Entry } from './support/built-table.js'

/** Tiny blocks put borders between versions of one key; a tiny cache recycles memory all the time. */
interface Settings {
  blockBytes: number
  filterBitsPerKey: number
  compressed: boolean
  cacheBytes: number
}
const settings: fc.Arbitrary<Settings> = fc.record({
  blockBytes: fc.constantFrom(1, 40, 300, 4096, 200_000),
  filterBitsPerKey: fc.constantFrom(0, 10),
  compressed: fc.boolean(),
  cacheBytes: fc.constantFrom(0, 2000, 1_000_000),
})
const cursorSettings = fc.constantFrom(
  {},
  { fillCache: false },
  { readAheadBytes: 1 },
  { readAheadBytes: 500 },
  { readAheadBytes: 256 * 1024 },
)

function open(entries: readonly Entry[], { compressed, cacheBytes, ...options }: Settings) {
  const built = buildTable(entries, { ...options, compression: compressed ? 'lz4' : 'none' })
  return { ...built, table: openImage(built.image, { deflate: nodeDeflate, cache: new Cache(cacheBytes, { poisonFrames: true }) }) }
}

describe('table against a sorted array', () => {
  it('entries come back in both directions, and the properties count them', () => {
    fc.assert(
      fc.property(entryLists, settings, cursorSettings, (entries, options, cursorOptions) => {
        const { table, properties, image } = open(entries, options)
        expect(scan(table)).toEqual(entries.map(show))
        const cursor = table.cursor(cursorOptions)
        const backwards: string[] = []
        for (let more = cursor.last(); more; more = cursor.prev()) backwards.push(show(entryAt(cursor)))
        expect(backwards.reverse()).toEqual(entries.map(show))
        expect({ ...table.properties, smallest: '', largest: '' }).toEqual({ ...properties, smallest: '', largest: '' })
        expect([table.properties.smallest, table.properties.largest].map(print)).toEqual([entries[0].key, entries.at(-1)!.key].map(print))
        expect([properties.smallest, properties.largest].map(print)).toEqual([entries[0].key, entries.at(-1)!.key].map(print))
        expect(properties).toMatchObject({
          entries: entries.length,
          pointTombstones: entries.filter(({ kind }) => kind === KIND_DELETE).length,
          rangeTombstones: 0,
          rawKeyBytes: entries.reduce((sum, { key }) => sum + key.length, 0),
          rawValueBytes: entries.reduce((sum, { value }) => sum + value.length, 0),
          minSequence: Math.min(...entries.map(({ sequence }) => sequence)),
          maxSequence: Math.max(...entries.map(({ sequence }) => sequence)),
          fileBytes: image.length,
        })
      }),
    )
  })

  it('a get finds the newest version that its snapshot may see, also across block borders', () => {
    fc.assert(
      fc.property(entryLists, settings, fc.array(nastyKey), (entries, options, strangers) => {
        const { table } = open(entries, options)
        const hit = new TableHit()
        for (const key of [...strangers, ...entries.map(entry => entry.key)]) {
          for (const snapshot of [0, 5, 20, 2 ** 31, 2 ** 33 + 1, MAX_SEQUENCE]) {
            const expected = entries.find(entry => compareKeys(entry.key, key) === 0 && entry.sequence <= snapshot)
            expect(table.get(key, keyHash(hash32, key), snapshot, hit)).toBe(expected !== undefined)
            if (expected !== undefined) expect(show({ ...hit, key, value: hit.value.copy() })).toBe(show(expected))
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  it('any walk of seeks and steps stands where the array says', () => {
    const move = fc.oneof(
      fc.record({ go: fc.constantFrom('next' as const, 'prev' as const, 'first' as const, 'last' as const) }),
      fc.record({
        go: fc.constantFrom('seek' as const, 'seekBefore' as const),
        key: nastyKey,
        sequence: fc.constantFrom(0, 7, 2 ** 31, MAX_SEQUENCE),
      }),
      fc.record({
        go: fc.constantFrom('seek' as const, 'seekBefore' as const),
        key: fc.nat(),
        sequence: fc.constantFrom(0, 7, 2 ** 31, MAX_SEQUENCE),
      }),
    )
    fc.assert(
      fc.property(entryLists, settings, cursorSettings, fc.array(move, { maxLength: 40 }), (entries, options, cursorOptions, moves) => {
        const { table } = open(entries, options)
        const cursor = table.cursor(cursorOptions)
        let position = -1
        for (const step of moves) {
          if ('key' in step) {
            const key = typeof step.key === 'number' ? entries[step.key % entries.length].key : step.key
            if (step.go === 'seek') {
              const target = { ...entries[0], key, sequence: step.sequence }
              position = entries.findIndex(entry => compareEntries(entry, target) >= 0)
              cursor.seek(key, step.sequence)
            } else {
              position = entries.findLastIndex(entry => compareKeys(entry.key, key) < 0)
              cursor.seekBefore(key)
            }
          } else if (step.go === 'first' || step.go === 'last') {
            position = step.go === 'first' ? 0 : entries.length - 1
            cursor[step.go]()
          } else if (cursor.valid) {
            position += step.go === 'next' ? 1 : -1
            cursor[step.go]()
          } else {
            continue
          }
          expect(show(entryAt(cursor))).toBe(show(entries[position]))
        }
        cursor.close()
        expect(cursor.valid).toBe(false)
      }),
      { numRuns: 150 },
    )
  })

  it('approximate offsets ascend with the keys and stay within the data', () => {
    fc.assert(
      fc.property(entryLists, settings, (entries, options) => {
        const { table, properties } = open(entries, options)
        const offsets = entries.map(entry => table.approximateOffset(entry.key))
        expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
        expect(offsets[0]).toBe(0)
        expect(table.approximateOffset(new Uint8Array(65_537).fill(0xff))).toBe(properties.dataBytes)
      }),
      { numRuns: 40 },
    )
  })
})
