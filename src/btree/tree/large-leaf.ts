/**
 * Large leaves: an entry that no leaf of the usual size holds has a leaf of its own.
 *
 * Invariants:
 * 1. A leaf of more than one unit holds one entry.
 * 2. The write that makes a large leaf fills it, and no later one changes or copies it: a put of its key puts another leaf in its place,
 *    and a put of another key leaves it as it is. Only a compaction copies it, to move it.
 * 3. A write needs the key of a large leaf alone, so a large leaf on the way is not loaded.
 */
import { compareBytes, copyBytes } from '../../codec/entry.js'
import type { Page } from '../pages/page.js'
import { sharedBytes, type NewEntry } from './entry-list.js'
import { addRoot, emitSplit, insertChild } from './overflow.js'
import { rebalance } from './rebalance.js'
import type { WritablePath } from './writable-path.js'

/** Puts an entry where the path ends in a large leaf: in its place if it has the same key, or beside it. */
export function putAtLarge(path: WritablePath, entry: NewEntry): void {
  const leaf = path.end
  const { key, start, end } = entry
  const leafKey = path.store.keyOf(leaf)
  const order = compareBytes(key, start, end, leafKey, 0, leafKey.length)
  const fresh = path.builder.single(entry, path.versions.generation)
  path.enter(fresh)
  if (order === 0) {
    path.count(0, fresh.liveBytes - leaf.liveBytes, path.depth - 1)
    path.replaceEnd(fresh)
    path.remove(leaf)
    if (path.trace !== null) path.trace.changed(fresh)
  } else {
    const own = copyBytes(key, start, end)
    const shared = sharedBytes(own, leafKey)
    path.count(1, fresh.liveBytes, path.depth - 1)
    if (order < 0) path.replaceEnd(fresh)
    const [left, right, rightKey] = order < 0 ? [fresh, leaf, leafKey] : [leaf, fresh, own]
    addBehind(path, left, right, rightKey.slice(0, shared + 1))
  }
}

/** Removes the large leaf at the end of the path. */
export function removeLarge(path: WritablePath): void {
  const leaf = path.end
  if (path.depth === 0) {
    path.replaceRoot(path.emptyRoot())
    path.remove(leaf)
    return
  }
  path.depth--
  path.count(-1, -leaf.liveBytes)
  path.removeChild(path.end, path.slots[path.depth])
  path.remove(leaf)
  rebalance(path)
}

/** Enters a leaf behind the one at the end of the path. The counts above include both. */
function addBehind(path: WritablePath, left: Page, right: Page, separator: Uint8Array): void {
  if (path.depth === 0) {
    addRoot(path, left)
    path.root.entries += right.entries
    path.root.liveBytes += right.liveBytes
  }
  insertChild(path, 1, separator, right)
  emitSplit(path, left, { pages: [{ separator, page: right }], rule: 'large' })
}
