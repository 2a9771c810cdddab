/**
 * The path of the writer: the pages from the root down to the one that changes. Descending copies every page on the way that a live version
 * may reach (copy-on-write), so that readers never see a change. All of it is synchronous; pages that are not in memory are read on the
 * way.
 *
 * Invariants:
 * 1. A page on the path is the writer's own before the next one is loaded: dirty, and born after every live version. A dirty page cannot
 *    leave memory. A large leaf at the end is left as it is, see large-leaf.ts.
 * 2. `entries` and `liveBytes` of a page are those of its subtree. `levels` counts the pages of the tree as it is now, and those of
 *    subtrees that were dropped as a whole until they have been walked.
 */
import { Cell } from '../../codec/sorted-block.js'
import type { LiveVersions } from '../pages/live-versions.js'
import { FormerPage } from '../pages/former-page.js'
import { MAX_LEVELS } from '../pages/meta-page.js'
import type { Page } from '../pages/page.js'
import type { PageStore } from '../pages/page-store.js'
import type { PageTrace } from '../pages/page-trace.js'
import { LevelCounts } from '../pages/level-counts.js'
import { Expiries } from './expiries.js'
import { LeafSharing } from './leaf-sharing.js'
import { PageBuilder } from './page-builder.js'
import { slotIn } from './search.js'
import type { LeafSplit } from './split.js'

const cell = new Cell()

export class WritablePath {
  root: Page
  readonly store: PageStore
  readonly versions: LiveVersions
  readonly trace: PageTrace | null
  readonly builder: PageBuilder
  readonly sharing: LeafSharing
  readonly expiries: Expiries
  readonly levels: LevelCounts
  /** The pages from the root down to `depth`. */
  readonly pages: Page[] = []
  /** The slot of each page that leads on to the next one. */
  readonly slots = new Int32Array(MAX_LEVELS + 1)
  depth = 0
  /** The path leads to the last leaf, and only puts into that leaf have happened since: a key behind its last one belongs there. */
  atEnd = false

  /** Starts with an empty root if none is given. A `leafSplit` decides where leaves are cut. */
  constructor(store: PageStore, versions: LiveVersions, root?: Page, leafSplit?: LeafSplit, expiries = new Expiries()) {
    this.store = store
    this.versions = versions
    this.trace = store.trace
    this.levels = new LevelCounts(store.pageUnits)
    this.builder = new PageBuilder(store, leafSplit)
    this.sharing = new LeafSharing(store)
    this.expiries = expiries
    this.root = root ?? this.emptyRoot()
    if (this.trace !== null) this.trace.rootChanged(this.root)
  }

  /** The last page of the path. */
  get end(): Page {
    return this.pages[this.depth]
  }

  /** Whether the path leads to the last page of its level. */
  get isRightmost(): boolean {
    for (let depth = 0; depth < this.depth; depth++) if (this.slots[depth] < this.pages[depth].children!.length - 1) return false
    return true
  }

  /** Whether a page may be changed in place. */
  isOwn(page: Page): boolean {
    return page.dirty && page.born > this.versions.sharedUpTo
  }

  /** Descends to the page of `level` where a key belongs, and copies what live versions share. A leaf that is copied loses what is due. */
  descend(key: Uint8Array, start: number, end: number, level: number): Page {
    const { sharedUpTo } = this.versions
    this.atEnd = false
    const { root } = this
    let page = root.isLarge ? root : this.ownRoot()
    let isCopied = page !== root
    let depth = 0
    this.pages[0] = page
    while (page.level > level) {
      const found = page.block!.floor(key, start, end)
      const slot = found < 0 ? 0 : found
      if (this.trace !== null) this.trace.visited(page, depth, slot)
      let child = page.children![slot]
      isCopied = false
      if (child === undefined || child.born <= sharedUpTo || !child.dirty) {
        child = this.#ownUnlessLarge(page, slot)
        isCopied = !child.isLarge
      }
      this.slots[depth] = slot
      this.pages[++depth] = child
      page = child
    }
    this.depth = depth
    if (isCopied && level === 0) this.dropDue(page, depth - 1)
    if (this.trace !== null && page.block !== undefined) this.trace.visited(page, depth, slotIn(page, key, start, end))
    return page
  }

  /** Descends towards a key as far as pages are the writer's own already: reads nothing. */
  descendOwn(key: Uint8Array): void {
    this.atEnd = false
    let page = this.root
    let depth = 0
    this.pages[0] = page
    while (page.level > 0) {
      const slot = Math.max(0, page.block!.floor(key, 0, key.length))
      const child = page.children![slot]
      if (child === undefined || !this.isOwn(child)) break
      this.slots[depth] = slot
      this.pages[++depth] = child
      page = child
    }
    this.depth = depth
  }

