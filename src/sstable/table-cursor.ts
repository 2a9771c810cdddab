import { ByteView, compareBytes, KIND_BLOB, KIND_PUT, MAX_SEQUENCE, type EntryCursor, type EntryKind } from '../codec/entry.js'
import { LEAST_BLOB_BYTES } from '../codec/blob-pointer.js'
import { Cell, type SortedBlock } from '../codec/sorted-block.js'
import type { ReadCounts } from '../trace/ledger.js'
import { Chunk, type BlockSource } from './block-source.js'
import type { CachedBlock } from './cached-block.js'
import { EntryTag, readTag } from './entry-tag.js'

export interface TableCursorOptions {
  /** Whether blocks read from the file are put in the cache; default true, `false` for scans that would only flush it. */
  readonly fillCache?: boolean
  /** Read the file in private pieces of this many bytes and leave the cache alone: for compaction. Meant for moving forward. */
  readonly readAheadBytes?: number
  /** Counters to use instead of the table's. */
  readonly counters?: ReadCounts
}

/**
 * Walks a table in both directions: the index by block number, the entries of one block at a time.
 *
 * Invariants:
 * 1. The block under the cursor is pinned, or private to the cursor: its memory is not reused until the cursor leaves it.
 * 2. A key to seek must not lie in the cursor's own `key` or `value` memory: that changes while it moves.
 * 3. `key` is assembled in memory of the cursor: the block's prefix once, then each entry's suffix. `value` points into the block.
 */
export class TableCursor implements EntryCursor {
  valid = false
  readonly key = new ByteView()
  readonly value = new ByteView()
  sequence = 0
  kind: EntryKind = KIND_PUT
  readonly #source: BlockSource
  readonly #blockCount: number
  readonly #counters: ReadCounts
  readonly #private: boolean
  readonly #readAheadBytes: number
  readonly #chunk = new Chunk()
  readonly #cell = new Cell()
  readonly #tag = new EntryTag()
  #keyBytes = new Uint8Array(128)
  #pinned: CachedBlock | undefined
  #block: SortedBlock | undefined
  #ordinal = -1
  #position = 0

  constructor(source: BlockSource, options: TableCursorOptions, counters: ReadCounts) {
    this.#source = source
    this.#blockCount = source.index.count
    this.#counters = options.counters ?? counters
    this.#readAheadBytes = options.readAheadBytes ?? 0
    this.#private = this.#readAheadBytes > 0 || options.fillCache === false
  }

  first(): boolean {
    return this.#enterForwards(0)
  }

  last(): boolean {
    return this.#enterBackwards(this.#blockCount - 1)
  }

