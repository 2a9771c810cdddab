/**
 * From a node to the next or the previous one that is newer than a sequence number, past any number that are not. The highest pointer
 * over a span without a newer node skips it, so that a search costs O(log n) steps and no comparison of keys.
 */
import { HEAD, NO_NODE, type Arena } from './arena.js'

/** The first node behind `node` with a sequence number above `sequence`; NO_NODE if there is none. */
export function nextNewer(arena: Arena, node: number, sequence: number): number {
  for (;;) {
    let level = arena.height(node) - 1
    while (level > 0 && mayHoldNewer(arena, node, level, sequence)) level--
    node = arena.next(node, level)
    if (node === NO_NODE || arena.sequence(node) > sequence) return node
  }
}

/**
 * The last node before `node` with a sequence number above `sequence`; NO_NODE if there is none.
 * @param path the last node before it of every level in use
 */
export function previousNewer(arena: Arena, node: number, path: Int32Array, sequence: number): number {
  let end = node
  for (let level = 0; end !== HEAD; level++) {
    const start = level + 1 < arena.levels ? path[level + 1] : HEAD
    const newer = lastNewer(arena, start, end, level, sequence)
    if (newer !== NO_NODE) return newer
    if (start !== HEAD && arena.sequence(start) > sequence) return start
    end = start
  }
  return NO_NODE
}

/** The last newer node between `start` and `end`, which are nodes of the level; `end` may be the end of the list. */
function lastNewer(arena: Arena, start: number, end: number, level: number, sequence: number): number {
  const nodes: number[] = []
  for (let node = start; node !== end; node = arena.next(node, level)) nodes.push(node)
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]
    if (level > 0 && mayHoldNewer(arena, node, level, sequence)) {
      const newer = lastNewer(arena, node, arena.next(node, level), level - 1, sequence)
      if (newer !== NO_NODE) return newer
    }
    if (node !== start && arena.sequence(node) > sequence) return node
  }
  return NO_NODE
}

/** Whether a newer node may lie between a node and its next one at the level. */
function mayHoldNewer(arena: Arena, node: number, level: number, sequence: number): boolean {
  const newest = arena.newest(node, level)
  return newest !== NO_NODE && arena.sequence(newest) > sequence
}