  /**
   * Drops the entries of an own leaf that are due; page `above` of the path leads to it. One stays if it would be empty, unless that is
   * allowed. Returns whether there were any.
   */
  dropDue(leaf: Page, above: number, mayEmpty = false): boolean {
    const { entries, bytes } = this.expiries.drop(leaf, !mayEmpty)
    if (entries === 0) return false
    leaf.entries -= entries
    leaf.liveBytes -= bytes
    this.count(-entries, -bytes, above)
    leaf.lastInsert = -2
    leaf.shrunk = true
    if (this.trace !== null) this.trace.changed(leaf)
    return true
  }

  /** Adds to the counts of every page on the path, or of those down to some depth. */
  count(entries: number, liveBytes: number, deepest = this.depth): void {
    for (let depth = deepest; depth >= 0; depth--) {
      const page = this.pages[depth]
      page.entries += entries
      page.liveBytes += liveBytes
    }
  }

  /** The root, loaded and the writer's own. */
  ownRoot(): Page {
    const { root } = this
    if (!this.isOwn(root)) this.replaceRoot(this.#copy(this.store.loaded(root)))
    return this.root
  }

  /** Child `slot` of an own page, loaded and the writer's own. */
  ownChild(parent: Page, slot: number): Page {
    const child = parent.children![slot]
    return this.ownLoaded(parent, slot, child?.block === undefined ? this.store.child(parent, slot) : child)
  }

  /** `ownChild` for a child that is loaded. */
  ownLoaded(parent: Page, slot: number, child: Page): Page {
    if (this.isOwn(child)) return child
    if (this.#isRenewable(child)) {
      this.versions.retireFormer(this.store.renew(child, this.versions.generation))
      parent.children![slot] = child
      return child
    }
    const copy = this.#copy(child)
    parent.children![slot] = copy
    return copy
  }

  /** A new page that is to be the root. */
  emptyRoot(): Page {
    const root = this.store.create(0, this.versions.generation, 0)
    this.enter(root)
    return root
  }

  /** Puts a page in the place of the last one of the path. */
  replaceEnd(page: Page): void {
    const { depth } = this
    this.pages[depth] = page
    if (depth === 0) this.replaceRoot(page)
    else this.pages[depth - 1].children![this.slots[depth - 1]] = page
  }

  replaceRoot(root: Page): void {
    this.root = root
    if (this.trace !== null) this.trace.rootChanged(root)
  }

  /** Goes over to another tree. Returns the root of the one before. */
  adopt(root: Page, levels: LevelCounts): Page {
    const before = this.root
    this.root = root
    this.levels.assign(levels)
    this.atEnd = false
    this.depth = 0
    return before
  }

  /** A new page enters the tree. */
  enter(page: Page): void {
    this.levels.add(page)
    if (this.trace !== null) this.trace.created(page, this.store.dirtyBytes)
  }

  /** The page and its extent leave the tree. */
  remove(page: Page): void {
    this.levels.remove(page)
    if (this.trace !== null) this.trace.dropped(page, this.store.contentUnits(page))
    this.versions.retire(page)
  }

  /** Takes child `slot` out of an own branch. */
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
    if (this.trace !== null) this.trace.changed(branch)
  }

  #ownUnlessLarge(parent: Page, slot: number): Page {
    const child = this.store.handle(parent, slot)
    return child.isLarge ? child : this.ownLoaded(parent, slot, child.block === undefined ? this.store.loaded(child) : child)
  }

  /**
   * Whether a page can become its own next version: it is on disk, no reader reaches it, and its parent is the only page that refers to it. That
   * of the version which a checkpoint is writing may be another one.
   */
  #isRenewable(page: Page): boolean {
    return !page.dirty && page.pins === 0 && page.born > this.versions.readUpTo && this.store.writeAhead === undefined
  }

  #copy(page: Page): Page {
    const { versions, store } = this
    if (store.writeAhead !== undefined && page.dirty && page.level === 0 && !page.isWritten && page.born > versions.readUpTo) {
      store.writeAhead(page)
    }
    const isSpare = page.born > versions.readUpTo && (!page.dirty || page.isWritten)
    const copy = store.copy(page, versions.generation, isSpare)
    if (isSpare) versions.retireFormer(new FormerPage(page))
    else versions.retire(page)
    return copy
  }
}
