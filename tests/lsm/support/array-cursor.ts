import { ByteView, compareKeys, KIND_PUT, MAX_SEQUENCE, type EntryCursor, type EntryKind } from '../../../src/codec/entry.js'

export interface PlainEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly sequence: number
  readonly kind: EntryKind
}

export function internalOrder(a: PlainEntry, b: PlainEntry): number {
  return compareKeys(a.key, b.key) || b.sequence - a.sequence
}

/** The contract of an entry cursor in its plainest form, over a sorted array. */
export class ArrayCursor implements EntryCursor {
  readonly key = new ByteView()
  readonly value = new ByteView()
  sequence = 0
  kind: EntryKind = KIND_PUT
  valid = false
  closed = false
  readonly #entries: readonly PlainEntry[]
  #at = -1

  constructor(entries: readonly PlainEntry[]) {
    this.#entries = [...entries].sort(internalOrder)
  }

  first(): boolean {
    return this.#show(0)
  }

  last(): boolean {
    return this.#show(this.#entries.length - 1)
  }

  seek(key: Uint8Array, sequence = MAX_SEQUENCE): boolean {
    const index = this.#entries.findIndex(entry => (compareKeys(entry.key, key) || sequence - entry.sequence) >= 0)
    return this.#show(index < 0 ? this.#entries.length : index)
  }

  seekBefore(key: Uint8Array): boolean {
    return this.#show(this.#entries.findLastIndex(entry => compareKeys(entry.key, key) < 0))
  }

  next(): boolean {
    if (!this.valid) throw new Error('next() on a cursor that is not valid')
    return this.#show(this.#at + 1)
  }

  prev(): boolean {
    if (!this.valid) throw new Error('prev() on a cursor that is not valid')
    return this.#show(this.#at - 1)
  }

  close(): void {
    this.valid = false
    this.closed = true
  }

  #show(index: number): boolean {
    const entry = this.#entries[index] as PlainEntry | undefined
    this.#at = index
    if (entry === undefined) return (this.valid = false)
    // A view into larger memory, as real cursors give.
    const padded = Uint8Array.from([7, ...entry.key, 7, ...entry.value])
    this.key.set(padded, 1, 1 + entry.key.length)
    this.value.set(padded, 2 + entry.key.length, padded.length)
    this.sequence = entry.sequence
    this.kind = entry.kind
    return (this.valid = true)
  }
}
