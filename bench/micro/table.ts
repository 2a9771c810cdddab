import { Cache } from '../../src/cache/cache.js'
import { loadHash32 } from '../../src/codec/checksum.js'
import { KIND_PUT, MAX_SEQUENCE } from '../../src/codec/entry.js'
import { newReadCounts } from '../../src/trace/ledger.js'
import { keyHash } from '../../src/sstable/bloom-filter.js'
import { TableBuilder } from '../../src/sstable/table-builder.js'
import { Table, TableHit } from '../../src/sstable/table.js'
import type { FileHandle } from '../../src/vfs/file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { makeEntries } from './entries.js'
import type { Case, Micro } from './suite.js'

const ENTRIES = 20_000
const FILE_NUMBER = 1
const AMPLE_BYTES = 64 << 20
/** Two blocks: nearly every random read misses. */
const SCANT_BYTES = 12 << 10

export const table: Micro = { about: `a table of ${ENTRIES} entries of 16 + 100 bytes, not compressed, memory file system`, cases }

async function cases(): Promise<Case[]> {
  const hash32 = await loadHash32()
  const { keys, absent, value, order } = makeEntries(ENTRIES)
  const build = (file: FileHandle): number => {
    const builder = new TableBuilder({ file, fileNumber: FILE_NUMBER, hash32 })
    for (let i = 0; i < ENTRIES; i++) builder.add(keys[i], 0, keys[i].length, value, 0, value.length, i + 1, KIND_PUT)
    return builder.finish().fileBytes
  }
  const fileSystem = new MemoryFileSystem()
  const file = fileSystem.create('table')
  build(file)
  const open = (cacheBytes: number): Table =>
    Table.open({ file, fileNumber: FILE_NUMBER, hash32, cache: new Cache(cacheBytes), counters: newReadCounts() })
  const cached = open(AMPLE_BYTES)
  const uncached = open(SCANT_BYTES)
  const rebuild = (): number => {
    const scratch = fileSystem.create('scratch')
    const bytes = build(scratch)
    scratch.close()
    fileSystem.remove('scratch')
    return bytes
  }
  const hit = new TableHit()
  const get = (from: Table, wanted: readonly Uint8Array[]): number => {
    let sum = 0
    for (const number of order) {
      const key = wanted[number]
      if (from.get(key, keyHash(hash32, key), MAX_SEQUENCE, hit)) sum += hit.value.end
    }
    return sum
  }
  const scan = (): number => {
    const cursor = cached.cursor()
    let sum = 0
    for (let more = cursor.first(); more; more = cursor.next()) sum += cursor.value.end
    cursor.close()
    return sum
  }
  return [
    { name: 'build, an entry', operations: ENTRIES, run: rebuild },
    { name: 'get, block in the cache', operations: ENTRIES, run: () => get(cached, keys) },
    { name: 'get, absent (the filter answers)', operations: ENTRIES, run: () => get(cached, absent) },
    { name: 'get, block read and verified', operations: ENTRIES, run: () => get(uncached, keys) },
    { name: 'cursor step, blocks in the cache', operations: ENTRIES, run: scan },
  ]
}
