import { describe, expect, it } from 'vitest'
import { Cache } from '../../src/cache/cache.js'
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../../src/codec/limits.js'
import { IoError, MisuseError } from '../../src/errors.js'
import { newReadCounts } from '../../src/trace/ledger.js'
import { keyHash } from '../../src/sstable/bloom-filter.js'
import { describeTable, type DataBlockPart } from '../../src/sstable/describe-table.js'
import { TableBuilder } from '../../src/sstable/table-builder.js'
import { TableHit } from '../../src/sstable/table.js'
import type { FileHandle } from '../../src/vfs/file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { nodeDeflate } from '../../src/vfs/node/node-deflate.js'
import { nodeZstd } from '../../src/vfs/node/node-zstd.js'
import { buildTable, bytesOf, del, entryAt, hash32, openImage, put, scan, show, type Entry } from './support/built-table.js'

function numbered(count: number, value = 'v'.repeat(100)): Entry[] {
  return Array.from({ length: count }, (_, i) => put(String(i).padStart(16, '0'), i + 1, value))
}

describe('table', () => {
  it('a value of 100 MiB between small ones survives, and does not wash out the cache', () => {
    const large = new Uint8Array(100 * 1024 * 1024)
    for (let i = 0; i < large.length; i += 4096) large[i] = i / 4096
    const list = [put('a', 1, 'small'), put('b', 2, large), put('c', 3, 'small')]
    const { image, properties } = buildTable(list)
    expect(properties).toMatchObject({ blocks: 3, rawValueBytes: large.length + 10 })
    const cache = new Cache(1024 * 1024)
    const table = openImage(image, { cache })
    expect(scan(table)).toEqual(list.map(show))
    expect(cache.entries).toBe(2)
  })

  it('large values keep their order among small ones in large blocks', () => {
    const list = ['a', 'b', 'c', 'd', 'e'].map((key, i) => put(key, i, new Uint8Array(i % 2 === 0 ? 10 : 70_000)))
    const { image } = buildTable(list, { blockBytes: 1024 * 1024 })
    expect(scan(openImage(image))).toEqual(list.map(show))
  })

  it('a table of range tombstones alone has bounds and finds no key', () => {
    const tombstones = [
      { first: bytesOf('m'), last: bytesOf('p'), sequence: 4 },
      { first: bytesOf('d'), last: bytesOf('n'), sequence: 9 },
      { first: bytesOf('m'), last: bytesOf('m'), sequence: 6 },
    ]
    const { image, properties } = buildTable([], {}, tombstones)
    expect(properties).toMatchObject({ entries: 0, rangeTombstones: 3, minSequence: 4, maxSequence: 9, blocks: 0, dataBytes: 0 })
    const table = openImage(image)
    expect(table.properties).toEqual(properties)
    expect([table.properties.smallest, table.properties.largest]).toEqual([bytesOf('d'), bytesOf('p')])
    expect(table.rangeTombstones).toEqual([tombstones[1], tombstones[2], tombstones[0]])
    expect(table.get(bytesOf('m'), keyHash(hash32, bytesOf('m')), 100, new TableHit())).toBe(false)
    const cursor = table.cursor()
    expect([cursor.first(), cursor.last(), cursor.seek(bytesOf('a')), cursor.seekBefore(bytesOf('z'))]).toEqual([
      false,
      false,
      false,
      false,
    ])
  })

  it('range tombstones widen the bounds of the point entries on either side', () => {
    const bounds = (first: string, last: string): Uint8Array[] => {
      const { properties } = buildTable([put('g', 1), put('k', 1)], {}, [{ first: bytesOf(first), last: bytesOf(last), sequence: 2 }])
      return [properties.smallest, properties.largest]
    }
    expect(bounds('a', 'h')).toEqual(['a', 'k'].map(bytesOf))
    expect(bounds('h', 'z')).toEqual(['g', 'z'].map(bytesOf))
    expect(bounds('h', 'i')).toEqual(['g', 'k'].map(bytesOf))
  })

  it('entries out of order, twice, or beyond the limits are refused with the reason', () => {
    const builder = (): TableBuilder => new TableBuilder({ file: new MemoryFileSystem().create('t'), fileNumber: 1, hash32 })
    const add = (to: TableBuilder, { key, sequence, kind, value }: Entry): void =>
      to.add(key, 0, key.length, value, 0, value.length, sequence, kind)
    const refused = (first: Entry, second: Entry): void => {
      const to = builder()
      add(to, first)
      expect(() => add(to, second)).toThrow(expect.objectContaining({ code: 'LEVEL_MISORDERED_ENTRY' }))
    }
    refused(put('b', 1), put('a', 2))
    refused(put('a', 1), put('a', 1))
    refused(put('a', 1), put('a', 2))
    refused(put('a\0', 1), put('a', 1))
    expect(() => add(builder(), put(new Uint8Array(MAX_KEY_BYTES + 1), 1))).toThrow(/2097153 bytes is too long: the limit is 2097152/)
    expect(() => builder().add(bytesOf('k'), 0, 1, bytesOf('v'), 0, MAX_VALUE_BYTES + 1, 1, 1)).toThrow(/too long/)
    expect(() => builder().add(bytesOf('k'), 0, 1, bytesOf('v'), 0, 1, 1, 2)).toThrow(/addRangeTombstone/)
    expect(() => builder().addRangeTombstone(bytesOf('b'), bytesOf('a'), 1)).toThrow(/ends before it starts/)
    expect(() => builder().finish()).toThrow(MisuseError)
    const finished = builder()
    add(finished, put('a', 1))
    finished.finish()
    expect(() => add(finished, put('b', 1))).toThrow(/finished/)
    expect(() => finished.finish()).toThrow(/finished/)
  })

  it.each([['deflate', 1], ['lz4', 4], ...(nodeZstd === undefined ? [] : [['zstd', 3] as const])] as const)(
    'values that %s shrinks are stored small, others as they are',
    (compression, codec) => {
      const noise = Uint8Array.from({ length: 3000 }, (_, i) => hash32(Uint8Array.of(i, i >>> 8), 1))
      const list = [put('a', 1, noise), put('b', 2, 'again and '.repeat(300)), put('c', 3, noise)]
      const platform = { deflate: nodeDeflate, zstd: nodeZstd }
      const { image, properties } = buildTable(list, { compression, ...platform, blockBytes: 1 })
      const table = openImage(image, platform)
      const blocks = describeTable(table).parts.filter(({ part }) => part === 'data') as DataBlockPart[]
      expect(blocks.map(block => block.codec)).toEqual([0, codec, 0])
      expect(blocks[1].bytes).toBeLessThan(200)
      expect(properties.dataBytes).toBe(blocks.reduce((sum, { bytes }) => sum + bytes, 0))
      expect(scan(table)).toEqual(list.map(show))
    },
  )

  it('a block that saves less than an eighth is stored as it is', () => {
    const noise = Uint8Array.from({ length: 7000 }, (_, i) => hash32(Uint8Array.of(i, i >>> 8), 1))
    const codecOf = (repeated: number): number => {
      const value = new Uint8Array([...noise, ...noise.subarray(0, repeated)])
      const table = openImage(buildTable([put('a', 1, value)], { compression: 'lz4' }).image)
      return (describeTable(table).parts[0] as DataBlockPart).codec
    }
    expect([900, 1100].map(codecOf)).toEqual([0, 4])
  })

  it('the map of the file has no gaps and every block is about as large as asked for', () => {
    const { image, properties } = buildTable([...numbered(2000), del('zzz', 1)], {}, [
      { first: bytesOf('x'), last: bytesOf('y'), sequence: 1 },
    ])
    const { parts } = describeTable(openImage(image))
    let offset = 0
    for (const part of parts) {
      expect(part.offset).toBe(offset)
      offset += part.bytes
    }
    expect(offset).toBe(image.length)
    const data = parts.filter(({ part }) => part === 'data') as DataBlockPart[]
    expect(parts.map(({ part }) => part).slice(data.length)).toEqual(['ranges', 'filter', 'index', 'properties', 'footer'])
    expect(data.reduce((sum, { entries }) => sum + entries, 0)).toBe(properties.entries)
    for (const { bytes } of data.slice(0, -2)) {
      expect(bytes).toBeLessThanOrEqual(4096)
      expect(bytes).toBeGreaterThan(4096 - 150)
    }
    for (const { indexKey } of data.slice(0, -1)) expect(indexKey.length).toBeLessThanOrEqual(16)
  })

  it('the estimate of the size is close before the end', () => {
    const builder = new TableBuilder({ file: new MemoryFileSystem().create('t'), fileNumber: 1, hash32 })
    for (const { key, sequence, kind, value } of numbered(5000)) builder.add(key, 0, key.length, value, 0, value.length, sequence, kind)
    const estimate = builder.estimatedBytes
    expect(builder.entryCount).toBe(5000)
    expect(Math.abs(builder.finish().fileBytes - estimate)).toBeLessThan(1000)
  })

  it('one key with thousands of versions enters the filter once and is found at each of them', () => {
    const list = Array.from({ length: 3000 }, (_, i) => put('hot', 3000 - i, `v${3000 - i}`))
    const { image, properties } = buildTable(list)
    expect(properties.filterBytes).toBe(8 + 8 + 5)
    const table = openImage(image)
    const hit = new TableHit()
    for (const sequence of [1, 2, 1500, 2999, 3000]) {
      expect(table.get(bytesOf('hot'), keyHash(hash32, bytesOf('hot')), sequence, hit)).toBe(true)
      expect(hit.sequence).toBe(sequence)
      expect(table.cursor().seek(bytesOf('hot'), sequence)).toBe(true)
    }
    expect(table.get(bytesOf('hot'), keyHash(hash32, bytesOf('hot')), 0, hit)).toBe(false)
    expect(hit.sequence).toBe(3000)
  })

  it('counters say where each block came from and what the filter spared', () => {
    const list = numbered(1000)
    const counters = newReadCounts()
    const table = openImage(buildTable(list).image, { counters, cache: new Cache(10_000_000) })
    const hit = new TableHit()
    for (const { key } of list) table.get(key, keyHash(hash32, key), 2000, hit)
    const { blocks, dataBytes } = table.properties
    expect(counters).toEqual({
      operations: 0,
      filterProbes: 1000,
      filterNegatives: 0,
      filterFalsePositives: 0,
      blocksFromCache: 1000 - blocks,
      blocksFromDisk: blocks,
      bytesFromDisk: dataBytes,
    })
    for (let i = 0; i < 1000; i++) table.get(bytesOf(`absent${i}`), keyHash(hash32, bytesOf(`absent${i}`)), 2000, hit)
    expect(counters.filterNegatives + counters.filterFalsePositives).toBe(1000)
    expect(counters.filterFalsePositives).toBeLessThan(30)

    const own = newReadCounts()
    const cursor = openImage(buildTable(list).image, { counters }).cursor({ readAheadBytes: 50_000, counters: own })
    for (let more = cursor.first(); more;) more = cursor.next()
    expect(own).toMatchObject({ blocksFromCache: 0, blocksFromDisk: blocks })
    // A chunk ends where its bytes end, not where a block does: the cut block is read again.
    expect(own.bytesFromDisk).toBeGreaterThanOrEqual(dataBytes)
    expect(own.bytesFromDisk).toBeLessThan(dataBytes * 1.1)
  })

  it('memory under a cursor is not recycled while others read, and is once it has moved on', () => {
    const list = numbered(2000).map(({ key, sequence }) => put(key, sequence, `value of ${sequence}`.padEnd(100)))
    const cache = new Cache(100_000, { poisonFrames: true })
    const table = openImage(buildTable(list).image, { cache })
    const standing = table.cursor()
    standing.seek(list[700].key)
    const key = list[700].key
    cache.makeRoom(cache.capacityBytes)
    expect(cache.entries).toBe(0)
    expect(scan(table)).toEqual(list.map(show))
    expect(standing.key.copy()).toEqual(key)
    expect(standing.value.copy()).toEqual(list[700].value)
    const idle = cache.slabs.idleBytes
    standing.close()
    expect(cache.slabs.idleBytes).toBe(idle + 4096)
    expect(cache.usedBytes).toBeLessThanOrEqual(100_000)
  })

  it('a read that failed once can be tried again, in every way of reading', () => {
    const list = numbered(500)
    const { image } = buildTable(list)
    for (const options of [{}, { fillCache: false }, { readAheadBytes: 10_000 }]) {
      const file = new MemoryFileSystem().create('failing.sst')
      file.write(image, 0)
      let failures = 0
      const failing: FileHandle = {
        path: file.path,
        size: () => file.size(),
        read: (target, position, start, end) => {
          if (failures > 0) {
            failures--
            target.fill(0x55, start, end)
            throw new IoError('read failed')
          }
          return file.read(target, position, start, end)
        },
        write: () => expect.unreachable(),
        truncate: () => expect.unreachable(),
        sync: () => expect.unreachable(),
        close: () => file.close(),
      }
      const table = openImage(image, { file: failing, cache: new Cache(10_000, { poisonFrames: true }) })
      const cursor = table.cursor(options)
      for (const target of [499, 250, 100, 0, 400]) {
        const { key } = list[target]
        failures = 1
        expect(() => cursor.seek(key)).toThrow(IoError)
        expect(cursor.valid).toBe(false)
        expect(cursor.seek(key)).toBe(true)
        expect(show(entryAt(cursor))).toBe(show(list[target]))
      }
    }
  })

  it('closing a table gives its share of the cache back', () => {
    const cache = new Cache(1_000_000)
    const [one, two] = [openImage(buildTable(numbered(500)).image, { cache }), openImage(buildTable(numbered(300)).image, { cache })]
    scan(one)
    const used = cache.usedBytes
    scan(two)
    two.close()
    two.close()
    expect(cache.usedBytes).toBe(used)
    one.close()
    expect([cache.usedBytes, cache.entries]).toEqual([0, 0])
  })
})
