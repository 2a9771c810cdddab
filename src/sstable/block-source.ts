import type { Cache } from '../cache/cache.js'
import { NO_PLACE, type SlabList } from '../cache/slab-list.js'
import type { Hash32 } from '../codec/checksum.js'
import { Cell, SortedBlock } from '../codec/sorted-block.js'
import { VarintReader } from '../codec/varint.js'
import { CorruptionError, FormatError } from '../errors.js'
import type { ReadCounts } from '../trace/ledger.js'
import type { Tracer } from '../trace/span.js'
import type { BlockCompression } from '../vfs/environment.js'
import type { FileHandle } from '../vfs/file-system.js'
import { CodecBlock, type BlockCodec } from './block-codec.js'
import { CachedBlock, type BlockTable } from './cached-block.js'
import { CODEC_DEFLATE, CODEC_NONE, noHandle, readHandle, TRAILER_BYTES, verifyTrailer, type BlockHandle } from './format.js'

/** A range of the file in memory, private to one cursor and reused as it moves on. */
export class Chunk {
  bytes = new Uint8Array(0)
  offset = 0
  end = 0
}

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
  readonly #deflate: BlockCompression | undefined
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
    deflate: BlockCompression | undefined,
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
    this.#deflate = deflate
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
    const raw = this.#verified(bytes, handle)
    return this.#block(raw ?? bytes, handle.rawBytes, handle.offset, 0)
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
    const kept = handle.rawBytes === handle.bytes ? stored : handle.rawBytes
    const cachedBytes = CachedBlock.bytesFor(slabs.frameBytes(kept))
    if (this.#trace !== null) this.#trace.emit({ type: 'cache.miss', file: this.#fileNumber, id: handle.offset, bytes: cachedBytes })
    this.#cache.makeRoom(cachedBytes)
    let frame = slabs.take(stored)
    try {
      this.#read(frame.bytes, handle.offset, stored, frame.start)
      counters.blocksFromDisk++
      counters.bytesFromDisk += stored
      const raw = this.#verified(frame.bytes.subarray(frame.start, frame.start + stored), handle)
      if (raw !== undefined) {
        // Into memory of the pool: what a decompressor returns may be part of something larger, or no plain Uint8Array.
        slabs.give(frame)
        frame = slabs.take(handle.rawBytes)
        frame.bytes.set(raw, frame.start)
      }
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

  /** Checks a stored block with its trailer; returns its decompressed contents, or `undefined` if it was stored as it is. */
  #verified(stored: Uint8Array, handle: BlockHandle): Uint8Array | undefined {
    const place = { file: this.#file.path, offset: handle.offset }
    const codec = verifyTrailer(stored, handle.bytes, this.#hash32, this.#fileNumber, place.file, place.offset)
    if (codec === CODEC_NONE && handle.rawBytes === handle.bytes) return undefined
    if (codec > CODEC_DEFLATE)
      throw new FormatError(`a block of ${place.file} uses codec ${codec}, which this kvarium does not know`, place)
    if (codec === CODEC_NONE || handle.rawBytes === handle.bytes)
      throw new CorruptionError('the index and a block disagree on compression', place)
    if (this.#deflate === undefined) throw new FormatError(`${place.file} is compressed with deflate, which is not available here`, place)
    let raw: Uint8Array
    try {
      raw = this.#deflate.decompress(stored.subarray(0, handle.bytes), handle.rawBytes)
    } catch (cause) {
      throw new CorruptionError('a block does not decompress', { ...place, cause })
    }
    if (raw.length !== handle.rawBytes) throw new CorruptionError('a block decompresses to another size', place)
    return new Uint8Array(raw.buffer, raw.byteOffset, raw.length)
  }
}
