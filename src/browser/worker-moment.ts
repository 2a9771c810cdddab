import { MisuseError } from '../errors.js'
import type { PrivateIteratorOptions } from '../store/level-types.js'
import type { Stored } from '../store/owned-bytes.js'
import type { TransactionMoment } from '../store/transactions/transaction-moment.js'
import type { WriteOperation } from './protocol.js'
import type { Requests } from './worker-iterators.js'

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
