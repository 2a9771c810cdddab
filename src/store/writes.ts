/**
 * How the store writes: operations are encoded into a batch for the engine, and batches are reused.
 *
 * Invariants:
 * 1. A batch passed to the engine is not touched before the engine is done with it. One whose write failed is never reused.
 * 2. Writes reach the engine in the order of the calls.
 * 3. A file operation that fails under a write is an `IoError` to the caller.
 */
import { WriteBatch } from '../engine/batch.js'
import type { Engine, EngineSnapshot, KeyRange, WriteOptions } from '../engine/contract.js'
import { MisuseError } from '../errors.js'
import type { EventLoopTurns } from './event-loop-turns.js'
import type { StoreFailures } from './failures.js'
import type { Awaitable, PrivateClearOptions, PrivateOperation, SyncOption } from './level-types.js'
import type { Stored } from './owned-bytes.js'
import { expiryAfter, type TtlOption } from './ttl.js'

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
  readonly #spares: WriteBatch[] = []

  constructor(engine: Engine, turns: EventLoopTurns, failures: StoreFailures, expiry: WriteExpiry) {
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

  batch(operations: readonly PrivateOperation[], options: SyncOption): Awaitable<void> {
    const batch = this.#spares.pop() ?? new WriteBatch()
    for (const operation of operations) {
      if (operation.type === 'put') batch.put(operation.key, operation.value, this.expiryOf(operation.ttl))
      else batch.del(operation.key)
    }
    return this.write(batch, options)
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

  /** Writes a batch, which then belongs to the store. */
  write(batch: WriteBatch, options: SyncOption): Awaitable<void> {
    const operations = batch.count
    const bytes = batch.userBytes
    let pending: Awaitable<void>
    try {
      pending = this.#engine.write(batch, options.sync ? SYNC : NO_SYNC)
    } catch (error) {
      throw this.#failures.ofWrite(error)
    }
    if (pending !== undefined) return this.#acknowledged(batch, pending)
    this.#recycle(batch)
    if (this.#turns.isDue(operations, bytes)) return this.#turns.turn()
  }

  /** Everything in the range, in one step. */
  async clear(range: KeyRange, options: SyncOption): Promise<void> {
    try {
      await this.#engine.clear(range, options.sync ? SYNC : NO_SYNC)
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
