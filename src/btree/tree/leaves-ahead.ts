/**
 * Where the entries of several keys are, looked up step by step for all of them. Loads of memory that depend on each other wait for each other,
 * at 100 ns or more each; those of different keys do not, as long as the processor gets to them. So each loop here does little.
 *
 * Invariant: whatever is kept here is only good until the next page is read or changed.
 */
import { NO_PLACE } from '../../cache/slab-list.js'
import type { MutableBlock } from '../../codec/mutable-block.js'
import type { Page } from '../pages/page.js'
import type { PageStore } from '../pages/page-store.js'
import { leafAhead } from './search.js'

const LINE_BYTES = 64

export class LeavesAhead {
  /** The contents of the leaf of each key, and the index where the key most likely is. */
  readonly blocks: (MutableBlock | undefined)[] = []
  indexes = new Int32Array(32)
  #places = new Int32Array(32)
  readonly #leaves: (Page | undefined)[] = []

  /** Returns for how many keys, from the first one on, the leaf is in memory where the readers before have noted it. */
  look({ cache }: PageStore, root: Page, keys: readonly Uint8Array[], count: number): number {
    if (count > this.indexes.length) {
      this.indexes = new Int32Array(count)
      this.#places = new Int32Array(count)
    }
    const leaves = this.#leaves
    const places = this.#places
    const slabs = cache.frames.list
    let ahead = 0
    for (; ahead < count; ahead++) {
      const leaf = leafAhead(root, keys[ahead], places, ahead)
      if (leaf === undefined || places[ahead] === NO_PLACE) break
      leaves[ahead] = leaf
    }
    slabs.touchAll(places, ahead)
    ahead = this.#takeBlocks(ahead)
    for (let i = 0; i < ahead; i++) places[i] = this.blocks[i]!.count
    this.#findIndexes(keys, ahead)
    slabs.touched ^= this.#touchEntries(ahead)
    return ahead
  }

  clear(): void {
    this.blocks.length = this.#leaves.length = 0
  }

  #takeBlocks(count: number): number {
    const leaves = this.#leaves
    const blocks = this.blocks
    const places = this.#places
    for (let i = 0; i < count; i++) {
      const leaf = leaves[i]!
      const { block } = leaf
      if (block === undefined || leaf.place !== places[i]) return i
      if (!leaf.referenced) leaf.referenced = true
      blocks[i] = block
    }
    return count
  }

  #findIndexes(keys: readonly Uint8Array[], count: number): void {
    const blocks = this.blocks
    const indexes = this.indexes
    const places = this.#places
    for (let i = 0; i < count; i++) {
      const block = blocks[i]!
      const index = places[i] === 0 ? -1 : block.byHead(keys[i], 0, keys[i].length)
      indexes[i] = index
      places[i] = index < 0 ? block.base : block.cellStart(index)
    }
  }

  /** Returns what it read, to be used, since a compiler leaves out a read without a use. */
  #touchEntries(count: number): number {
    const blocks = this.blocks
    const places = this.#places
    let touched = 0
    for (let i = 0; i < count; i++) {
      const { bytes } = blocks[i]!
      const at = places[i]
      touched ^= bytes[at]
      if (at + LINE_BYTES < bytes.length) touched ^= bytes[at + LINE_BYTES]
    }
    return touched
  }
}
