/**
 * Carries pages in memory over from one version of the tree to the next: an unchanged page has the same place and check in both, so a refresh
 * leaves the reader's cache warm. The cost is that of the branches that changed.
 */
import { Cell } from '../../codec/sorted-block.js'
import type { Page } from '../pages/page.js'
import type { PageStore } from '../pages/page-store.js'
import { Reference, type ReferenceFields } from '../pages/reference.js'

const cell = new Cell()
const reference = new Reference()

/** Gives `after` the children of `before` that are in memory and unchanged, and so on in the branches that did change. Both are loaded. */
export function carryOver(store: PageStore, before: Page, after: Page): void {
  if (before.level !== after.level || before.level === 0) return
  const known = new Map<number, Page>()
  for (const child of before.children!) if (child?.block !== undefined) known.set(child.offset, child)
  if (known.size === 0) return
  const block = after.block!
  for (let slot = 0; slot < block.count; slot++) {
    block.readCell(slot, cell)
    const child = known.get(reference.read(block.bytes, cell.payloadStart).offset)
    if (child !== undefined && isSame(child, reference)) adopt(after, slot, child)
    else if (after.level > 1) carryInto(store, before, after, slot)
  }
}

/** A branch that has changed is compared with the one that led to its first key. */
function carryInto(store: PageStore, before: Page, after: Page, slot: number): void {
  const key = after.block!.keyAt(slot)
  const earlier = before.children![slot === 0 ? 0 : Math.max(0, before.block!.floor(key, 0, key.length))]
  if (earlier?.block === undefined) return
  const child = store.child(after, slot)
  // The read may have taken the memory of the earlier one.
  if (earlier.block !== undefined) carryOver(store, earlier, child)
}

function isSame(page: Page, { offset, units, check }: ReferenceFields): boolean {
  return page.offset === offset && page.units === units && page.check === check
}

/** Both versions lead to the page as long as both are read. When it leaves memory, the newer one drops it. */
function adopt(parent: Page, slot: number, child: Page): void {
  parent.children![slot] = child
  child.parent = parent
  child.slot = slot
}
