/**
 * Rebalances the tree: merges underfull pages with a neighbour, packs neighbours, removes levels that are no longer needed. Only a merge
 * reads a page that the change could do without; if that page cannot be read, both stay as they are.
 */
import type { Page } from '../pages/page.js'
import type { PageStore } from '../pages/page-store.js'
import { insertChild } from './overflow.js'
import type { WritablePath } from './writable-path.js'

/** A page that uses less than this share of its usual size is merged with a neighbour, if both fit into `MERGED_FULL` of a page. */
const UNDERFULL = 0.25
const MERGED_FULL = 0.9

/** Also a page without entries, however much of it a long prefix takes. */
export function isUnderfull(store: PageStore, page: Page): boolean {
  if (page.block!.count === 0) return true
  const usual = store.unitsAt(page.level)
  const used = page.block!.usedBytes
  return used < usual * store.unitBytes * UNDERFULL || (page.units > usual && used <= usual * store.unitBytes)
}

/** Merges the underfull pages of the path, from its end up. */
export function rebalance(path: WritablePath): void {
  const { pages, slots } = path
  for (let at = path.depth; at > 0; at--) {
    const page = pages[at]
    if (isUnderfull(path.store, page)) rebalancePage(path, page, pages[at - 1], slots[at - 1])
  }
  collapseRoot(path)
}

/** Moves entries from child `slot + 1` of an own branch to child `slot`, as many as fit. Returns what is left of the right one. */
export function pack(path: WritablePath, parent: Page, slot: number): 'merged' | 'moved' | 'full' {
  if (hasLarge(path.store, parent, slot)) return 'full'
  const left = path.ownChild(parent, slot)
  const right = path.ownChild(parent, slot + 1)
  const between = parent.block!.keyAt(slot + 1)
  const moved = path.builder.pack(left, right, between, path.versions.generation)
  if (moved === undefined) return 'full'
  const isEmpty = right.block!.count === 0
  emitMerge(path, left, right, isEmpty ? 'merge' : 'pack')
  path.removeChild(parent, slot + 1)
  if (isEmpty) path.remove(right)
  else insertChild(path, parent.level, moved, right)
  return isEmpty ? 'merged' : 'moved'
}

function rebalancePage(path: WritablePath, page: Page, parent: Page, slot: number): void {
  if (page.block!.count === 0) {
    path.removeChild(parent, slot)
    path.remove(page)
    return
  }
  const before = page.units
  if (before > path.store.unitsAt(page.level)) {
    path.builder.shrink(page, path.versions.generation)
    path.levels.resize(page.level, page.units - before)
  }
  const last = parent.children!.length - 1
  if (slot < last && merge(path, parent, slot)) return
  if (slot > 0) merge(path, parent, slot - 1)
}

/** Merges child `slot + 1` into child `slot`; false if they do not fit, or if one of them cannot be read. */
function merge(path: WritablePath, parent: Page, slot: number): boolean {
  const { store, builder } = path
  if (hasLarge(store, parent, slot)) return false
  const left = readableChild(store, parent, slot)
  const right = readableChild(store, parent, slot + 1)
  if (left === undefined || right === undefined) return false
  const between = parent.block!.keyAt(slot + 1)
  const capacity = store.unitsAt(parent.level - 1) * store.unitBytes * MERGED_FULL
  if (!builder.fitTogether(left, right, between, capacity)) return false
  const merged = path.ownLoaded(parent, slot, left)
  builder.merge(merged, right, between, path.versions.generation)
  emitMerge(path, merged, right, 'merge')
  path.removeChild(parent, slot + 1)
  path.remove(right)
  return true
}

/** Whether child `slot` or the one behind it is a large leaf, which holds one entry. */
function hasLarge(store: PageStore, parent: Page, slot: number): boolean {
  return store.handle(parent, slot).isLarge || store.handle(parent, slot + 1).isLarge
}

/** A child, if it can be read. The next operation that needs it throws the error. */
function readableChild(store: PageStore, parent: Page, slot: number): Page | undefined {
  try {
    return store.child(parent, slot)
  } catch {
    return undefined
  }
}

/** Replaces a root that has one child by that child, level by level. */
function collapseRoot(path: WritablePath): void {
  while (path.root.level > 0 && path.root.children!.length <= 1) {
    const { root } = path
    if (root.children!.length === 0) {
      path.replaceRoot(path.emptyRoot())
    } else {
      const only = readableChild(path.store, root, 0)
      if (only === undefined) return
      path.replaceRoot(only)
    }
    path.remove(root)
  }
}

function emitMerge({ trace }: WritablePath, left: Page, right: Page, rule: 'merge' | 'pack'): void {
  if (trace === null) return
  trace.merged(left, right, rule)
  trace.changed(left)
  if (rule === 'pack') trace.changed(right)
}
