/**
 * Copies a held version of the tree into a data file of its own, in slices between turns of the event loop. What it reads and writes counts
 * as backup.
 *
 * Invariants:
 * 1. A page is written after its children: the reference to a page holds its place and its check. So the copy has its pages one behind the
 *    other, the leaves in the order of their keys, and no free space.
 * 2. A reader holds the version, so a page keeps its contents in memory or its place on disk. Where they are is looked up when it is the
 *    page's turn: a checkpoint may write it meanwhile, and the cache may drop it.
 * 3. Pages on disk are verified, and read around the cache. Nothing of the source changes but the unused bytes of large leaves in memory.
 */
import { CHUNK_BYTES, placeSeed, type Hash32 } from '../codec/checksum.js'
import { MutableBlock } from '../codec/mutable-block.js'
import { Cell } from '../codec/sorted-block.js'
import { AbortError } from '../errors.js'
import type { Ledger } from '../trace/ledger.js'
import { withSpan, type Span } from '../trace/span.js'
import type { Clock, Scheduler } from '../vfs/environment.js'
import type { FileHandle } from '../vfs/file-system.js'
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

export interface TreeCopyOptions {
  /** Pages of the tree that is copied. */
  readonly store: PageStore
  readonly file: PageFile
  readonly ledger: Ledger
  readonly target: CopiedFile
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly signal: AbortSignal | undefined
  readonly span: Span | null
}

export class TreeCopy {
  /** Pages and units of each level that were copied. */
  readonly levels = new LevelCounts()
  readonly #options: TreeCopyOptions
  readonly #unitBytes: number
  readonly #run = new Uint8Array(RUN_BYTES)
  #runLength = 0
  /** Where the run begins in the target. */
  #runUnit: number
  readonly #cell = new Cell()
  readonly #reference = new Reference()
  readonly #slices: PageSlices
  #unsyncedBytes = 0

  constructor(options: TreeCopyOptions) {
    const { unitBytes, firstUnit } = options.file
    this.#options = options
    this.#slices = new PageSlices(options.clock)
    this.#unitBytes = unitBytes
    this.#runUnit = firstUnit
  }

  /** Length of the target in units. */
  get end(): number {
    return this.#runUnit + this.#runLength / this.#unitBytes
  }

  /** Copies the tree under a root that is held and has entries. Resolves to the reference to the copied root, when all is durable. */
  async copy(root: Page): Promise<Reference> {
    this.#slices.start()
    const reference = await this.#page(root)
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

  async #page(page: Page): Promise<Reference> {
    const { span } = this.#options
    if (page.level > 0) return this.#branch(page)
    if (page.units * this.#unitBytes > RUN_BYTES) return this.#large(page)
    return withSpan(span, () => this.#append(page, (target, start) => this.#fill(page, target, start)))
  }

  async #branch(page: Page): Promise<Reference> {
    const { store, file, span } = this.#options
    const bytes = new Uint8Array(page.units * this.#unitBytes)
    withSpan(span, () => this.#fill(page, bytes, 0))
    // Taken together with the contents. A child without an object is where the entry says.
    const children = page.children?.slice()
    const block = new MutableBlock(bytes, bytes.length, file.path, page.offset * this.#unitBytes)
    for (let slot = 0; slot < block.count; slot++) {
      block.readCell(slot, this.#cell)
      const { payloadStart } = this.#cell
      const child = children?.[slot] ?? store.attach(page.level - 1, this.#reference.read(bytes, payloadStart))
      const reference = await this.#page(child)
      reference.write(bytes, payloadStart)
      if (this.#slices.isOver()) await this.#turn()
    }
    return withSpan(span, () => this.#append(page, (target, start) => target.set(bytes, start)))
  }

  /** Adds a page that fits the run; `fill` writes its contents from a place of the run on. */
  #append(page: Page, fill: (target: Uint8Array, start: number) => void): Reference {
    const length = page.units * this.#unitBytes
    if (this.#runLength + length > RUN_BYTES) this.#flush()
    const start = this.#runLength
    fill(this.#run, start)
    const offset = this.end
    this.#runLength += length
    const { hash32 } = this.#options.target
    return this.#copied(page, offset, hash32(this.#run.subarray(start, start + length), this.#seedOf(offset)))
  }

  /** The contents of a page, in memory or else on disk, as they are on disk. */
  #fill(page: Page, target: Uint8Array, start: number): void {
    const { block } = page
    if (block === undefined) {
      this.#read(() => this.#options.file.read(page, target, start))
      return
    }
    const { bytes, base, capacity, gapStart, gapEnd } = block
    target.set(bytes.subarray(base, base + capacity), start)
    target.fill(0, start + gapStart - base, start + gapEnd - base)
  }

  /** A leaf that is larger than the run goes to the file piece by piece. */
  async #large(page: Page): Promise<Reference> {
    const { file, target, span } = this.#options
    withSpan(span, () => this.#flush())
    const offset = this.#runUnit
    let check = this.#seedOf(offset)
    let position = offset * this.#unitBytes
    // The cache does not reuse the memory of a page that is pinned.
    page.pins++
    try {
      const pieces = page.block === undefined ? file.readPieces(page) : piecesOf(page.block)
      for (;;) {
        const { done, value: piece } = withSpan(span, () => this.#read(() => pieces.next()))
        if (done === true) break
        withSpan(span, () => {
          check = target.hash32(piece, check)
          this.#write(piece, position, piece.length)
        })
        position += piece.length
        await this.#turn()
      }
    } finally {
      page.pins--
    }
    this.#runUnit += page.units
    return this.#copied(page, offset, check)
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

  #copied(page: Page, offset: number, check: number): Reference {
    this.levels.add(page)
    const reference = new Reference()
    reference.offset = offset
    reference.units = page.units
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

function* piecesOf(block: MutableBlock): Generator<Uint8Array, void> {
  const { bytes, base, capacity } = block
  bytes.fill(0, block.gapStart, block.gapEnd)
  for (let start = 0; start < capacity; start += CHUNK_BYTES) {
    yield bytes.subarray(base + start, base + Math.min(capacity, start + CHUNK_BYTES))
  }
}
