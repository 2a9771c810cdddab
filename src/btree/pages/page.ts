/**
 * A page: one node of the tree, in memory, on disk, or both. The object stands for one version of the page and outlives its contents: the
 * parent refers to it, whether the contents are loaded or not.
 *
 * Invariants:
 * 1. A dirty page has its contents in memory, and so have its ancestors: they are dirty, too. A clean page is on disk at `offset`.
 * 2. Contents never change once a live version shares the page (see live-versions.ts), except the references in a branch that is being
 *    written. A child object, where there is one, overrides the reference in the entry.
 * 3. A page that was written and gave up its contents before it was durable counts as clean: only the checkpoint that wrote it refers to
 *    it.
 * 4. Clean contents belong to the cache, or are private to the operation that loaded them.
 */
import { CacheEntry } from '../../cache/eviction-policy.js'
import type { Frame, FramePool } from '../../cache/frame-pool.js'
import { NO_PLACE } from '../../cache/slab-list.js'
import { MutableBlock } from '../../codec/mutable-block.js'

/** What the beginning of a large leaf says. */
export interface LargeHead {
  readonly key: Uint8Array
  /** When the entry expires, in milliseconds since the Unix epoch; `Infinity` for never. */
  readonly expiry: number
}

/** The size of a unit of the file, and how many of them the contents of a leaf take. */
export interface PageSizes {
  readonly unitBytes: number
  readonly pageUnits: number
}

/** Approximate memory of the objects around a page. */
const OVERHEAD_BYTES = 320

export class Page extends CacheEntry {
  referenced = false
  /** 0 is a leaf. */
  readonly level: number
  /** The generation that made this version, or an earlier one if that is not known. */
  born: number
  /** Length of the extent, which is shorter than the contents if it is compressed. That of the contents until the page is on disk. */
  units: number
  bytes: number
  /** The page is a leaf for one entry, larger than a leaf of the usual size: see large-leaf.ts. */
  isLarge: boolean
  /** Contents; `undefined` while they are only on disk. */
  block: MutableBlock | undefined = undefined
  /** The known children of a branch with contents. */
  children: (Page | undefined)[] | undefined = undefined
  /** Where the contents are among the pool's slabs. */
  place = NO_PLACE
  /** The places of leaves under this branch, by slot, as far as readers have noted them. They may be out of date. */
  places: Int32Array | undefined = undefined
  dirty: boolean
  /** Where the extent begins, in units; 0 if the page is not on disk. */
  offset = 0
  /** The bits of the check, as a number that V8 keeps in the object: most unsigned ones would be an object of their own. */
  #check = 0
  /** Entries of the subtree, and their key and value bytes. */
  entries = 0
  liveBytes = 0
  /** Index of the last insert: detects ascending inserts. */
  lastInsert = -2
  /** Entries of the leaf have left because they were due; it has not been merged since. */
  shrunk = false
  /** The page left the tree; only live versions may still reach it. */
  retired = false
  /** The page is the top of a clean subtree that left the tree as a whole. */
  whole = false
  /** Offset and length of each other page of a `whole` subtree, once it has been walked. */
  extents: number[] | undefined = undefined
  /** The branch above, if it is known. */
  parent: Page | undefined = undefined
  /** Number of cursors that stand on the contents. */
  pins = 0
  /** The slot under `parent` where the page was last seen. */
  slot = 0
  /** The beginning of a large leaf, once it was read without the rest of the leaf. */
  head: LargeHead | undefined = undefined
  /** The page's number in traces; 0 if no event has named it. */
  number = 0
  #frame: Frame | undefined = undefined
  readonly #frames: FramePool

  /** The contents take `pageUnits`, or `units` if these are more: only then a leaf is a large one. */
  constructor(frames: FramePool, level: number, born: number, units: number, { unitBytes, pageUnits }: PageSizes, dirty: boolean) {
    super()
    this.#frames = frames
    this.level = level
    this.born = born
    this.units = units
    this.bytes = Math.max(units, pageUnits) * unitBytes + OVERHEAD_BYTES
    this.isLarge = level === 0 && units > pageUnits
    this.dirty = dirty
  }

