/**
 * Takes a range of keys out of the tree: what lies between its two ends leaves subtree by subtree, unread; only the pages on the way to
 * the ends change.
 */
import { Cell } from '../../codec/sorted-block.js'
import type { Page } from '../pages/page.js'
import type { Tree } from './tree.js'

const cell = new Cell()

/** Removes the keys from `first` to `last`, both included. The ways to both have been prepared; underfull pages are left on them. */
export function clearRange(tree: Tree, first: Uint8Array, last: Uint8Array): void {
  const root = tree.ownRoot()
  clearIn(tree, root, first, last)
  if (root.block!.count > 0) return
  tree.replaceRoot(tree.emptyRoot())
  tree.remove(root)
}

function clearIn(tree: Tree, page: Page, first: Uint8Array, last: Uint8Array): void {
  const block = page.block!
  const { trace } = tree.store
  if (page.level === 0) {
    const from = block.lowerBound(first, 0, first.length)
    const to = block.floor(last, 0, last.length) + 1
    for (let index = from; index < to; index++) {
      block.readCell(index, cell)
      page.liveBytes -= block.prefixLength + cell.payloadEnd - cell.suffixStart
    }
    if (to <= from) return
    page.entries -= to - from
    block.remove(from, to)
    if (trace !== null) trace.changed(page)
    return
  }
  const from = Math.max(0, block.floor(first, 0, first.length))
  const to = Math.max(0, block.floor(last, 0, last.length))
  if (from < to) clearChild(tree, page, to, first, last)
  for (let slot = from + 1; slot < to; slot++) {
    const child = tree.store.handle(page, slot)
    page.entries -= child.entries
    page.liveBytes -= child.liveBytes
    drop(tree, child)
  }
  if (from + 1 < to) {
    block.remove(from + 1, to)
    page.children!.splice(from + 1, to - from - 1)
    if (trace !== null) trace.changed(page)
  }
  clearChild(tree, page, from, first, last)
  page.lastInsert = -2
}

function clearChild(tree: Tree, page: Page, slot: number, first: Uint8Array, last: Uint8Array): void {
  const child = tree.ownChild(page, slot)
  const { entries, liveBytes } = child
  clearIn(tree, child, first, last)
  page.entries -= entries - child.entries
  page.liveBytes -= liveBytes - child.liveBytes
  if (child.block!.count > 0) return
  tree.removeChild(page, slot)
  tree.remove(child)
}

/** A subtree leaves the tree. What of it is clean goes as a whole, to be walked in the background. */
function drop(tree: Tree, page: Page): void {
  if (page.dirty) {
    const { length } = page.children ?? []
    for (let slot = 0; slot < length; slot++) drop(tree, tree.store.handle(page, slot))
    tree.remove(page)
  } else if (page.level > 0) {
    page.whole = true
    const { trace } = tree.store
    if (trace !== null) trace.droppedSubtree(page)
    tree.held.kill(page)
  } else {
    tree.remove(page)
  }
}
