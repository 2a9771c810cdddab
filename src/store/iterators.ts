/**
 * The iterators of the store, over entries, keys and values.
 *
 * Invariants:
 * 1. The cursor is made synchronously with the iterator, so the iterator sees that moment and nothing later.
 * 2. The quick steps of `for await` bypass abstract-level's own counting. The walk counts them, `count` is the sum of both, and every
 *    read keeps to the limit by that sum. See iteration.ts.
 * 3. What quick steps have read ahead is handed out first by every other read, and dropped by a seek.
 * 4. A batch is never empty before the end of the range, and ends early once it holds `highWaterMarkBytes` of what it returns.
 */
import { AbstractIterator, AbstractKeyIterator, AbstractValueIterator, type AbstractSnapshot } from 'abstract-level'
import { KvariumError } from '../errors.js'
import { Iteration, NOT_QUICK, type Source } from './iteration.js'
import { ReadAhead } from './read-ahead.js'
import type { Awaitable, PrivateIteratorOptions } from './level-types.js'
import type { Stored } from './owned-bytes.js'
import type { Walk } from './walk.js'

/** Entries that `all()` takes at once. */
const ALL_AT_ONCE = 1000

type Entry = [Stored | undefined, Stored | undefined]

export class EntryIterator<TDatabase, K, V> extends AbstractIterator<TDatabase, K, V> implements Source<[K, V]> {
  readonly #walk: Walk
  readonly #ahead = new ReadAhead<Entry>()
  readonly #keys: boolean
  readonly #values: boolean
  readonly #decoders: Decoders<K, V>
  readonly #snapshot: AbstractSnapshot | undefined
  readonly #isLimited: boolean

