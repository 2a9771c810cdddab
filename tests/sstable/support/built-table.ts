import { Cache } from '../../../src/cache/cache.js'
import { loadHash32 } from '../../../src/codec/checksum.js'
import { compareKeys, KIND_DELETE, KIND_PUT, type EntryCursor, type EntryKind } from '../../../src/codec/entry.js'
import { newReadCounts } from '../../../src/trace/ledger.js'
import type { TableProperties } from '../../../src/sstable/properties.js'
import type { RangeTombstone } from '../../../src/sstable/range-tombstone.js'
import { TableBuilder, type TableBuilderOptions } from '../../../src/sstable/table-builder.js'
import { Table, type TableOptions } from '../../../src/sstable/table.js'
import { MemoryFileSystem } from '../../../src/vfs/memory/memory-file-system.js'

export const hash32 = await loadHash32()

export interface Entry {
  readonly key: Uint8Array
  readonly sequence: number
  readonly kind: EntryKind
  readonly value: Uint8Array
}

export const FILE_NUMBER = 7

export function put(key: Uint8Array | string, sequence: number, value: Uint8Array | string = ''): Entry {
  return { key: bytesOf(key), sequence, kind: KIND_PUT, value: bytesOf(value) }
}

export function del(key: Uint8Array | string, sequence: number): Entry {
  return { key: bytesOf(key), sequence, kind: KIND_DELETE, value: new Uint8Array(0) }
}

export function bytesOf(text: Uint8Array | string): Uint8Array {
  return typeof text === 'string' ? new TextEncoder().encode(text) : text
}

/** Internal order: key ascending, newest first. */
export function compareEntries(a: Entry, b: Entry): number {
  return compareKeys(a.key, b.key) || b.sequence - a.sequence
}

export interface Built {
  readonly image: Uint8Array
  readonly properties: TableProperties
}

/** The bytes of a table with these entries, which must be in order. */
export function buildTable(
  entries: readonly Entry[],
  options: Partial<TableBuilderOptions> = {},
  tombstones: readonly RangeTombstone[] = [],
): Built {
  const file = new MemoryFileSystem().create('built.sst')
  const builder = new TableBuilder({ file, fileNumber: FILE_NUMBER, hash32, ...options })
  for (const { key, sequence, kind, value } of entries) builder.add(key, 0, key.length, value, 0, value.length, sequence, kind)
  for (const { first, last, sequence } of tombstones) builder.addRangeTombstone(first, last, sequence)
  const properties = builder.finish()
  const image = new Uint8Array(file.size())
  file.read(image, 0)
  return { image, properties }
}

/** Opens a table image from a file system of its own; by default with a cache that overwrites the memory it recycles. */
export function openImage(image: Uint8Array, options: Partial<TableOptions> = {}): Table {
  const file = new MemoryFileSystem().create('table.sst')
  file.write(image, 0)
  const cache = new Cache(64 * 1024, { poisonFrames: true })
  return Table.open({ file, fileNumber: FILE_NUMBER, hash32, cache, counters: newReadCounts(), ...options })
}

/** Bytes as text that is quick to compare however long they are. */
export function print(bytes: Uint8Array): string {
  if (bytes.length > 24) return `${bytes.length} bytes with hash ${hash32(bytes, 0)}`
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

export function show(entry: Entry | undefined): string {
  return entry === undefined ? 'none' : `${print(entry.key)}@${entry.sequence} kind ${entry.kind} = ${print(entry.value)}`
}

export function entryAt(cursor: EntryCursor): Entry | undefined {
  if (!cursor.valid) return undefined
  return { key: cursor.key.copy(), sequence: cursor.sequence, kind: cursor.kind, value: cursor.value.copy() }
}

/** What a full scan yields, as text. */
export function scan(table: Table): string[] {
  const cursor = table.cursor()
  const entries: string[] = []
  for (let more = cursor.first(); more; more = cursor.next()) entries.push(show(entryAt(cursor)))
  cursor.close()
  return entries
}
