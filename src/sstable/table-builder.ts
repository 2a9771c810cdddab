import type { Hash32 } from '../codec/checksum.js'
import { readExpiry } from '../codec/expiry.js'
import type { BlobPointer } from '../codec/blob-pointer.js'
import { compareKeys, EMPTY, KIND_BLOB, KIND_DELETE, KIND_DELETE_RANGE, KIND_PUT_EXPIRING, type EntryKind } from '../codec/entry.js'
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../codec/limits.js'
import { singleEntryBlockBytes, SortedBlockBuilder, writeSingleEntryBlock, writeSingleEntryHead } from '../codec/sorted-block-builder.js'
import { MisuseError } from '../errors.js'
import type { EventBodies } from '../trace/events.js'
import type { Tracer } from '../trace/span.js'
import type { PlatformCompression } from '../vfs/environment.js'
import type { FileHandle } from '../vfs/file-system.js'
import { CodecBlockBuilder, type BlockCodec } from './block-codec.js'
import { BlockCompressor } from './block-compression.js'
import type { CompressionName } from './compression-name.js'
import { BlockWriter } from './block-writer.js'
import { describeFilter, encodeFilter, KEY_HASH_SEED } from './bloom-filter.js'
import { MAX_TAG_BYTES, writeTag } from './entry-tag.js'
import {
  BLOB_FORMAT_VERSION,
  encodeFooter,
  EXPIRING_FORMAT_VERSION,
  FOOTER_BYTES,
  FORMAT_VERSION,
  MAX_HANDLE_BYTES,
  noHandle,
  TRAILER_BYTES,
  writeHandle,
  type BlockHandle,
} from './format.js'
import { encodeProperties, type TableProperties } from './properties.js'
import type { RangeTombstone } from './range-tombstone.js'
import { encodeCustomFilter, type TableFilter } from './table-filter.js'
import { ExpirySample } from '../codec/expiry-sample.js'

/** An entry with a value or a key this large gets a block of its own, formed without a copy in scratch memory. */
const LARGE_BYTES = 64 * 1024

/** A longer value may be added in slices. */
export const SLICED_VALUE_BYTES = 1 << 20

type BlockKind = EventBodies['table.block']['kind']

export interface TableBuilderOptions extends PlatformCompression {
  /** A new, empty file. The builder writes it; the caller syncs and closes it. */
  readonly file: FileHandle
  /** Part of every checksum: a table opens only under its own number. */
  readonly fileNumber: number
  readonly hash32: Hash32
  /** Target size of a data block in bytes, trailer included; default 4096. An entry is never split: a larger one makes a larger block. */
  readonly blockBytes?: number
  /** Size of the bloom filter; default 10, which lets 0.8 % of absent keys pass. 0 means no filter. */
  readonly filterBitsPerKey?: number
  /** A filter instead of the built-in one. The table can only be opened with it. */
  readonly filter?: TableFilter | undefined
  /** How data blocks are compressed that shrink by an eighth or more; default `'none'`. The codec must be available. */
  readonly compression?: CompressionName | undefined
  /** Writes the data blocks instead of the built-in builder. */
  readonly blockCodec?: BlockCodec | undefined
  /** Gets the events of blocks and of the filter. */
  readonly trace?: Tracer | null
}

type Bounds = Pick<TableProperties, 'smallest' | 'largest'>

/**
 * Writes one table: entries are added in order, and `finish` completes the file.
 *
 * Invariants:
 * 1. Entries are added in internal order: key ascending, then sequence number descending; anything else is a `MisuseError`.
 * 2. An index key is at least the last key of its block and less than the first key of the next one, unless versions of one key
 *    go on in the next block: then it is that key. So the first index key that is not less than a key leads to its newest version.
 * 3. Each user key enters the filter once, however many versions it has.
 * 4. Nothing is allocated per entry once scratch memory has grown to size.
 */
