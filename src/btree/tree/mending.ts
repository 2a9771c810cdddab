/**
 * Makes pages fewer: merges those that have become too small, packs neighbours, takes away levels that are not needed any more. Works on
 * pages that are the writer's own; only merging reads a page that could be done without, and if that cannot be read, all stays as it is.
 */
import type { Page } from '../pages/page.js'
import type { PageBuilder } from './page-builder.js'
import type { PageStore } from '../pages/page-store.js'
import type { Tree } from './tree.js'

/** A page with less than this share of its usual size in use is merged with a neighbour, if both fit in a page with some room to spare. */
const UNDERFULL = 0.25
const MERGED_FULL = 0.9

export class Mending {
  readonly #tree: Tree
  readonly #store: PageStore
  readonly #builder: PageBuilder

  constructor(tree: Tree, builder: PageBuilder) {
    this.#tree = tree
    this.#store = tree.store
    this.#builder = builder
  }

  isUnderfull(page: Page): boolean {
    const usual = this.#store.unitsAt(page.level)
    const used = page.block!.usedBytes
    return used < usual * this.#store.unitBytes * UNDERFULL || (page.units > usual && used <= usual * this.#store.unitBytes)
  }

  /** From the end of the path up: pages that have become too small. */
  mend(path: readonly Page[], slots: Int32Array, depth: number): void {
    for (let at = depth; at > 0; at--) {
      const page = path[at]
      if (this.isUnderfull(page)) this.#mendPage(page, path[at - 1], slots[at - 1])
    }
    this.#mendRoot()
  }

  /** See `Tree.pack`. */
  pack(parent: Page, slot: number): 'merged' | 'moved' | 'full' {
    const tree = this.#tree
    const left = tree.ownChild(parent, slot)
    const right = tree.ownChild(parent, slot + 1)
    const between = parent.block!.keyAt(slot + 1)
    const moved = this.#builder.pack(left, right, between, tree.held.generation)
    if (moved === undefined) return 'full'
    const isEmpty = right.block!.count === 0
    this.#tell(left, right, isEmpty ? 'merge' : 'pack')
    tree.removeChild(parent, slot + 1)
    if (isEmpty) tree.remove(right)
    else tree.insertChild(parent.level, moved, right)
    return isEmpty ? 'merged' : 'moved'
  }

  #mendPage(page: Page, parent: Page, slot: number): void {
    const tree = this.#tree
    if (page.block!.count === 0) {
      tree.removeChild(parent, slot)
      tree.remove(page)
      return
    }
    const before = page.units
    if (before > this.#store.unitsAt(page.level)) {
      this.#builder.shrink(page, tree.held.generation)
      tree.levels.resize(page.level, page.units - before)
    }
    const last = parent.children!.length - 1
    if (slot < last && this.#merge(parent, slot)) return
    if (slot > 0) this.#merge(parent, slot - 1)
  }

  #merge(parent: Page, slot: number): boolean {
    const tree = this.#tree
    const store = this.#store
    const left = this.#neighbour(parent, slot)
    const right = this.#neighbour(parent, slot + 1)
    if (left === undefined || right === undefined) return false
    const between = parent.block!.keyAt(slot + 1)
    const capacity = store.unitsAt(parent.level - 1) * store.unitBytes * MERGED_FULL
    if (!this.#builder.fitTogether(left, right, between, capacity)) return false
    const merged = tree.ownLoaded(parent, slot, left)
    this.#builder.merge(merged, right, between, tree.held.generation)
    this.#tell(merged, right, 'merge')
    tree.removeChild(parent, slot + 1)
    tree.remove(right)
    return true
  }

  /** A child, if it can be read. Whoever needs it will hear of it if it cannot. */
  #neighbour(parent: Page, slot: number): Page | undefined {
    try {
      return this.#store.child(parent, slot)
    } catch {
      return undefined
    }
  }

  /** A root with one child makes room for it. */
  #mendRoot(): void {
    const tree = this.#tree
    while (tree.root.level > 0 && tree.root.children!.length <= 1) {
      const { root } = tree
      if (root.children!.length === 0) {
        tree.replaceRoot(tree.emptyRoot())
      } else {
        const only = this.#neighbour(root, 0)
        if (only === undefined) return
        tree.replaceRoot(only)
      }
      tree.remove(root)
    }
  }

  #tell(left: Page, right: Page, rule: 'merge' | 'pack'): void {
    const { trace } = this.#store
    if (trace === null) return
    trace.merged(left, right, rule)
    trace.changed(left)
    if (rule === 'pack') trace.changed(right)
  }
}
