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
import { EXPIRY_BYTES } from '../../codec/expiry.js'
import { Cell } from '../../codec/sorted-block.js'
import type { ByteView } from '../../codec/entry.js'
import type { LiveVersion, LiveVersions } from '../pages/live-versions.js'
import type { Page } from '../pages/page.js'
import type { PageStore } from '../pages/page-store.js'
import type { PageTrace } from '../pages/page-trace.js'
import type { LevelCounts } from '../pages/level-counts.js'
import type { NewEntry } from './entry-list.js'
import { putAtLarge, removeLarge } from './large-leaf.js'
import { overflow } from './overflow.js'
import { clearRange } from './range-clear.js'
import { isUnderfull, rebalance } from './rebalance.js'
import { hasKey, leafOf } from './search.js'
import type { LeafSplit } from './split.js'
import type { Expiries } from './expiries.js'
import { WritablePath } from './writable-path.js'

const cell = new Cell()

export class Tree {
  /** The sequence number of the last operation in the tree. A long batch counts once it is published. */
  sequence = 0
  readonly store: PageStore
  readonly versions: LiveVersions
  readonly path: WritablePath
  /** Where the entry that `find` has found lies. */
  readonly found = new Cell()
  readonly #trace: PageTrace | null
  /** Where `#set` has found the key in its leaf, or -1 less the index where it belongs. */
  #place = 0
  /** The tree without the long batch that is being applied. */
  #published: LiveVersion | undefined

  /** Starts with an empty root if none is given. A `leafSplit` decides where leaves are cut. Without `expiries` no entry is dropped. */
  constructor(store: PageStore, versions: LiveVersions, root?: Page, leafSplit?: LeafSplit, expiries?: Expiries) {
    this.store = store
    this.versions = versions
    this.#trace = store.trace
    this.path = new WritablePath(store, versions, root, leafSplit, expiries)
  }

  /** The root that the writer changes. */
  get root(): Page {
    return this.path.root
  }

  get height(): number {
    return this.root.level + 1
  }

  get expiries(): Expiries {
    return this.path.expiries
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

  /** Points `out` at the value of a key under a root of this tree, and `found` at the entry, which may have expired. */
  find(root: Page, key: Uint8Array, start: number, end: number, out: ByteView): boolean {
    const block = leafOf(this.store, root, key, start, end).block!
    const index = block.find(key, start, end)
    if (index < 0) return false
    const { found } = this
    block.readCell(index, found)
    out.set(block.bytes, found.valueStart, found.payloadEnd)
    return true
  }

  /**
   * The value of an entry that `expires` begins with the expiry. With `blank`, a value that needs a leaf of its own is not copied: `blank`
   * points to where the caller is to write it.
   */
  put(
    key: Uint8Array,
    start: number,
    end: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expires = false,
    blank?: ByteView,
  ): void {
    const { path } = this
    if (expires) path.expiries.isUsed = path.expiries.isNew = true
    if (path.atEnd && this.#append(key, start, end, value, valueStart, valueEnd, expires)) return
    const leaf = path.descend(key, start, end, 0)
    if (leaf.isLarge) {
      putAtLarge(path, { key, start, end, value, valueStart, valueEnd, expires, blank, child: undefined })
      return
    }
    let isPut = this.#set(leaf, key, start, end, value, valueStart, valueEnd, expires)
    // What is due makes room in a full leaf.
    if (!isPut && path.dropDue(leaf, path.depth - 1)) isPut = this.#set(leaf, key, start, end, value, valueStart, valueEnd, expires)
    if (isPut) {
      this.#joinIfShrunk(leaf)
    } else {
      this.#overflow(leaf, { key, start, end, value, valueStart, valueEnd, expires, blank, child: undefined })
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
    // An entry that was due has left when its page was copied.
    if (index >= 0) {
      block.readCell(index, cell)
      path.count(-1, -(block.prefixLength + cell.dataBytes))
      block.remove(index, index + 1)
      leaf.lastInsert = -2
      if (this.#trace !== null) this.#trace.changed(leaf)
    }
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

  /** Puts an entry into an own leaf; false if that has no room. */
  #set(
    leaf: Page,
    key: Uint8Array,
    start: number,
    end: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expires: boolean,
  ): boolean {
    const { path } = this
    const block = leaf.block!
    const dataBytes = valueBytes(valueStart, valueEnd, expires)
    const found = (this.#place = block.find(key, start, end))
    if (found >= 0) {
      block.readCell(found, cell)
      const grown = dataBytes - (cell.payloadEnd - cell.valueStart)
      if (!block.replace(found, value, valueStart, valueEnd, expires)) return false
      if (grown !== 0) path.count(0, grown)
    } else {
      const index = -1 - found
      if (!block.insert(index, key, start, end, value, valueStart, valueEnd, expires)) return false
      path.count(1, end - start + dataBytes)
      leaf.lastInsert = index
      path.atEnd = index === block.count - 1 && path.isRightmost
    }
    if (this.#trace !== null) this.#trace.changed(leaf)
    return true
  }

  /** Puts an entry for which `#set` has found no room. */
  #overflow(leaf: Page, entry: NewEntry): void {
    const { path } = this
    const found = this.#place
    const { key, start, end, value, valueStart, valueEnd, expires, blank, child } = entry
    const dataBytes = valueBytes(valueStart, valueEnd, expires)
    if (found >= 0) {
      leaf.block!.readCell(found, cell)
      path.count(0, dataBytes - (cell.payloadEnd - cell.valueStart))
    } else {
      path.count(1, end - start + dataBytes)
    }
    const index = found < 0 ? -1 - found : found
    // Field by field: a copy of the object would grow by two fields, which takes six times the memory.
    overflow(path, { key, start, end, value, valueStart, valueEnd, expires, blank, child, index, replaces: found >= 0 })
  }

  /** Merges a leaf that has lost entries because they were due, if it is underfull. */
  #joinIfShrunk(leaf: Page): void {
    if (!leaf.shrunk) return
    leaf.shrunk = false
    if (!isUnderfull(this.store, leaf)) return
    this.path.atEnd = false
    rebalance(this.path)
  }

  /** Puts a key behind the last one without a descent from the root; false if it belongs elsewhere, or if there is no room. */
  #append(key: Uint8Array, start: number, end: number, value: Uint8Array, valueStart: number, valueEnd: number, expires: boolean): boolean {
    const leaf = this.path.end
    if (!this.path.isOwn(leaf) || leaf.isLarge) return false
    const block = leaf.block!
    const index = block.count
    if (!block.isBehindLast(key, start, end) || !block.insert(index, key, start, end, value, valueStart, valueEnd, expires)) return false
    this.path.count(1, end - start + valueBytes(valueStart, valueEnd, expires))
    leaf.lastInsert = index
    if (this.#trace !== null) this.#trace.changed(leaf)
    return true
  }
}

/** Bytes of a value without its expiry. */
function valueBytes(start: number, end: number, expires: boolean): number {
  return end - start - (expires ? EXPIRY_BYTES : 0)
}
