/**
 * The B+tree: finding, changing and copying pages. All of it is synchronous; pages that are not in memory are read on the way. What makes
 * pages fewer is in mending.ts and range-clear.ts.
 *
 * Invariants:
 * 1. All leaves are at level 0, and a branch of level n has children of level n - 1. An entry of a branch leads to keys from its own key
 *    (included) to that of the next entry (not included). The first entry's own key bounds nothing.
 * 2. On the way down a writer makes every page its own before it loads the next one: what it stands on is dirty and cannot leave memory.
 * 3. `entries` and `liveBytes` of a page are those of its subtree, and `levels` counts the pages of the tree as it is now, those of
 *    subtrees that left as a whole included until they have been walked.
 * 4. Only merging reads a page that a change could do without. If it cannot be read, the pages stay as they are.
 */
import { Cell } from '../codec/sorted-block.js'
import type { ByteView } from '../codec/entry.js'
import type { HeldRoots } from './held-roots.js'
import { LevelCounts } from './level-counts.js'
import { Mending } from './mending.js'
import { MAX_LEVELS } from './meta-page.js'
import type { Page } from './page.js'
import { PageBuilder, type SplitPage } from './page-builder.js'
import type { PageStore } from './page-store.js'
import type { PageTrace } from './page-trace.js'
import { clearRange } from './range-clear.js'
import type { LeafSplit, SplitRule } from './split.js'

const cell = new Cell()

export class Tree {
  root: Page
  /** Of the last operation in the tree. */
  sequence = 0
  readonly levels = new LevelCounts()
  readonly store: PageStore
  readonly held: HeldRoots
  readonly #trace: PageTrace | null
  readonly #builder: PageBuilder
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
    this.#mending = new Mending(this, this.#builder)
    this.root = root ?? this.emptyRoot()
    if (this.#trace !== null) this.#trace.rootChanged(this.root)
  }

  get height(): number {
    return this.root.level + 1
  }

  /** Points `out` at the value of a key under a root of this tree. */
  find(root: Page, key: Uint8Array, start: number, end: number, out: ByteView): boolean {
    const leaf = this.leafOf(root, key, start, end)
    const block = leaf.block!
    const index = block.find(key, start, end)
    if (index < 0) return false
    block.readCell(index, cell)
    out.set(block.bytes, cell.payloadStart, cell.payloadEnd)
    return true
  }

  leafOf(root: Page, key: Uint8Array, start: number, end: number): Page {
    if (this.#trace !== null) return this.#leafTold(this.#trace, root, key, start, end)
    const { store } = this
    let page = root
    let level = root.level
    let inMemory = level + 1
    if (root.block === undefined) {
      page = store.loaded(root)
      inMemory--
    }
    store.counts.blocksFromCache += inMemory
    store.cache.hits += inMemory
    for (; level > 0; level--) {
      const slot = page.block!.floor(key, start, end)
      const child = page.children![slot < 0 ? 0 : slot]
      if (child?.block !== undefined) {
        child.referenced = true
        page = child
      } else {
        store.counts.blocksFromCache--
        store.cache.hits--
        page = store.child(page, slot < 0 ? 0 : slot)
      }
    }
    return page
  }

  /** `leafOf`, telling every page on the way. */
  #leafTold(trace: PageTrace, root: Page, key: Uint8Array, start: number, end: number): Page {
    const { store } = this
    let page = root
    if (root.block === undefined) page = store.loaded(root)
    else store.hit(root)
    for (let depth = 0; ; depth++) {
      const slot = slotIn(page, key, start, end)
      trace.visited(page, depth, slot)
      if (page.level === 0) return page
      page = store.child(page, slot)
    }
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
      this.#overflow(leaf, found, true, key, start, end, value, valueStart, valueEnd, undefined)
      return
    }
    const index = -1 - found
    this.#grow(1, end - start + length)
    if (leaf.units > 1 || !block.insert(index, key, start, end, value, valueStart, valueEnd)) {
      this.#overflow(leaf, index, false, key, start, end, value, valueStart, valueEnd, undefined)
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
    if (this.leafOf(this.root, key, start, end).block!.find(key, start, end) < 0) return false
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

  /**
   * The page of `level` on the way to a key, without making it the writer's own; the key where the one behind it begins, `undefined` if it is the
   * last; and the highest place of a page on the way.
   */
  lookAt(key: Uint8Array, level: number): { readonly page: Page; readonly next: Uint8Array | undefined; readonly furthest: number } {
    let page = this.store.loaded(this.root)
    let next: Uint8Array | undefined
    let furthest = page.offset
    while (page.level > level) {
      const block = page.block!
      const slot = Math.max(0, block.floor(key, 0, key.length))
      if (slot + 1 < block.count) next = block.keyAt(slot + 1)
      page = this.store.child(page, slot)
      furthest = Math.max(furthest, page.offset)
    }
    return { page, next, furthest }
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
    const { emptyReference } = this.#builder
    this.#overflow(branch, index, false, separator, 0, separator.length, emptyReference, 0, emptyReference.length, child)
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

  /** Rewrites a dirty page with a new entry (or with another value of one) that it has no room for, in as many pages as it takes. */
  #overflow(
    page: Page,
    index: number,
    replaces: boolean,
    key: Uint8Array,
    start: number,
    end: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    child: Page | undefined,
  ): void {
    const before = page.units
    const added = { index, replaces, key, start, end, value, valueStart, valueEnd, child }
    const wasRoot = page === this.root
    const rightmost = page.level === 0 && !replaces && index === page.block!.count && this.#isRightmost()
    const next = rightmost && before === 1 ? this.#builder.follow(page, added, this.held.generation) : undefined
    const { pages, rule } = next ?? this.#builder.rewrite(page, added, rightmost, this.held.generation)
    this.levels.resize(page.level, page.units - before)
    if (pages.length > 0 && wasRoot) this.#growRoot(page)
    // From the last to the first, so that until a page has its place its entries are counted in the one next to that place.
    for (let i = pages.length - 1; i >= 0; i--) {
      const { separator, page: right } = pages[i]
      page.entries -= right.entries
      page.liveBytes -= right.liveBytes
      this.enter(right)
      this.insertChild(page.level + 1, separator, right)
    }
    if (this.#trace !== null) this.#tellOverflow(this.#trace, page, pages, rule)
  }

  #tellOverflow(trace: PageTrace, page: Page, pages: readonly SplitPage[], rule: SplitRule): void {
    const all = [page, ...pages.map(split => split.page)]
    const separators = pages.map(({ separator }) => separator)
    if (pages.length > 0) trace.split(all, separators, rule)
    for (const each of all) trace.changed(each)
  }

  #isRightmost(): boolean {
    for (let depth = 0; depth < this.#depth; depth++) if (this.#slots[depth] < this.#path[depth].children!.length - 1) return false
    return true
  }

  #growRoot(child: Page): void {
    const root = this.store.create(child.level + 1, this.held.generation, 0)
    root.entries = child.entries
    root.liveBytes = child.liveBytes
    this.#builder.addFirstChild(root, child)
    this.enter(root)
    this.replaceRoot(root)
  }
}

/** Where a branch leads on, and in a leaf where the key is or would be. */
function slotIn({ level, block }: Page, key: Uint8Array, start: number, end: number): number {
  if (level > 0) return Math.max(0, block!.floor(key, start, end))
  const found = block!.find(key, start, end)
  return found < 0 ? -1 - found : found
}
