import type { KvariumStore } from '../store/kvarium.js'
import type { Stored } from '../store/owned-bytes.js'
import type { Transaction } from '../store/transactions/transaction.js'
import type { TransactionOptions } from '../store/transactions/transaction-options.js'
import { Settled } from './settled.js'

/** Why the function of a transaction ends that the page gave up. */
const GIVEN_UP = new Error('The page gave the transaction up')

/**
 * A transaction whose function runs in the page. Its function here waits for the end of that one, and runs again after a conflict, as that one
 * is to do then.
 */
export class ServedTransaction {
  /** Settles with whether the page's function is to run: `false` is the commit. */
  #next = new Settled<boolean>()
  #pagesEnd = new Settled<void>()
  readonly #whole: Promise<void>
  #transaction: Transaction<Stored, Stored> | undefined

  constructor(store: KvariumStore<Stored, Stored>, options: TransactionOptions) {
    this.#whole = store.transaction(transaction => {
      this.#transaction = transaction
      this.#pagesEnd = new Settled()
      this.#next.resolve(true)
      return this.#pagesEnd.promise
    }, options)
    this.#whole.then(
      () => this.#next.resolve(false),
      (error: unknown) => this.#next.reject(error),
    )
  }

  /** That of the run under way. */
  get transaction(): Transaction<Stored, Stored> {
    return this.#transaction!
  }

  /** Resolves once the page's function is to run for the first time. */
  async begun(): Promise<void> {
    await this.#next.promise
  }

  /** Resolves with whether the page's function is to run again; otherwise the transaction is committed. */
  commit(): Promise<boolean> {
    this.#next = new Settled()
    this.#pagesEnd.resolve()
    return this.#next.promise
  }

  /** Resolves when the transaction has ended without an effect. */
  async rollback(): Promise<void> {
    this.#pagesEnd.reject(GIVEN_UP)
    await this.#whole.catch(() => undefined)
  }
}
