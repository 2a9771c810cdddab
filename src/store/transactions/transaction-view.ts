/**
 * What a transaction sees and remembers: the store at its moment with its own writes over it, and what it has read. The store takes it as
 * the `snapshot` of a read, so that keys, values and sublevels are encoded as for any other read.
 *
 * Invariants:
 * 1. Everything that is read of the store is in the read set before the caller gets it. What the transaction wrote itself is not.
 * 2. What it remembers takes at most `maxBytes`. Beyond that every call fails, and so does the commit.
 */
import type { Cursor, Engine, EngineSnapshot } from '../../engine/contract.js'
import type { HalfOpenRange } from '../../engine/range.js'
import { KvariumError, MisuseError } from '../../errors.js'
import type { Awaitable, ReadOptions } from '../level-types.js'
import { inFormat, type Stored } from '../owned-bytes.js'
import type { StoreReads } from '../reads.js'
import { HeldMoment } from '../snapshot.js'
import type { OpenTransaction } from './commit-history.js'
import { keyText } from './key-text.js'
import { OverlayCursor } from './overlay-cursor.js'
import { ReadSet } from './read-set.js'
import type { ClearLimits, TransactionMoment } from './transaction-moment.js'
import { BufferedWrite, WriteBuffer } from './write-buffer.js'

/** What a key that was read, a range, and a write take beside their bytes. */
const KEY_BYTES = 64
const RANGE_BYTES = 512
const WRITE_BYTES = 160

/** What the transactions of a store read. */
export interface ViewedStore {
  readonly engine: Engine
  readonly reads: StoreReads
}

export class TransactionView extends HeldMoment implements TransactionMoment {
  readonly buffer = new WriteBuffer()
  readonly readSet = new ReadSet()
  readonly open: OpenTransaction
  readonly #store: ViewedStore
  readonly #maxBytes: number
  #bytes = 0
  #isOpen = true
  /** Why it takes no more calls and cannot commit, if not because it has ended. */
  #failure: Error | undefined
  #lastCursor: OverlayCursor | undefined

  constructor(store: ViewedStore, open: OpenTransaction, maxBytes: number) {
    super()
    this.#store = store
    this.open = open
    this.#maxBytes = maxBytes
  }

  /** Whether it takes calls. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Itself, unless reads are to leave the thread. */
  get inPlace(): this | undefined {
    return this.#store.reads.isInPlace ? this : undefined
  }

  /** Throws once the transaction has ended, or cannot go on. */
  requireOpen(): void {
    if (!this.#isOpen) throw this.#failure ?? ended()
  }

  /** Ends the view: every later call fails with the error. */
  end(error?: Error): void {
    if (this.#isOpen) this.#failure = error
    this.#isOpen = false
    this.readSet.closeCursors()
  }

  /** abstract-level calls it before it uses a snapshot. */
  ref(): void {
    this.requireOpen()
  }

  unref(): void {}

  momentIn(engine: Engine): EngineSnapshot | undefined {
    if (engine !== this.#store.engine) {
      throw new MisuseError('LEVEL_INVALID_SUBLEVEL', 'The option "sublevel" is not a sublevel of the store of the transaction')
    }
    return this.open.snapshot
  }

  getSync(key: Stored, options: ReadOptions): Stored | undefined {
    const own = this.#look(key)
    return own === undefined ? this.#store.reads.getSync(key, options) : valueOf(own, options)
  }

  get(key: Stored, options: ReadOptions): Awaitable<Stored | undefined> {
    const own = this.#look(key)
    return own === undefined ? this.#store.reads.get(key, options) : valueOf(own, options)
  }

  has(key: Stored, options: ReadOptions): Awaitable<boolean> {
    const own = this.#look(key)
    return own === undefined ? this.#store.reads.has(key, options) : own.value !== undefined
  }

  getMany(keys: readonly Stored[], options: ReadOptions): Awaitable<(Stored | undefined)[]> {
    return this.#many(
      keys,
      missing => this.#store.reads.getMany(missing, options),
      own => valueOf(own, options),
    )
  }

  hasMany(keys: readonly Stored[], options: ReadOptions): Awaitable<boolean[]> {
    return this.#many(
      keys,
      missing => this.#store.reads.hasMany(missing, options),
      own => own.value !== undefined,
    )
  }

  cursor(range: HalfOpenRange, make: (snapshot: EngineSnapshot | undefined) => Cursor): Cursor {
    this.requireOpen()
    this.#charge(RANGE_BYTES)
    const { readSet } = this
    const cursor = new OverlayCursor({
      base: make(this.open.snapshot),
      own: this.buffer.within(range),
      range,
      onWalked: walked => readSet.ranges.push(walked),
      onClosed: closed => readSet.unfollow(closed),
    })
    readSet.follow(cursor)
    this.#lastCursor = cursor
    return cursor
  }

  /** Deletes what the iterator that was made last walks, and returns the keys. */
  clear({ limit = -1, reverse = false }: ClearLimits): Uint8Array[] {
    const cursor = this.#lastCursor!
    const keys: Uint8Array[] = []
    let left = limit < 0 ? Infinity : limit
    for (let valid = left > 0 && (reverse ? cursor.last() : cursor.first()); valid; valid = reverse ? cursor.prev() : cursor.next()) {
      const key = cursor.key.copy()
      this.write(key, undefined)
      keys.push(key)
      if (--left <= 0) break
    }
    return keys
  }

  /** Buffers a put, or a deletion. The bytes belong to the view from now on. */
  write(key: Stored, value: Stored | undefined, ttl?: number): void {
    const text = keyText(key)
    this.#charge(WRITE_BYTES + text.length + (value?.length ?? 0))
    this.buffer.add(new BufferedWrite(text, key, value, ttl))
  }

  /** What was written is in the view at once. */
  written(): undefined {
    return undefined
  }

  #look(key: Stored): BufferedWrite | undefined {
    this.requireOpen()
    const text = keyText(key)
    const own = this.buffer.get(text)
    if (own === undefined && !this.readSet.has(text)) {
      this.#charge(KEY_BYTES + text.length)
      this.readSet.add(text)
    }
    return own
  }

  #many<T>(keys: readonly Stored[], read: (missing: Stored[]) => Awaitable<T[]>, ofOwn: (own: BufferedWrite) => T): Awaitable<T[]> {
    const own = keys.map(key => this.#look(key))
    const pending = read(keys.filter((_key, index) => own[index] === undefined))
    const merge = (found: T[]): T[] => {
      let next = 0
      return own.map(write => (write === undefined ? found[next++] : ofOwn(write)))
    }
    return pending instanceof Promise ? pending.then(merge) : merge(pending)
  }

  #charge(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes <= this.#maxBytes) return
    this.#isOpen = false
    this.#failure = new KvariumError(
      'LEVEL_TRANSACTION_TOO_LARGE',
      `The transaction needs more than the ${this.#maxBytes} bytes of its option "maxBytes" for what it has read and written: split it, or raise the limit`,
    )
    throw this.#failure
  }
}

function valueOf({ value }: BufferedWrite, { valueEncoding }: ReadOptions): Stored | undefined {
  return value === undefined ? undefined : inFormat(value, valueEncoding)
}

function ended(): Error {
  return new MisuseError('LEVEL_TRANSACTION_NOT_OPEN', 'The transaction has ended: use it only before its function returns')
}
