/** Snapshots and iterators of a store in a worker. Each is made there when its request arrives, which is after all requests before it. */
import { AbstractIterator, AbstractKeyIterator, AbstractValueIterator } from 'abstract-level'
import { BaseSnapshot, type PrivateIteratorOptions, type SnapshotOptions } from '../store/level-types.js'
import type { Stored } from '../store/owned-bytes.js'
import type { Arguments, Method, Result } from './calls.js'
import type { IteratorKind, RangeCall } from './protocol.js'

/** Entries that an iterator asks for first, and at the most. A page of them ends at `highWaterMarkBytes` in any case. */
const FIRST_PAGE = 100
const LARGEST_PAGE = 10_000

/** What snapshots and iterators use of their store. */
export interface Requests {
  _request<M extends Method>(method: M, args: Arguments<M>, signal?: AbortSignal | null): Promise<Result<M>>
  /** Resolves too if the worker has gone: there is nothing left to release. */
  _release<M extends Method>(method: M, ...args: Arguments<M>): Promise<void>
  _newNumber(): number
  _rangeOf(options: PrivateIteratorOptions): RangeCall
}

export class WorkerSnapshot extends BaseSnapshot {
  /** Sequence number of the last operation that it sees; `undefined` where the engine has no change feed. */
  readonly sequence: Promise<number | undefined>
  /** @internal */
  readonly _store: Requests
  /** @internal */
  readonly _number: number

  /** @internal */
  constructor(options: SnapshotOptions, store: Requests) {
    super(options)
    this._store = store
    this._number = store._newNumber()
    this.sequence = store._request('snapshot', [this._number])
    unawaited(this.sequence)
  }

  /** @internal */
  _close(): Promise<void> {
    return this._store._release('releaseSnapshot', this._number)
  }
}

type IteratorClass = new (db: unknown, options: object) => { readonly limit: number; readonly count: number }
type WorkerIteratorClass = new (db: unknown, options: PrivateIteratorOptions, kind: IteratorKind) => object

/** An iterator class of abstract-level that gets its entries in pages. */
function workerIterator(Base: IteratorClass): WorkerIteratorClass {
  return class WorkerIterator extends Base {
    readonly #store: Requests
    readonly #number: number
    readonly #signal: AbortSignal | null | undefined
    #page: unknown[] = []
    /** The next entry of the page. */
    #at = 0
    #size = FIRST_PAGE

    constructor(db: unknown, options: PrivateIteratorOptions, kind: IteratorKind) {
      super(db, options)
      this.#store = db as Requests
      this.#number = this.#store._newNumber()
      this.#signal = options.signal
      unawaited(this.#store._request('iterator', [this.#number, kind, this.#store._rangeOf(options)]))
    }

    async _next(): Promise<unknown> {
      if (this.#at === this.#page.length) await this.#turn()
      return this.#page[this.#at++]
    }

    async _nextv(size: number): Promise<unknown[]> {
      if (this.#at === this.#page.length) return this.#store._request('nextv', [this.#number, size], this.#signal)
      const items = this.#page.slice(this.#at, this.#at + size)
      this.#at += items.length
      return items
    }

    async #turn(): Promise<void> {
      const page = await this.#store._request('nextv', [this.#number, this.#size], this.#signal)
      this.#size = Math.min(LARGEST_PAGE, this.#size * 4)
      this.#page = page
      this.#at = 0
    }

    _seek(target: Stored): void {
      this.#page = []
      this.#at = 0
      unawaited(this.#store._request('seek', [this.#number, target]))
    }

    _close(): Promise<void> {
      return this.#store._release('closeIterator', this.#number)
    }
  }
}

export const EntryIterator = workerIterator(AbstractIterator)
export const KeyIterator = workerIterator(AbstractKeyIterator)
export const ValueIterator = workerIterator(AbstractValueIterator)

/** A request whose failure the next one reports. */
export function unawaited(request: Promise<unknown>): void {
  request.catch(() => undefined)
}
