/** The data file: pages in extents of units, behind two meta pages. Counts what it reads and writes in the ledger. */
import type { Hash32 } from '../../codec/checksum.js'
import { CHUNK_BYTES, placeSeed } from '../../codec/checksum.js'
import { CorruptionError } from '../../errors.js'
import type { Ledger } from '../../trace/ledger.js'
import { withSpan, type Trace, type Tracer } from '../../trace/span.js'
import type { FileHandle } from '../../vfs/file-system.js'
import { META_AREA_BYTES } from './meta-page.js'
import { LeafPacker, unpackLeaf } from './packed-leaf.js'
import type { Page } from './page.js'
import type { Reference } from './reference.js'

export interface PageFileOptions {
  readonly file: FileHandle
  readonly unitBytes: number
  /** Bytes of a leaf in memory; default: a unit. With more, leaves are compressed. */
  readonly pageBytes?: number
  /** A random number drawn when the file was created: pages of another file do not match. */
  readonly identity: number
  readonly hash32: Hash32
  readonly ledger: Ledger
  readonly trace?: Tracer | undefined
}

export class PageFile {
  readonly unitBytes: number
  /** Bytes of a leaf in memory, and how many units they are. */
  readonly pageBytes: number
  readonly pageUnits: number
  /** Compresses leaves; `undefined` in a file without compression. */
  readonly packer: LeafPacker | undefined
  readonly path: string
  /** The first unit behind the meta pages. */
  readonly firstUnit: number
  readonly #options: PageFileOptions
  readonly #trace: Trace | null
  /** A packed leaf that is read. */
  readonly #packed: Uint8Array
  #size: number
  /** Bytes read from pages. The owner may reset it. */
  bytesRead = 0
  /** Syncs that have failed. */
  failedSyncs = 0
  #syncFailure: unknown

