/**
 * The expected contents of an engine: a map, and the keys in order once a scan asks for them. It applies the same operations as
 * the engine, and every answer of the engine is compared with its own.
 *
 * Keys are Latin-1 text, one character per byte: such strings sort like the bytes.
 */
import { mix32, type Hash32 } from 'kvarium/codec'
import type { Bounds, Operation, ScanOperation } from './operation.js'

export class Oracle {
  readonly #entries = new Map<string, Uint8Array>()
  readonly #deleted = new Set<string>()
  /** The live keys in order; `undefined` until the first scan. */
  #sorted: string[] | undefined
  #bytes = 0

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
        for (const key of [...this.#keys(operation)]) this.#delete(key)
        return
      default:
    }
  }

  /** The entries that a scan must return, in its order. */
  *scan({
    reverse = false,
    limit = Infinity,
    ...bounds
  }: Omit<ScanOperation, 'type'>): Generator<readonly [Uint8Array, Uint8Array], undefined> {
    let left = limit
    for (const key of this.#keys(bounds, reverse)) {
      if (left-- <= 0) return undefined
      yield [toKey(key), this.#entries.get(key)!]
    }
    return undefined
  }

  /** Digest of every key and value, in order, in hexadecimal. */
  digest(hash32: Hash32): string {
    let digest = 0
    for (const [key, value] of this.scan({})) {
      digest = hash32(value, hash32(key, mix32(digest, key.length)))
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

  *#keys({ gte, lt }: Bounds, reverse = false): Generator<string> {
    const sorted = (this.#sorted ??= [...this.#entries.keys()].sort())
    const from = gte === undefined ? 0 : lowerBound(sorted, fromKey(gte))
    const to = lt === undefined ? sorted.length : lowerBound(sorted, fromKey(lt))
    if (reverse) for (let index = to - 1; index >= from; index--) yield sorted[index]
    else for (let index = from; index < to; index++) yield sorted[index]
  }
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
