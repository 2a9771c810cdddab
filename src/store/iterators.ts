/**
 * The iterators of the store, over entries, keys and values.
 *
 * Invariants:
 * 1. The cursor is made when the iterator is, synchronously, so the iterator sees that moment and nothing later.
 * 2. Nothing is read ahead. The quick steps of `for await` pass by abstract-level's own counting, so the walk counts them, and `count` is
 *    the sum; every read keeps to the limit by that sum. See iteration.ts.
 * 3. A batch is never empty before the end of the range, and ends early once it holds `highWaterMarkBytes` of what it returns.
 */
import { AbstractIterator, AbstractKeyIterator, AbstractValueIterator, type AbstractSnapshot } from 'abstract-level'
import { KvariumError } from '../errors.js'
import { Iteration, NOT_QUICK, type Source } from './iteration.js'
import type { Awaitable, PrivateIteratorOptions } from './level-types.js'
import type { Stored } from './owned-bytes.js'
import type { Walk } from './walk.js'

/** Entries that `all()` takes at once. */
const ALL_AT_ONCE = 1000

type Entry = [Stored | undefined, Stored | undefined]

export class EntryIterator<TDatabase, K, V> extends AbstractIterator<TDatabase, K, V> implements Source<[K, V]> {
  readonly #walk: Walk
  readonly #keys: boolean
  readonly #values: boolean
  readonly #decoders: Decoders<K, V>
  readonly #snapshot: AbstractSnapshot | undefined

  constructor(db: TDatabase, options: PrivateIteratorOptions, walk: Walk) {
    super(db, options as object)
    this.#walk = walk
    this.#keys = options.keys
    this.#values = options.values
    this.#decoders = decodersOf(options)
    this.#snapshot = options.snapshot
  }

  override get count(): number {
    return super.count + this.#walk.quickSteps
  }

  override next(): Promise<[K, V] | undefined> {
    this.#walk.uses++
    return super.next()
  }

  override nextv(size: number, options?: object): Promise<[K, V][]> {
    this.#walk.uses++
    return super.nextv(size, options ?? {})
  }

  override all(options?: object): Promise<[K, V][]> {
    this.#walk.uses++
    return super.all(options ?? {})
  }

  _quickNext(): [K, V] | undefined | typeof NOT_QUICK {
    const walk = this.#walk
    if (!walk.isQuick) return NOT_QUICK
    this.#snapshot?.ref()
    try {
      if (this.count >= this.limit || !walk.step()) return undefined
      const key = this.#keys ? walk.key() : undefined
      const value = this.#values ? walk.value() : undefined
      walk.book(value === undefined ? 0 : walk.valueBytes())
      const { keys, values } = this.#decoders
      const entry = [key === undefined ? key : decode(keys, key), value === undefined ? value : decode(values, value)]
      walk.quickSteps++
      return entry as [K, V]
    } finally {
      this.#snapshot?.unref()
    }
  }

