/**
 * The iterators of the store, over entries, keys and values.
 *
 * Invariants:
 * 1. The cursor is made when the iterator is, synchronously, so the iterator sees that moment and nothing later.
 * 2. Only `for await` reads ahead, see batched-iteration.ts.
 * 3. A batch is never empty before the end of the range, and ends early once it holds `highWaterMarkBytes`.
 */
import { AbstractIterator, AbstractKeyIterator, AbstractValueIterator } from 'abstract-level'
import { BatchedIteration } from './batched-iteration.js'
import type { Awaitable, PrivateIteratorOptions } from './level-types.js'
import type { Stored } from './owned-bytes.js'
import type { Walk } from './walk.js'

/** What an entry costs besides its bytes, so that many empty ones fill a batch too. */
const ENTRY_BYTES = 16

type Entry = [Stored | undefined, Stored | undefined]

export class EntryIterator<TDatabase, K, V> extends AbstractIterator<TDatabase, K, V> {
  readonly #walk: Walk
  #iteration: BatchedIteration<[K, V]> | undefined
  readonly #keys: boolean
  readonly #values: boolean

  constructor(db: TDatabase, options: PrivateIteratorOptions, walk: Walk) {
    super(db, options as object)
    this.#walk = walk
    this.#keys = options.keys
    this.#values = options.values
  }

  _next(): Awaitable<Entry | undefined> {
    const walk = this.#walk
    if (!walk.step()) return walk.finish(undefined, 0, 0)
    const entry: Entry = [this.#keys ? walk.key() : undefined, this.#values ? walk.value() : undefined]
    return walk.finish(entry, 1, this.#values ? walk.valueBytes() : 0)
  }

  _nextv(size: number): Awaitable<Entry[]> {
    const walk = this.#walk
    const withKeys = this.#keys
    const withValues = this.#values
    const entries: Entry[] = []
    let bytes = 0
    while (entries.length < size && bytes < walk.highWaterMarkBytes && walk.step()) {
      entries.push([withKeys ? walk.key() : undefined, withValues ? walk.value() : undefined])
      bytes += ENTRY_BYTES + walk.keyBytes() + (withValues ? walk.valueBytes() : 0)
    }
    return walk.finish(entries, entries.length, bytes)
  }

  _seek(target: Stored): void {
    this.#iteration?.forget()
    this.#walk.seek(target)
  }

  override [Symbol.asyncIterator](): AsyncGenerator<[K, V], void> {
    return (this.#iteration = new BatchedIteration<[K, V]>(this))
  }

  async _close(): Promise<void> {
    this.#walk.close()
  }
}

export class KeyIterator<TDatabase, K> extends AbstractKeyIterator<TDatabase, K> {
  readonly #walk: Walk
  #iteration: BatchedIteration<K> | undefined

  constructor(db: TDatabase, options: PrivateIteratorOptions, walk: Walk) {
    super(db, options as object)
    this.#walk = walk
  }

  _next(): Awaitable<Stored | undefined> {
    const walk = this.#walk
    if (!walk.step()) return walk.finish(undefined, 0, 0)
    const key = walk.key()
    return walk.finish(key, 1, 0)
  }

  _nextv(size: number): Awaitable<Stored[]> {
    const walk = this.#walk
    const keys: Stored[] = []
    let bytes = 0
    while (keys.length < size && bytes < walk.highWaterMarkBytes && walk.step()) {
      keys.push(walk.key())
      bytes += ENTRY_BYTES + walk.keyBytes()
    }
    return walk.finish(keys, keys.length, bytes)
  }

  _seek(target: Stored): void {
    this.#iteration?.forget()
    this.#walk.seek(target)
  }

  override [Symbol.asyncIterator](): AsyncGenerator<K, void> {
    return (this.#iteration = new BatchedIteration<K>(this))
  }

  async _close(): Promise<void> {
    this.#walk.close()
  }
}

export class ValueIterator<TDatabase, K, V> extends AbstractValueIterator<TDatabase, K, V> {
  readonly #walk: Walk
  #iteration: BatchedIteration<V> | undefined

  constructor(db: TDatabase, options: PrivateIteratorOptions, walk: Walk) {
    super(db, options as object)
    this.#walk = walk
  }

  _next(): Awaitable<Stored | undefined> {
    const walk = this.#walk
    if (!walk.step()) return walk.finish(undefined, 0, 0)
    const value = walk.value()
    return walk.finish(value, 1, walk.valueBytes())
  }

  _nextv(size: number): Awaitable<Stored[]> {
    const walk = this.#walk
    const values: Stored[] = []
    let bytes = 0
    while (values.length < size && bytes < walk.highWaterMarkBytes && walk.step()) {
      values.push(walk.value())
      bytes += ENTRY_BYTES + walk.valueBytes()
    }
    return walk.finish(values, values.length, bytes)
  }

  _seek(target: Stored): void {
    this.#iteration?.forget()
    this.#walk.seek(target)
  }

  override [Symbol.asyncIterator](): AsyncGenerator<V, void> {
    return (this.#iteration = new BatchedIteration<V>(this))
  }

  async _close(): Promise<void> {
    this.#walk.close()
  }
}
