import { EMPTY } from '../codec/entry.js'
import { Cell, type SortedBlock } from '../codec/sorted-block.js'
import { SortedBlockBuilder } from '../codec/sorted-block-builder.js'
import { encodeUtf8, readUtf8 } from '../codec/text.js'
import { MAX_VARINT_BYTES, VarintReader, writeVarint } from '../codec/varint.js'

/** What a table records about itself. All sizes in bytes. */
export interface TableProperties {
  /** Point entries: puts and deletes, every version counted. */
  readonly entries: number
  /** Deletes among the entries. */
  readonly pointTombstones: number
  readonly rangeTombstones: number
  /** User keys of the entries, before any encoding. */
  readonly rawKeyBytes: number
  /** Values of the entries, before any encoding. */
  readonly rawValueBytes: number
  /** Bounds of the user keys, the extents of range tombstones included; both inclusive. */
  readonly smallest: Uint8Array
  readonly largest: Uint8Array
  readonly minSequence: number
  readonly maxSequence: number
  /** Data blocks, and their size in the file with trailers. */
  readonly blocks: number
  readonly dataBytes: number
  /** Size of the filter and index block in the file with trailers; 0 for no filter. */
  readonly filterBytes: number
  readonly indexBytes: number
  readonly fileBytes: number
}

/** The properties in the properties block; the file's size is left to the file. Names are stored: never change one. */
const NUMBERS = {
  blocks: 'blocks',
  dataBytes: 'data-bytes',
  entries: 'entries',
  filterBytes: 'filter-bytes',
  indexBytes: 'index-bytes',
  maxSequence: 'max-sequence',
  minSequence: 'min-sequence',
  pointTombstones: 'point-tombstones',
  rangeTombstones: 'range-tombstones',
  rawKeyBytes: 'raw-key-bytes',
  rawValueBytes: 'raw-value-bytes',
} as const satisfies Partial<Record<keyof TableProperties, string>>

const KEYS = { largest: 'largest', smallest: 'smallest' } as const

/** A sorted block from ASCII names to varints and keys. */
export function encodeProperties(properties: Omit<TableProperties, 'fileBytes'>): Uint8Array {
  const rows: [name: string, payload: Uint8Array][] = []
  for (const [field, name] of Object.entries(NUMBERS) as [keyof typeof NUMBERS, string][]) {
    const payload = new Uint8Array(MAX_VARINT_BYTES)
    rows.push([name, payload.subarray(0, writeVarint(payload, 0, properties[field]))])
  }
  for (const [field, name] of Object.entries(KEYS) as [keyof typeof KEYS, string][]) rows.push([name, properties[field]])
  rows.sort(([a], [b]) => (a < b ? -1 : 1))
  const builder = new SortedBlockBuilder()
  for (const [name, payload] of rows) {
    const key = encodeUtf8(name)
    builder.add(key, 0, key.length, EMPTY, 0, payload, 0, payload.length)
  }
  const block = new Uint8Array(builder.estimatedBytes)
  return block.subarray(0, builder.finish(block, 0))
}

/** Unknown names are ignored, so that a later kvarium can add some. */
export function decodeProperties(block: SortedBlock, fileBytes: number): TableProperties {
  const payloads = new Map<string, Uint8Array>()
  const cell = new Cell()
  for (let i = 0; i < block.count; i++) {
    block.readCell(i, cell)
    const key = block.keyAt(i)
    payloads.set(readUtf8(key, 0, key.length), block.bytes.slice(cell.payloadStart, cell.payloadEnd))
  }
  const payload = (name: string): Uint8Array => {
    const found = payloads.get(name)
    if (found === undefined) throw block.corruption(`the properties lack ${name}`)
    return found
  }
  const number = (name: string): number => {
    try {
      return new VarintReader(payload(name)).read()
    } catch (cause) {
      throw block.corruption(`the property ${name} is damaged`, cause)
    }
  }
  return {
    entries: number(NUMBERS.entries),
    pointTombstones: number(NUMBERS.pointTombstones),
    rangeTombstones: number(NUMBERS.rangeTombstones),
    rawKeyBytes: number(NUMBERS.rawKeyBytes),
    rawValueBytes: number(NUMBERS.rawValueBytes),
    smallest: payload(KEYS.smallest),
    largest: payload(KEYS.largest),
    minSequence: number(NUMBERS.minSequence),
    maxSequence: number(NUMBERS.maxSequence),
    blocks: number(NUMBERS.blocks),
    dataBytes: number(NUMBERS.dataBytes),
    filterBytes: number(NUMBERS.filterBytes),
    indexBytes: number(NUMBERS.indexBytes),
    fileBytes,
  }
}
