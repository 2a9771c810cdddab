/**
 * Transactions of a page: the function runs in the page, and what it reads and writes is a transaction of the worker. The page loads this with its
 * first one.
 */
import { AbortError } from '../errors.js'
import type { Awaitable, SyncOption } from '../store/level-types.js'
import { Transaction, type GivenOperation } from '../store/transactions/transaction.js'
import { checkedTransaction, unlessAborted, type TransactionOptions } from '../store/transactions/transaction-options.js'
import type { Requests } from './worker-iterators.js'
import { WorkerMoment } from './worker-moment.js'

/** Writes the operations of a transaction so that hooks and listeners see them, and commits it. Resolves with whether its function is to run again. */
export type CommitObserved = (moment: WorkerMoment, operations: readonly GivenOperation[], options: SyncOption) => Promise<boolean>

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