export class TableBuilder {
  // Separate fields, not one object of options: such objects differ in hidden class, and every table would deoptimise the builder.
  readonly #hash32: Hash32
  readonly #fileNumber: number
  readonly #blockBytes: number
  readonly #filterBitsPerKey: number
  readonly #filter: TableFilter | undefined
  readonly #writer: BlockWriter
  readonly #trace: Tracer | null
  readonly #block: SortedBlockBuilder
  readonly #index = new SortedBlockBuilder()
  readonly #tag = new Uint8Array(MAX_TAG_BYTES)
  readonly #handle = noHandle()
  readonly #handleBytes = new Uint8Array(MAX_HANDLE_BYTES)
  readonly #rangeTombstones: RangeTombstone[] = []
  #rangeTombstoneBytes = 0
  #finished = false

  /** The newest entry's key, as bytes of `#lastKey` and as a view of exactly its length for the hash. */
  #lastKey = new Uint8Array(256)
  #lastKeyView = this.#lastKey.subarray(0, 0)
  #lastSequence = 0
  #separator = new Uint8Array(256)
  /** A block has been written, but its index key waits for the next block's first key. */
  #indexPending = false

  #hashes = new Uint32Array(1024)
  #keys = 0

  #entries = 0
  #pointTombstones = 0
  #expiries: ExpirySample | undefined
  /** By number of a blob file, bytes of the values in it. */
  #blobs: Map<number, number> | undefined
  #rawKeyBytes = 0
  #rawValueBytes = 0
  #minSequence = Number.MAX_SAFE_INTEGER
  #maxSequence = 0
  #smallest: Uint8Array | undefined
  #blocks = 0

  constructor(options: TableBuilderOptions) {
    this.#hash32 = options.hash32
    this.#fileNumber = options.fileNumber
    this.#blockBytes = options.blockBytes ?? 4096
    this.#filterBitsPerKey = options.filterBitsPerKey ?? 10
    this.#filter = options.filter
    const { compression = 'none' } = options
    const compressor = compression === 'none' ? undefined : new BlockCompressor(compression, options)
    this.#writer = new BlockWriter(options.file, options.fileNumber, options.hash32, compressor)
    this.#block = options.blockCodec === undefined ? new SortedBlockBuilder() : new CodecBlockBuilder(options.blockCodec)
    this.#trace = options.trace?.at('step') ?? null
  }

  /** Point entries added so far. */
  get entryCount(): number {
    return this.#entries
  }

  /** About when half of the entries will have expired, in milliseconds since the Unix epoch; `undefined` if fewer expire. */
  get halfExpiredAt(): number | undefined {
    return this.#expiries?.halfOf(this.#entries)
  }

  /** Numbers of the blob files that have values of the table, and the bytes of those; `undefined` if there are none. */
  get blobs(): readonly (readonly [file: number, bytes: number])[] | undefined {
    return this.#blobs && [...this.#blobs].sort(([a], [b]) => a - b)
  }

  /** Bytes by which the file would be larger without compression. */
  get savedBytes(): number {
    return this.#writer.savedBytes
  }

  /** Approximate size of the file in bytes if it were finished now. */
  get estimatedBytes(): number {
    const filterBytes = (this.#keys * this.#filterBitsPerKey) / 8
    return this.#writer.position + this.#block.estimatedBytes + this.#index.estimatedBytes + filterBytes + this.#rangeTombstoneBytes
  }

  /** Adds the entry with user key `key[keyStart, keyEnd)` and `value[valueStart, valueEnd)`; both are copied. */
  add(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    sequence: number,
    kind: EntryKind,
  ): void {
    if (kind === KIND_DELETE_RANGE) throw new MisuseError('LEVEL_INVALID_KIND', 'Range tombstones go to addRangeTombstone')
    this.#add(key, keyStart, keyEnd, value, valueStart, valueEnd, sequence, kind, valueEnd - valueStart)
    if (kind === KIND_PUT_EXPIRING) this.#noteExpiry(readExpiry(value, valueStart))
  }

  /** Adds an entry whose value lies in a blob file. `stored[start, end)` is the pointer as it is stored. */
  addPointer(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    stored: Uint8Array,
    start: number,
    end: number,
    sequence: number,
    { file, length, expiry }: BlobPointer,
  ): void {
    this.#add(key, keyStart, keyEnd, stored, start, end, sequence, KIND_BLOB, length)
    if (expiry !== undefined) this.#noteExpiry(expiry)
    this.#blobs ??= new Map()
    this.#blobs.set(file, (this.#blobs.get(file) ?? 0) + length)
  }

  #add(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    sequence: number,
    kind: EntryKind,
    rawValueBytes: number,
  ): void {
    const keyLength = keyEnd - keyStart
    const valueLength = valueEnd - valueStart
    const large = valueLength >= LARGE_BYTES || keyLength > LARGE_BYTES
    const tagEnd = this.#enter(key, keyStart, keyEnd, valueLength, sequence, kind, large)
    if (large) this.#addLarge(key, keyStart, keyEnd, tagEnd, value, valueStart, valueEnd)
    else this.#block.add(key, keyStart, keyEnd, this.#tag, tagEnd, value, valueStart, valueEnd)
    this.#entered(keyLength, rawValueBytes, sequence, kind)
  }

