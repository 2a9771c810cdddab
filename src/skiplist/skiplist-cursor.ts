/**
 * A position in a skiplist. Each step follows one pointer in either direction and allocates nothing: `key` and `value`
 * point straight into the arena.
 *
 * Invariants:
 * 1. The cursor stands on a linked node or nowhere; since nodes never move or vanish, inserts cannot disturb it, and it
 *    meets those that land ahead of it.
 */
import type { EntryCursor, EntryKind } from '../codec/entry.js'
import { ByteView, compareBytes, MAX_SEQUENCE } from '../codec/entry.js'
import { MisuseError } from '../errors.js'
import type { Arena } from './arena.js'
import { HEAD, NO_NODE } from './arena.js'
import { nextNewer, previousNewer } from './newer-nodes.js'
import type { Skiplist } from './skiplist.js'

export class SkiplistCursor implements EntryCursor {
  readonly key = new ByteView()
  readonly value = new ByteView()
  readonly #list: Skiplist
  readonly #arena: Arena
  #node: number = NO_NODE

  constructor(list: Skiplist) {
    this.#list = list
    this.#arena = list.arena
  }

  get valid(): boolean {
    return this.#node !== NO_NODE
  }

  get sequence(): number {
    return this.#arena.sequence(this.#node)
  }

  get kind(): EntryKind {
    return this.#arena.kind(this.#node)
  }

  first(): boolean {
    return this.#moveTo(this.#arena.next(HEAD, 0))
  }

  last(): boolean {
    return this.#moveTo(this.#arena.prev(HEAD))
  }

  seek(key: Uint8Array, sequence: number = MAX_SEQUENCE): boolean {
    return this.#moveTo(this.#list.seek(key, 0, key.length, sequence))
  }

  seekBefore(key: Uint8Array): boolean {
    return this.#moveTo(this.#list.seekBefore(key, 0, key.length))
  }

  next(): boolean {
    if (this.#node === NO_NODE) throw notValid('next')
    return this.#moveTo(this.#arena.next(this.#node, 0))
  }

  prev(): boolean {
    if (this.#node === NO_NODE) throw notValid('prev')
    return this.#moveTo(this.#arena.prev(this.#node))
  }

  skipCovered(sequence: number, end: Uint8Array | undefined): boolean {
    if (this.#node === NO_NODE) throw notValid('skipCovered')
    if (this.sequence > sequence) return true
    const newer = nextNewer(this.#arena, this.#node, sequence)
    if (end === undefined || (newer !== NO_NODE && this.#compare(newer, end) < 0)) return this.#moveTo(newer)
    return this.#compare(this.#node, end) < 0 ? this.seek(end) : this.#moveTo(this.#node)
  }

  skipCoveredBack(sequence: number, start: Uint8Array): boolean {
    if (this.#node === NO_NODE) throw notValid('skipCoveredBack')
    if (this.sequence > sequence) return true
    const newer = previousNewer(this.#arena, this.#node, this.#list.pathTo(this.key, this.sequence), sequence)
    if (newer !== NO_NODE && this.#compare(newer, start) >= 0) return this.#moveTo(newer)
    return this.#compare(this.#node, start) >= 0 ? this.seekBefore(start) : this.#moveTo(this.#node)
  }

  close(): void {
    this.#node = NO_NODE
  }

  /** The key of a node against another one. Leaves `key` on that node. */
  #compare(node: number, key: Uint8Array): number {
    this.#arena.setKeyView(node, this.key)
    const { bytes, start, end } = this.key
    return compareBytes(bytes, start, end, key, 0, key.length)
  }

  /** Going back from the first entry, or to the last of none, arrives at the head. */
  #moveTo(node: number): boolean {
    if (node === NO_NODE || node === HEAD) {
      this.#node = NO_NODE
      return false
    }
    this.#node = node
    this.#arena.setKeyView(node, this.key)
    this.#arena.setValueView(node, this.value)
    return true
  }
}

function notValid(method: string): MisuseError {
  return new MisuseError(
    'LEVEL_CURSOR_NOT_VALID',
    `${method}() needs a cursor that stands on an entry: call first, last or a seek before it`,
  )
}
