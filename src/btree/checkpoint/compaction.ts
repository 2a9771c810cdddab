/**
 * Compacts the tree in steps between turns of the event loop: packs pages as full as possible, then moves pages from the end of the file to
 * free places further in front, so that the end can be cut off.
 */
import { compareKeys, EMPTY } from '../../codec/entry.js'
import { ExpirySample } from '../../codec/expiry-sample.js'
import { BLOCK_HEADER_BYTES } from '../../codec/sorted-block.js'
import type { HalfOpenRange } from '../../engine/range.js'
import type { Scheduler } from '../../vfs/environment.js'
import type { FreeSpace } from '../pages/free-space.js'
import type { Page } from '../pages/page.js'
import { removeLarge } from '../tree/large-leaf.js'
import { pack, rebalance } from '../tree/rebalance.js'
import { lookAt } from '../tree/search.js'
import type { Tree } from '../tree/tree.js'

export interface CompactionOptions {
  readonly tree: Tree
  readonly free: FreeSpace
  readonly scheduler: Scheduler
  readonly range: HalfOpenRange
  /** Resolves when the tree is on disk. */
  flush(): Promise<void>
  /** Whether changes must be written before more are made. */
  isFull(): boolean
  /** Resolves at the end of the long write, or the ingest, under way. Between its slices nothing else changes the tree. */
  busy(): Promise<void> | undefined
  /** Whether there is to be another step; default: always. What has been done by then stays. */
  mayGoOn?(): boolean
}

/** Children that one step packs or moves at most. */
const CHILDREN_A_STEP = 32
/** Packing rewrites most of what is under a branch: it must save at least this share of the pages. */
const LEAST_GAIN = 1 / 32
/** Rounds of moving pages; each moves most of the rest to the front. */
const MAX_ROUNDS = 8
/** A smaller share of free space is not worth moving pages for. */
const FREE_SHARE = 1 / 32

export async function compactTree(options: CompactionOptions): Promise<void> {
  const { tree, range } = options
  await options.flush()
  const sample = new ExpirySample()
  if (tree.expiries.isUsed) await walk(options, range.lower ?? EMPTY, range.upper, key => expireStep(tree, key, 0, sample))
  for (let level = 0; level < tree.root.level; level++) {
    await walk(options, range.lower ?? EMPTY, range.upper, key => packStep(tree, level, key))
  }
  await options.flush()
  await shrinkFile(options)
}

/**
 * Drops entries that are due, from the key on, in at most `mostSteps` branches of leaves, where they are `leastShare` of all entries or more.
 * The expiries of entries that are not due go to the sample. Resolves, with the key to go on from if there is more, when it is on disk.
 */
export async function dropDue(
  options: Omit<CompactionOptions, 'range'>,
  from: Uint8Array,
  mostSteps: number,
  leastShare: number,
  sample: ExpirySample,
): Promise<Uint8Array | undefined> {
  const { tree, flush } = options
  let next: Uint8Array | undefined = from
  let steps = 0
  let hasDropped = false
  const mayGoOn = (): boolean => steps < mostSteps && options.mayGoOn?.() !== false
  await walk({ ...options, mayGoOn }, from, undefined, key => {
    const { entries } = tree.root
    steps++
    next = expireStep(tree, key, leastShare, sample)
    hasDropped ||= tree.root.entries < entries
    return next
  })
  if (hasDropped) await flush()
  return next
}

/**
 * Moves pages to the front of the file until little of it is free, or a round gains nothing. Moves no more than `mostUnits`, those nearest to
 * the end: so any number of them makes the file shorter.
 */
export async function shrinkFile(options: Omit<CompactionOptions, 'range'>, mostUnits = Infinity): Promise<void> {
  const { tree, free } = options
  let leftUnits = mostUnits
  const mayGoOn = (): boolean => options.mayGoOn?.() ?? true
  for (let round = 0; round < MAX_ROUNDS && free.freeUnits > free.end * FREE_SHARE && mayGoOn(); round++) {
    const before = free.end
    const limit = Math.max(free.end - free.freeUnits, free.startOfLast(leftUnits))
    leftUnits -= free.usedFrom(limit)
    await walk(options, EMPTY, undefined, key => moveStep(tree, limit, key))
    if (!mayGoOn()) return
    await options.flush()
    if (free.end >= before) return
  }
}

/** Steps from key to key, up to `upper`; each step returns the key of the next one. */
async function walk(
  options: Omit<CompactionOptions, 'range'>,
  from: Uint8Array,
  upper: Uint8Array | undefined,
  step: (key: Uint8Array) => Uint8Array | undefined,
): Promise<void> {
  for (let key: Uint8Array | undefined = from; key !== undefined && (upper === undefined || compareKeys(key, upper) < 0);) {
    for (let busy = options.busy(); busy !== undefined; busy = options.busy()) await busy
    key = step(key)
    if (options.isFull()) await options.flush()
    await options.scheduler.turn()
    if (options.mayGoOn?.() === false) return
  }
}

