/**
 * Creates, copies, loads and discards pages. New pages are in memory; older ones come from the cache and the file.
 *
 * Invariants:
 * 1. `dirtyBytes` is the memory of the dirty pages of the tree and of live versions.
 * 2. A page's bytes are used only after they have matched the check in the reference to it.
 * 3. A page that does not fit the cache is read into a separate object, to which no branch refers.
 */
import type { Cache } from '../../cache/cache.js'
import { BLOCK_HEADER_BYTES, Cell, OFFSET_MASK } from '../../codec/sorted-block.js'
import { readExpiry } from '../../codec/expiry.js'
import { MAX_KEY_BYTES } from '../../codec/limits.js'
import { VarintReader } from '../../codec/varint.js'
import { MutableBlock } from '../../codec/mutable-block.js'
import type { ReadCounts } from '../../trace/ledger.js'
import { FormerPage, type LeftPage } from './former-page.js'
import { Page, takeFrame, type PageSizes } from './page.js'
import type { PageTrace } from './page-trace.js'
import { readNumber } from './numbers.js'
import { Reference, type ReferenceFields } from './reference.js'
import type { PageFile } from './page-file.js'

/** A branch is as long as this many leaves: fewer levels to walk, and few branches against leaves. */
export const BRANCH_PAGES = 4

/** Before the payload a large leaf has a key, a gap of less than a unit, and some numbers. */
export const LARGE_HEAD_BYTES = MAX_KEY_BYTES + 128 * 1024

export class PageStore implements PageSizes {
  readonly unitBytes: number
  readonly pageUnits: number
  readonly pageBytes: number
  readonly cache: Cache
  /** Counts the reads; the operation under way sets it. */
  counts: ReadCounts
  dirtyBytes = 0
  /** What pages on disk take of the bytes of their contents, as of the last checkpoint: less than 1 with compression. */
  storedShare = 1
  /** Writes a dirty leaf that is about to be changed, if a checkpoint under way is to write it: then it needs its contents no more. */
  writeAhead: ((leaf: Page) => void) | undefined
  /** Null without a listener. */
  readonly trace: PageTrace | null
  /** A page was read, or could not be kept. */
  #missed = false
  readonly #file: PageFile
  readonly #cell = new Cell()
  readonly #reference = new Reference()

  constructor(file: PageFile, cache: Cache, counts: ReadCounts, trace: PageTrace | null = null) {
    this.#file = file
    this.unitBytes = file.unitBytes
    this.pageUnits = file.pageUnits
    this.pageBytes = file.pageBytes
    this.cache = cache
    this.counts = counts
    this.trace = trace
  }

  /** Every page of the tree has stayed in memory since it was made: no read is needed, so none can fail. */
  get complete(): boolean {
    return !this.#missed && this.cache.evictions === 0
  }

  /** How many units the contents of a page of a level usually take. */
  unitsAt(level: number): number {
    return level === 0 ? this.pageUnits : BRANCH_PAGES * this.pageUnits
  }

  /** How many units the contents of a page take. */
  contentUnits({ units }: Pick<Page, 'units'>): number {
    return this.#file.contentUnits(units)
  }

  /** A new, empty, dirty page that holds at least `bytes`. */
  create(level: number, born: number, bytes: number): Page {
    const units = Math.max(this.unitsAt(level), Math.ceil(bytes / this.unitBytes))
    const page = new Page(this.cache.frames, level, born, units, this, true)
    page.allocate(units * this.unitBytes)
    this.dirtyBytes += page.bytes
    return page
  }

  /** A dirty version of a loaded page, to be changed. With `steal` the old version is left without contents. */
  copy(page: Page, born: number, steal: boolean): Page {
    const copy = new Page(this.cache.frames, page.level, born, this.contentUnits(page), this, true)
    copy.entries = page.entries
    copy.liveBytes = page.liveBytes
    copy.lastInsert = page.lastInsert
    if (steal) {
      this.#uncache(page)
      copy.stealFrom(page)
      if (page.dirty) {
        page.dirty = false
        this.dirtyBytes -= page.bytes
      }
    } else {
      copy.copyFrom(page)
    }
    this.dirtyBytes += copy.bytes
    if (this.trace !== null) this.trace.created(copy, this.dirtyBytes, page)
    return copy
  }