  constructor(options: PageFileOptions) {
    this.#options = options
    this.#trace = options.trace?.trace ?? null
    const { unitBytes, pageBytes = unitBytes } = options
    this.unitBytes = unitBytes
    this.pageBytes = pageBytes
    this.pageUnits = pageBytes / unitBytes
    this.packer = this.pageUnits > 1 ? new LeafPacker(pageBytes, unitBytes) : undefined
    this.#packed = new Uint8Array(pageBytes - unitBytes)
    this.path = options.file.path
    this.firstUnit = Math.ceil(META_AREA_BYTES / options.unitBytes)
    this.#size = options.file.size()
    options.ledger.resize(this.#size)
  }

  /** Length of the file in bytes. */
  get size(): number {
    return this.#size
  }

  checkOf(bytes: Uint8Array, offset: number): number {
    return this.hash(bytes, this.seedOf(offset)) >>> 0
  }

  /** Where the check of the extent at `offset` starts. The hash of each piece of `CHUNK_BYTES` is the seed of the next one. */
  seedOf(offset: number): number {
    return placeSeed(this.#options.identity, offset * this.unitBytes)
  }

  hash(bytes: Uint8Array, seed: number): number {
    return this.#options.hash32(bytes, seed)
  }

  /** How many units the contents of a page take, by the units of its extent. */
  contentUnits(units: number): number {
    return Math.max(units, this.pageUnits)
  }

  /** Fills `target` from `start` on with the contents of a page: verifies its extent, and decompresses it if need be. */
  readPage(page: Pick<Page, 'offset' | 'units' | 'check'>, target: Uint8Array, start = 0): void {
    if (page.units >= this.pageUnits) {
      this.read(page, target, start)
      return
    }
    const extent = this.#packed.subarray(0, page.units * this.unitBytes)
    this.read(page, extent)
    unpackLeaf(extent, target.subarray(start, start + this.pageBytes), { file: this.path, offset: page.offset * this.unitBytes })
  }

  /** The contents of a page. */
  contentsOf(page: Pick<Page, 'offset' | 'units' | 'check'>): Uint8Array {
    const bytes = new Uint8Array(this.contentUnits(page.units) * this.unitBytes)
    this.readPage(page, bytes)
    return bytes
  }

  /** Fills `target` from `start` on with the extent and verifies it. */
  read(page: Pick<Page, 'offset' | 'units' | 'check'>, target: Uint8Array, start = 0): void {
    const position = page.offset * this.unitBytes
    const length = page.units * this.unitBytes
    const place = { file: this.path, offset: position }
    const count = this.#options.file.read(target, position, start, start + length)
    this.bytesRead += count
    if (count !== length) throw new CorruptionError('the file ends within a page', place)
    const extent = target.length === length ? target : target.subarray(start, start + length)
    if (this.checkOf(extent, page.offset) !== page.check) {
      throw new CorruptionError('a page does not match the reference to it', place)
    }
  }

  /** Whether `readAhead` would begin reads now. */
  get readsAhead(): boolean {
    return this.#options.file.readsAhead === true
  }

  /** Lets a slow disk read pages ahead: those that `upcoming` returns for a number of bytes, in their order. `unread` as for a file. */
  readAhead(upcoming: (bytes: number) => readonly Pick<Page, 'offset' | 'units'>[], unread: (bytes: number) => void): void {
    this.#options.file.readAhead?.(
      most => upcoming(most).map(({ offset, units }) => ({ position: offset * this.unitBytes, length: units * this.unitBytes })),
      bytes => {
        this.bytesRead += bytes
        unread(bytes)
      },
    )
  }

  /** The first bytes of a long extent, which is verified as a whole. Yields after every piece of `CHUNK_BYTES`. */
  *readHead(page: Pick<Page, 'offset' | 'units' | 'check'>, mostBytes: number): Generator<void, Uint8Array> {
    const head = new Uint8Array(Math.min(page.units * this.unitBytes, mostBytes))
    let start = 0
    for (const piece of this.readPieces(page)) {
      if (start < head.length) head.set(piece.subarray(0, head.length - start), start)
      start += piece.length
      yield
    }
    return head
  }

  /** A long extent in pieces of up to `CHUNK_BYTES`. A piece is only good until the next step; the step after the last verifies the whole. */
  *readPieces(page: Pick<Page, 'offset' | 'units' | 'check'>): Generator<Uint8Array, void> {
    const position = page.offset * this.unitBytes
    const length = page.units * this.unitBytes
    const place = { file: this.path, offset: position }
    const buffer = new Uint8Array(Math.min(length, CHUNK_BYTES))
    let check = this.seedOf(page.offset)
    for (let start = 0; start < length; start += CHUNK_BYTES) {
      const piece = buffer.subarray(0, Math.min(CHUNK_BYTES, length - start))
      const count = this.#options.file.read(piece, position + start)
      this.bytesRead += count
      if (count !== piece.length) throw new CorruptionError('the file ends within a page', place)
      check = this.hash(piece, check)
      yield piece
    }
    if (check >>> 0 !== page.check) throw new CorruptionError('a page does not match the reference to it', place)
  }

  /** The bytes of an extent that is not a page. */
  readExtent(reference: Reference): Uint8Array {
    const bytes = new Uint8Array(reference.units * this.unitBytes)
    this.read(reference, bytes)
    return bytes
  }

  write(bytes: Uint8Array, position: number, start: number, end: number, part: 'page' | 'meta'): void {
    const { file, ledger } = this.#options
    withSpan(this.#trace?.currentSpan?.writing(part), () => file.write(bytes, position, start, end))
    ledger.written[part] += end - start
    this.#resized(Math.max(this.#size, position + end - start))
  }

  /** Counts by how much compression has made what was written smaller. */
  countSaved(bytes: number): void {
    this.#options.ledger.saved.page += bytes
  }

  truncate(size: number): void {
    this.#options.file.truncate(size)
    this.#resized(size)
  }

  /**
   * Makes what was written durable. A sync that fails may be the only one to say so of all that was written before: so a caller whose writes
   * began at `failedSyncs` gets the failure of others' syncs since.
   */
  async sync(since = this.failedSyncs): Promise<void> {
    this.#options.ledger.syncs++
    try {
      await this.#options.file.sync()
    } catch (error) {
      this.failedSyncs++
      this.#syncFailure = error
      throw error
    }
    if (this.failedSyncs !== since) throw this.#syncFailure
  }

  close(): void {
    this.#options.file.close()
  }

  #resized(size: number): void {
    this.#options.ledger.resize(size - this.#size)
    this.#size = size
  }
}
