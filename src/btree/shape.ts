/** The tree in numbers: for stats, for drawing, for estimates. */
import type { EngineShape } from '../engine/contract.js'
import { isEmptyRange, type HalfOpenRange } from '../engine/range.js'
import type { LiveVersion } from './pages/live-versions.js'
import type { LevelCounts } from './pages/level-counts.js'
import type { Page } from './pages/page.js'
import type { BtreeParts } from './parts.js'
import { Cell } from '../codec/sorted-block.js'
import type { Tree } from './tree/tree.js'

export interface BtreeShape extends EngineShape {
  readonly height: number
  readonly entries: number
  readonly liveBytes: number
  readonly pageBytes: number
  /** From the root down. */
  readonly tree: readonly BtreeLevelShape[]
  readonly memory: { readonly dirtyBytes: number; readonly cachedBytes: number; readonly cachedPages: number }
  readonly file: { readonly bytes: number; readonly freeBytes: number; readonly checkpoint: number; readonly firstLog: number }
  readonly sequence: number
  readonly checkpoints: number
  readonly heldRoots: number
}

export interface BtreeLevelShape {
  /** 0 is the root. */
  readonly depth: number
  readonly pages: number
  readonly bytes: number
  /** Leaves only: live bytes ÷ bytes of pages. */
  readonly fill?: number
}

export function shapeOf({ tree, store, cache, file, free, checkpointer }: BtreeParts): BtreeShape {
  const { root, levels } = tree
  const { unitBytes, pageBytes } = store
  return {
    engine: 'btree',
    height: tree.height,
    entries: root.entries,
    liveBytes: root.liveBytes,
    pageBytes,
    tree: levelShapes(tree.height, levels, unitBytes, root.liveBytes),
    memory: { dirtyBytes: store.dirtyBytes, cachedBytes: cache.usedBytes, cachedPages: cache.entries },
    file: {
      bytes: file.size,
      freeBytes: free.freeUnits * unitBytes,
      checkpoint: checkpointer.meta.number,
      firstLog: checkpointer.meta.firstLog,
    },
    sequence: tree.sequence,
    checkpoints: checkpointer.count,
    heldRoots: tree.versions.live.length,
  }
}

/** The levels from the root down. */
export function levelShapes(height: number, { pages, units }: LevelCounts, unitBytes: number, liveBytes: number): BtreeLevelShape[] {
  return Array.from({ length: height }, (_, depth) => {
    const level = height - 1 - depth
    const bytes = units[level] * unitBytes
    return { depth, pages: pages[level], bytes, ...(level === 0 && { fill: liveBytes / bytes }) }
  })
}

/**
 * Bytes of pages that keys in the range occupy: the range's share of live bytes, by the references in branches, times the bytes of all
 * pages of the tree, also of dirty ones, which the next checkpoint writes. Pages that only readers still reach count by the share that the oldest reader sees.
 */
export function approximateBytes({ tree, store }: Pick<BtreeParts, 'tree' | 'store'>, range: HalfOpenRange): number {
  if (isEmptyRange(range)) return 0
  const treeBytes = tree.levels.units.reduce((sum, units) => sum + units * store.unitBytes, 0) * store.storedShare
  let bytes = shareOf(tree, tree.present, range) * treeBytes
  const oldest = tree.versions.live.find(version => version.readers > 0)
  if (oldest !== undefined) bytes += shareOf(tree, oldest.root, range) * pendingBytes(tree.versions.live, oldest, store.unitBytes)
  return Math.round(bytes)
}

function pendingBytes(versions: readonly LiveVersion[], oldest: LiveVersion, unitBytes: number): number {
  let units = 0
  for (const { generation, pendingFree } of versions) {
    if (generation < oldest.generation) continue
    for (const page of pendingFree)
      if (page.offset > 0) units += page.units + (page.extents?.reduce((sum, n, i) => (i % 2 === 1 ? sum + n : sum), 0) ?? 0)
  }
  return units * unitBytes
}

function shareOf(tree: Tree, root: Page, { lower, upper }: HalfOpenRange): number {
  if (root.liveBytes === 0) return 0
  const below = (key: Uint8Array | undefined, none: number): number => (key === undefined ? none : liveBelow(tree, root, key))
  return Math.max(0, below(upper, root.liveBytes) - below(lower, 0)) / root.liveBytes
}

/** Live bytes of the keys less than `key`. */
function liveBelow(tree: Tree, root: Page, key: Uint8Array): number {
  const { store } = tree
  const cell = new Cell()
  let live = 0
  let page = store.loaded(root)
  while (page.level > 0) {
    const slot = Math.max(0, page.block!.floor(key, 0, key.length))
    for (let before = 0; before < slot; before++) live += store.handle(page, before).liveBytes
    page = store.child(page, slot)
  }
  const block = page.block!
  const end = block.lowerBound(key, 0, key.length)
  for (let index = 0; index < end; index++) {
    block.readCell(index, cell)
    live += block.prefixLength + cell.dataBytes
  }
  return live
}
