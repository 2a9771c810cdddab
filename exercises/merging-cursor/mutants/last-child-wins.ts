// Misconception: of equal keys the one of the last child is the newest, as a later write is.
import { ByteView, compareKeys, KIND_PUT, MAX_SEQUENCE, type EntryCursor, type EntryKind } from 'kvarium/engine'

const NOTHING = new ByteView()

/**
 * The current child is the one with the smallest entry (going forward; the largest going backward), found by looking at all of them: a
 * tree has few runs. Every other child stands at its nearest entry on the far side of the current one.
 */
export class MergingCursor implements EntryCursor {
  readonly #children: readonly EntryCursor[]
  #current: EntryCursor | undefined
  #forward = true

  constructor(children: readonly EntryCursor[]) {
    this.#children = children
  }

  get valid(): boolean {
    return this.#current !== undefined
  }

  get key(): ByteView {
    return this.#current?.key ?? NOTHING
  }

  get value(): ByteView {
    return this.#current?.value ?? NOTHING
  }

  get sequence(): number {
    return this.#current?.sequence ?? 0
  }

  get kind(): EntryKind {
    return this.#current?.kind ?? KIND_PUT
  }

  first(): boolean {
    for (const child of this.#children) child.first()
    return this.#choose(true)
  }

  last(): boolean {
    for (const child of this.#children) child.last()
    return this.#choose(false)
  }

  seek(key: Uint8Array, sequence = MAX_SEQUENCE): boolean {
    for (const child of this.#children) child.seek(key, sequence)
    return this.#choose(true)
  }

  seekBefore(key: Uint8Array): boolean {
    for (const child of this.#children) child.seekBefore(key)
    return this.#choose(false)
  }

  next(): boolean {
    const current = this.#current!
    if (!this.#forward) {
      // The others stand before the current entry. A copy of its key, because a child may reuse that memory when it moves.
      const key = current.key.copy()
      for (const child of this.#children) if (child !== current) child.seek(key, current.sequence)
    }
    current.next()
    return this.#choose(true)
  }

  prev(): boolean {
    const current = this.#current!
    if (this.#forward) {
      const key = current.key.copy()
      for (const child of this.#children) {
        if (child === current) continue
        // To the first entry behind the current one, then one back; if there is none, all of the child is before it.
        if (child.seek(key, current.sequence)) child.prev()
        else child.last()
      }
    }
    current.prev()
    return this.#choose(false)
  }

  close(): void {
    this.#current = undefined
    for (const child of this.#children) child.close()
  }

  #choose(forward: boolean): boolean {
    this.#forward = forward
    let best: EntryCursor | undefined
    for (const child of this.#children) {
      if (child.valid && (best === undefined || order(child, best) <= 0 === forward)) best = child
    }
    this.#current = best
    return best !== undefined
  }
}

function order(a: EntryCursor, b: EntryCursor): number {
  return compareKeys(a.key.copy(), b.key.copy())
}
