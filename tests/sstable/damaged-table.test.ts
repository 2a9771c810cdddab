import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Cache } from '../../src/cache/cache.js'
import { CorruptionError, KvariumError } from '../../src/errors.js'
import { describeTable } from '../../src/sstable/describe-table.js'
import { newReadCounts } from '../../src/trace/ledger.js'
import { keyHash } from '../../src/sstable/bloom-filter.js'
import { Table, TableHit } from '../../src/sstable/table.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { placeSeed } from '../../src/codec/checksum.js'
import { writeUint32 } from '../../src/sstable/format.js'
import { nodeDeflate } from '../../src/vfs/node/node-deflate.js'
import { buildTable, bytesOf, del, hash32, openImage, print, put, scan } from './support/built-table.js'

const entries = [
  put('apple', 9, 'red'),
  del('apple', 3),
  put('banana', 5, 'yellow'.repeat(20)),
  put('cherry', 6, 'x'),
  put('date', 2 ** 40, ''),
]
const tombstones = [{ first: bytesOf('b'), last: bytesOf('bz'), sequence: 4 }]

function readAll(image: Uint8Array): unknown {
  const table = openImage(image, { deflate: nodeDeflate })
  const hit = new TableHit()
  const gets = ['apple', 'banana', 'cherry', 'date', 'fig'].map(key => {
    const found = table.get(bytesOf(key), keyHash(hash32, bytesOf(key)), 2 ** 50, hit)
    return found ? [hit.sequence, hit.kind, print(hit.value.copy())] : 'absent'
  })
  const { smallest, largest, ...numbers } = table.properties
  const ranges = table.rangeTombstones.map(({ first, last, sequence }) => [print(first), print(last), sequence])
  return { gets, scan: scan(table), numbers, bounds: [print(smallest), print(largest)], ranges }
}

function errorOf(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}

describe('damaged table', () => {
  for (const [name, options] of [
    ['plain', { blockBytes: 60 }],
    ['compressed by deflate', { blockBytes: 200, compression: 'deflate', deflate: nodeDeflate }],
    ['compressed by LZ4', { blockBytes: 200, compression: 'lz4' }],
  ] as const) {
    it(`a change of any byte is found, in a ${name} table`, () => {
      const { image } = buildTable(entries, options, tombstones)
      const intact = JSON.stringify(readAll(image))
      for (let at = 0; at < image.length; at++) {
        for (const mask of [0x01, 0x10, 0x80, 0xff]) {
          const damaged = image.slice()
          damaged[at] ^= mask
          const error = errorOf(() => expect(JSON.stringify(readAll(damaged))).toBe(intact))
          expect(error, `byte ${at} with ${mask}`).toBeInstanceOf(CorruptionError)
          expect(error).toMatchObject({ code: 'LEVEL_CORRUPTION', file: 'table.sst' })
          expect((error as CorruptionError).offset).toBeLessThanOrEqual(at)
        }
      }
    })
  }

  it('a table cut short or made longer is corruption, wherever the cut is', () => {
    const { image } = buildTable(entries, { blockBytes: 60 }, tombstones)
    for (let length = 0; length < image.length; length++) expect(() => readAll(image.slice(0, length))).toThrow(CorruptionError)
    expect(() => readAll(Uint8Array.from([...image, 0]))).toThrow(CorruptionError)
    expect(() => openImage(image, { size: image.length + 1 })).toThrow(/instead of/)
  })

  it('random bytes are corruption, also behind a right footer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), noise => {
        expect(errorOf(() => readAll(noise))).toBeInstanceOf(CorruptionError)
      }),
    )
    fc.assert(
      fc.property(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 40 }), (at, noise) => {
        const { image } = buildTable(entries, { blockBytes: 60 }, tombstones)
        const intact = JSON.stringify(readAll(image))
        image.set(noise, at % (image.length - noise.length))
        const error = errorOf(() => expect(JSON.stringify(readAll(image))).toBe(intact))
        if (error !== undefined) expect(error).toBeInstanceOf(CorruptionError)
      }),
    )
  })

  it('valid blocks that changed places are found', () => {
    const list = Array.from({ length: 8 }, (_, i) => put(`key${i}`, 1, 'same size'))
    const { image } = buildTable(list, { blockBytes: 1 })
    const [a, b] = describeTable(openImage(image)).parts
    expect(a.bytes).toBe(b.bytes)
    const swapped = image.slice()
    swapped.copyWithin(a.offset, b.offset, b.offset + b.bytes)
    expect(() => scan(openImage(swapped))).toThrow(expect.objectContaining({ code: 'LEVEL_CORRUPTION', offset: a.offset }))
  })

  it('a table under the number of another one is found, and so is a block out of it', () => {
    const { image, properties } = buildTable(entries)
    expect(() => openImage(image, { fileNumber: 8 })).toThrow(/says it is table 7, not 8/)
    const other = buildTable(entries, { fileNumber: 8 }).image
    const mixed = image.slice()
    mixed.set(other.subarray(0, properties.dataBytes))
    expect(errorOf(() => readAll(mixed))).toBeInstanceOf(CorruptionError)
  })

  it('a table of a later format is refused by name, not called damaged', () => {
    const { image } = buildTable(entries)
    const footer = image.length - 72
    image[footer + 56] = 4
    const seed = placeSeed(7, footer)
    writeUint32(image, footer + 60, hash32(image.subarray(footer, footer + 60), seed))
    expect(() => openImage(image)).toThrow(expect.objectContaining({ code: 'LEVEL_UNSUPPORTED_FORMAT' }))
  })

  it('a compressed table without a decompressor is refused with the reason', () => {
    const { image } = buildTable([put('k', 1, 'again'.repeat(100))], { compression: 'deflate', deflate: nodeDeflate })
    const table = openImage(image)
    expect(() => scan(table)).toThrow(/deflate/)
    expect(errorOf(() => scan(table))).toBeInstanceOf(KvariumError)
  })

  it('a block whose codec is not known is refused by name, not called damaged', () => {
    const { image } = buildTable([put('k', 1, 'again'.repeat(100))], { compression: 'lz4' })
    const block = describeTable(openImage(image)).parts[0]
    const trailer = block.bytes - 5
    image[trailer] = 9
    writeUint32(image, trailer + 1, hash32(image.subarray(0, trailer + 1), placeSeed(7, 0)))
    expect(() => scan(openImage(image))).toThrow(/uses codec 9, which this kvarium does not know/)
    expect(() => scan(openImage(image))).toThrow(expect.objectContaining({ code: 'LEVEL_UNSUPPORTED_FORMAT' }))
  })

  it('a failed read leaves nothing in the cache, and the next read fails as well', () => {
    const { image } = buildTable(entries)
    image[10] ^= 1
    const cache = new Cache(100_000)
    const table = openImage(image, { cache })
    for (let i = 0; i < 3; i++) expect(() => scan(table)).toThrow(CorruptionError)
    expect(cache.usedBytes).toBe(0)
  })

  it('a file that shrinks under an open table is corruption', () => {
    const { image } = buildTable(entries)
    const file = new MemoryFileSystem().create('shrinking.sst')
    file.write(image, 0)
    const table = Table.open({ file, fileNumber: 7, hash32, cache: new Cache(0), counters: newReadCounts() })
    file.truncate(20)
    expect(() => scan(table)).toThrow(/ends within a block/)
  })
})