  /**
   * Makes a clean page that is loaded its own next version, to be changed: no reader reaches it, and no other page refers to the object. Returns
   * what is left of the version before.
   */
  renew(page: Page, born: number): FormerPage {
    this.#uncache(page)
    const former = new FormerPage(page)
    page.renew(born, this.contentUnits(page))
    this.dirtyBytes += page.bytes
    if (this.trace !== null) this.trace.created(page, this.dirtyBytes, former)
    return former
  }

  /** Puts the contents and the size of a fresh page in the place of a dirty one's. */
  exchange(page: Page, fresh: Page): void {
    const before = page.units
    this.dirtyBytes -= page.bytes
    page.exchange(fresh)
    if (this.trace !== null && page.units !== before) this.trace.resized(page, before, this.dirtyBytes)
  }

  /** A page that is on disk, as the reference says. Nothing is read yet. */
  attach(level: number, reference: ReferenceFields): Page {
    const page = new Page(this.cache.frames, level, 0, reference.units, this, false)
    page.offset = reference.offset
    page.check = reference.check
    page.entries = reference.entries
    page.liveBytes = reference.liveBytes
    return page
  }

  /** Child `slot` of a loaded branch, whether it is loaded or not. */
  handle(parent: Page, slot: number): Page {
    const known = parent.children![slot]
    if (known !== undefined) return known
    const { block, level } = parent
    block!.readCell(slot, this.#cell)
    const child = this.attach(level - 1, this.#reference.read(block!.bytes, this.#cell.payloadStart))
    child.parent = parent
    child.slot = slot
    parent.children![slot] = child
    return child
  }

  /** Child `slot` of a loaded branch, with its contents. */
  child(parent: Page, slot: number): Page {
    return this.loaded(this.handle(parent, slot))
  }

  /** The page with its contents; another object for the same page if the cache does not take it. */
  loaded(page: Page): Page {
    if (page.block === undefined) return this.#read(page)
    page.referenced = true
    this.cache.hits++
    this.counts.blocksFromCache++
    if (this.trace !== null) this.trace.hit(page)
    return page
  }

  /**
   * A scan reaches child `slot` of a loaded branch now, and then those behind it or, with `by` -1, before it: lets a slow disk read them
   * ahead. Counts what is then not needed in `counts`.
   */
  readAhead(parent: Page, slot: number, by: 1 | -1, counts: ReadCounts): void {
    if (this.#file.readsAhead && this.handle(parent, slot).block === undefined) this.#readAhead(parent, slot, by, counts)
  }

  #readAhead(parent: Page, slot: number, by: 1 | -1, counts: ReadCounts): void {
    const upcoming = (most: number): Page[] => {
      const pages: Page[] = []
      const { count } = parent.block!
      for (let next = slot, units = 0; next >= 0 && next < count && units * this.unitBytes < most; next += by) {
        const page = this.handle(parent, next)
        units += page.units
        // A large value is read when it is needed.
        if (page.units * this.unitBytes > most) break
        if (page.block === undefined) pages.push(page)
      }
      return pages
    }
    this.#file.readAhead(upcoming, unread => (counts.bytesFromDisk += unread))
  }

  /** The key of a large leaf. Reads the leaf if it has to, and keeps the key alone. */
  keyOf(leaf: Page): Uint8Array {
    if (leaf.block !== undefined) return leaf.block.keyAt(0)
    for (const pieces = this.readKey(leaf); pieces.next().done !== true;);
    return leaf.head!.key
  }

  /** When the entry of a large leaf expires; `Infinity` for never. Reads as `keyOf` does. */
  expiryOf(leaf: Page): number {
    if (leaf.block !== undefined) {
      leaf.block.readCell(0, this.#cell)
      return this.#cell.expires ? readExpiry(leaf.block.bytes, this.#cell.payloadStart) : Infinity
    }
    this.keyOf(leaf)
    return leaf.head!.expiry
  }

  /** Reads the key and the expiry of a large leaf in pieces, unless they are known: `keyOf` then reads nothing. */
  *readKey(leaf: Page): Generator<void, void> {
    if (leaf.block !== undefined || leaf.head !== undefined) return
    this.#miss(leaf)
    const head = yield* this.#file.readHead(leaf, LARGE_HEAD_BYTES)
    this.#count(leaf)
    leaf.head = { key: onlyKey(head), expiry: onlyExpiry(head) }
  }

  /**
   * A page was written and is durable: from now on the cache decides how long it stays. A page that left the tree is dropped at once; if no
   * reader reaches it, it need not be durable.
   */
  clean(page: Page): void {
    page.dirty = false
    this.dirtyBytes -= page.bytes
    if (this.trace !== null) this.trace.cleaned(page, this.dirtyBytes)
    if (page.retired) {
      page.drop()
      return
    }
    if (this.cache.insert(page)) {
      if (this.trace !== null) this.trace.kept(page)
      return
    }
    this.#missed = true
    page.evict()
  }

  /** Drops a page that no version reaches. */
  discard(page: LeftPage): void {
    if (page instanceof Page) {
      if (page.dirty) this.dirtyBytes -= page.bytes
      page.dirty = false
      this.#uncache(page)
      page.drop()
    }
    if (this.trace !== null) this.trace.freed(page, this.dirtyBytes)
  }

  #uncache(page: Page): void {
    if (this.trace !== null && page.cached) this.trace.leftCache(page)
    this.cache.remove(page)
  }

  #read(page: Page): Page {
    const { cache } = this
    this.#miss(page)
    const capacity = this.contentUnits(page) * this.unitBytes
    const fits = cache.makeRoom(page.bytes)
    const frame = fits ? takeFrame(cache.frames, page.level, capacity) : cache.frames.own(capacity)
    try {
      this.#file.readPage(page, frame.bytes, frame.start)
    } catch (error) {
      cache.frames.give(frame)
      throw error
    }
    this.#count(page)
    const block = new MutableBlock(frame.bytes, frame.start + capacity, this.#file.path, page.offset * this.unitBytes, frame.start)
    const target = fits ? page : this.#private(page)
    target.load(frame, block)
    if (fits) {
      cache.insert(page)
      if (this.trace !== null) this.trace.kept(page)
    }
    return target
  }

  #miss(page: Page): void {
    this.#missed = true
    this.cache.misses++
    if (this.trace !== null) this.trace.missed(page)
  }

  /** Counts a page that was read. */
  #count({ units }: Page): void {
    this.counts.blocksFromDisk++
    this.counts.bytesFromDisk += units * this.unitBytes
  }

