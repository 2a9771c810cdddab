/**
 * How the store writes: operations are encoded into a batch for the engine, and batches are reused.
 *
 * Invariants:
 * 1. A batch passed to the engine is not touched before the engine is done with it. One whose write failed is never reused.
 * 2. Writes reach the engine in the order of the calls.
 * 3. While transactions are open, every write enters their history as it takes effect. `untracked` are those under way that were called before.
 * 4. A file operation that fails under a write is an `IoError` to the caller.
 */
import { readLatin1 } from '../codec/text.js'
import { WriteBatch } from '../engine/batch.js'
import type { Engine, EngineSnapshot, KeyRange, WriteOptions } from '../engine/contract.js'
import { MisuseError } from '../errors.js'
import type { EventLoopTurns } from './event-loop-turns.js'
import type { StoreFailures } from './failures.js'
import type { Awaitable, PrivateClearOptions, PrivateOperation, SyncOption } from './level-types.js'
import type { Stored } from './owned-bytes.js'
import { expiryAfter, type TtlOption } from './ttl.js'
import type { CommitHistory } from './transactions/commit-history.js'
import { keyText, type KeyText } from './transactions/key-text.js'

const SYNC: WriteOptions = { sync: true }
const NO_SYNC: WriteOptions = { sync: false }
/** Batches kept for reuse; more are needed only while that many writes are in flight. */
const SPARE_BATCHES = 64
/** Deletions that a limited clear writes at once, in keys and in bytes of keys. */
const CLEAR_KEYS = 1024
const CLEAR_BYTES = 64 * 1024

/** What expires puts. */
export interface WriteExpiry {
  /** The wall clock, in milliseconds since the Unix epoch. */
  now(): number
  /** That of puts without one. */
  readonly ttl: number | undefined
}

export class StoreWrites {
  readonly #engine: Engine
  readonly #turns: EventLoopTurns
  readonly #failures: StoreFailures
  readonly #expiry: WriteExpiry
  readonly #history: CommitHistory
  readonly #spares: WriteBatch[] = []
  /** Writes that the engine has not acknowledged, and that the history will not get. */
  readonly untracked = new Set<Promise<void>>()

  constructor(engine: Engine, turns: EventLoopTurns, failures: StoreFailures, expiry: WriteExpiry, history: CommitHistory) {
    this.#history = history
    this.#engine = engine
    this.#turns = turns
    this.#failures = failures
    this.#expiry = expiry
  }

  put(key: Stored, value: Stored, options: SyncOption & TtlOption): Awaitable<void> {
    const expiresAt = this.expiryOf(options.ttl)
    const batch = this.#spares.pop() ?? new WriteBatch()
    batch.put(key, value, expiresAt)
    return this.write(batch, options)
  }

  del(key: Stored, options: SyncOption): Awaitable<void> {
    const batch = this.#spares.pop() ?? new WriteBatch()
    batch.del(key)
    return this.write(batch, options)
  }

  batch(operations: readonly PrivateOperation[], options: SyncOption, precondition?: () => void): Awaitable<void> {
    const batch = this.#spares.pop() ?? new WriteBatch()
    for (const operation of operations) {
      if (operation.type === 'put') batch.put(operation.key, operation.value, this.expiryOf(operation.ttl))
      else batch.del(operation.key)
    }
    return this.write(batch, options, precondition)
  }

