import { describe, expect, it } from 'vitest'
import { KIND_PUT } from '../../src/codec/entry.js'
import { SLICED_VALUE_BYTES, TableBuilder, type TableBuilderOptions } from '../../src/sstable/table-builder.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { nodeDeflate } from '../../src/vfs/node/node-deflate.js'
import { buildTable, FILE_NUMBER, hash32, openImage, put, type Entry } from './support/built-table.js'

const MIB = 1 << 20

function longValue(length: number): Uint8Array {
  const value = new Uint8Array(length)
  for (let i = 0; i < length; i++) value[i] = (i * 31) ^ (i >>> 13)
  return value
}

/** The table that `addInSlices` makes of long values, and the bytes hashed from one yield to the next. */
function buildInSlices(entries: readonly Entry[], options: Partial<TableBuilderOptions> = {}): { image: Uint8Array; hashed: number[] } {
  const hashed: number[] = []
  let bytes = 0
  const counting = (input: Uint8Array, seed: number): number => {
    bytes += input.length
    return hash32(input, seed)
  }
  const file = new MemoryFileSystem().create('sliced.sst')
  const builder = new TableBuilder({ file, fileNumber: FILE_NUMBER, hash32: counting, ...options })
  for (const { key, sequence, kind, value } of entries) {
    if (value.length <= SLICED_VALUE_BYTES) builder.add(key, 0, key.length, value, 0, value.length, sequence, kind)
    else
      for (const _ of builder.addInSlices(key, 0, key.length, value, 0, value.length, sequence, kind)) {
        hashed.push(bytes)
        bytes = 0
      }
  }
  builder.finish()
  const image = new Uint8Array(file.size())
  file.read(image, 0)
  return { image, hashed }
}

/** Bytes of a block of one entry with a key `a` and sequence number 1, besides its value. */
const HEAD_BYTES = 23

describe('the block of a long value', () => {
  it('is hashed and written by the MiB, and is the same as one that is formed in memory', () => {
    const entries = [put('a', 1, longValue(5 * MIB + 7)), put('b', 2, 'small'), put('c', 3, longValue(MIB + 1)), put('d', 4, 'small')]
    const { image, hashed } = buildInSlices(entries)
    expect(hashed.length).toBeGreaterThanOrEqual(8)
    expect(Math.max(...hashed)).toBeLessThanOrEqual(MIB + 100)
    expect(Buffer.compare(image, buildTable(entries).image)).toBe(0)
  })

  it('is right wherever its end falls in a piece', () => {
    for (let length = 2 * MIB - HEAD_BYTES - 8; length <= 2 * MIB - HEAD_BYTES + 8; length++) {
      const entries = [put('a', 1, longValue(length))]
      expect(Buffer.compare(buildInSlices(entries).image, buildTable(entries).image)).toBe(0)
    }
  })

  it('may have a key of more than a piece', () => {
    const key = longValue(2 * MIB)
    const entries = [put(key, 1, longValue(3 * MIB))]
    const { image } = buildInSlices(entries)
    expect(Buffer.compare(image, buildTable(entries).image)).toBe(0)
    const cursor = openImage(image).cursor()
    expect([cursor.first(), cursor.value.length, cursor.kind]).toEqual([true, 3 * MIB, KIND_PUT])
  })

  it('is compressed up to 4 MiB, and stored as it is beyond', () => {
    const entries = [put('a', 1, new Uint8Array(4 * MIB - 100)), put('b', 2, new Uint8Array(4 * MIB))]
    const { image, hashed } = buildInSlices(entries, { compression: 'deflate', deflate: nodeDeflate })
    expect(image.length).toBeGreaterThan(4 * MIB)
    expect(image.length).toBeLessThan(5 * MIB)
    expect(hashed.length).toBe(5)
    expect(Buffer.compare(image, buildTable(entries, { compression: 'deflate', deflate: nodeDeflate }).image)).toBe(0)
  })
})
