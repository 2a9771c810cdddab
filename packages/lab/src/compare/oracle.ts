/**
 * The expected contents of an engine: a map, and the keys in order once a scan asks for them. It applies the same operations as
 * the engine, and every answer of the engine is compared with its own.
 *
 * Keys are Latin-1 text, one character per byte: such strings sort like the bytes.
 */
import { mix32, type Hash32 } from 'kvarium/codec'
import type { Operation, ScanOperation } from './operation.js'

export class Oracle {
  readonly #entries = new Map<string, Uint8Array>()
  readonly #deleted = new Set<string>()
  readonly #order: KeyOrder
  /** The live keys in order; `undefined` until the first scan. */
  #sorted: string[] | undefined
  #bytes = 0

  /** @param order - That of other oracles which get the same operations: keys are sorted once for all of them. */
  constructor(order = new KeyOrder()) {
    this.#order = order
  }

  /** Live entries. */
  get size(): number {
    return this.#entries.size
  }

  /** Key and value bytes of the live entries. */
  get bytes(): number {
    return this.#bytes
  }

  /** Keys that were written and deleted. */
  get deletedKeys(): Iterable<Uint8Array> {
    return mapped(this.#deleted, toKey)
  }

  get deletedCount(): number {
    return this.#deleted.size
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(fromKey(key))
  }

  /** Applies a write; other operations change nothing. Values must not change afterwards. */
  apply(operation: Operation): void {
    switch (operation.type) {
      case 'put':
        return this.#put(fromKey(operation.key), operation.value)
      case 'del':
        return this.#delete(fromKey(operation.key))
      case 'batch':
        for (const write of operation.operations) this.apply(write)
        return
      case 'clear':
        for (const key of this.#keysInOrder.slice(...rangeIn(this.#keysInOrder, operation.gte, operation.lt))) this.#delete(key)
        return
      default:
    }
  }

  /** The entries that a scan must return, in its order. Valid until the next write. */
  scan({ reverse = false, limit = Infinity, gte, lt }: Omit<ScanOperation, 'type'>): ExpectedEntries {
    const sorted = this.#keysInOrder
    const [from, to] = rangeIn(sorted, gte, lt)
    return new ExpectedEntries(this.#entries, sorted, { from, to, reverse, limit })
  }

  /** Digest of every key and value, in order, in hexadecimal. */
  digest(hash32: Hash32): string {
    let digest = 0
    for (const entries = this.scan({}); entries.next();) {
      const { key } = entries
      digest = hash32(entries.value, hash32(key, mix32(digest, key.length)))
    }
    return digest.toString(16).padStart(8, '0')
  }

  #put(key: string, value: Uint8Array): void {
    const before = this.#entries.get(key)
    this.#entries.set(key, value)
    this.#bytes += value.length
    if (before !== undefined) {
      this.#bytes -= before.length
      return
    }
    this.#bytes += key.length
    this.#deleted.delete(key)
    this.#sorted?.splice(lowerBound(this.#sorted, key), 0, key)
  }

  #delete(key: string): void {
    const before = this.#entries.get(key)
    if (before === undefined) return
    this.#entries.delete(key)
    this.#deleted.add(key)
    this.#bytes -= key.length + before.length
    this.#sorted?.splice(lowerBound(this.#sorted, key), 1)
  }

  get #keysInOrder(): string[] {
    return (this.#sorted ??= this.#order.of(this.#entries))
  }
}

/** The order of keys, which oracles with the same keys share. */
export class KeyOrder {
  #keys: readonly string[] = []

  /** The keys in order, as an array of the caller's own. */
  of(entries: ReadonlyMap<string, unknown>): string[] {
    const keys = this.#keys
    if (keys.length !== entries.size || !keys.every(key => entries.has(key))) this.#keys = [...entries.keys()].sort()
    return [...this.#keys]
  }
}

interface Steps {
  /** Positions in the order of the keys: of the first, and behind the last. */
  readonly from: number
  readonly to: number
  readonly reverse: boolean
  readonly limit: number
}

/** Entries that an engine must return, one after the other. */
export class ExpectedEntries {
  readonly #entries: ReadonlyMap<string, Uint8Array>
  readonly #keys: readonly string[]
  readonly #step: 1 | -1
  #at: number
  #left: number

  constructor(entries: ReadonlyMap<string, Uint8Array>, keys: readonly string[], { from, to, reverse, limit }: Steps) {
    this.#entries = entries
    this.#keys = keys
    this.#step = reverse ? -1 : 1
    this.#at = reverse ? to : from - 1
    this.#left = Math.min(limit, to - from)
  }

  /** Moves to the next entry; false at the end. */
  next(): boolean {
    if (this.#left <= 0) return false
    this.#left--
    this.#at += this.#step
    return true
  }

  get key(): Uint8Array {
    return toKey(this.#keys[this.#at])
  }

  get value(): Uint8Array {
    return this.#entries.get(this.#keys[this.#at])!
  }

  hasKey(key: Uint8Array): boolean {
    return fromKey(key) === this.#keys[this.#at]
  }
}

function rangeIn(sorted: readonly string[], gte: Uint8Array | undefined, lt: Uint8Array | undefined): [from: number, to: number] {
  const from = gte === undefined ? 0 : lowerBound(sorted, fromKey(gte))
  return [from, lt === undefined ? sorted.length : lowerBound(sorted, fromKey(lt))]
}

function fromKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}

function toKey(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

/** Index of the first key at or after `key`. */
function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle] < key) low = middle + 1
    else high = middle
  }
  return low
}

function* mapped<T, U>(items: Iterable<T>, map: (item: T) => U): Generator<U> {
  for (const item of items) yield map(item)
}