  /** When a put of now expires. Throws a MisuseError for an invalid `ttl`, and for any with an engine that cannot expire entries. */
  expiryOf(ttl: number | undefined): number | undefined {
    const given = ttl ?? this.#expiry.ttl
    if (given === undefined) return undefined
    const expiry = expiryAfter(given, this.#expiry.now())
    if (expiry === undefined || this.#engine.expiresAt !== undefined) return expiry
    const { name } = this.#engine
    throw new MisuseError('LEVEL_NOT_SUPPORTED', `The engine "${name}" cannot expire entries: leave out "ttl", or use another engine`)
  }

  /** Buffered writes of a transaction, as one batch. */
  commit(
    writes: Iterable<{ readonly key: Stored; readonly value: Stored | undefined; readonly ttl?: number | undefined }>,
    options: SyncOption,
    precondition: () => void,
  ): Awaitable<void> {
    const batch = this.#spares.pop() ?? new WriteBatch()
    for (const { key, value, ttl } of writes) {
      if (value === undefined) batch.del(key)
      else batch.put(key, value, this.expiryOf(ttl))
    }
    return this.write(batch, options, precondition)
  }

  /** Writes a batch, which then belongs to the store. The precondition is checked as the batch takes effect, see `WriteOptions`. */
  write(batch: WriteBatch, options: SyncOption, precondition?: () => void): Awaitable<void> {
    const isTracked = this.#history.isOpen
    const operations = batch.count
    const bytes = batch.userBytes
    let pending: Awaitable<void>
    try {
      pending = this.#engine.write(
        batch,
        isTracked || precondition !== undefined ? this.#trackedWrite(batch, options, precondition) : options.sync ? SYNC : NO_SYNC,
      )
    } catch (error) {
      throw this.#failures.ofWrite(error)
    }
    if (pending !== undefined) return this.#acknowledged(batch, isTracked ? pending : this.#untracked(pending))
    this.#recycle(batch)
    if (this.#turns.isDue(operations, bytes)) return this.#turns.turn()
  }

  /** Everything in the range, in one step. */
  async clear(range: KeyRange, options: SyncOption): Promise<void> {
    try {
      if (this.#history.isOpen) await this.#engine.clear(range, this.#trackedClear(range, options))
      else {
        const pending = this.#engine.clear(range, options.sync ? SYNC : NO_SYNC)
        if (pending !== undefined) await this.#untracked(pending)
      }
    } catch (error) {
      throw this.#failures.ofWrite(error)
    }
    if (this.#turns.isDue(1, 0)) await this.#turns.turn()
  }

  /** The first `limit` keys of the range, or those that are in the snapshot, in atomic batches. */
  async clearByCursor(range: KeyRange, moment: EngineSnapshot | undefined, options: PrivateClearOptions): Promise<void> {
    const { reverse, limit } = options
    const cursor = this.#engine.cursor(range, moment)
    try {
      let left = limit === -1 ? Infinity : limit
      let valid = reverse ? cursor.last() : cursor.first()
      while (valid && left > 0) {
        const batch = this.#spares.pop() ?? new WriteBatch()
        while (valid && left > 0 && batch.count < CLEAR_KEYS && batch.userBytes < CLEAR_BYTES) {
          const { bytes, start, end } = cursor.key
          batch.del(bytes.subarray(start, end))
          left--
          valid = reverse ? cursor.prev() : cursor.next()
        }
        await this.write(batch, options)
      }
    } catch (error) {
      throw this.#failures.ofWrite(error)
    } finally {
      cursor.close()
    }
  }

  #trackedWrite(batch: WriteBatch, { sync = false }: SyncOption, precondition?: () => void): WriteOptions {
    // Reading the keys back needs the header.
    batch.seal(0)
    const history = this.#history
    return {
      sync,
      precondition: () => {
        precondition?.()
        history.beforeWrite()
      },
      applied: () => {
        if (history.isOpen) history.addKeys(keysOf(batch))
      },
    }
  }

  #trackedClear({ gte, lt }: KeyRange, { sync = false }: SyncOption): WriteOptions {
    const history = this.#history
    const range = { lower: gte === undefined ? '' : keyText(gte), upper: lt && keyText(lt) }
    return { sync, precondition: () => history.beforeWrite(), applied: () => history.addRange(range) }
  }

  /**
   * Runs a write that takes effect at a moment which the store does not learn. Transactions that are open conflict with it, whatever they have
   * read, and the next ones wait for its end.
   */
  unordered(write: () => Promise<void>): Promise<void> {
    this.#history.interrupt()
    return this.#untracked(write())
  }

  #untracked(pending: Promise<void>): Promise<void> {
    const { untracked } = this
    // Writes that share a sync.
    if (untracked.has(pending)) return pending
    untracked.add(pending)
    const settled = (): void => {
      untracked.delete(pending)
    }
    pending.then(settled, settled)
    return pending
  }

  async #acknowledged(batch: WriteBatch, pending: Promise<void>): Promise<void> {
    const operations = batch.count
    const bytes = batch.userBytes
    try {
      await pending
    } catch (error) {
      throw this.#failures.ofWrite(error)
    }
    this.#recycle(batch)
    if (this.#turns.isDue(operations, bytes)) await this.#turns.turn()
  }

  #recycle(batch: WriteBatch): void {
    batch.clear()
    if (this.#spares.length < SPARE_BATCHES) this.#spares.push(batch)
  }
}

function* keysOf(batch: WriteBatch): Generator<KeyText> {
  for (const reader = batch.reader(); reader.next();) {
    const { bytes, start, end } = reader.key
    yield readLatin1(bytes, start, end)
  }
}
