/**
 * The B+tree: putting and deleting entries, and copying pages for it. All of it is synchronous; pages that are not in memory are read on
 * the way. How a search goes is in search.ts, what makes pages more in growth.ts, what makes them fewer in mending.ts and range-clear.ts.
 *
 * Invariants:
 * 1. All leaves are at level 0, and a branch of level n has children of level n - 1. An entry of a branch leads to keys from its own key
 *    (included) to that of the next entry (not included). The first entry's own key bounds nothing.
 * 2. On the way down a writer makes every page its own before it loads the next one: what it stands on is dirty and cannot leave memory.
 * 3. `entries` and `liveBytes` of a page are those of its subtree, and `levels` counts the pages of the tree as it is now, those of
 *    subtrees that left as a whole included until they have been walked.
 * 4. Only merging reads a page that a change could do without. If it cannot be read, the pages stay as they are.
 */
import type { NextSlice } from '../../engine/durable/slices.js'
import { Cell } from '../../codec/sorted-block.js'
import type { ByteView } from '../../codec/entry.js'
import { Growth } from './growth.js'
import type { HeldRoot, HeldRoots } from '../pages/held-roots.js'
import { LevelCounts } from './level-counts.js'
import { Mending } from './mending.js'
import { MAX_LEVELS } from '../pages/meta-page.js'
import type { Page } from '../pages/page.js'
import { PageBuilder, type AddedEntry } from './page-builder.js'
import type { PageStore } from '../pages/page-store.js'
import type { PageTrace } from '../pages/page-trace.js'
import { clearRange } from './range-clear.js'
import { leafOf, slotIn } from './search.js'
import type { LeafSplit } from './split.js'

const cell = new Cell()

export class Tree {
  root: Page
  /** Of the last operation in the tree, but for a long batch that is being applied. */
  sequence = 0
  /** The tree without the long batch that is being applied. */
  #published: HeldRoot | undefined
  readonly levels = new LevelCounts()
  readonly store: PageStore
  readonly held: HeldRoots
  readonly #trace: PageTrace | null
  readonly #builder: PageBuilder
  readonly #growth: Growth
  readonly #mending: Mending
  /** The pages from the root down, and the slots that lead on. */
  readonly #path: Page[] = []
  readonly #slots = new Int32Array(MAX_LEVELS + 1)
  #depth = 0
  /** The path leads to the last leaf, and nothing but puts into that has happened since: a key behind its last one belongs there. */
  #atEnd = false

