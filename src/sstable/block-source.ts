import type { Cache } from '../cache/cache.js'
import { NO_PLACE, type SlabList } from '../cache/slab-list.js'
import type { Hash32 } from '../codec/checksum.js'
import { Cell, SortedBlock } from '../codec/sorted-block.js'
import { VarintReader } from '../codec/varint.js'
import { CorruptionError } from '../errors.js'
import type { ReadCounts } from '../trace/ledger.js'
import type { Tracer } from '../trace/span.js'
import type { PlatformCompression } from '../vfs/environment.js'
import type { Extent, FileHandle } from '../vfs/file-system.js'
import { CodecBlock, type BlockCodec } from './block-codec.js'
import { decompressBlock } from './block-compression.js'
import { CachedBlock, type BlockTable } from './cached-block.js'
import { CODEC_NONE, noHandle, readHandle, TRAILER_BYTES, verifyTrailer, type BlockHandle } from './format.js'

/** A range of the file in memory, private to one cursor and reused as it moves on. */
export class Chunk {
  bytes = new Uint8Array(0)
  offset = 0
  end = 0
  /** The block read last, if it is compressed. */
  raw = new Uint8Array(0)
}

/** Compressed blocks are read into memory that is taken from here and put back, so that the pool keeps only frames of whole blocks. */
let spareBytes: Uint8Array | undefined = new Uint8Array(16 * 1024)
const MAX_SPARE_BYTES = 64 * 1024

/**
 * The data blocks of an open table, by number: from memory, through the cache, or in private chunks.
 *
 * Invariants:
 * 1. Every block that comes from the file has its checksum verified before anything else looks at it.
 * 2. `blocks[i]`, if set, is data block i: a block in memory is found by one array access. `places[i]` is where its memory is.
 */
export class BlockSource implements BlockTable {
  readonly blocks: (CachedBlock | undefined)[]
  readonly contents: (SortedBlock | undefined)[]
  readonly places: Int32Array
  readonly index: SortedBlock
  readonly #file: FileHandle
  readonly #fileNumber: number
  readonly #hash32: Hash32
  readonly #cache: Cache
  readonly #slabs: SlabList
  readonly #trace: Tracer | null
  readonly #compression: PlatformCompression
  readonly #dataEnd: number
  readonly #codec: BlockCodec | undefined
  readonly #cell = new Cell()
  readonly #reader = new VarintReader(new Uint8Array(0))
  readonly #handle = noHandle()

  constructor(
    file: FileHandle,
    fileNumber: number,
    hash32: Hash32,
    cache: Cache,
    compression: PlatformCompression,
    index: SortedBlock,
    dataEnd: number,
    codec?: BlockCodec,
  ) {
    this.#file = file
    this.#fileNumber = fileNumber
    this.#hash32 = hash32
    this.#cache = cache
    this.#slabs = cache.slabs.list
    this.#trace = cache.trace
    this.#compression = compression
    this.index = index
    this.#dataEnd = dataEnd
    this.#codec = codec
    this.blocks = new Array<CachedBlock | undefined>(index.count).fill(undefined)
    this.contents = new Array<SortedBlock | undefined>(index.count).fill(undefined)
    this.places = new Int32Array(index.count)
  }