  #private(page: Page): Page {
    const twin = new Page(this.cache.frames, page.level, page.born, page.units, this, false)
    twin.offset = page.offset
    twin.check = page.check
    twin.entries = page.entries
    twin.liveBytes = page.liveBytes
    twin.number = page.number
    return twin
  }
}

/** The key of the only entry of a block, of which this is the beginning. */
export function onlyKey(head: Uint8Array): Uint8Array {
  const { prefixLength, at, suffixLength } = onlyCell(head)
  const key = new Uint8Array(prefixLength + suffixLength)
  key.set(head.subarray(BLOCK_HEADER_BYTES, BLOCK_HEADER_BYTES + prefixLength))
  key.set(head.subarray(at, at + suffixLength), prefixLength)
  return key
}

/** When that entry expires; `Infinity` for never. */
function onlyExpiry(head: Uint8Array): number {
  const { expires, at, suffixLength } = onlyCell(head)
  return expires ? readExpiry(head, at + suffixLength) : Infinity
}

function onlyCell(head: Uint8Array) {
  const prefixLength = readNumber(head, 4, 4)
  const word = readNumber(head, BLOCK_HEADER_BYTES + prefixLength + 4, 4)
  const lengths = new VarintReader(head, word & OFFSET_MASK, head.length)
  const suffixLength = lengths.read()
  lengths.read()
  return { prefixLength, suffixLength, at: lengths.at, expires: word > OFFSET_MASK }
}
