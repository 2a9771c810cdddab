import { ByteView, KIND_PUT, MAX_SEQUENCE, compareKeys, type EntryCursor, type EntryKind } from '../../../src/codec/entry.js'

export interface Entry {
  readonly key: Uint8Array
  readonly sequence: number
  readonly kind: EntryKind
  readonly value: Uint8Array
}

/**
 * An EntryCursor over an array, as unfriendly as the contract lets it be: the key is shown in memory that is scribbled
 * over as soon as the cursor moves, and the views are other objects after every move.
 */
export class ArrayCursor implements EntryCursor {
  key = new ByteView()
  value = new ByteView()
  sequence = 0
  kind: EntryKind = KIND_PUT
  valid = false
  closed = 0
  /** Single steps taken, to see that a long run of versions is not walked. */
  steps = 0
  readonly #entries: readonly Entry[]
  #at = -1

  constructor(entries: readonly Entry[]) {
    this.#entries = [...entries].sort((a, b) => compareKeys(a.key, b.key) || b.sequence - a.sequence)
  }

  first(): boolean {
    return this.#show(0)
  }

  last(): boolean {
    return this.#show(this.#entries.length - 1)
  }

  seek(key: Uint8Array, sequence = MAX_SEQUENCE): boolean {
    const at = this.#entries.findIndex(entry => {
      const order = compareKeys(entry.key, key)
      return order > 0 || (order === 0 && entry.sequence <= sequence)
    })
    return this.#show(at)
  }

  seekBefore(key: Uint8Array): boolean {
    return this.#show(this.#entries.findLastIndex(entry => compareKeys(entry.key, key) < 0))
  }

  next(): boolean {
    return this.#step(1)
  }

  prev(): boolean {
    return this.#step(-1)
  }

  close(): void {
    this.closed++
    this.#show(-1)
  }

  #step(by: number): boolean {
    if (!this.valid) throw new Error('The entries were moved while not valid')
    this.steps++
    return this.#show(this.#at + by)
  }

  #show(at: number): boolean {
    this.key.bytes.fill(0xdd)
    this.#at = at
    const entry = this.#entries[at]
    this.valid = entry !== undefined
    this.key = new ByteView()
    this.value = new ByteView()
    if (entry === undefined) return false
    const padded = new Uint8Array(entry.key.length + 2)
    padded.set(entry.key, 1)
    this.key.set(padded, 1, 1 + entry.key.length)
    this.value.set(entry.value, 0, entry.value.length)
    this.sequence = entry.sequence
    this.kind = entry.kind
    return true
  }
}
