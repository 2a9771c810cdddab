/**
 * The B+tree: finds, puts and deletes entries. The way down is in search.ts for readers and in writable-path.ts for the writer, splits are in
 * overflow.ts, merges in rebalance.ts, entries that need a leaf of their own in large-leaf.ts.
 *
 * Invariants:
 * 1. All leaves are at level 0, and a branch of level n has children of level n - 1. An entry of a branch leads to keys from its own key
 *    (included) to that of the next entry (not included). The first entry's own key bounds nothing.
 * 2. Readers see `present`. A long batch changes pages of its own and is published as a whole.
 */
import type { NextSlice } from '../../engine/slices.js'
import { Cell } from '../../codec/sorted-block.js'
import type { ByteView } from '../../codec/entry.js'
import type { LiveVersion, LiveVersions } from '../pages/live-versions.js'
import type { Page } from '../pages/page.js'
import type { PageStore } from '../pages/page-store.js'
import type { PageTrace } from '../pages/page-trace.js'
import type { LevelCounts } from '../pages/level-counts.js'
import { putAtLarge, removeLarge } from './large-leaf.js'
import { overflow } from './overflow.js'
import { clearRange } from './range-clear.js'
import { isUnderfull, rebalance } from './rebalance.js'
import { hasKey, leafOf } from './search.js'
import type { LeafSplit } from './split.js'
import { WritablePath } from './writable-path.js'

const cell = new Cell()

export class Tree {
  /** The sequence number of the last operation in the tree. A long batch counts once it is published. */
  sequence = 0
  readonly store: PageStore
  readonly versions: LiveVersions
  readonly path: WritablePath
  readonly #trace: PageTrace | null
  /** The tree without the long batch that is being applied. */
  #published: LiveVersion | undefined

  /** Starts with an empty root if none is given. A `leafSplit` decides where leaves are cut. */
  constructor(store: PageStore, versions: LiveVersions, root?: Page, leafSplit?: LeafSplit) {
    this.store = store
    this.versions = versions
    this.#trace = store.trace
    this.path = new WritablePath(store, versions, root, leafSplit)
  }

  /** The root that the writer changes. */
  get root(): Page {
    return this.path.root
  }

  get height(): number {
    return this.root.level + 1
  }

  get levels(): LevelCounts {
    return this.path.levels
  }

  /** The root that readers see. */
  get present(): Page {
    return this.#published === undefined ? this.path.root : this.#published.root
  }

  /** Until `endLongBatch` readers see the tree as it is now. */
  beginLongBatch(): void {
    this.#published = this.versions.hold(this.root, true)
  }

  /** From now on readers see the batch. Resolves when the pages of the earlier tree are free, except those that other readers hold. */
  endLongBatch(nextSlice: NextSlice): Promise<void> {
    const published = this.#published!
    this.#published = undefined
    return this.versions.releaseInSlices(published, nextSlice)
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

  /** With `blank`, a value that needs a leaf of its own is not copied: `blank` points to where the caller is to write it. */
  put(key: Uint8Array, start: number, end: number, value: Uint8Array, valueStart: number, valueEnd: number, blank?: ByteView): void {
    if (this.path.atEnd && this.#append(key, start, end, value, valueStart, valueEnd)) return
    const { path } = this
    const leaf = path.descend(key, start, end, 0)
    if (leaf.isLarge) {
      putAtLarge(path, { key, start, end, value, valueStart, valueEnd, blank, child: undefined })
      return
    }
    const block = leaf.block!
    const length = valueEnd - valueStart
    const found = block.find(key, start, end)
    if (found >= 0) {
      block.readCell(found, cell)
      const grown = length - (cell.payloadEnd - cell.payloadStart)
      if (grown !== 0) path.count(0, grown)
      if (block.replace(found, value, valueStart, valueEnd)) {
        if (this.#trace !== null) this.#trace.changed(leaf)
        return
      }
      overflow(path, { index: found, replaces: true, key, start, end, value, valueStart, valueEnd, blank, child: undefined })
      return
    }
    const index = -1 - found
    path.count(1, end - start + length)
    if (!block.insert(index, key, start, end, value, valueStart, valueEnd)) {
      overflow(path, { index, replaces: false, key, start, end, value, valueStart, valueEnd, blank, child: undefined })
    } else {
      leaf.lastInsert = index
      path.atEnd = index === block.count - 1 && path.isRightmost
      if (this.#trace !== null) this.#trace.changed(leaf)
    }
  }

  /** Returns whether the key was there. */
  del(key: Uint8Array, start: number, end: number): boolean {
    const { path } = this
    if (!hasKey(this.store, this.root, key, start, end)) return false
    const leaf = path.descend(key, start, end, 0)
    if (leaf.isLarge) {
      removeLarge(path)
      return true
    }
    const block = leaf.block!
    const index = block.find(key, start, end)
    block.readCell(index, cell)
    path.count(-1, start - end - (cell.payloadEnd - cell.payloadStart))
    block.remove(index, index + 1)
    leaf.lastInsert = -2
    if (this.#trace !== null) this.#trace.changed(leaf)
    if (isUnderfull(this.store, leaf)) rebalance(path)
    return true
  }

  /**
   * Makes the pages on the path to a key the writer's own, so that a change of the key reads nothing more and cannot fail. Throws what
   * reading throws; the tree's content is then as before. Returns the leaf: of a large one the change reads the key, see `PageStore.readKey`.
   */
  prepare(key: Uint8Array, start: number, end: number): Page {
    return this.path.descend(key, start, end, 0)
  }

  /** Removes the keys from `first` to `last`, both included. Leaves between theirs are not read. `prepare` has been called for both. */
  clear(first: Uint8Array, last: Uint8Array): void {
    clearRange(this.path, first, last)
    for (const key of [first, last]) {
      this.path.descendOwn(key)
      rebalance(this.path)
    }
  }

  /** An operation, or a batch of operations, is in the tree. */
  advance(operations: number): void {
    this.sequence += operations
    if (this.#trace !== null) this.#trace.treeChanged(this.root, this.sequence)
  }

  /**
   * Goes over to a tree that is on disk, and may share pages with the present one. `replaced` are the places of the pages that it does not
   * share, the present root first.
   */
  adopt(root: Page, levels: LevelCounts, sequence: number, replaced: readonly number[]): void {
    const before = this.path.adopt(root, levels)
    this.sequence = sequence
    if (before.offset === 0 || replaced.length > 0) {
      before.whole = true
      before.extents = replaced.slice(2)
      this.versions.retire(before)
    }
    if (this.#trace !== null) this.#trace.ingested(root, sequence, levels)
  }

  /** Puts a key behind the last one without a descent from the root; false if it belongs elsewhere, or if there is no room. */
  #append(key: Uint8Array, start: number, end: number, value: Uint8Array, valueStart: number, valueEnd: number): boolean {
    const leaf = this.path.end
    if (!this.path.isOwn(leaf) || leaf.isLarge) return false
    const block = leaf.block!
    const index = block.count
    if (!block.isBehindLast(key, start, end) || !block.insert(index, key, start, end, value, valueStart, valueEnd)) return false
    this.path.count(1, end - start + valueEnd - valueStart)
    leaf.lastInsert = index
    if (this.#trace !== null) this.#trace.changed(leaf)
    return true
  }
}