  seek(key: Uint8Array, sequence = MAX_SEQUENCE): boolean {
    const length = key.length
    const ordinal = this.#source.index.lowerBound(key, 0, length)
    if (ordinal === this.#blockCount) return this.#leave()
    const block = this.#enter(ordinal)
    const position = block.lowerBound(key, 0, length)
    if (!(position < block.count ? this.#moveTo(block, position) : this.#enterForwards(ordinal + 1))) return false
    while (this.sequence > sequence) {
      if (compareBytes(this.key.bytes, this.key.start, this.key.end, key, 0, length) !== 0) break
      if (!this.next()) return false
    }
    return true
  }

  seekBefore(key: Uint8Array): boolean {
    const ordinal = this.#source.index.lowerBound(key, 0, key.length)
    if (ordinal === this.#blockCount) return this.last()
    const block = this.#enter(ordinal)
    const position = block.lowerBound(key, 0, key.length) - 1
    return position >= 0 ? this.#moveTo(block, position) : this.#enterBackwards(ordinal - 1)
  }

  next(): boolean {
    const block = this.#block!
    const position = this.#position + 1
    return position < block.count ? this.#moveTo(block, position) : this.#enterForwards(this.#ordinal + 1)
  }

  prev(): boolean {
    return this.#position > 0 ? this.#moveTo(this.#block!, this.#position - 1) : this.#enterBackwards(this.#ordinal - 1)
  }

  close(): void {
    this.#leave()
  }

  #enterForwards(ordinal: number): boolean {
    if (ordinal >= this.#blockCount) return this.#leave()
    this.#readAhead(ordinal, 1)
    return this.#moveTo(this.#enter(ordinal), 0)
  }

  #enterBackwards(ordinal: number): boolean {
    if (ordinal < 0) return this.#leave()
    this.#readAhead(ordinal, -1)
    const block = this.#enter(ordinal)
    return this.#moveTo(block, block.count - 1)
  }

  #readAhead(ordinal: number, by: 1 | -1): void {
    if (!this.#private && ordinal !== this.#ordinal) this.#source.readAhead(ordinal, by, this.#counters)
  }

  /** Makes block `ordinal` the current one, with its prefix in the key buffer. */
  #enter(ordinal: number): SortedBlock {
    if (ordinal === this.#ordinal) return this.#block!
    this.#leave()
    const block = this.#load(ordinal)
    if (block.count === 0) throw block.corruption('a data block holds no entries')
    const prefixLength = block.prefixLength
    if (this.#keyBytes.length < prefixLength) this.#keyBytes = new Uint8Array(prefixLength * 2)
    const bytes = block.bytes
    const prefixStart = block.prefixStart
    if (prefixLength > 64) this.#keyBytes.set(bytes.subarray(prefixStart, prefixStart + prefixLength))
    else for (let i = 0; i < prefixLength; i++) this.#keyBytes[i] = bytes[prefixStart + i]!
    this.#block = block
    this.#ordinal = ordinal
    this.value.bytes = bytes
    this.key.bytes = this.#keyBytes
    return block
  }

  #load(ordinal: number): SortedBlock {
    if (this.#private && this.#source.blocks[ordinal] === undefined) {
      return this.#source.loadFromChunk(ordinal, this.#chunk, this.#readAheadBytes, this.#counters)
    }
    const cached = this.#source.load(ordinal, this.#counters)
    cached.pin()
    this.#pinned = cached
    return cached.block
  }

  /** Fills in the entry at `position` of `block`, the current one. */
  #moveTo(block: SortedBlock, position: number): boolean {
    const cell = this.#cell
    const tag = this.#tag
    block.readCell(position, cell)
    readTag(block, cell, tag)
    if (tag.kind === KIND_BLOB && cell.payloadEnd - tag.end < LEAST_BLOB_BYTES)
      throw block.corruption('a data block holds a range tombstone')
    const prefixLength = block.prefixLength
    const start = cell.suffixStart
    const length = cell.payloadStart - start
    if (prefixLength + length > this.#keyBytes.length) this.#growKey(prefixLength, length)
    const keyBytes = this.#keyBytes
    const bytes = block.bytes
    if (length > 64) keyBytes.set(bytes.subarray(start, start + length), prefixLength)
    else for (let i = 0; i < length; i++) keyBytes[prefixLength + i] = bytes[start + i]!
    this.key.end = prefixLength + length
    this.value.start = tag.end
    this.value.end = cell.payloadEnd
    this.sequence = tag.sequence
    this.kind = tag.kind
    this.#position = position
    this.valid = true
    return true
  }

  #growKey(prefixLength: number, suffixLength: number): void {
    const grown = new Uint8Array((prefixLength + suffixLength) * 2)
    grown.set(this.#keyBytes.subarray(0, prefixLength))
    this.#keyBytes = grown
    this.key.bytes = grown
  }

  /** Leaves the table: releases the block. */
  #leave(): false {
    this.valid = false
    this.#ordinal = -1
    this.#block = undefined
    if (this.#pinned !== undefined) {
      const pinned = this.#pinned
      this.#pinned = undefined
      pinned.unpin()
    }
    return false
  }
}
