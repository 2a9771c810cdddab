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

/** What the iterators of abstract-level have in common. Its types leave out the class that they extend. */
interface CommonIterator {
  get count(): number
  get limit(): number
  next(): Promise<unknown>
  nextv(size: number, options: object): Promise<unknown[]>
  all(options: object): Promise<unknown[]>
  close(): Promise<void>
}

type CommonIteratorClass = new (db: unknown, options: object) => CommonIterator
type StoreIteratorClass = new (db: unknown, options: PrivateIteratorOptions, walk: Walk) => CommonIterator

const ENTRIES = 0
const KEYS = 1
const VALUES = 2
type What = typeof ENTRIES | typeof KEYS | typeof VALUES

/** An encoded key or value, or an entry of which the options may leave out either. */
type Item = Stored | [key: Stored | undefined, value: Stored | undefined]

/** An iterator class of abstract-level with the reads of the store. */
function storeIterator(Base: CommonIteratorClass, what: What): StoreIteratorClass {
  return class StoreIterator extends Base implements Source<unknown> {
    readonly #walk: Walk
    readonly #ahead = new ReadAhead<Item>()
    readonly #contents: Contents
    readonly #snapshot: AbstractSnapshot | undefined
    readonly #isLimited: boolean

    constructor(db: unknown, options: PrivateIteratorOptions, walk: Walk) {
      super(db, options)
      this.#walk = walk
      this.#contents = new Contents(what, options)
      this.#snapshot = options.snapshot
      this.#isLimited = options.limit >= 0
    }

    override get count(): number {
      return super.count + this.#walk.quickSteps
    }

    override next(): Promise<unknown> {
      this.#walk.uses++
      return super.next()
    }

    override nextv(size: number, options?: object): Promise<unknown[]> {
      this.#walk.uses++
      return super.nextv(size, options ?? {})
    }

    override all(options?: object): Promise<unknown[]> {
      this.#walk.uses++
      return super.all(options ?? {})
    }

    _quickNext(): unknown {
      const walk = this.#walk
      if (!walk.isQuick) return NOT_QUICK
      if (this.#snapshot !== undefined) assertOpen(this.#snapshot)
      const ahead = this.#ahead
      if (ahead.isEmpty && !walk.readAhead(ahead, this.#isLimited ? this.limit - this.count : Infinity, this.#collect)) {
        return walk.isPending ? NOT_QUICK : undefined
      }
      const decoded = this.#contents.decode(ahead.take())
      walk.quickSteps++
      return decoded
    }

    _next(): Awaitable<Item | undefined> {
      const walk = this.#walk
      const ahead = this.#ahead
      walk.beginBatch()
      if (!ahead.isEmpty) return walk.finish(ahead.take(), 1)
      const items: Item[] = []
      const size = this.#isLimited && this.count >= this.limit ? 0 : 1
      if (walk.isSlow) return walk.fill(items, size, this.#collect).then(([item]) => item)
      this.#collect(items, size)
      return walk.finish(items[0], items.length)
    }

    _nextv(size: number): Awaitable<Item[]> {
      return this.#take(Math.min(size, this.limit - this.count))
    }

    _all(): Promise<Item[]> {
      return takeAll(this.limit - this.count, size => this.#take(size))
    }

    #take(size: number): Awaitable<Item[]> {
      const walk = this.#walk
      const items = this.#ahead.takeMany(size)
      walk.beginBatch()
      if (walk.isSlow) return walk.fill(items, size, this.#collect)
      this.#collect(items, size)
      return walk.finish(items, items.length)
    }

    /** Adds entries until the limit or the high-water mark is reached. */
    readonly #collect = (items: Item[], size: number): void => {
      const walk = this.#walk
      const contents = this.#contents
      let bytes = walk.batchBytes
      try {
        while (walk.hasRoom(items.length, bytes, size) && walk.step()) {
          items.push(contents.read(walk))
          bytes += contents.bytes(walk)
        }
      } finally {
        walk.batchBytes = bytes
      }
    }

    _seek(target: Stored): void {
      this.#ahead.drop()
      this.#walk.seek(target)
    }

    [Symbol.asyncIterator](): AsyncGenerator<unknown, void> {
      return new Iteration<unknown>(this, this.#walk)
    }

    async _close(): Promise<void> {
      this.#walk.close()
    }
  }
}

export const EntryIterator = storeIterator(AbstractIterator, ENTRIES)
export const KeyIterator = storeIterator(AbstractKeyIterator, KEYS)
export const ValueIterator = storeIterator(AbstractValueIterator, VALUES)

/** What an iterator takes of the entry that a walk stands on. One class for all: calls of its methods are inlined. */
class Contents {
  readonly #what: What
  readonly #keys: boolean
  readonly #values: boolean
  readonly #decoders: Decoders

  constructor(what: What, options: PrivateIteratorOptions) {
    this.#what = what
    this.#keys = what === KEYS || (what === ENTRIES && options.keys)
    this.#values = what === VALUES || (what === ENTRIES && options.values)
    this.#decoders = decodersOf(options)
  }

  /** A copy, encoded. */
  read(walk: Walk): Item {
    if (this.#what === ENTRIES) return [this.#keys ? walk.key() : undefined, this.#values ? walk.value() : undefined]
    return this.#what === KEYS ? walk.key() : walk.value()
  }

  /** Length of what `read` returns, in bytes. */
  bytes(walk: Walk): number {
    return (this.#keys ? walk.keyBytes() : 0) + (this.#values ? walk.valueBytes() : 0)
  }

  decode(item: Item): unknown {
    const { keys, values } = this.#decoders
    if (this.#what === ENTRIES) {
      const [key, value] = item as [Stored | undefined, Stored | undefined]
      return [key === undefined ? key : decode(keys, key), value === undefined ? value : decode(values, value)]
    }
    return decode(this.#what === KEYS ? keys : values, item as Stored)
  }
}

interface Decoder {
  decode(stored: Stored): unknown
}

interface Decoders {
  readonly keys: Decoder
  readonly values: Decoder
}

/** abstract-level puts the encodings of an iterator into its options under these symbols, which its types leave out. */
const ENCODINGS = AbstractIterator as unknown as { readonly keyEncoding: symbol; readonly valueEncoding: symbol }

function decodersOf(options: PrivateIteratorOptions): Decoders {
  const given = options as unknown as Readonly<Record<symbol, unknown>>
  return { keys: given[ENCODINGS.keyEncoding] as Decoder, values: given[ENCODINGS.valueEncoding] as Decoder }
}

/** Decodes as abstract-level does, whose error class it does not export. */
function decode(decoder: Decoder, stored: Stored): unknown {
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