  _next(): Awaitable<Entry | undefined> {
    const walk = this.#walk
    if (this.count >= this.limit || !walk.step()) return walk.finish(undefined, 0, 0)
    const entry: Entry = [this.#keys ? walk.key() : undefined, this.#values ? walk.value() : undefined]
    return walk.finish(entry, 1, this.#values ? walk.valueBytes() : 0)
  }

  _nextv(size: number): Awaitable<Entry[]> {
    return this.#take(Math.min(size, this.limit - this.count))
  }

  _all(): Promise<Entry[]> {
    return takeAll(this.limit - this.count, size => this.#take(size))
  }

  #take(size: number): Awaitable<Entry[]> {
    const walk = this.#walk
    const withKeys = this.#keys
    const withValues = this.#values
    const entries: Entry[] = []
    let bytes = 0
    while (walk.hasRoom(entries.length, bytes, size) && walk.step()) {
      entries.push([withKeys ? walk.key() : undefined, withValues ? walk.value() : undefined])
      bytes += (withKeys ? walk.keyBytes() : 0) + (withValues ? walk.valueBytes() : 0)
    }
    return walk.finish(entries, entries.length, bytes)
  }

  _seek(target: Stored): void {
    this.#walk.seek(target)
  }

  override [Symbol.asyncIterator](): AsyncGenerator<[K, V], void> {
    return new Iteration<[K, V]>(this, this.#walk)
  }

  async _close(): Promise<void> {
    this.#walk.close()
  }
}

export class KeyIterator<TDatabase, K> extends AbstractKeyIterator<TDatabase, K> implements Source<K> {
  readonly #walk: Walk
  readonly #decoders: Decoders<K, unknown>
  readonly #snapshot: AbstractSnapshot | undefined

  constructor(db: TDatabase, options: PrivateIteratorOptions, walk: Walk) {
    super(db, options as object)
    this.#walk = walk
    this.#decoders = decodersOf(options)
    this.#snapshot = options.snapshot
  }

  override get count(): number {
    return super.count + this.#walk.quickSteps
  }

  override next(): Promise<K | undefined> {
    this.#walk.uses++
    return super.next()
  }

  override nextv(size: number, options?: object): Promise<K[]> {
    this.#walk.uses++
    return super.nextv(size, options ?? {})
  }

  override all(options?: object): Promise<K[]> {
    this.#walk.uses++
    return super.all(options ?? {})
  }

  _quickNext(): K | undefined | typeof NOT_QUICK {
    const walk = this.#walk
    if (!walk.isQuick) return NOT_QUICK
    this.#snapshot?.ref()
    try {
      if (this.count >= this.limit || !walk.step()) return undefined
      const key = walk.key()
      walk.book(0)
      const decoded = decode(this.#decoders.keys, key)
      walk.quickSteps++
      return decoded
    } finally {
      this.#snapshot?.unref()
    }
  }

  _next(): Awaitable<Stored | undefined> {
    const walk = this.#walk
    if (this.count >= this.limit || !walk.step()) return walk.finish(undefined, 0, 0)
    const key = walk.key()
    return walk.finish(key, 1, 0)
  }

  _nextv(size: number): Awaitable<Stored[]> {
    return this.#take(Math.min(size, this.limit - this.count))
  }

  _all(): Promise<Stored[]> {
    return takeAll(this.limit - this.count, size => this.#take(size))
  }

  #take(size: number): Awaitable<Stored[]> {
    const walk = this.#walk
    const keys: Stored[] = []
    let bytes = 0
    while (walk.hasRoom(keys.length, bytes, size) && walk.step()) {
      keys.push(walk.key())
      bytes += walk.keyBytes()
    }
    return walk.finish(keys, keys.length, bytes)
  }

  _seek(target: Stored): void {
    this.#walk.seek(target)
  }

  override [Symbol.asyncIterator](): AsyncGenerator<K, void> {
    return new Iteration<K>(this, this.#walk)
  }

  async _close(): Promise<void> {
    this.#walk.close()
  }
}

export class ValueIterator<TDatabase, K, V> extends AbstractValueIterator<TDatabase, K, V> implements Source<V> {
  readonly #walk: Walk
  readonly #decoders: Decoders<K, V>
  readonly #snapshot: AbstractSnapshot | undefined

  constructor(db: TDatabase, options: PrivateIteratorOptions, walk: Walk) {
    super(db, options as object)
    this.#walk = walk
    this.#decoders = decodersOf(options)
    this.#snapshot = options.snapshot
  }

  override get count(): number {
    return super.count + this.#walk.quickSteps
  }

  override next(): Promise<V | undefined> {
    this.#walk.uses++
    return super.next()
  }

  override nextv(size: number, options?: object): Promise<V[]> {
    this.#walk.uses++
    return super.nextv(size, options ?? {})
  }

  override all(options?: object): Promise<V[]> {
    this.#walk.uses++
    return super.all(options ?? {})
  }

  _quickNext(): V | undefined | typeof NOT_QUICK {
    const walk = this.#walk
    if (!walk.isQuick) return NOT_QUICK
    this.#snapshot?.ref()
    try {
      if (this.count >= this.limit || !walk.step()) return undefined
      const value = walk.value()
      walk.book(walk.valueBytes())
      const decoded = decode(this.#decoders.values, value)
      walk.quickSteps++
      return decoded
    } finally {
      this.#snapshot?.unref()
    }
  }

  _next(): Awaitable<Stored | undefined> {
    const walk = this.#walk
    if (this.count >= this.limit || !walk.step()) return walk.finish(undefined, 0, 0)
    const value = walk.value()
    return walk.finish(value, 1, walk.valueBytes())
  }

  _nextv(size: number): Awaitable<Stored[]> {
    return this.#take(Math.min(size, this.limit - this.count))
  }

  _all(): Promise<Stored[]> {
    return takeAll(this.limit - this.count, size => this.#take(size))
  }

  #take(size: number): Awaitable<Stored[]> {
    const walk = this.#walk
    const values: Stored[] = []
    let bytes = 0
    while (walk.hasRoom(values.length, bytes, size) && walk.step()) {
      values.push(walk.value())
      bytes += walk.valueBytes()
    }
    return walk.finish(values, values.length, bytes)
  }

  _seek(target: Stored): void {
    this.#walk.seek(target)
  }

  override [Symbol.asyncIterator](): AsyncGenerator<V, void> {
    return new Iteration<V>(this, this.#walk)
  }

  async _close(): Promise<void> {
    this.#walk.close()
  }
}

interface Decoder<T> {
  decode(stored: Stored): T
}

interface Decoders<K, V> {
  readonly keys: Decoder<K>
  readonly values: Decoder<V>
}

/** abstract-level puts the encodings of an iterator into its options under these symbols, which its types leave out. */
const ENCODINGS = AbstractIterator as unknown as { readonly keyEncoding: symbol; readonly valueEncoding: symbol }

function decodersOf<K, V>(options: PrivateIteratorOptions): Decoders<K, V> {
  const given = options as unknown as Readonly<Record<symbol, unknown>>
  return { keys: given[ENCODINGS.keyEncoding] as Decoder<K>, values: given[ENCODINGS.valueEncoding] as Decoder<V> }
}

/** Decodes as abstract-level does, whose error class it does not export. */
function decode<T>(decoder: Decoder<T>, stored: Stored): T {
  try {
    return decoder.decode(stored)
  } catch (cause) {
    throw new KvariumError('LEVEL_DECODE_ERROR', 'Iterator could not decode data', { cause })
  }
}

/** At most `limit` items, in batches. */
async function takeAll<T>(limit: number, take: (size: number) => Awaitable<T[]>): Promise<T[]> {
  const all: T[] = []
  while (all.length < limit) {
    const batch = await take(Math.min(ALL_AT_ONCE, limit - all.length))
    if (batch.length === 0) break
    all.push(...batch)
  }
  return all
}
