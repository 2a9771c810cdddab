import type { Awaitable, ReadOptions } from '../level-types.js'
import type { Stored } from '../owned-bytes.js'

export interface ClearLimits {
  readonly limit?: number | undefined
  readonly reverse?: boolean | undefined
}

/**
 * What a transaction reads and writes through, in this thread or in another one. Reads go through the database with it as their snapshot, as far as
 * they do not have the way `inPlace`.
 */
export interface TransactionMoment {
  /** The short way of a read; absent where there is none. */
  readonly inPlace: { get(key: Stored, options: ReadOptions): Awaitable<Stored | undefined> } | undefined
  /** Throws once the transaction has ended, or cannot go on. */
  requireOpen(): void
  /** Buffers a put, or a deletion. The bytes belong to the moment from now on. */
  write(key: Stored, value: Stored | undefined, ttl?: number): void
  /** Settles when what was written is where the next read finds it; `undefined` where it is there at once. */
  written(): Promise<void> | undefined
  /** Deletes what the iterator of keys that was made last walks, and returns the keys, as far as `isObserved`. */
  clear(limits: ClearLimits, isObserved: boolean): Awaitable<readonly Stored[]>
}
