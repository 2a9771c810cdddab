/**
 * Fills an empty skiplist at once: nodes are appended as their entries come, in any order of keys, and at the end sorted and linked in one
 * pass. That costs a fraction of an insert each, whose descent waits for memory at every step.
 *
 * Invariants:
 * 1. Entries come in the order of their sequence numbers, so that of two versions of a key the later one goes first.
 * 2. No node is reachable before `finish`: until then nodes have no pointers and may be copied to a larger arena.
 */
import { compareBytes, type EntryKind } from '../codec/entry.js'
import { sortByWords } from '../codec/radix-sort.js'
import { MisuseError } from '../errors.js'
import type { Random } from '../vfs/environment.js'
import { drawHeight, KEY, MAX_CAPACITY, nodeBytes, type Arena } from './arena.js'

const INITIAL_ENTRIES = 1024

export class SkiplistLoad {
  #arena: Arena
  readonly #random: Random
  readonly #onGrown: (arena: Arena) => void
  /** Nodes in the order in which they came. */
  #nodes = new Int32Array(INITIAL_ENTRIES)
  #count = 0
  #lastSequence = -1
  #lastHeight = 0
  #firstKey: Uint8Array | undefined
  /** Bytes of the first key that all keys begin with. */
  #prefixLength = 0

  /** `onGrown` gets the arena that takes the place of one that was too small. */
  constructor(arena: Arena, random: Random, onGrown: (arena: Arena) => void) {
    this.#arena = arena
    this.#random = random
    this.#onGrown = onGrown
  }

  get lastHeight(): number {
    return this.#lastHeight
  }

  get bytesUsed(): number {
    return this.#arena.wordsUsed * 4
  }

  /** Adds an entry, copying key and value. Where it does not fit, the arena grows; returns false where that is as large as can be. */
  insert(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    sequence: number,
    kind: EntryKind,
  ): boolean {
    if (sequence <= this.#lastSequence) {
      throw new MisuseError('LEVEL_INVALID_ENTRY', `entries are loaded by ascending sequence: ${sequence} came after ${this.#lastSequence}`)
    }
    const height = drawHeight(this.#random)
    if (!this.#reserve(nodeBytes(height, keyEnd - keyStart, valueEnd - valueStart))) return false
    const arena = this.#arena
    const node = arena.append(height, key, keyStart, keyEnd, valueEnd - valueStart, sequence, kind)
    arena.fillValue(node, 0, value, valueStart, valueEnd)
    this.#noteNode(node)
    this.#notePrefix(key, keyStart, keyEnd)
    this.#lastSequence = sequence
    this.#lastHeight = height
    return true
  }

  /** Sorts and links all entries. The list is an ordinary one from then on. */
  finish(): void {
    if (this.#count === 0) return
    const order = this.#byHead()
    this.#sortEqualHeads(order)
    this.#arena.linkAll(this.#nodes, order.entries)
  }

  #reserve(bytes: number): boolean {
    const arena = this.#arena
    const capacity = arena.buffer.byteLength
    const needed = this.bytesUsed + bytes
    if (needed <= capacity) return true
    if (needed > MAX_CAPACITY) return false
    this.#arena = arena.grown(Math.min(MAX_CAPACITY, Math.max(needed, capacity * 2)))
    this.#onGrown(this.#arena)
    return true
  }

  #noteNode(node: number): void {
    if (this.#count === this.#nodes.length) {
      const grown = new Int32Array(this.#count * 2)
      grown.set(this.#nodes)
      this.#nodes = grown
    }
    this.#nodes[this.#count++] = node
  }

  #notePrefix(key: Uint8Array, start: number, end: number): void {
    const first = this.#firstKey
    if (first === undefined) {
      this.#firstKey = key.slice(start, end)
      this.#prefixLength = end - start
      return
    }
    const most = Math.min(this.#prefixLength, end - start)
    let same = 0
    while (same < most && first[same] === key[start + same]) same++
    this.#prefixLength = same
  }

  /** The entries by the heads of their keys: the eight bytes that follow what all keys begin with. Of equal heads the newest comes first. */
  #byHead(): Order {
    const count = this.#count
    const high = new Uint32Array(count)
    const low = new Uint32Array(count)
    const entries = new Int32Array(count)
    for (let entry = 0; entry < count; entry++) {
      const node = this.#nodes[entry]
      high[entry] = this.#arena.keyWord(node, this.#prefixLength)
      low[entry] = this.#arena.keyWord(node, this.#prefixLength + 4)
      entries[entry] = count - 1 - entry
    }
    return { entries: sortByWords(entries, high, low), high, low }
  }

  /** Sorts those whose heads do not tell them apart by their whole keys. */
  #sortEqualHeads({ entries, high, low }: Order): void {
    const count = this.#count
    for (let start = 0; start < count;) {
      let end = start + 1
      while (end < count && high[entries[end]] === high[entries[start]] && low[entries[end]] === low[entries[start]]) end++
      if (end - start > 1) {
        const sorted = Array.from(entries.subarray(start, end)).sort((a, b) => this.#compareKeys(a, b) || b - a)
        entries.set(sorted, start)
      }
      start = end
    }
  }

  #compareKeys(a: number, b: number): number {
    const { bytes } = this.#arena
    const left = this.#nodes[a]
    const right = this.#nodes[b]
    const leftKey = (left + KEY) << 2
    const rightKey = (right + KEY) << 2
    const leftEnd = leftKey + this.#arena.keyLength(left)
    const rightEnd = rightKey + this.#arena.keyLength(right)
    return compareBytes(bytes, leftKey, leftEnd, bytes, rightKey, rightEnd)
  }
}

interface Order {
  /** Indexes of entries, in the order of their keys. */
  readonly entries: Int32Array
  /** The words of the key heads by the index of the entry. */
  readonly high: Uint32Array
  readonly low: Uint32Array
}