/** Drops entries that are due from the leaves on the way to the key and under the branch there, if they are `leastShare` of those or more. */
function expireStep(tree: Tree, key: Uint8Array, leastShare: number, sample: ExpirySample): Uint8Array | undefined {
  const { path, store } = tree
  if (tree.root.level === 0) {
    const due = dueOf(tree, tree.root, sample)
    if (due > 0 && due >= leastShare * tree.root.entries) expireRoot(tree)
    return undefined
  }
  const { page: branch, next } = lookAt(store, tree.root, key, 1)
  const first = slotOf(branch, key)
  const slots: number[] = []
  let resume = next
  let due = 0
  let entries = 0
  // Reading the children may cost the branch its place in memory.
  const children = Array.from({ length: branch.block!.count - first }, (_, i) => store.handle(branch, first + i))
  for (const [index, child] of children.entries()) {
    const dueOfChild = dueOf(tree, child, sample)
    due += dueOfChild
    entries += child.entries
    if (dueOfChild === 0) continue
    if (slots.length === CHILDREN_A_STEP) {
      resume = store.loaded(branch).block!.keyAt(first + index)
      break
    }
    slots.push(first + index)
  }
  if (slots.length === 0 || due < leastShare * entries) return resume
  const parent = path.descend(key, 0, key.length, 1)
  // From the last to the first: a leaf that is left empty leaves the branch.
  for (const slot of slots.reverse()) expireChild(tree, parent, slot)
  rebalance(path)
  return resume
}

/** The root is a leaf. */
function expireRoot({ path, root, store, expiries }: Tree): void {
  if (!root.isLarge) {
    path.dropDue(path.ownRoot(), -1, true)
    return
  }
  expiries.count(1, root.liveBytes)
  path.descend(store.keyOf(root), 0, store.keyOf(root).length, 0)
  removeLarge(path)
}

function expireChild({ path, store, expiries }: Tree, parent: Page, slot: number): void {
  const child = store.handle(parent, slot)
  if (child.isLarge) {
    expiries.count(1, child.liveBytes)
    path.count(-1, -child.liveBytes)
    path.removeChild(parent, slot)
    path.remove(child)
    return
  }
  const leaf = path.ownChild(parent, slot)
  path.dropDue(leaf, path.depth, true)
  if (leaf.block!.count > 0) return
  path.removeChild(parent, slot)
  path.remove(leaf)
}

/** How many entries of a leaf are due. */
function dueOf({ store, expiries }: Tree, leaf: Page, sample: ExpirySample): number {
  if (!leaf.isLarge) return expiries.countDue(store.loaded(leaf), sample)
  return expiries.isDueOrNoted(store.expiryOf(leaf), sample) ? 1 : 0
}

/** Packs pages of `level` under the branch on the way to the key. */
function packStep(tree: Tree, level: number, key: Uint8Array): Uint8Array | undefined {
  if (tree.root.level <= level) return undefined
  const { page: branch, next } = lookAt(tree.store, tree.root, key, level + 1)
  const first = slotOf(branch, key)
  if (!isWorthPacking(tree, branch, first)) return next
  const { path } = tree
  const parent = path.descend(key, 0, key.length, level + 1)
  for (let slot = first, steps = 0; slot + 1 < parent.children!.length; steps++) {
    if (steps === CHILDREN_A_STEP) return parent.block!.keyAt(slot)
    if (pack(path, parent, slot) !== 'merged') slot++
  }
  path.descend(key, 0, key.length, level + 1)
  rebalance(path)
  return next
}

/** Whether the children from `first` on would fit into noticeably fewer pages. */
function isWorthPacking(tree: Tree, branch: Page, first: number): boolean {
  const { store } = tree
  const usual = store.unitsAt(branch.level - 1)
  const capacity = usual * store.unitBytes - BLOCK_HEADER_BYTES
  let pages = 0
  let entries = 0
  let bytes = 0
  // Reading the children may cost the branch its place in memory.
  const children = Array.from({ length: branch.block!.count - first }, (_, i) => store.handle(branch, first + i))
  for (const child of children) {
    if (child.units > usual) continue
    pages++
    const block = store.loaded(child).block!
    entries += block.count
    bytes += block.usedBytes - BLOCK_HEADER_BYTES
  }
  // A full page has room left for less than an entry.
  const filled = Math.max(1, capacity - bytes / Math.max(1, entries))
  return Math.ceil(bytes / filled) < pages * (1 - LEAST_GAIN)
}

/** Makes pages dirty that lie at `limit` or behind it, on the way to the key and under the branch of leaves there. */
function moveStep(tree: Tree, limit: number, key: Uint8Array): Uint8Array | undefined {
  const lowest = Math.min(1, tree.root.level)
  const { page: branch, next, furthest } = lookAt(tree.store, tree.root, key, lowest)
  const slots: number[] = []
  let resume = next
  if (lowest > 0) {
    const { count } = branch.block!
    for (let slot = slotOf(branch, key); slot < count; slot++) {
      const child = tree.store.handle(branch, slot)
      if (child.dirty || child.offset < limit) continue
      if (slots.length === CHILDREN_A_STEP) {
        resume = branch.block!.keyAt(slot)
        break
      }
      slots.push(slot)
    }
  }
  if (furthest < limit && slots.length === 0) return resume
  const { path } = tree
  const parent = lowest === 0 ? path.ownRoot() : path.descend(key, 0, key.length, lowest)
  for (const slot of slots) {
    const child = path.ownChild(parent, slot)
    if (child.level === 0 && !child.isLarge) path.dropDue(child, path.depth)
  }
  return resume
}

function slotOf(branch: Page, key: Uint8Array): number {
  return Math.max(0, branch.block!.floor(key, 0, key.length))
}
