/** Transactions of a page: the function runs in the page, and what it reads and writes is a transaction of the worker. */
import { AbortError, MisuseError } from '../errors.js'
import type { Awaitable, PrivateIteratorOptions, SyncOption } from '../store/level-types.js'
import type { Stored } from '../store/owned-bytes.js'
import { Transaction, type GivenOperation } from '../store/transactions/transaction.js'
import type { TransactionMoment } from '../store/transactions/transaction-moment.js'
import { checkedTransaction, unlessAborted, type TransactionOptions } from '../store/transactions/transaction-options.js'
import type { WriteOperation } from './protocol.js'
import type { Requests } from './worker-iterators.js'

/** Writes the operations of a transaction so that hooks and listeners see them, and commits it. Resolves with whether its function is to run again. */
export type CommitObserved = (moment: WorkerMoment, operations: readonly GivenOperation[], options: SyncOption) => Promise<boolean>

/** The transaction of one run of the function, as the `snapshot` of its reads. */
export class WorkerMoment implements TransactionMoment {
  readonly inPlace = undefined
  readonly _store: Requests
  readonly _number: number
  #operations: WriteOperation[] = []
  #keys: PrivateIteratorOptions | undefined
  #hasEnded = false

  constructor(store: Requests, number: number) {
    this._store = store
    this._number = number
  }

  requireOpen(): void {
    if (this.#hasEnded) {
      throw new MisuseError('LEVEL_TRANSACTION_NOT_OPEN', 'The transaction has ended: use it only before its function returns')
    }
  }

  end(): void {
    this.#hasEnded = true
  }

  /** abstract-level calls it before it uses a snapshot. */
  ref(): void {
    this.requireOpen()
  }

  unref(): void {}

  write(key: Stored, value: Stored | undefined, ttl?: number): void {
    this.#operations.push(value === undefined ? { type: 'del', key } : { type: 'put', key, value, ttl })
  }

  written(): Promise<void> {
    const operations = this.#operations
    this.#operations = []
    return this._store._request('write', [this._number, operations])
  }

  /** The store says so of each iterator of keys. */
  walksKeys(options: PrivateIteratorOptions): void {
    this.#keys = options
  }

  clear(_limits: unknown, isObserved: boolean): Promise<readonly Stored[]> {
    const { snapshot: _snapshot, ...range } = this.#keys!
    return this._store._request('clearIn', [this._number, this._store._rangeOf(range), isObserved])
  }
}

/** @param commitObserved there if hooks or listeners are to see the commit */
export async function runTransaction<K, V, T>(
  store: Requests,
  body: (transaction: Transaction<K, V>) => Awaitable<T>,
  given: TransactionOptions | undefined,
  commitObserved: CommitObserved | undefined,
): Promise<T> {
  const { signal, ...options } = checkedTransaction(body, given)
  if (signal?.aborted === true) throw new AbortError()
  const number = store._newNumber()
  await store._request('begin', [number, options])
  try {
    for (;;) {
      const moment = new WorkerMoment(store, number)
      try {
        const operations: GivenOperation[] | undefined = commitObserved && []
        const transaction = new Transaction<K, V>(store, moment, operations)
        const run = (): Awaitable<T> => body(transaction)
        const result = await (signal === undefined ? run() : unlessAborted(signal, run))
        moment.end()
        const isAgain = await (operations === undefined || operations.length === 0
          ? store._request('commit', [number])
          : commitObserved!(moment, operations, options))
        if (!isAgain) return result
      } finally {
        moment.end()
      }
    }
  } catch (error) {
    await store._release('rollback', number)
    throw error
  } finally {
    await store._release('endTransaction', number)
  }
}
