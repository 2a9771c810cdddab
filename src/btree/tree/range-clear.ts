/**
 * Removes a range of keys. What lies between its two ends leaves the tree subtree by subtree, unread; only the pages on the paths to the
 * ends change.
 */
import { Cell } from '../../codec/sorted-block.js'
import type { Page } from '../pages/page.js'
import { compareKeys } from '../../codec/entry.js'
import type { WritablePath } from './writable-path.js'

const cell = new Cell()

/** Removes the keys from `first` to `last`, both included. Both paths have been prepared. Leaves underfull pages on them. */
export function clearRange(path: WritablePath, first: Uint8Array, last: Uint8Array): void {
  const root = path.root.isLarge ? path.root : path.ownRoot()
  if (root.isLarge) {
    if (!isLargeWithin(path, root, first, last)) return
  } else {
    clearIn(path, root, first, last)
    if (root.block!.count > 0) return
  }
  path.replaceRoot(path.emptyRoot())
  path.remove(root)
}

function clearIn(path: WritablePath, page: Page, first: Uint8Array, last: Uint8Array): void {
  if (page.level === 0) clearInLeaf(path, page, first, last)
  else clearInBranch(path, page, first, last)
}

function clearInLeaf({ trace }: WritablePath, leaf: Page, first: Uint8Array, last: Uint8Array): void {
  const block = leaf.block!
  const from = block.lowerBound(first, 0, first.length)
  const to = block.floor(last, 0, last.length) + 1
  for (let index = from; index < to; index++) {
    block.readCell(index, cell)
    leaf.liveBytes -= block.prefixLength + cell.dataBytes
  }
  if (to <= from) return
  leaf.entries -= to - from
  block.remove(from, to)
  if (trace !== null) trace.changed(leaf)
}

function clearInBranch(path: WritablePath, branch: Page, first: Uint8Array, last: Uint8Array): void {
  const block = branch.block!
  const from = Math.max(0, block.floor(first, 0, first.length))
  const to = Math.max(0, block.floor(last, 0, last.length))
  if (from < to) clearInChild(path, branch, to, first, last)
  for (let slot = from + 1; slot < to; slot++) {
    const child = path.store.handle(branch, slot)
    branch.entries -= child.entries
    branch.liveBytes -= child.liveBytes
    dropSubtree(path, child)
  }
  if (from + 1 < to) {
    block.remove(from + 1, to)
    branch.children!.splice(from + 1, to - from - 1)
    if (path.trace !== null) path.trace.changed(branch)
  }
  clearInChild(path, branch, from, first, last)
  branch.lastInsert = -2
}

function clearInChild(path: WritablePath, branch: Page, slot: number, first: Uint8Array, last: Uint8Array): void {
  const handle = path.store.handle(branch, slot)
  const child = handle.isLarge ? handle : path.ownChild(branch, slot)
  const { entries, liveBytes } = child
  if (child.isLarge) {
    if (!isLargeWithin(path, child, first, last)) return
    branch.entries -= entries
    branch.liveBytes -= liveBytes
  } else {
    clearIn(path, child, first, last)
    branch.entries -= entries - child.entries
    branch.liveBytes -= liveBytes - child.liveBytes
    if (child.block!.count > 0) return
  }
  path.removeChild(branch, slot)
  path.remove(child)
}

/** Whether the entry of a large leaf is in the range. */
function isLargeWithin(path: WritablePath, leaf: Page, first: Uint8Array, last: Uint8Array): boolean {
  const key = path.store.keyOf(leaf)
  return compareKeys(first, key) <= 0 && compareKeys(key, last) <= 0
}

/** A subtree leaves the tree. Its clean parts leave as a whole; the next checkpoint walks them. */
function dropSubtree(path: WritablePath, page: Page): void {
  if (page.dirty) {
    const { length } = page.children ?? []
    for (let slot = 0; slot < length; slot++) dropSubtree(path, path.store.handle(page, slot))
    path.remove(page)
  } else if (page.level > 0) {
    page.whole = true
    if (path.trace !== null) path.trace.droppedSubtree(page)
    path.versions.retire(page)
  } else {
    path.remove(page)
  }
}