  constructor(db: TDatabase, options: PrivateIteratorOptions, walk: Walk) {
    super(db, options as object)
    this.#walk = walk
    this.#keys = options.keys
    this.#values = options.values
    this.#decoders = decodersOf(options)
    this.#snapshot = options.snapshot
    this.#isLimited = options.limit >= 0
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
    if (this.#snapshot !== undefined) assertOpen(this.#snapshot)
    const ahead = this.#ahead
    if (ahead.isEmpty && !walk.readAhead(ahead, this.#isLimited ? this.limit - this.count : Infinity, this.#collect)) return undefined
    const [key, value] = ahead.take()
    const { keys, values } = this.#decoders
    const entry = [key === undefined ? key : decode(keys, key), value === undefined ? value : decode(values, value)]
    walk.quickSteps++
    return entry as [K, V]
  }

  _next(): Awaitable<Entry | undefined> {
    const walk = this.#walk
    const ahead = this.#ahead
    if (!ahead.isEmpty) return walk.finish(ahead.take(), 1, 0)
    const items: Entry[] = []
    const bytes = this.#isLimited && this.count >= this.limit ? 0 : this.#collect(items, 1)
    return walk.finish(items[0], items.length, bytes)
  }

  _nextv(size: number): Awaitable<Entry[]> {
    return this.#take(Math.min(size, this.limit - this.count))
  }

  _all(): Promise<Entry[]> {
    return takeAll(this.limit - this.count, size => this.#take(size))
  }

  #take(size: number): Awaitable<Entry[]> {
    const items = this.#ahead.takeMany(size)
    const bytes = this.#collect(items, size)
    return this.#walk.finish(items, items.length, bytes)
  }

  /** Adds entries until the limit or the high-water mark is reached; returns the bytes that it has added. */
  readonly #collect = (items: Entry[], size: number): number => {
    const walk = this.#walk
    const withKeys = this.#keys
    const withValues = this.#values
    let bytes = 0
    while (walk.hasRoom(items.length, bytes, size) && walk.step()) {
      items.push([withKeys ? walk.key() : undefined, withValues ? walk.value() : undefined])
      bytes += (withKeys ? walk.keyBytes() : 0) + (withValues ? walk.valueBytes() : 0)
    }
    return bytes
  }

  _seek(target: Stored): void {
    this.#ahead.drop()
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
  readonly #ahead = new ReadAhead<Stored>()
  readonly #decoders: Decoders<K, unknown>
  readonly #snapshot: AbstractSnapshot | undefined
  readonly #isLimited: boolean

  constructor(db: TDatabase, options: PrivateIteratorOptions, walk: Walk) {
    super(db, options as object)
    this.#walk = walk
    this.#decoders = decodersOf(options)
    this.#snapshot = options.snapshot
    this.#isLimited = options.limit >= 0
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
    if (this.#snapshot !== undefined) assertOpen(this.#snapshot)
    const ahead = this.#ahead
    if (ahead.isEmpty && !walk.readAhead(ahead, this.#isLimited ? this.limit - this.count : Infinity, this.#collect)) return undefined
    const decoded = decode(this.#decoders.keys, ahead.take())
    walk.quickSteps++
    return decoded
  }

  _next(): Awaitable<Stored | undefined> {
    const walk = this.#walk
    const ahead = this.#ahead
    if (!ahead.isEmpty) return walk.finish(ahead.take(), 1, 0)
    const items: Stored[] = []
    const bytes = this.#isLimited && this.count >= this.limit ? 0 : this.#collect(items, 1)
    return walk.finish(items[0], items.length, bytes)
  }

  _nextv(size: number): Awaitable<Stored[]> {
    return this.#take(Math.min(size, this.limit - this.count))
  }

  _all(): Promise<Stored[]> {
    return takeAll(this.limit - this.count, size => this.#take(size))
  }

  #take(size: number): Awaitable<Stored[]> {
    const items = this.#ahead.takeMany(size)
    const bytes = this.#collect(items, size)
    return this.#walk.finish(items, items.length, bytes)
  }

  /** Adds entries until the limit or the high-water mark is reached; returns the bytes that it has added. */
  readonly #collect = (items: Stored[], size: number): number => {
    const walk = this.#walk
    let bytes = 0
    while (walk.hasRoom(items.length, bytes, size) && walk.step()) {
      items.push(walk.key())
      bytes += walk.keyBytes()
    }
    return bytes
  }

  _seek(target: Stored): void {
    this.#ahead.drop()
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
  readonly #ahead = new ReadAhead<Stored>()
  readonly #decoders: Decoders<K, V>
  readonly #snapshot: AbstractSnapshot | undefined
  readonly #isLimited: boolean

  constructor(db: TDatabase, options: PrivateIteratorOptions, walk: Walk) {
    super(db, options as object)
    this.#walk = walk
    this.#decoders = decodersOf(options)
    this.#snapshot = options.snapshot
    this.#isLimited = options.limit >= 0
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
    if (this.#snapshot !== undefined) assertOpen(this.#snapshot)
    const ahead = this.#ahead
    if (ahead.isEmpty && !walk.readAhead(ahead, this.#isLimited ? this.limit - this.count : Infinity, this.#collect)) return undefined
    const decoded = decode(this.#decoders.values, ahead.take())
    walk.quickSteps++
    return decoded
  }

  _next(): Awaitable<Stored | undefined> {
    const walk = this.#walk
    const ahead = this.#ahead
    if (!ahead.isEmpty) return walk.finish(ahead.take(), 1, 0)
    const items: Stored[] = []
    const bytes = this.#isLimited && this.count >= this.limit ? 0 : this.#collect(items, 1)
    return walk.finish(items[0], items.length, bytes)
  }

  _nextv(size: number): Awaitable<Stored[]> {
    return this.#take(Math.min(size, this.limit - this.count))
  }

  _all(): Promise<Stored[]> {
    return takeAll(this.limit - this.count, size => this.#take(size))
  }

  #take(size: number): Awaitable<Stored[]> {
    const items = this.#ahead.takeMany(size)
    const bytes = this.#collect(items, size)
    return this.#walk.finish(items, items.length, bytes)
  }

  /** Adds entries until the limit or the high-water mark is reached; returns the bytes that it has added. */
  readonly #collect = (items: Stored[], size: number): number => {
    const walk = this.#walk
    let bytes = 0
    while (walk.hasRoom(items.length, bytes, size) && walk.step()) {
      items.push(walk.value())
      bytes += walk.valueBytes()
    }
    return bytes
  }

  _seek(target: Stored): void {
    this.#ahead.drop()
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

/** Throws when the snapshot is not open. A step is synchronous, so the snapshot need not be held open. */
function assertOpen(snapshot: AbstractSnapshot): void {
  snapshot.ref()
  snapshot.unref()
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
