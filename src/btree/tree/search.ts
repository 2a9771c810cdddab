/** The descent of a reader from a root to a key. Loads pages and counts them; changes no page. */
import { compareBytes } from '../../codec/entry.js'
import { NO_PLACE } from '../../cache/slab-list.js'
import type { Page } from '../pages/page.js'
import type { PageStore } from '../pages/page-store.js'
import type { PageTrace } from '../pages/page-trace.js'

/** The leaf where a key is or would be. */
export function leafOf(store: PageStore, root: Page, key: Uint8Array, start: number, end: number): Page {
  if (store.trace !== null) return tracedLeafOf(store, store.trace, root, key, start, end)
  const slabs = store.cache.frames.list
  let page = root
  let level = root.level
  let inMemory = level + 1
  if (root.block === undefined) {
    page = store.loaded(root)
    inMemory--
  } else {
    root.referenced = true
  }
  store.counts.blocksFromCache += inMemory
  store.cache.hits += inMemory
  for (; level > 0; level--) {
    const slot = Math.max(0, page.block!.floor(key, start, end))
    const place = page.places?.[slot]
    if (place !== undefined && place !== NO_PLACE) slabs.touch(place)
    let child = page.children![slot]
    if (child?.block !== undefined) {
      if (!child.referenced) child.referenced = true
    } else {
      store.counts.blocksFromCache--
      store.cache.hits--
      child = store.child(page, slot)
    }
    if (level === 1 && child.place !== place) page.notePlace(slot, child.place)
    page = child
  }
  return page
}

/** The leaf where a key is or would be, if every page above it is in memory. Neither counts nor looks at the leaf; notes its place. */
export function leafAhead(root: Page, key: Uint8Array, places: Int32Array, at: number): Page | undefined {
  let page: Page | undefined = root
  places[at] = root.place
  for (let level = root.level; level > 0; level--) {
    const { block, children, places: known }: Page = page
    if (block === undefined) return undefined
    if (!page.referenced) page.referenced = true
    const slot = Math.max(0, block.floor(key, 0, key.length))
    places[at] = known !== undefined && slot < known.length ? known[slot] : NO_PLACE
    page = children![slot]
    if (page === undefined) return undefined
  }
  return page
}

/** Whether a key is under a root. Reads only the key of a large leaf. */
export function hasKey(store: PageStore, root: Page, key: Uint8Array, start: number, end: number): boolean {
  let page = root
  for (let depth = 0; ; depth++) {
    if (page.isLarge) {
      const leafKey = store.keyOf(page)
      return compareBytes(key, start, end, leafKey, 0, leafKey.length) === 0
    }
    page = store.loaded(page)
    const slot = slotIn(page, key, start, end)
    if (store.trace !== null) store.trace.visited(page, depth, slot)
    if (page.level === 0) return slot < page.block!.count && page.block!.keyEquals(slot, key, start, end)
    page = store.handle(page, slot)
  }
}

/** `leafOf`, which emits every page on the way. */
function tracedLeafOf(store: PageStore, trace: PageTrace, root: Page, key: Uint8Array, start: number, end: number): Page {
  let page = store.loaded(root)
  for (let depth = 0; ; depth++) {
    const slot = slotIn(page, key, start, end)
    trace.visited(page, depth, slot)
    if (page.level === 0) return page
    page = store.child(page, slot)
  }
}

/** The slot of a branch that leads on to the key, or the index in a leaf where the key is or would be. */
export function slotIn({ level, block }: Page, key: Uint8Array, start: number, end: number): number {
  if (level > 0) return Math.max(0, block!.floor(key, start, end))
  const found = block!.find(key, start, end)
  return found < 0 ? -1 - found : found
}

/**
 * The page of `level` on the way to a key; the key where the one behind it begins, `undefined` if it is the last; and the highest place of
 * a page on the way.
 */
export function lookAt(
  store: PageStore,
  root: Page,
  key: Uint8Array,
  level: number,
): { readonly page: Page; readonly next: Uint8Array | undefined; readonly furthest: number } {
  let page = store.loaded(root)
  let next: Uint8Array | undefined
  let furthest = page.offset
  while (page.level > level) {
    const block = page.block!
    const slot = Math.max(0, block.floor(key, 0, key.length))
    if (slot + 1 < block.count) next = block.keyAt(slot + 1)
    page = store.child(page, slot)
    furthest = Math.max(furthest, page.offset)
  }
  return { page, next, furthest }
}