  /**
   * `add` of an entry with a value of more than `SLICED_VALUE_BYTES`: yields after each MiB. The caller runs it to its end before any other
   * call, and leaves key and value as they are until then. A block that is compressed or made by a codec is one slice.
   */
  *addInSlices(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    sequence: number,
    kind: EntryKind,
  ): Generator<void, void> {
    if (kind === KIND_DELETE_RANGE) throw new MisuseError('LEVEL_INVALID_KIND', 'Range tombstones go to addRangeTombstone')
    const keyLength = keyEnd - keyStart
    const valueLength = valueEnd - valueStart
    const blockBytes = singleEntryBlockBytes(keyLength, MAX_TAG_BYTES + valueLength)
    if (this.#block instanceof CodecBlockBuilder || this.#writer.compresses(blockBytes)) {
      this.add(key, keyStart, keyEnd, value, valueStart, valueEnd, sequence, kind)
      return
    }
    const tagEnd = this.#enter(key, keyStart, keyEnd, valueLength, sequence, kind, true)
    const head = new Uint8Array(singleEntryBlockBytes(keyLength, tagEnd + valueLength) - valueLength)
    writeSingleEntryHead(head, 0, key, keyStart, keyEnd, this.#tag, tagEnd, valueLength)
    yield* this.#writer.commitInSlices(head, value, valueStart, valueEnd, this.#handle)
    this.#blockEnded(1)
    if (kind === KIND_PUT_EXPIRING) this.#noteExpiry(readExpiry(value, valueStart))
    this.#entered(keyLength, valueLength, sequence, kind)
  }

  /** Adds a tombstone for all older entries with keys from `first` to `last`, both included. Tombstones may come in any order, at any time before `finish`. */
  addRangeTombstone(first: Uint8Array, last: Uint8Array, sequence: number): void {
    this.#checkSizes(first.length, 0)
    this.#checkSizes(last.length, 0)
    if (compareKeys(first, last) > 0) throw new MisuseError('LEVEL_INVALID_RANGE', 'A range tombstone ends before it starts')
    this.#rangeTombstones.push({ first: new Uint8Array(first), last: new Uint8Array(last), sequence })
    this.#rangeTombstoneBytes += first.length + last.length + 20
    this.#noteSequence(sequence)
  }

  /**
   * Writes what is left and the footer. The file is then complete, but neither synced nor closed. `boundsOf` may put wider bounds in the
   * place of the exact ones.
   */
  finish(boundsOf: (exact: Bounds) => Bounds = exact => exact): TableProperties {
    if (this.#finished) throw new MisuseError('LEVEL_TABLE_FINISHED', 'This table is finished: nothing can be added')
    if (this.#entries === 0 && this.#rangeTombstones.length === 0) {
      throw new MisuseError('LEVEL_EMPTY_TABLE', 'A table needs at least one entry or range tombstone: remove the file instead')
    }
    this.#finished = true
    if (this.#block.count > 0) this.#finishBlock()
    const { smallest, largest } = boundsOf(this.#bounds())
    if (this.#indexPending) {
      const last = this.#rangeTombstones.length === 0 ? largest : this.#lastKeyView
      this.#roomySeparator(last.length).set(last)
      this.#addToIndex(last.length)
    }
    const dataBytes = this.#writer.position
    const ranges = this.#writeRangeTombstones()
    const filter = this.#writeFilter()
    const index = this.#writeBuilt('index', this.#index)
    const properties = {
      entries: this.#entries,
      pointTombstones: this.#pointTombstones,
      rangeTombstones: this.#rangeTombstones.length,
      rawKeyBytes: this.#rawKeyBytes,
      rawValueBytes: this.#rawValueBytes,
      smallest,
      largest,
      minSequence: this.#minSequence,
      maxSequence: this.#maxSequence,
      blocks: this.#blocks,
      dataBytes,
      filterBytes: filter.bytes === 0 ? 0 : filter.bytes + TRAILER_BYTES,
      indexBytes: index.bytes + TRAILER_BYTES,
    }
    const footer = { ranges, filter, index, properties: this.#writeBlock('properties', encodeProperties(properties)) }
    const footerOffset = this.#writer.position
    const oldest = this.#expiries !== undefined ? EXPIRING_FORMAT_VERSION : FORMAT_VERSION
    const version = this.#blobs !== undefined ? BLOB_FORMAT_VERSION : oldest
    this.#writer.append(encodeFooter(footer, this.#hash32, this.#fileNumber, footerOffset, version))
    if (this.#trace !== null) this.#emitBlock(this.#trace, 'footer', footerOffset, FOOTER_BYTES, 0)
    this.#writer.flush()
    return { ...properties, fileBytes: this.#writer.position }
  }

  /** Checks the order and the sizes of an entry, ends the block before it if that is due, and writes its tag, whose end it returns. */
  #enter(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueLength: number,
    sequence: number,
    kind: EntryKind,
    large: boolean,
  ): number {
    const keyLength = keyEnd - keyStart
    this.#checkSizes(keyLength, valueLength)
    // One comparison with the key before checks the order and finds the bytes that need no copying.
    const shared = this.#sharedWithLast(key, keyStart, keyLength)
    const repeated = shared === keyLength && keyLength === this.#lastKeyView.length && this.#entries > 0
    if (repeated ? sequence >= this.#lastSequence : !this.#ascends(key, keyStart, keyLength, shared)) throw misordered()
    const tagEnd = writeTag(this.#tag, 0, sequence, kind)
    if (this.#block.count > 0 && (large || this.#overfills(keyLength, tagEnd + valueLength))) this.#finishBlock()
    if (this.#indexPending)
      this.#addToIndex(writeSeparator(this.#roomySeparator(keyLength), this.#lastKey, this.#lastKeyView.length, key, keyStart, keyEnd))
    if (!repeated) this.#newKey(key, keyStart, keyEnd, shared)
    return tagEnd
  }

  #entered(keyLength: number, rawValueBytes: number, sequence: number, kind: EntryKind): void {
    this.#lastSequence = sequence
    this.#entries++
    if (kind === KIND_DELETE) this.#pointTombstones++
    this.#rawKeyBytes += keyLength
    this.#rawValueBytes += rawValueBytes
    this.#noteSequence(sequence)
  }

  #noteExpiry(expiry: number): void {
    this.#expiries ??= new ExpirySample()
    this.#expiries.note(expiry)
  }

  #overfills(keyLength: number, payloadLength: number): boolean {
    return this.#block.estimateWith(keyLength, payloadLength) + TRAILER_BYTES > this.#blockBytes
  }

  #checkSizes(keyLength: number, valueLength: number): void {
    if (this.#finished) throw new MisuseError('LEVEL_TABLE_FINISHED', 'This table is finished: nothing can be added')
    if (keyLength > MAX_KEY_BYTES) {
      throw new MisuseError('LEVEL_KEY_TOO_LONG', `A key of ${keyLength} bytes is too long: the limit is ${MAX_KEY_BYTES}`)
    }
    if (valueLength > MAX_VALUE_BYTES) {
      throw new MisuseError('LEVEL_VALUE_TOO_LONG', `A value of ${valueLength} bytes is too long: the limit is ${MAX_VALUE_BYTES}`)
    }
  }

  #noteSequence(sequence: number): void {
    if (sequence < this.#minSequence) this.#minSequence = sequence
    if (sequence > this.#maxSequence) this.#maxSequence = sequence
  }

  /** How many bytes the key has in common with the newest entry's. */
  #sharedWithLast(key: Uint8Array, start: number, length: number): number {
    const last = this.#lastKey
    const limit = length < this.#lastKeyView.length ? length : this.#lastKeyView.length
    let shared = 0
    while (shared < limit && last[shared] === key[start + shared]) shared++
    return shared
  }

  /** Whether a key that is not the newest entry's, but has its first `shared` bytes, may follow it. */
  #ascends(key: Uint8Array, start: number, length: number, shared: number): boolean {
    if (this.#entries === 0 || shared === this.#lastKeyView.length) return true
    return shared < length && key[start + shared] > this.#lastKey[shared]
  }

  #newKey(key: Uint8Array, start: number, end: number, shared: number): void {
    const length = end - start
    if (length > this.#lastKey.length) {
      this.#lastKey = new Uint8Array(Math.max(length, this.#lastKey.length * 2))
      this.#lastKeyView = this.#lastKey.subarray(0, length)
      shared = 0
    } else if (length !== this.#lastKeyView.length) {
      this.#lastKeyView = this.#lastKey.subarray(0, length)
    }
    if (length - shared > 64) this.#lastKey.set(key.subarray(start + shared, end), shared)
    else for (let i = shared; i < length; i++) this.#lastKey[i] = key[start + i]!
    this.#smallest ??= this.#lastKeyView.slice()
    if (this.#filterBitsPerKey > 0) this.#collectHash()
  }

  #collectHash(): void {
    if (this.#keys === this.#hashes.length) {
      const grown = new Uint32Array(this.#keys * 2)
      grown.set(this.#hashes)
      this.#hashes = grown
    }
    this.#hashes[this.#keys++] = this.#hash32(this.#lastKeyView, KEY_HASH_SEED)
  }

  #addLarge(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    tagEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    if (this.#block instanceof CodecBlockBuilder) {
      this.#block.add(key, keyStart, keyEnd, this.#tag, tagEnd, value, valueStart, valueEnd)
      this.#finishBlock()
      return
    }
    const writer = this.#writer
    writer.makeRoom(singleEntryBlockBytes(keyEnd - keyStart, tagEnd + valueEnd - valueStart))
    this.#commit(writeSingleEntryBlock(writer.buffer, writer.at, key, keyStart, keyEnd, this.#tag, tagEnd, value, valueStart, valueEnd), 1)
  }

  #finishBlock(): void {
    const writer = this.#writer
    writer.makeRoom(this.#block.estimatedBytes)
    const entries = this.#block.count
    this.#commit(this.#block.finish(writer.buffer, writer.at), entries)
  }

  #commit(end: number, entries: number): void {
    this.#writer.commit(end, true, this.#handle)
    this.#blockEnded(entries)
  }

  #blockEnded(entries: number): void {
    const handle = this.#handle
    if (this.#trace !== null) this.#emitBlock(this.#trace, 'data', handle.offset, handle.bytes + TRAILER_BYTES, entries)
    this.#blocks++
    this.#indexPending = true
  }

  #roomySeparator(otherLength: number): Uint8Array {
    const needed = Math.max(this.#lastKeyView.length, otherLength)
    if (needed > this.#separator.length) this.#separator = new Uint8Array(needed)
    return this.#separator
  }

  #addToIndex(separatorLength: number): void {
    const end = writeHandle(this.#handleBytes, 0, this.#handle)
    this.#index.add(this.#separator, 0, separatorLength, EMPTY, 0, this.#handleBytes, 0, end)
    this.#indexPending = false
  }

  #writeRangeTombstones(): BlockHandle {
    if (this.#rangeTombstones.length === 0) return noHandle()
    const builder = new SortedBlockBuilder()
    this.#rangeTombstones.sort((a, b) => compareKeys(a.first, b.first) || b.sequence - a.sequence)
    for (const { first, last, sequence } of this.#rangeTombstones) {
      builder.add(first, 0, first.length, this.#tag, writeTag(this.#tag, 0, sequence, KIND_DELETE_RANGE), last, 0, last.length)
    }
    return this.#writeBuilt('ranges', builder)
  }

  #writeFilter(): BlockHandle {
    if (this.#keys === 0) return noHandle()
    const block =
      this.#filter === undefined
        ? encodeFilter(this.#hashes, this.#keys, this.#filterBitsPerKey)
        : encodeCustomFilter(this.#filter, this.#hashes.slice(0, this.#keys), this.#filterBitsPerKey)
    const handle = this.#writeBlock('filter', block)
    this.#trace?.emit({ type: 'table.filter', file: this.#fileNumber, ...describeFilter(block), keys: this.#keys })
    return handle
  }

  #writeBuilt(kind: BlockKind, builder: SortedBlockBuilder): BlockHandle {
    const handle = noHandle()
    const entries = builder.count
    this.#writer.makeRoom(builder.estimatedBytes)
    this.#writer.commit(builder.finish(this.#writer.buffer, this.#writer.at), false, handle)
    if (this.#trace !== null) this.#emitBlock(this.#trace, kind, handle.offset, handle.bytes + TRAILER_BYTES, entries)
    return handle
  }

  #emitBlock(trace: Tracer, kind: BlockKind, offset: number, length: number, entries: number): void {
    trace.emit({ type: 'table.block', file: this.#fileNumber, kind, offset, length, entries })
  }

  #writeBlock(kind: BlockKind, contents: Uint8Array): BlockHandle {
    const handle = noHandle()
    this.#writer.makeRoom(contents.length)
    this.#writer.buffer.set(contents, this.#writer.at)
    this.#writer.commit(this.#writer.at + contents.length, false, handle)
    if (this.#trace !== null) this.#emitBlock(this.#trace, kind, handle.offset, handle.bytes + TRAILER_BYTES, 0)
    return handle
  }

  #bounds(): Bounds {
    let smallest = this.#smallest
    let largest: Uint8Array | undefined = smallest === undefined ? undefined : this.#lastKeyView.slice()
    for (const { first, last } of this.#rangeTombstones) {
      if (smallest === undefined || compareKeys(first, smallest) < 0) smallest = first
      if (largest === undefined || compareKeys(last, largest) > 0) largest = last
    }
    return { smallest: smallest ?? EMPTY, largest: largest ?? EMPTY }
  }
}

function misordered(): MisuseError {
  return new MisuseError('LEVEL_MISORDERED_ENTRY', 'Entries must be added by key ascending, then by sequence number descending')
}

/**
 * Writes into `target` a short key that is at least `last[0, lastLength)` and less than `next[start, end)`, for two keys
 * that ascend; if they are equal, the key itself. Returns its length. `target` must have room for the longer key.
 */
function writeSeparator(target: Uint8Array, last: Uint8Array, lastLength: number, next: Uint8Array, start: number, end: number): number {
  const nextLength = end - start
  const limit = lastLength < nextLength ? lastLength : nextLength
  let shared = 0
  while (shared < limit && last[shared] === next[start + shared]) shared++
  if (shared < limit) {
    const above = last[shared] + 1
    if (above < next[start + shared]) {
      // One byte between the two: nothing shorter than shared + 1 bytes can separate them.
      target.set(last.subarray(0, shared))
      target[shared] = above
      return shared + 1
    }
    if (shared + 1 < nextLength) {
      // The next key up to the differing byte is a proper prefix of it, so it sorts before it.
      target.set(next.subarray(start, start + shared + 1))
      return shared + 1
    }
  }
  target.set(last.subarray(0, lastLength))
  return lastLength
}
