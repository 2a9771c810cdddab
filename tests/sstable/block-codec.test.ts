import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildBlock as build, lowerBound } from '../../exercises/block/reference.js'
import { MAX_SEQUENCE } from '../../src/codec/entry.js'
import { MisuseError } from '../../src/errors.js'
import type { BlockCodec } from '../../src/sstable/block-codec.js'
import { keyHash } from '../../src/sstable/bloom-filter.js'
import { TableHit } from '../../src/sstable/table.js'
import { nodeDeflate } from '../../src/vfs/node/node-deflate.js'
import { entryLists, nastyKey } from './support/arbitrary-entries.js'
import { buildTable, bytesOf, entryAt, hash32, openImage, put, scan, show } from './support/built-table.js'

const blockCodec: BlockCodec = { build, lowerBound }
const ENTRIES = ['a', 'b', 'c'].map(key => put(key, 1, `value of ${key}`))

const get = (image: Uint8Array, key: string, codec: BlockCodec): boolean =>
  openImage(image, { blockCodec: codec }).get(bytesOf(key), keyHash(hash32, bytesOf(key)), MAX_SEQUENCE, new TableHit())

describe('a codec of data blocks', () => {
  it('makes the very bytes that the built-in one makes, and finds what that finds', () => {
    const options = fc.record({
      blockBytes: fc.constantFrom(1, 40, 300, 4096, 200_000),
      compression: fc.constantFrom('none', 'lz4'),
    })
    fc.assert(
      fc.property(entryLists, options, nastyKey, (entries, settings, target) => {
        const { image } = buildTable(entries, settings)
        expect(Buffer.compare(buildTable(entries, { ...settings, blockCodec }).image, image)).toBe(0)
        const builtIn = openImage(image, { deflate: nodeDeflate })
        const own = openImage(image, { deflate: nodeDeflate, blockCodec })
        expect(scan(own)).toEqual(scan(builtIn))
        const at = [builtIn, own].map(table => {
          const cursor = table.cursor()
          return [cursor.seek(target), show(entryAt(cursor)), cursor.seekBefore(target), show(entryAt(cursor))]
        })
        expect(at[1]).toEqual(at[0])
        for (const key of [target, ...entries.map(entry => entry.key)]) {
          const hits = [builtIn, own].map(table => {
            const hit = new TableHit()
            return [table.get(key, keyHash(hash32, key), MAX_SEQUENCE, hit), hit.sequence]
          })
          expect(hits[1]).toEqual(hits[0])
        }
      }),
    )
  })

  it('cannot write a block that is longer than its entries', () => {
    const padded = {
      ...blockCodec,
      build: (entries: Parameters<typeof build>[0]) => new Uint8Array([...build(entries), ...new Uint8Array(99)]),
    }
    expect(() => buildTable(ENTRIES, { blockCodec: padded })).toThrow(MisuseError)
    expect(() => buildTable(ENTRIES, { blockCodec: padded })).toThrow(/built \d+ bytes out of 3 entries, which take at most \d+ bytes/)
    const nothing = { ...blockCodec, build: () => undefined as unknown as Uint8Array }
    expect(() => buildTable(ENTRIES, { blockCodec: nothing })).toThrow('built no Uint8Array')
  })

  it('cannot lead a search out of the block', () => {
    const { image } = buildTable(ENTRIES)
    for (const index of [-1, 4, 0.5, NaN]) {
      expect(() => get(image, 'b', { ...blockCodec, lowerBound: () => index })).toThrow(`found a key at ${index} in a block of 3 entries`)
    }
    expect(get(image, 'b', { ...blockCodec, lowerBound: () => 3 })).toBe(false)
  })
})
