/**
 * What a skiplist looks like inside, for teaching and for checking: its towers, the path of a search, where the bytes
 * go. Everything here copies and is slow; no read or write uses it.
 */
import type { EntryKind } from '../codec/entry.js'
import { ByteView, MAX_SEQUENCE, compareBytes } from '../codec/entry.js'
import type { Arena } from './arena.js'
import { HEAD, NO_NODE } from './arena.js'
import type { Skiplist } from './skiplist.js'

export interface SkiplistShape {
  readonly entries: number
  /** The tallest tower. */
  readonly levels: number
  /** `heights[i]` towers have height i + 1. */
  readonly heights: readonly number[]
  /** Mean height of a tower: near 4/3, as every fourth tower of a height grows on. NaN without entries. */
  readonly pointersPerNode: number
  readonly capacityBytes: number
  /** The sum of the four parts below. */
  readonly usedBytes: number
  readonly keyBytes: number
  readonly valueBytes: number
  /** The `next` pointers of all towers. */
  readonly towerBytes: number
  /** Node headers, padding and the arena's head. */
  readonly overheadBytes: number
}

export interface SkiplistTower {
  /** Byte offset of the node's anchor in the arena. */
  readonly offset: number
  readonly height: number
  readonly key: Uint8Array
  readonly sequence: number
  readonly kind: EntryKind
  readonly valueLength: number
}

/** What a search did on one level, from the top down. */
export interface SkiplistSearchStep {
  readonly level: number
  /** The key it stood on when it left the level downwards; undefined for the head of the list. */
  readonly key: Uint8Array | undefined
  /** Nodes it passed on this level. */
  readonly forward: number
  /** Keys it compared on this level: those passed, and one more where the next node is not already known to be too far. */
  readonly comparisons: number
}

export function skiplistShape(list: Skiplist): SkiplistShape {
  const arena = list.arena
  const heights = new Array<number>(arena.levels).fill(0)
  let pointers = 0
  let keyBytes = 0
  let valueBytes = 0
  for (let node = arena.next(HEAD, 0); node !== NO_NODE; node = arena.next(node, 0)) {
    heights[arena.height(node) - 1]++
    pointers += arena.height(node)
    keyBytes += arena.keyLength(node)
    valueBytes += arena.valueLength(node)
  }
  return {
    entries: list.count,
    levels: arena.levels,
    heights,
    pointersPerNode: pointers / list.count,
    capacityBytes: list.capacityBytes,
    usedBytes: list.bytesUsed,
    keyBytes,
    valueBytes,
    towerBytes: pointers * 4,
    overheadBytes: list.bytesUsed - pointers * 4 - keyBytes - valueBytes,
  }
}

/** Every tower in order, to draw the list from. */
export function* skiplistTowers(list: Skiplist): Generator<SkiplistTower> {
  const arena = list.arena
  for (let node = arena.next(HEAD, 0); node !== NO_NODE; node = arena.next(node, 0)) {
    yield {
      offset: node * 4,
      height: arena.height(node),
      key: keyOf(arena, node),
      sequence: arena.sequence(node),
      kind: arena.kind(node),
      valueLength: arena.valueLength(node),
    }
  }
}

/** The path of `find(key, sequence)`, level by level. It ends on the last entry before the one sought. */
export function skiplistSearchPath(list: Skiplist, key: Uint8Array, sequence: number = MAX_SEQUENCE): SkiplistSearchStep[] {
  const arena = list.arena
  const steps: SkiplistSearchStep[] = []
  let before = HEAD
  let after: number = NO_NODE
  for (let level = arena.levels - 1; level >= 0; level--) {
    let forward = 0
    let comparisons = 0
    for (let next = arena.next(before, level); next !== after; next = arena.next(before, level)) {
      comparisons++
      if (!precedes(arena, next, key, sequence)) {
        after = next
        break
      }
      before = next
      forward++
    }
    steps.push({ level, key: before === HEAD ? undefined : keyOf(arena, before), forward, comparisons })
  }
  return steps
}

function precedes(arena: Arena, node: number, key: Uint8Array, sequence: number): boolean {
  const nodeKey = keyOf(arena, node)
  const order = compareBytes(nodeKey, 0, nodeKey.length, key, 0, key.length)
  return order < 0 || (order === 0 && arena.sequence(node) > sequence)
}

function keyOf(arena: Arena, node: number): Uint8Array {
  const view = new ByteView()
  arena.setKeyView(node, view)
  return view.copy()
}
