/**
 * Copies a held version of the tree into another data file, in slices between turns of the event loop. What it reads and writes counts
 * as backup.
 *
 * Invariants:
 * 1. A page is written after its children: the reference to a page holds its place and its check. So a new file has its pages one behind the
 *    other, the leaves in the order of their keys, and no free space. Where an earlier copy has the same page, the reference is to that one.
 * 2. A reader holds the version, so a page keeps its contents in memory or its place on disk. Where they are is looked up when it is the
 *    page's turn: a checkpoint may write it meanwhile, and the cache may drop it.
 * 3. Pages on disk are verified, and read around the cache. Nothing of the source changes but the unused bytes of large leaves in memory.
 */
import { CHUNK_BYTES, placeSeed, type Hash32 } from '../codec/checksum.js'
import { EMPTY } from '../codec/entry.js'
import { MutableBlock } from '../codec/mutable-block.js'
import { Cell } from '../codec/sorted-block.js'
import { AbortError } from '../errors.js'
import type { Ledger } from '../trace/ledger.js'
import { withSpan, type Span } from '../trace/span.js'
import type { Clock, Scheduler } from '../vfs/environment.js'
import type { FileHandle } from '../vfs/file-system.js'
import type { EarlierTree } from './earlier-tree.js'
import { LevelCounts } from './pages/level-counts.js'
import type { Page } from './pages/page.js'
import type { PageFile } from './pages/page-file.js'
import { PageSlices } from './pages/page-slices.js'
import type { PageStore } from './pages/page-store.js'
import { Reference } from './pages/reference.js'

/** Pages go to the file in one call of this length. */
const RUN_BYTES = 256 * 1024
/** The file is synced whenever this much was written: one long sync at the end would hold up those of the log. */
const SYNC_BYTES = 16 * 1024 * 1024

/** The data file that is written. */
export interface CopiedFile {
  readonly handle: FileHandle
  readonly identity: number
  readonly hash32: Hash32
}

/** Where pages of the copy go. */
export interface CopyPlaces {
  /** The place of a page that is written next. */
  take(units: number): number
  /** The page of the earlier copy at the reference stays where it is. */
  keep(reference: Reference): void
}

export interface TreeCopyOptions {
  /** Pages of the tree that is copied. */
  readonly store: PageStore
  readonly file: PageFile
  readonly ledger: Ledger
  readonly target: CopiedFile
  readonly places: CopyPlaces
  /** The tree that the target has already, if any. */
  readonly earlier?: EarlierTree | undefined
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly signal: AbortSignal | undefined
  readonly span: Span | null
}

export class TreeCopy {
  /** Pages and units of each level that were copied. */
  readonly levels: LevelCounts
  readonly #options: TreeCopyOptions
  readonly #unitBytes: number
  readonly #run = new Uint8Array(RUN_BYTES)
  #runLength = 0
  /** Where the run begins in the target. */
  #runUnit = 0
  /** A leaf before it is compressed. */
  readonly #leaf: Uint8Array
  readonly #cell = new Cell()
  readonly #reference = new Reference()
  readonly #slices: PageSlices
  #unsyncedBytes = 0

  constructor(options: TreeCopyOptions) {
    this.#options = options
    this.#slices = new PageSlices(options.clock)
    this.#unitBytes = options.file.unitBytes
    this.levels = new LevelCounts(options.file.pageUnits)
    this.#leaf = new Uint8Array(options.file.packer === undefined ? 0 : options.file.pageBytes)
  }

  /** Copies the tree under a root that is held and has entries. Resolves to the reference to the copied root, when all is durable. */
  async copy(root: Page): Promise<Reference> {
    this.#slices.start()
    const reference = await this.#page(root, EMPTY)
    withSpan(this.#options.span, () => this.#flush())
    await this.#sync()
    return reference
  }

  /** Writes what comes before the pages. */
  async writeHead(head: readonly { readonly bytes: Uint8Array; readonly position: number }[]): Promise<void> {
    withSpan(this.#options.span, () => {
      for (const { bytes, position } of head) this.#write(bytes, position, bytes.length)
    })
    await this.#sync()
  }

