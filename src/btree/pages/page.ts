/**
 * A page: one node of the tree, in memory, on disk, or both. The object stands for one version of the page and outlives its contents: it
 * is what the parent refers to, whether the contents are loaded or not.
 *
 * Invariants:
 * 1. A dirty page has its contents in memory, and so have its ancestors: they are dirty, too. A clean page is on disk at `offset`.
 * 2. Contents never change once a held root reaches the page (see held-roots.ts), but for the references in a branch that is being
 *    written: where there is a child object it is the truth, and the reference in the entry only where there is none.
 * 3. Clean contents are in the cache's hands, or nobody's: then they are private to the operation that loaded them.
 */
import { CacheEntry } from '../../cache/eviction-policy.js'
import type { Frame, FramePool } from '../../cache/frame-pool.js'
import { MutableBlock } from '../../codec/mutable-block.js'

/** What the objects around a page take, roughly. */
const OVERHEAD_BYTES = 320

export class Page extends CacheEntry {
  /** 0 is a leaf. */
  readonly level: number
  /** The generation that made this version, or an earlier one where that is not known. */
  readonly born: number
  /** Length of the extent. */
  units: number
  bytes: number
  /** Contents; `undefined` while they are only on disk. */
  block: MutableBlock | undefined = undefined
  /** Of a branch with contents: its children as far as they are known. */
  children: (Page | undefined)[] | undefined = undefined
  dirty: boolean
  /** Where the extent begins, in units; 0 if the page is not on disk. */
  offset = 0
  check = 0
  /** Of the subtree: entries, and key and value bytes. */
  entries = 0
  liveBytes = 0
  /** Index of the last insert, by which ascending inserts are known. */
  lastInsert = -2
  /** It left the tree; only held roots may still reach it. */
  dead = false
  /** A clean subtree that left the tree as a whole: its other pages go with it. */
  whole = false
  /** Of a subtree that left as a whole, once it was walked: offset and length of each other page. */
  extents: number[] | undefined = undefined
  /** The branch that leads to it, as far as that is known. */
  parent: Page | undefined = undefined
  /** Cursors that stand on the contents. */
  pins = 0
  /** What traces call it; 0 if none has heard of it. */
  number = 0
  #frame: Frame | undefined = undefined
  readonly #frames: FramePool

  constructor(frames: FramePool, level: number, born: number, units: number, unitBytes: number, dirty: boolean) {
    super()
    this.#frames = frames
    this.level = level
    this.born = born
    this.units = units
    this.bytes = units * unitBytes + OVERHEAD_BYTES
    this.dirty = dirty
  }

  override get tracedId(): number {
    return this.number
  }

  /** Gives an empty page its memory. */
  allocate(capacity: number): MutableBlock {
    const frame = takeFrame(this.#frames, this.level, capacity)
    this.#frame = frame
    if (this.level > 0) this.children = []
    return (this.block = MutableBlock.empty(frame.bytes, frame.start + capacity, frame.start))
  }

  /** Takes contents that were read from disk. */
  load(frame: Frame, block: MutableBlock): void {
    this.#frame = frame
    this.block = block
    if (this.level > 0) this.children = new Array<Page | undefined>(block.count).fill(undefined)
  }

  /** A copy of the contents of another page of the same size. */
  copyFrom(page: Page): void {
    const source = page.block!
    const capacity = source.capacity
    const frame = takeFrame(this.#frames, this.level, capacity)
    frame.bytes.set(source.bytes.subarray(source.base, source.base + capacity), frame.start)
    this.#frame = frame
    this.block = MutableBlock.copy(source, frame.bytes, frame.start)
    if (page.children !== undefined) this.children = page.children.slice()
  }

  /** The contents themselves: the other page is left without. */
  stealFrom(page: Page): void {
    this.block = page.block
    this.children = page.children
    this.#frame = page.#frame
    page.block = page.children = page.#frame = undefined
  }

  /** Puts other contents, of whatever size, in the place of the page's own, which go back to the pool. */
  exchange(page: Page): void {
    this.drop()
    this.stealFrom(page)
    this.units = page.units
    this.bytes = page.bytes
  }

  /** Forgets the contents. Their memory is used again, unless a cursor may still read it. */
  drop(): void {
    const frame = this.#frame
    if (frame !== undefined) {
      if (this.pins === 0) this.#frames.give(frame)
      else this.#frames.lose(frame)
    }
    this.block = this.children = this.#frame = undefined
  }

  /** The branch above forgets a page that is only on disk again: else the objects for such pages would outgrow the cache. */
  evict(): void {
    this.drop()
    this.parent?.forget(this)
  }

  /** What a clean branch says of a child in its entry is true, so that it can do without the object. */
  forget(child: Page): void {
    const { children } = this
    if (this.dirty || children === undefined) return
    const slot = children.indexOf(child)
    if (slot >= 0) children[slot] = undefined
  }
}

/** Branches have memory of their own, since whoever stands on a path may still read one that has left the cache. */
export function takeFrame(frames: FramePool, level: number, capacity: number): Frame {
  return level === 0 ? frames.take(capacity) : frames.own(capacity)
}
