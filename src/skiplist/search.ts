/**
 * The search: one target key and the descent to its place, shared by inserts, finds and cursors of a skiplist.
 *
 * A descent keeps how many words of the target the nodes on both sides of it are known to share. The nodes between
 * them share the smaller number, so a comparison starts there: a long common prefix is compared a few times in all,
 * not once per node (Manber and Myers, "Suffix arrays", 1990).
 *
 * Invariants:
 * 1. `before` is always before (target, sequence) and `after` never is; the descent ends when they are neighbours.
 * 2. Keys are compared as big-endian words. The padding of zeros makes a key that ends inside a word compare equal to
 *    one that goes on with zeros; the lengths decide then.
 */
import type { Arena } from './arena.js'
import { HEAD, KEY, NO_NODE, wordsFor } from './arena.js'

export class Search {
  readonly #arena: Arena
  /** The target as big-endian words, the last one padded with zeros. */
  #target = new Uint32Array(64)
  #length = 0
  /** Words that the node behind the place found shares with the target; 0 at the end of the list. */
  #matchAfter = 0

  constructor(arena: Arena) {
    this.#arena = arena
  }

  /** Makes a key the target of searches. */
  aim(key: Uint8Array, start: number, end: number): void {
    const length = end - start
    this.#length = length
    if (this.#target.length * 4 < length) this.#target = new Uint32Array(wordsFor(length) * 2)
    const target = this.#target
    let word = 0
    let i = start
    for (; i + 4 <= end; i += 4) target[word++] = (key[i] << 24) | (key[i + 1] << 16) | (key[i + 2] << 8) | key[i + 3]
    if (i < end) {
      let last = 0
      for (let shift = 24; i < end; i++, shift -= 8) last |= key[i] << shift
      target[word] = last
    }
  }

  /**
   * Descends to the last node before (target, sequence) and returns it; `path` gets the last such node of every level.
   */
  descend(sequence: number, path: Int32Array): number {
    const words = this.#arena.words
    let before = HEAD
    let after = NO_NODE
    let matchBefore = 0
    let matchAfter = 0
    for (let level = this.#arena.levels - 1; level >= 0; level--) {
      // Reaching `after` again, or the end as long as there is no `after`, needs no comparison.
      for (let next = words[before - 1 - level]; next !== after; next = words[before - 1 - level]) {
        const order = this.compare(next, sequence, matchBefore < matchAfter ? matchBefore : matchAfter)
        if (order >= 0) {
          after = next
          matchAfter = order
          break
        }
        before = next
        matchBefore = ~order
      }
      path[level] = before
    }
    this.#matchAfter = matchAfter
    return before
  }

  /**
   * Is a node before (target, sequence)? Both are known to share `match` words. Returns the words they do share: m when
   * the node is at or after the target, ~m (negative) when it is before.
   */
  compare(node: number, sequence: number, match: number): number {
    const view = this.#arena.view
    const target = this.#target
    const nodeLength = this.#arena.words[node] >>> 4
    const targetLength = this.#length
    const shared = ((nodeLength < targetLength ? nodeLength : targetLength) + 3) >>> 2
    const keyStart = (node + KEY) << 2
    for (; match < shared; match++) {
      const ours = view.getUint32(keyStart + (match << 2))
      const theirs = target[match]
      if (ours !== theirs) return ours < theirs ? ~match : match
    }
    if (nodeLength !== targetLength) return nodeLength < targetLength ? ~match : match
    return this.#arena.sequence(node) > sequence ? ~match : match
  }

  /** Does the node behind the found position have exactly the target key? */
  isTarget(after: number): boolean {
    const length = this.#length
    return after !== NO_NODE && this.#matchAfter === (length + 3) >>> 2 && this.#arena.keyLength(after) === length
  }

  /** Notes the place found without a descent: the words shared with the node behind it. */
  placed(matchAfter: number): void {
    this.#matchAfter = matchAfter
  }
}