  /** Copies the page, and what is under it. `low` is where its range of keys begins. */
  async #page(page: Page, low: Uint8Array): Promise<Reference> {
    const { span } = this.#options
    if (page.level > 0) return this.#branch(page, low)
    if (page.units * this.#unitBytes > RUN_BYTES) return this.#large(page, low)
    return withSpan(span, () => this.#append(page, low, (target, start) => this.#fill(page, target, start)))
  }

  async #branch(page: Page, low: Uint8Array): Promise<Reference> {
    const { store, file, span, earlier } = this.#options
    const bytes = new Uint8Array(page.units * this.#unitBytes)
    withSpan(span, () => this.#fill(page, bytes, 0))
    // Taken together with the contents. A child without an object is where the entry says.
    const children = page.children?.slice()
    const block = new MutableBlock(bytes, bytes.length, file.path, page.offset * this.#unitBytes)
    for (let slot = 0; slot < block.count; slot++) {
      block.readCell(slot, this.#cell)
      const { payloadStart } = this.#cell
      const child = children?.[slot] ?? store.attach(page.level - 1, this.#reference.read(bytes, payloadStart))
      const childLow = earlier === undefined ? EMPTY : slot === 0 ? low : block.keyAt(slot)
      const reference = await this.#page(child, childLow)
      reference.write(bytes, payloadStart)
      if (this.#slices.isOver()) await this.#turn()
    }
    return withSpan(span, () =>
      this.#append(page, low, (target, start) => {
        target.set(bytes, start)
        return bytes.length
      }),
    )
  }

  /** Adds a page that fits the run; `fill` writes its extent from a place of the run on, and returns the length. */
  #append(page: Page, low: Uint8Array, fill: (target: Uint8Array, start: number) => number): Reference {
    const { file, target, places, earlier } = this.#options
    if (this.#runLength + file.contentUnits(page.units) * this.#unitBytes > RUN_BYTES) this.#flush()
    let start = this.#runLength
    const length = fill(this.#run, start)
    const units = length / this.#unitBytes
    const kept = earlier?.find(page, units, low)
    if (kept !== undefined && earlier!.has(kept, this.#run.subarray(start, start + length))) return this.#keep(page, kept)
    const offset = places.take(units)
    if (offset !== this.#runUnit + this.#runLength / this.#unitBytes) {
      this.#flush()
      this.#run.copyWithin(0, start, start + length)
      this.#runUnit = offset
      start = 0
    }
    this.#runLength += length
    return this.#copied(page, offset, units, target.hash32(this.#run.subarray(start, start + length), this.#seedOf(offset)))
  }

  #keep(page: Page, reference: Reference): Reference {
    this.levels.add(page)
    this.#options.places.keep(reference)
    return reference
  }

  /** The extent of a page, in memory or else on disk, as it is on disk. Returns its length. */
  #fill(page: Page, target: Uint8Array, start: number): number {
    const { block } = page
    const { file } = this.#options
    if (block === undefined) {
      this.#read(() => file.read(page, target, start))
      return page.units * this.#unitBytes
    }
    if (file.packer === undefined || page.level > 0 || page.isLarge) return copyBlock(block, target, start)
    copyBlock(block, this.#leaf, 0)
    const extent = file.packer.pack(this.#leaf) ?? this.#leaf
    target.set(extent, start)
    return extent.length
  }

  /** A leaf that is larger than the run goes to the file piece by piece. */
  async #large(page: Page, low: Uint8Array): Promise<Reference> {
    const { target, places, span, earlier } = this.#options
    const kept = earlier?.find(page, page.units, low)
    if (kept !== undefined && (await this.#isKept(page, kept, earlier!))) return this.#keep(page, kept)
    const offset = places.take(page.units)
    let check = this.#seedOf(offset)
    await this.#pieces(page, (piece, start) => {
      withSpan(span, () => {
        check = target.hash32(piece, check)
        this.#write(piece, offset * this.#unitBytes + start, piece.length)
      })
      return true
    })
    return this.#copied(page, offset, page.units, check)
  }

  /** Whether the earlier copy has a large leaf at the reference. */
  async #isKept(page: Page, reference: Reference, earlier: EarlierTree): Promise<boolean> {
    const { target, span } = this.#options
    let sum = this.#seedOf(reference.offset)
    const isWhole = await this.#pieces(page, (piece, start) =>
      withSpan(span, () => {
        sum = target.hash32(piece, sum)
        return earlier.hasPiece(reference, piece, start)
      }),
    )
    return isWhole && sum >>> 0 === reference.check
  }

  /** Takes the pieces of a large leaf one by one, until `take` returns false. Resolves to whether it never did. */
  async #pieces(page: Page, take: (piece: Uint8Array, start: number) => boolean): Promise<boolean> {
    const { file, span } = this.#options
    // The cache does not reuse the memory of a page that is pinned.
    page.pins++
    try {
      const pieces = page.block === undefined ? file.readPieces(page) : piecesOf(page.block)
      for (let start = 0; ;) {
        const { done, value: piece } = withSpan(span, () => this.#read(() => pieces.next()))
        if (done === true) return true
        if (!take(piece, start)) return false
        start += piece.length
        await this.#turn()
      }
    } finally {
      page.pins--
    }
  }

  #seedOf(offset: number): number {
    return placeSeed(this.#options.target.identity, offset * this.#unitBytes)
  }

  /** Counts what `work` reads of the source. */
  #read<T>(work: () => T): T {
    const { file, ledger } = this.#options
    const before = file.bytesRead
    try {
      return work()
    } finally {
      ledger.read.backup += file.bytesRead - before
      file.bytesRead = before
    }
  }

  #write(bytes: Uint8Array, position: number, length: number): void {
    const { ledger, target } = this.#options
    target.handle.write(bytes, position, 0, length)
    ledger.written.backup += length
    this.#unsyncedBytes += length
  }

  #copied(page: Page, offset: number, units: number, check: number): Reference {
    this.levels.add(page)
    const reference = new Reference()
    reference.offset = offset
    reference.units = units
    reference.check = check >>> 0
    reference.entries = page.entries
    reference.liveBytes = page.liveBytes
    return reference
  }

  #flush(): void {
    const length = this.#runLength
    if (length === 0) return
    this.#write(this.#run, this.#runUnit * this.#unitBytes, length)
    this.#runUnit += length / this.#unitBytes
    this.#runLength = 0
  }

  async #sync(): Promise<void> {
    const { ledger, target, span } = this.#options
    this.#unsyncedBytes = 0
    await withSpan(span, () => target.handle.sync())
    ledger.syncs++
  }

  async #turn(): Promise<void> {
    if (this.#unsyncedBytes >= SYNC_BYTES) await this.#sync()
    await this.#options.scheduler.turn()
    if (this.#options.signal?.aborted === true) throw new AbortError()
    this.#slices.start()
  }
}

/** Copies a block with zeros in its gap. Returns its length. */
function copyBlock({ bytes, base, capacity, gapStart, gapEnd }: MutableBlock, target: Uint8Array, start: number): number {
  target.set(bytes.subarray(base, base + capacity), start)
  target.fill(0, start + gapStart - base, start + gapEnd - base)
  return capacity
}

function* piecesOf(block: MutableBlock): Generator<Uint8Array, void> {
  const { bytes, base, capacity } = block
  bytes.fill(0, block.gapStart, block.gapEnd)
  for (let start = 0; start < capacity; start += CHUNK_BYTES) {
    yield bytes.subarray(base + start, base + Math.min(capacity, start + CHUNK_BYTES))
  }
}
