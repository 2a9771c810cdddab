/**
 * Every call that a page can make: its name, its arguments, what the worker does, and by that its answer. The page's side has its types from this
 * table, and none of its code.
 */
import type { FeedOptions } from '../engine/contract.js'
import type { RepairOptions } from '../repair/repair.js'
import type { Stored } from '../store/owned-bytes.js'
import type { DestroyOptions } from '../store/store-options.js'
import type { TransactionOptions } from '../store/transactions/transaction-options.js'
import type { BatchCall, IteratorKind, RangeCall, ReadCall, WriteCall, WriteOperation } from './protocol.js'
import type { ServedStore } from './served-store.js'
import { ServedFeed } from './served-feed.js'
import { ServedTransaction } from './served-transaction.js'

export const CALLS = {
  /** Answered once the page can watch the worker. */
  ready: () => {},
  destroy: (at: ServedStore, location: string, options: DestroyOptions) => at.destroy(location, options),
  repair: (at: ServedStore, location: string, options: RepairOptions) => at.repair(location, options),
  open: (at: ServedStore, location: string, options: object, hasHook: boolean) => at.open(location, options, hasHook),
  close: (at: ServedStore) => at.close(),

  get: (at: ServedStore, key: Stored, options: ReadCall) => at.readerOf(options).get(key, at.ownOptions(options)),
  getMany: (at: ServedStore, keys: Stored[], options: ReadCall) => at.readerOf(options).getMany(keys, at.ownOptions(options)),
  has: (at: ServedStore, key: Stored, options: ReadCall) => at.readerOf(options).has(key, at.ownOptions(options)),
  hasMany: (at: ServedStore, keys: Stored[], options: ReadCall) => at.readerOf(options).hasMany(keys, at.ownOptions(options)),
  expiresAt: (at: ServedStore, key: Stored, options: ReadCall) => at.store.expiresAt(key, at.ownOptions(options)),

  put: (at: ServedStore, key: Stored, value: Stored, options: WriteCall) => at.store.put(key, value, options),
  del: (at: ServedStore, key: Stored, options: WriteCall) => at.store.del(key, options),
  batch: (at: ServedStore, operations: WriteOperation[], options: BatchCall) => at.store.batch(operations, options),
  clear: (at: ServedStore, range: RangeCall) => at.store.clear(at.ownOptions(range)),

  snapshot: (at: ServedStore, number: number) => at.snapshots.add(number, () => at.store.snapshot()).sequence,
  releaseSnapshot: (at: ServedStore, number: number) => at.snapshots.remove(number)?.close(),
  iterator: (at: ServedStore, number: number, kind: IteratorKind, range: RangeCall) =>
    void at.iterators.add(number, () => at.readerOf(range)[kind](at.ownOptions(range))),
  nextv: (at: ServedStore, number: number, size: number) => at.iterators.of(number).nextv(size),
  seek: (at: ServedStore, number: number, target: Stored) => at.iterators.of(number).seek(target, { keyEncoding: 'view' }),
  closeIterator: (at: ServedStore, number: number) => at.iterators.remove(number)?.close(),

  begin: (at: ServedStore, number: number, options: TransactionOptions) =>
    at.transactions.add(number, () => new ServedTransaction(at.store, options)).begun(),
  write: (at: ServedStore, number: number, operations: WriteOperation[]) => at.transactions.of(number).transaction.batch(operations),
  clearIn: async (at: ServedStore, number: number, range: RangeCall, isObserved: boolean) => {
    const { transaction } = at.transactions.of(number)
    const options = at.ownOptions(range)
    const keys = isObserved ? await transaction.keys<Stored>({ ...options, keyEncoding: 'view' }).all() : []
    await transaction.clear(options)
    return keys
  },
  commit: (at: ServedStore, number: number) => at.transactions.of(number).commit(),
  rollback: (at: ServedStore, number: number) => at.transactions.of(number).rollback(),
  endTransaction: (at: ServedStore, number: number) => void at.transactions.remove(number),

  ingest: (at: ServedStore, number: number) => at.ingest(number),
  giveBatch: (at: ServedStore, number: number, batch: Uint8Array) => at.ingests.of(number).give(batch),
  endIngest: (at: ServedStore, number: number, isComplete: boolean) => at.ingests.remove(number)?.end(isComplete),
  feed: (at: ServedStore, number: number, options: FeedOptions) => void at.feeds.add(number, () => new ServedFeed(at.store._feed(options))),
  nextBatches: (at: ServedStore, number: number) => at.feeds.of(number).nextPage(),
  closeFeed: (at: ServedStore, number: number) => at.feeds.remove(number)?.close(),

  checkpoint: (at: ServedStore, number: number, directory: string) => at.checkpoint(number, directory),
  abortCheckpoint: (at: ServedStore, number: number) => at.checkpoints.remove(number)?.abort(),

  flush: (at: ServedStore) => at.store.flush(),
  settle: (at: ServedStore) => at.store.settle(),
  compactRange: (at: ServedStore, start: Stored | undefined, end: Stored | undefined) => at.store.compactRange(start, end),
  approximateSize: (at: ServedStore, start: Stored, end: Stored) => at.store.approximateSize(start, end),
  getProperty: (at: ServedStore, property: string) => at.store.getProperty(property),
  stats: (at: ServedStore) => at.store.stats(),
  shape: (at: ServedStore) => at.store.shape(),
  check: (at: ServedStore, number: number) => void at.checks.add(number, () => at.store.check()[Symbol.asyncIterator]()),
  nextViolation: (at: ServedStore, number: number) => at.checks.of(number).next(),
  endCheck: async (at: ServedStore, number: number) => void (await at.checks.remove(number)?.return?.()),
} satisfies Readonly<Record<string, (at: ServedStore, ...args: never[]) => unknown>>

type Calls = typeof CALLS
export type Method = keyof Calls
/** The arguments of a call, without the place where the worker runs it. */
export type Arguments<M extends Method> = Calls[M] extends (at: never, ...args: infer Args) => unknown ? Args : never
export type Result<M extends Method> = Awaited<ReturnType<Calls[M]>>

export interface Request<M extends Method = Method> {
  readonly id: number
  readonly method: M
  readonly args: Arguments<M>
}