  /** The check of the extent, an unsigned number of 32 bits. */
  get check(): number {
    return this.#check >>> 0
  }

  set check(check: number) {
    this.#check = check | 0
  }

  override get tracedId(): number {
    return this.number
  }

  /** Whether the checkpoint under way has written the page, which is dirty, so that it needs the contents no more. */
  get isWritten(): boolean {
    return this.offset > 0 && this.check !== 0
  }

  /** Gives an empty page its memory. */
  allocate(capacity: number): MutableBlock {
    const frame = takeFrame(this.#frames, this.level, capacity)
    this.#take(frame)
    if (this.level > 0) this.children = []
    return (this.block = MutableBlock.empty(frame.bytes, frame.start + capacity, frame.start))
  }

  /** Takes contents that were read from disk. */
  load(frame: Frame, block: MutableBlock): void {
    this.#take(frame)
    this.block = block
    if (this.level > 0) this.children = new Array<Page | undefined>(block.count).fill(undefined)
  }

  /** A copy of the contents of another page of the same size. */
  copyFrom(page: Page): void {
    const source = page.block!
    const capacity = source.capacity
    const frame = takeFrame(this.#frames, this.level, capacity)
    frame.bytes.set(source.bytes.subarray(source.base, source.base + capacity), frame.start)
    this.#take(frame)
    this.block = MutableBlock.copy(source, frame.bytes, frame.start)
    if (page.children !== undefined) this.children = page.children.slice()
  }

  /** Becomes the next version of the page, which is on disk and is to be changed. Its contents take `units`. */
  renew(born: number, units: number): void {
    this.units = units
    this.born = born
    this.dirty = true
    this.shrunk = false
    this.offset = this.check = this.number = 0
    this.parent = this.head = undefined
  }

  /** Takes the contents of another page, which is left without. */
  stealFrom(page: Page): void {
    this.block = page.block
    this.children = page.children
    this.places = page.places
    this.#take(page.#frame)
    page.#clear()
  }

  /** Replaces the contents by those of another page of any size. The former contents go back to the pool. */
  exchange(page: Page): void {
    this.drop()
    this.stealFrom(page)
    this.units = page.units
    this.bytes = page.bytes
    this.isLarge = page.isLarge
  }

  /** Drops the contents. Their memory is reused, unless a cursor may still read it. */
  drop(): void {
    const frame = this.#frame
    if (frame !== undefined) {
      if (this.pins === 0) this.#frames.give(frame)
      else this.#frames.lose(frame)
    }
    this.#clear()
  }

  /** Drops the contents and the branch's object for the page: otherwise objects of evicted pages would outgrow the cache. */
  evict(): void {
    this.drop()
    this.parent?.detach(this)
  }

  /** Notes for the readers to come where the contents of child `slot` are. */
  notePlace(slot: number, place: number): void {
    // The branch itself may have left the cache when the leaf was read.
    if (this.children === undefined) return
    if (this.places === undefined || slot >= this.places.length) this.places = new Int32Array(this.children.length)
    this.places[slot] = place
  }

  /** Drops the object of a child. In a clean branch the reference in the entry is enough. */
  detach(child: Page): void {
    const { children } = this
    if (this.dirty || children === undefined) return
    const slot = children[child.slot] === child ? child.slot : children.indexOf(child)
    if (slot >= 0) children[slot] = undefined
  }

  #take(frame: Frame | undefined): void {
    this.#frame = frame
    this.place = frame === undefined ? NO_PLACE : frame.place
  }

  #clear(): void {
    this.block = this.children = this.places = this.#frame = undefined
    this.place = NO_PLACE
  }
}

/** A branch has its own memory: an operation may still read a branch on its path that has left the cache. */
export function takeFrame(frames: FramePool, level: number, capacity: number): Frame {
  return level === 0 ? frames.take(capacity) : frames.own(capacity)
}