  /** Starts with an empty root if none is given. With a `leafSplit`, that decides where leaves are cut. */
  constructor(store: PageStore, held: HeldRoots, root?: Page, leafSplit?: LeafSplit) {
    this.store = store
    this.held = held
    this.#trace = store.trace
    this.#builder = new PageBuilder(store, leafSplit)
    this.#growth = new Growth(this, this.#builder)
    this.#mending = new Mending(this, this.#builder)
    this.root = root ?? this.emptyRoot()
    if (this.#trace !== null) this.#trace.rootChanged(this.root)
  }

  get height(): number {
    return this.root.level + 1
  }

  /** The root that readers see. */
  get present(): Page {
    return this.#published === undefined ? this.root : this.#published.root
  }

  /** Until `endLongBatch` readers see the tree as it is now; what a batch changes, it changes in pages of its own. */
  beginLongBatch(): void {
    this.#published = this.held.hold(this.root, true)
  }

  /** From now on readers see the batch. Resolves when the pages of the tree from before are free, as far as no other reader holds them. */
  endLongBatch(nextSlice: NextSlice): Promise<void> {
    const published = this.#published!
    this.#published = undefined
    return this.held.releaseInSlices(published, nextSlice)
  }

  /** Points `out` at the value of a key under a root of this tree. */
  find(root: Page, key: Uint8Array, start: number, end: number, out: ByteView): boolean {
    const block = leafOf(this.store, root, key, start, end).block!
    const index = block.find(key, start, end)
    if (index < 0) return false
    block.readCell(index, cell)
    out.set(block.bytes, cell.payloadStart, cell.payloadEnd)
    return true
  }

  put(key: Uint8Array, start: number, end: number, value: Uint8Array, valueStart: number, valueEnd: number): void {
    const length = valueEnd - valueStart
    if (this.#atEnd && this.#append(key, start, end, value, valueStart, valueEnd)) return
    const leaf = this.#descend(key, start, end, 0)
    const block = leaf.block!
    const found = block.find(key, start, end)
    if (found >= 0) {
      block.readCell(found, cell)
      const grown = length - (cell.payloadEnd - cell.payloadStart)
      if (grown !== 0) this.#grow(0, grown)
      // A page for one large entry is made anew with it.
      if ((grown === 0 || leaf.units === 1) && block.replace(found, value, valueStart, valueEnd)) {
        if (this.#trace !== null) this.#trace.changed(leaf)
        return
      }
      this.#overflow(leaf, { index: found, replaces: true, key, start, end, value, valueStart, valueEnd, child: undefined })
      return
    }
    const index = -1 - found
    this.#grow(1, end - start + length)
    if (leaf.units > 1 || !block.insert(index, key, start, end, value, valueStart, valueEnd)) {
      this.#overflow(leaf, { index, replaces: false, key, start, end, value, valueStart, valueEnd, child: undefined })
    } else {
      leaf.lastInsert = index
      this.#atEnd = index === block.count - 1 && this.#isRightmost()
      if (this.#trace !== null) this.#trace.changed(leaf)
    }
  }

  /** Puts a key behind the last one without a walk from the root; false if it is not, or if there is no room. */
  #append(key: Uint8Array, start: number, end: number, value: Uint8Array, valueStart: number, valueEnd: number): boolean {
    const leaf = this.#path[this.#depth]
    if (leaf.born <= this.held.frozen || !leaf.dirty || leaf.units > 1) return false
    const block = leaf.block!
    const index = block.count
    if (!block.isBehindLast(key, start, end) || !block.insert(index, key, start, end, value, valueStart, valueEnd)) return false
    this.#grow(1, end - start + valueEnd - valueStart)
    leaf.lastInsert = index
    if (this.#trace !== null) this.#trace.changed(leaf)
    return true
  }

  /** Returns whether the key was there. */
  del(key: Uint8Array, start: number, end: number): boolean {
    if (leafOf(this.store, this.root, key, start, end).block!.find(key, start, end) < 0) return false
    const leaf = this.#descend(key, start, end, 0)
    const block = leaf.block!
    const index = block.find(key, start, end)
    block.readCell(index, cell)
    this.#grow(-1, start - end - (cell.payloadEnd - cell.payloadStart))
    block.remove(index, index + 1)
    leaf.lastInsert = -2
    if (this.#trace !== null) this.#trace.changed(leaf)
    if (this.#mending.isUnderfull(leaf)) this.mend()
    return true
  }

  /**
   * Makes the pages on the way to a key dirty, so that a change of it reads nothing more and cannot fail. Throws what reading throws, and
   * then the tree's content is as before.
   */
  prepare(key: Uint8Array, start: number, end: number): void {
    this.#descend(key, start, end, 0)
  }

  /** Removes the keys from `first` to `last`, both included. Leaves between theirs are not read. `prepare` has been called for both. */
  clear(first: Uint8Array, last: Uint8Array): void {
    clearRange(this, first, last)
    for (const key of [first, last]) {
      this.#descendOwned(key)
      this.mend()
    }
  }

  /** The pages from the root to the one of `level` on the way to the key, and the slots between: good until the next call. */
  walkTo(key: Uint8Array, level: number): { readonly path: readonly Page[]; readonly slots: Int32Array; readonly depth: number } {
    this.#descend(key, 0, key.length, level)
    return { path: this.#path, slots: this.#slots, depth: this.#depth }
  }

  /** Child `slot` of a dirty page, loaded and dirty. */
  ownChild(parent: Page, slot: number): Page {
    const child = parent.children![slot]
    return this.ownLoaded(parent, slot, child?.block === undefined ? this.store.child(parent, slot) : child)
  }

  /** Moves entries from child `slot + 1` of a dirty branch to child `slot`, as many as fit. Returns what is left of the right one. */
  pack(parent: Page, slot: number): 'merged' | 'moved' | 'full' {
    return this.#mending.pack(parent, slot)
  }

  /** Merges what is underfull on the last path, and takes away levels that are not needed any more. */
  mend(): void {
    this.#mending.mend(this.#path, this.#slots, this.#depth)
  }

  /** An operation, or a batch of them, is in the tree. */
  advance(operations: number): void {
    this.sequence += operations
    if (this.#trace !== null) this.#trace.treeChanged(this.root, this.sequence)
  }

  /** A new page that is root to be. */
  emptyRoot(): Page {
    const root = this.store.create(0, this.held.generation, 0)
    this.enter(root)
    return root
  }

  replaceRoot(root: Page): void {
    this.root = root
    if (this.#trace !== null) this.#trace.rootChanged(root)
  }

  /** The root, loaded and dirty. */
  ownRoot(): Page {
    const { root } = this
    if (root.born <= this.held.frozen || !root.dirty) this.replaceRoot(this.#copy(this.store.loaded(root)))
    return this.root
  }

  /** A new page enters the tree. */
  enter(page: Page): void {
    this.levels.add(page)
    if (this.#trace !== null) this.#trace.created(page, this.store.dirtyBytes)
  }

  /** The page and its extent leave the tree. */
  remove(page: Page): void {
    this.levels.remove(page)
    if (this.#trace !== null) this.#trace.dropped(page)
    this.held.kill(page)
  }

  /** Takes child `slot` out of a dirty branch. */
  removeChild(branch: Page, slot: number): void {
    const block = branch.block!
    if (slot === 0 && block.count > 1) {
      // The first entry stays, without a key of its own, and leads to the second child.
      block.readCell(1, cell)
      const { payloadStart, payloadEnd } = cell
      block.replace(0, block.bytes, payloadStart, payloadEnd)
      block.remove(1, 2)
    } else {
      block.remove(slot, slot + 1)
    }
    branch.children!.splice(slot, 1)
    branch.lastInsert = -2
    if (this.#trace !== null) this.#trace.changed(branch)
  }

  /** Enters a page into the branch of `level` where its separator belongs. */
  insertChild(level: number, separator: Uint8Array, child: Page): void {
    const branch = this.#descend(separator, 0, separator.length, level)
    const index = Math.max(0, branch.block!.floor(separator, 0, separator.length)) + 1
    if (this.#builder.insertChild(branch, index, separator, child)) {
      if (this.#trace !== null) this.#trace.changed(branch)
      return
    }
    const { emptyReference: value } = this.#builder
    const [end, valueEnd] = [separator.length, value.length]
    this.#overflow(branch, { index, replaces: false, key: separator, start: 0, end, value, valueStart: 0, valueEnd, child })
  }

  /** There is no room for an entry, or for another value of one. */
  #overflow(page: Page, added: AddedEntry): void {
    const { index, replaces } = added
    const rightmost = page.level === 0 && !replaces && index === page.block!.count && this.#isRightmost()
    this.#growth.overflow(page, added, rightmost)
  }

  /** Walks down to `level`, making every page on the way the writer's own. */
  #descend(key: Uint8Array, start: number, end: number, level: number): Page {
    const { frozen } = this.held
    this.#atEnd = false
    let page = this.ownRoot()
    let depth = 0
    this.#path[0] = page
    while (page.level > level) {
      const found = page.block!.floor(key, start, end)
      const slot = found < 0 ? 0 : found
      if (this.#trace !== null) this.#trace.visited(page, depth, slot)
      let child = page.children![slot]
      if (child?.block === undefined) child = this.store.child(page, slot)
      if (child.born <= frozen || !child.dirty) {
        child = this.#copy(child)
        page.children![slot] = child
      }
      this.#slots[depth] = slot
      this.#path[++depth] = child
      page = child
    }
    this.#depth = depth
    if (this.#trace !== null) this.#trace.visited(page, depth, slotIn(page, key, start, end))
    return page
  }

  /** `ownChild` of a child that is loaded. */
  ownLoaded(parent: Page, slot: number, child: Page): Page {
    if (child.dirty && child.born > this.held.frozen) return child
    const copy = this.#copy(child)
    parent.children![slot] = copy
    return copy
  }

  /** Walks down as far as pages are the writer's own already: nothing is read. */
  #descendOwned(key: Uint8Array): void {
    this.#atEnd = false
    let page = this.root
    let depth = 0
    this.#path[0] = page
    while (page.level > 0) {
      const slot = Math.max(0, page.block!.floor(key, 0, key.length))
      const child = page.children![slot]
      if (child === undefined || !child.dirty || child.born <= this.held.frozen) break
      this.#slots[depth] = slot
      this.#path[++depth] = child
      page = child
    }
    this.#depth = depth
  }

  #copy(page: Page): Page {
    const { held } = this
    const copy = this.store.copy(page, held.generation, !page.dirty && page.born > held.readerFrozen)
    held.kill(page)
    return copy
  }

  #grow(entries: number, liveBytes: number): void {
    for (let depth = this.#depth; depth >= 0; depth--) {
      const page = this.#path[depth]
      page.entries += entries
      page.liveBytes += liveBytes
    }
  }

  #isRightmost(): boolean {
    for (let depth = 0; depth < this.#depth; depth++) if (this.#slots[depth] < this.#path[depth].children!.length - 1) return false
    return true
  }
}
