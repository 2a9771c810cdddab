/**
 * Writes new pages to free places of the data file, adjacent ones in one call. No tree refers to them yet.
 *
 * Invariants:
 * 1. `taken` has every extent from the moment on when it is taken, so that it can be given back.
 * 2. Pages become durable while others are written, so that little is left for `sync`.
 */
import { CHUNK_BYTES } from '../../codec/checksum.js'
import { MutableBlock } from '../../codec/mutable-block.js'
import { withSpan, type Span } from '../../trace/span.js'
import type { Extents } from '../pages/extents.js'
import type { FreeSpace } from '../pages/free-space.js'
import { LevelCounts } from '../pages/level-counts.js'
import type { PageFile } from '../pages/page-file.js'
import type { PageTrace } from '../pages/page-trace.js'
import type { ReferenceFields } from '../pages/reference.js'

const RUN_BYTES = 256 * 1024
/** With so much written since the last sync another one begins. */
const SYNC_BYTES = 8 << 20

export interface PageOutputOptions {
  readonly file: PageFile
  readonly free: FreeSpace
  readonly taken: Extents
  readonly trace: PageTrace | null
  readonly span: Span | null
  turn(): Promise<void>
  /** Throws once the store takes no more writes: then a place that is free in memory may be one of the tree in force. */
  requireWritable(): void
}

export class PageOutput {
  /** Pages written, by level. */
  readonly levels: LevelCounts
  readonly #options: PageOutputOptions
  readonly #run = new Uint8Array(RUN_BYTES)
  /** A leaf before it is compressed. */
  readonly #leaf: Uint8Array
  #runPosition = 0
  #runLength = 0
  /** What compression has spared of the run. */
  #savedBytes = 0
  #unsyncedBytes = 0
  #syncing: Promise<void> | undefined
  readonly #failedSyncs: number

  constructor(options: PageOutputOptions) {
    this.#options = options
    this.levels = new LevelCounts(options.file.pageUnits)
    this.#leaf = new Uint8Array(options.file.packer === undefined ? 0 : options.file.pageBytes)
    this.#failedSyncs = options.file.failedSyncs
  }

  get unitBytes(): number {
    return this.#options.file.unitBytes
  }

  get pageBytes(): number {
    return this.#options.file.pageBytes
  }

  /** Writes a leaf of the usual size whose block `fill` makes. */
  writeLeaf(entries: number, liveBytes: number, fill: (block: MutableBlock) => void): ReferenceFields {
    const { file } = this.#options
    const { packer, pageUnits, unitBytes } = file
    if (packer === undefined) return this.write(0, pageUnits, entries, liveBytes, fill)
    const block = MutableBlock.empty(this.#leaf, this.#leaf.length, 0)
    fill(block)
    this.#leaf.fill(0, block.gapStart, block.gapEnd)
    const extent = packer.pack(this.#leaf) ?? this.#leaf
    const offset = this.#take(extent.length / unitBytes)
    this.#append(offset, extent.length)
    this.#run.set(extent, this.#runLength)
    this.#runLength += extent.length
    this.#savedBytes += this.#leaf.length - extent.length
    return this.#wrote(0, { offset, units: extent.length / unitBytes, check: file.checkOf(extent, offset), entries, liveBytes })
  }

  /** Writes a page whose block `fill` makes. */
  write(level: number, units: number, entries: number, liveBytes: number, fill: (block: MutableBlock) => void): ReferenceFields {
    const { file } = this.#options
    const capacity = units * file.unitBytes
    const offset = this.#take(units)
    if (capacity > RUN_BYTES) {
      const extent = new Uint8Array(capacity)
      fill(MutableBlock.empty(extent, capacity, 0))
      const check = file.checkOf(extent, offset)
      this.#write(extent, offset, 0, capacity)
      return this.#wrote(level, { offset, units, check, entries, liveBytes })
    }
    this.#append(offset, capacity)
    const from = this.#runLength
    const run = this.#run
    const block = MutableBlock.empty(run, from + capacity, from)
    fill(block)
    run.fill(0, block.gapStart, block.gapEnd)
    this.#runLength += capacity
    const check = file.checkOf(run.subarray(from, from + capacity), offset)
    return this.#wrote(level, { offset, units, check, entries, liveBytes })
  }

  /** `write` for a leaf of one entry whose value is long, in pieces between turns of the event loop. */
  async writeLong(units: number, liveBytes: number, fill: (block: MutableBlock) => void): Promise<ReferenceFields> {
    const { file, turn } = this.#options
    const extent = new Uint8Array(units * file.unitBytes)
    fill(MutableBlock.empty(extent, extent.length, 0))
    const offset = this.#take(units)
    let check = file.seedOf(offset)
    for (let start = 0; start < extent.length; start += CHUNK_BYTES) {
      const end = Math.min(extent.length, start + CHUNK_BYTES)
      check = file.hash(extent.subarray(start, end), check)
      this.#write(extent, offset, start, end)
      if (end < extent.length) await turn()
    }
    return this.#wrote(0, { offset, units, check: check >>> 0, entries: 1, liveBytes })
  }

  /** Hands what is left to the file. */
  flush(): void {
    const { file, span } = this.#options
    const length = this.#runLength
    if (length > 0) {
      withSpan(span, () => file.write(this.#run, this.#runPosition, 0, length, 'page'))
      file.countSaved(this.#savedBytes)
    }
    this.#runLength = this.#savedBytes = 0
    this.#unsyncedBytes += length
    if (this.#unsyncedBytes >= SYNC_BYTES && this.#syncing === undefined) this.#startSync()
  }

  /** Resolves when everything written is durable. */
  async sync(): Promise<void> {
    const { file, span } = this.#options
    await this.#syncing
    await withSpan(span, () => file.sync(this.#failedSyncs))
  }

  /** Resolves when no sync is under way. */
  async settled(): Promise<void> {
    await this.#syncing
  }

  /** A failure is that of `sync`. */
  #startSync(): void {
    const { file, span } = this.#options
    const over = (): void => {
      this.#syncing = undefined
    }
    this.#unsyncedBytes = 0
    this.#syncing = withSpan(span, () => file.sync()).then(over, over)
  }

  /** Prepares the run for `length` bytes at the unit. */
  #append(offset: number, length: number): void {
    const position = offset * this.unitBytes
    if (position !== this.#runPosition + this.#runLength || this.#runLength + length > RUN_BYTES) this.flush()
    if (this.#runLength === 0) this.#runPosition = position
  }

  #take(units: number): number {
    const { free, taken, span, requireWritable } = this.#options
    requireWritable()
    const offset = withSpan(span, () => free.take(units))
    taken.add(offset, units)
    return offset
  }

  #write(extent: Uint8Array, offset: number, start: number, end: number): void {
    const { file, span } = this.#options
    this.#unsyncedBytes += end - start
    withSpan(span, () => file.write(extent, offset * file.unitBytes + start, start, end, 'page'))
  }

  #wrote(level: number, page: ReferenceFields): ReferenceFields {
    const { trace, span } = this.#options
    this.levels.add({ level, units: page.units })
    if (trace !== null) withSpan(span, () => trace.wroteAt(page.offset, level, page.units))
    return page
  }
}
