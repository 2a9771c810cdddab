/**
 * Several cursors read as one, in internal order: memtables, level-0 tables and runs for a scan, tables for a compaction.
 *
 * Invariants:
 * 1. `heap[0, size)` holds the valid children as a binary heap: smallest on top going forward, largest going backward.
 * 2. Going forward every other child stands at its first entry after the current one, going backward at its last before
 *    it. A turn repositions all of them.
 * 3. Two children never hold the same (key, sequence), so ties do not exist.
 */
import { compareBytes, EMPTY, ByteView, KIND_PUT, MAX_SEQUENCE, type EntryCursor, type EntryKind } from '../../codec/entry.js'

/** Makes one cursor of several, which it then owns. They come in no particular order. */
export type MakeMergingCursor = (children: readonly EntryCursor[]) => EntryCursor

/** All entries of the cursors, which it owns, in internal order; by a custom merging cursor if there is one. */
export function mergeCursors(cursors: readonly EntryCursor[], make?: MakeMergingCursor): EntryCursor {
  if (cursors.length === 1) return cursors[0]
  return make === undefined ? new MergingCursor(cursors) : make(cursors)
}

export class MergingCursor implements EntryCursor {
  valid = false
  key: ByteView = NOTHING
  value: ByteView = NOTHING
  readonly #children: readonly EntryCursor[]
  readonly #heap: EntryCursor[]
  #size = 0
  #forward = true

  /** Owns the children: closing it closes them. */
  constructor(children: readonly EntryCursor[]) {
    this.#children = children
    this.#heap = [...children]
  }

  get sequence(): number {
    return this.valid ? this.#heap[0].sequence : 0
  }

  get kind(): EntryKind {
    return this.valid ? this.#heap[0].kind : KIND_PUT
  }

  first(): boolean {
    for (const child of this.#children) child.first()
    return this.#build(true)
  }

  last(): boolean {
    for (const child of this.#children) child.last()
    return this.#build(false)
  }

  seek(key: Uint8Array, sequence = MAX_SEQUENCE): boolean {
    for (const child of this.#children) child.seek(key, sequence)
    return this.#build(true)
  }

  seekBefore(key: Uint8Array): boolean {
    for (const child of this.#children) child.seekBefore(key)
    return this.#build(false)
  }

  next(): boolean {
    if (!this.#forward) this.#turnForward()
    const top = this.#heap[0]
    if (!top.next() && this.#dropTop() === 0) return this.#end()
    return this.#settle()
  }

  prev(): boolean {
    if (this.#forward) this.#turnBackward()
    const top = this.#heap[0]
    if (!top.prev() && this.#dropTop() === 0) return this.#end()
    return this.#settle()
  }

  skipCovered(sequence: number, end: Uint8Array | undefined): boolean {
    if (!this.#forward) this.#turnForward()
    for (const child of this.#children) if (child.valid) skipChild(child, sequence, end)
    return this.#build(true)
  }

  skipCoveredBack(sequence: number, start: Uint8Array): boolean {
    if (this.#forward) this.#turnBackward()
    for (const child of this.#children) if (child.valid) skipChildBack(child, sequence, start)
    return this.#build(false)
  }

  close(): void {
    this.#end()
    this.#size = 0
    for (const child of this.#children) child.close()
  }

  /** All children but the current one stand before the current entry: moves them past it. */
  #turnForward(): void {
    const current = this.#heap[0]
    const { key, sequence } = current
    const target = key.copy()
    for (const child of this.#children) {
      if (child !== current) child.seek(target, sequence)
    }
    this.#build(true)
  }

  #turnBackward(): void {
    const current = this.#heap[0]
    const target = current.key.copy()
    const sequence = current.sequence
    for (const child of this.#children) {
      if (child === current) continue
      // To the first entry after the current one, then one back; nothing after it means everything is before it.
      if (child.seek(target, sequence)) child.prev()
      else child.last()
    }
    this.#build(false)
  }

  #build(forward: boolean): boolean {
    this.#forward = forward
    const heap = this.#heap
    let size = 0
    for (const child of this.#children) if (child.valid) heap[size++] = child
    this.#size = size
    if (size === 0) return this.#end()
    for (let at = (size >>> 1) - 1; at >= 0; at--) this.#sink(at)
    return this.#show()
  }

  #settle(): boolean {
    if (this.#size > 1) this.#sink(0)
    return this.#show()
  }

  #show(): boolean {
    const top = this.#heap[0]
    this.key = top.key
    this.value = top.value
    return (this.valid = true)
  }

  #end(): boolean {
    this.key = NOTHING
    this.value = NOTHING
    return (this.valid = false)
  }

  /** Replaces the exhausted top by the last of the heap. Returns how many are left. */
  #dropTop(): number {
    const heap = this.#heap
    heap[0] = heap[--this.#size]!
    return this.#size
  }

  #sink(at: number): void {
    const heap = this.#heap
    const size = this.#size
    const sinking = heap[at]
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && this.#before(heap[child + 1], heap[child])) child++
      if (this.#before(sinking, heap[child])) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = sinking
  }

  #before(a: EntryCursor, b: EntryCursor): boolean {
    const aKey = a.key
    const bKey = b.key
    const order = compareBytes(aKey.bytes, aKey.start, aKey.end, bKey.bytes, bKey.start, bKey.end) || b.sequence - a.sequence
    return this.#forward ? order < 0 : order > 0
  }
}

function skipChild(child: EntryCursor, sequence: number, end: Uint8Array | undefined): void {
  if (child.skipCovered !== undefined) child.skipCovered(sequence, end)
  else while (child.valid && child.sequence <= sequence && (end === undefined || isBefore(child.key, end))) child.next()
}

function skipChildBack(child: EntryCursor, sequence: number, start: Uint8Array): void {
  if (child.skipCoveredBack !== undefined) child.skipCoveredBack(sequence, start)
  else while (child.valid && child.sequence <= sequence && !isBefore(child.key, start)) child.prev()
}

function isBefore({ bytes, start, end }: ByteView, key: Uint8Array): boolean {
  return compareBytes(bytes, start, end, key, 0, key.length) < 0
}

const NOTHING = new ByteView()
NOTHING.set(EMPTY, 0, 0)