  /**
   * Data block `ordinal`, cached if it fits the cache at all. The result's memory may be reused as soon as another block is
   * read through the same cache, unless it is pinned.
   */
  load(ordinal: number, counters: ReadCounts): CachedBlock {
    const found = this.blocks[ordinal]
    if (found !== undefined) {
      // Written only once: each write would move its cache line to memory and back.
      if (!found.referenced) found.referenced = true
      this.#cache.hits++
      counters.blocksFromCache++
      if (this.#trace !== null) this.#trace.emit({ type: 'cache.hit', file: this.#fileNumber, id: found.tracedId, bytes: found.bytes })
      return found
    }
    return this.#miss(ordinal, counters)
  }

  /** The contents of the block that `load` returns, on a shorter way. */
  contentsOf(ordinal: number, counters: ReadCounts): SortedBlock {
    const block = this.contents[ordinal]
    if (block === undefined || this.#trace !== null) return this.load(ordinal, counters).block
    const place = this.places[ordinal]
    if (place !== NO_PLACE) this.#slabs.touch(place)
    const entry = this.blocks[ordinal]!
    if (!entry.referenced) entry.referenced = true
    this.#cache.hits++
    counters.blocksFromCache++
    return block
  }

  /** Block `ordinal` out of the cursor's chunk, which is refilled from the file with at least `readAheadBytes` when it lacks it. */
  loadFromChunk(ordinal: number, chunk: Chunk, readAheadBytes: number, counters: ReadCounts): SortedBlock {
    const handle = this.handle(ordinal)
    const stored = handle.bytes + TRAILER_BYTES
    if (handle.offset < chunk.offset || handle.offset + stored > chunk.end) {
      const length = Math.min(Math.max(stored, readAheadBytes), this.#dataEnd - handle.offset)
      if (chunk.bytes.length < length) chunk.bytes = new Uint8Array(length)
      // If the read fails, the chunk is empty.
      chunk.offset = chunk.end = handle.offset
      this.#read(chunk.bytes, handle.offset, length)
      chunk.end = handle.offset + length
      counters.bytesFromDisk += length
    }
    counters.blocksFromDisk++
    const start = handle.offset - chunk.offset
    const bytes = chunk.bytes.subarray(start, start + stored)
    const codec = this.#verified(bytes, handle)
    if (codec === CODEC_NONE) return this.#block(bytes, handle.rawBytes, handle.offset, 0)
    if (chunk.raw.length < handle.rawBytes) chunk.raw = new Uint8Array(handle.rawBytes)
    this.#decompress(codec, bytes, ordinal, handle, chunk.raw.subarray(0, handle.rawBytes))
    return this.#block(chunk.raw, handle.rawBytes, handle.offset, 0)
  }

  /**
   * A scan reaches data block `ordinal` now, and then those behind it or, with `by` -1, before it: lets a slow disk read them ahead.
   */
  readAhead(ordinal: number, by: 1 | -1, counters: ReadCounts): void {
    if (this.blocks[ordinal] === undefined && this.#file.readsAhead === true) this.#readAhead(ordinal, by, counters)
  }

  #readAhead(ordinal: number, by: 1 | -1, counters: ReadCounts): void {
    const upcoming = (most: number): Extent[] => {
      const extents: Extent[] = []
      for (let next = ordinal, bytes = 0; next >= 0 && next < this.blocks.length && bytes < most; next += by) {
        const handle = this.handle(next)
        if (this.blocks[next] === undefined) extents.push({ position: handle.offset, length: handle.bytes + TRAILER_BYTES })
        bytes += handle.rawBytes
      }
      return extents
    }
    this.#file.readAhead?.(upcoming, unread => (counters.bytesFromDisk += unread))
  }

  /** Where data block `ordinal` is. The result is overwritten by the next call. */
  handle(ordinal: number): BlockHandle {
    this.index.readCell(ordinal, this.#cell)
    this.#reader.reset(this.index.bytes, this.#cell.payloadStart, this.#cell.payloadEnd)
    try {
      readHandle(this.#reader, this.#dataEnd, this.#handle)
    } catch (cause) {
      throw this.index.corruption(`the index entry of data block ${ordinal} is damaged`, cause)
    }
    return this.#handle
  }

  /** Removes the table's blocks from the cache. */
  dropAll(): void {
    for (const block of this.blocks) {
      if (block === undefined) continue
      this.#cache.remove(block)
      block.evict()
    }
  }

  #miss(ordinal: number, counters: ReadCounts): CachedBlock {
    const handle = this.handle(ordinal)
    this.#cache.misses++
    const stored = handle.bytes + TRAILER_BYTES
    const { slabs } = this.#cache
    // Evicting first lets the read below use an evicted frame.
    const isCompressed = handle.rawBytes !== handle.bytes
    const kept = isCompressed ? handle.rawBytes : stored
    const cachedBytes = CachedBlock.bytesFor(slabs.frameBytes(kept))
    if (this.#trace !== null) this.#trace.emit({ type: 'cache.miss', file: this.#fileNumber, id: handle.offset, bytes: cachedBytes })
    this.#cache.makeRoom(cachedBytes)
    const frame = slabs.take(kept)
    try {
      if (isCompressed) {
        this.#readCompressed(ordinal, handle, frame.bytes.subarray(frame.start, frame.start + handle.rawBytes))
      } else {
        this.#read(frame.bytes, handle.offset, stored, frame.start)
        this.#verified(frame.bytes.subarray(frame.start, frame.start + stored), handle)
      }
      counters.blocksFromDisk++
      counters.bytesFromDisk += stored
      const block = this.#block(frame.bytes, frame.start + handle.rawBytes, handle.offset, frame.start)
      const loaded = new CachedBlock(block, this.#fileNumber, this, ordinal, slabs, frame)
      if (this.#cache.insert(loaded)) {
        this.blocks[ordinal] = loaded
        this.contents[ordinal] = block
        this.places[ordinal] = frame.place
      }
      return loaded
    } catch (error) {
      slabs.give(frame)
      throw error
    }
  }

  #block(bytes: Uint8Array, end: number, offset: number, base: number): SortedBlock {
    const { path } = this.#file
    if (this.#codec !== undefined) return new CodecBlock(this.#codec, bytes, end, path, offset, base)
    return new SortedBlock(bytes, end, path, offset, base)
  }

  #read(target: Uint8Array, offset: number, length: number, start = 0): void {
    if (this.#file.read(target, offset, start, start + length) !== length) {
      throw new CorruptionError('the file ends within a block', { file: this.#file.path, offset })
    }
  }

  #readCompressed(ordinal: number, handle: BlockHandle, target: Uint8Array): void {
    const stored = handle.bytes + TRAILER_BYTES
    const memory = spareBytes !== undefined && stored <= spareBytes.length ? spareBytes : new Uint8Array(stored)
    // A listener may read through another table while this one reads.
    if (memory === spareBytes) spareBytes = undefined
    try {
      this.#read(memory, handle.offset, stored)
      const bytes = memory.subarray(0, stored)
      this.#decompress(this.#verified(bytes, handle), bytes, ordinal, handle, target)
    } finally {
      if (memory.length <= MAX_SPARE_BYTES) spareBytes = memory
    }
  }

  #decompress(codec: number, stored: Uint8Array, ordinal: number, handle: BlockHandle, target: Uint8Array): void {
    const place = { file: this.#file.path, offset: handle.offset, block: ordinal }
    decompressBlock(codec, stored.subarray(0, handle.bytes), target, this.#compression, place)
  }

  /** Checks a stored block with its trailer; returns its codec. */
  #verified(stored: Uint8Array, handle: BlockHandle): number {
    const { path } = this.#file
    const codec = verifyTrailer(stored, handle.bytes, this.#hash32, this.#fileNumber, path, handle.offset)
    if ((codec === CODEC_NONE) !== (handle.rawBytes === handle.bytes)) {
      throw new CorruptionError('the index and a block disagree on compression', { file: path, offset: handle.offset })
    }
    return codec
  }
}
