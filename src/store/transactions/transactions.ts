/**
 * Runs transactions: calls the function, commits what it wrote, and calls it again where another write has changed what it read.
 *
 * Invariants:
 * 1. A commit is one batch of the engine. Its precondition is that nothing the transaction read has changed since its start, so transactions
 *    take effect one after the other, each as if it had run alone at that moment.
 * 2. A transaction that wrote nothing needs no commit: it read one moment.
 * 3. Whatever ends a transaction, its part of the history and its moment are released.
 */
import { quotedText } from '../../codec/shown-text.js'
import { readUtf8 } from '../../codec/text.js'
import type { Engine } from '../../engine/contract.js'
import { AbortError, ConflictError, KvariumError } from '../../errors.js'
import type { Span, Trace } from '../../trace/span.js'
import type { Environment } from '../../vfs/environment.js'
import type { Awaitable, SyncOption } from '../level-types.js'
import type { StoreReads } from '../reads.js'
import type { StoreWrites } from '../writes.js'
import type { CommitHistory, OpenTransaction } from './commit-history.js'
import { keyBytes, type KeyText } from './key-text.js'
import { checkedTransaction, unlessAborted, type CheckedOptions, type TransactionOptions } from './transaction-options.js'
import { TransactionView } from './transaction-view.js'
import { Transaction, type GivenOperation } from './transaction.js'

/** Turns of the event loop that a retry waits at most: twice as many after each conflict, up to this. */
const MOST_TURNS = 64

/** Writes the operations of a commit as a batch of the store, so that its hooks and listeners see them. */
export type WriteObserved = (operations: readonly GivenOperation[], options: SyncOption, precondition: () => void) => Promise<void>

export interface TransactionsOptions {
  readonly engine: Engine
  readonly reads: StoreReads
  readonly writes: StoreWrites
  readonly history: CommitHistory
  readonly environment: Environment
  readonly trace: Trace | undefined
}

type Body<K, V, T> = (transaction: Transaction<K, V>) => Awaitable<T>

export class Transactions {
  readonly #options: TransactionsOptions
  readonly #history: CommitHistory
  readonly #views = new Set<TransactionView>()

  constructor(options: TransactionsOptions) {
    this.#options = options
    this.#history = options.history
  }

  /** Ends every transaction that is open. */
  close(): void {
    for (const view of this.#views) this.#end(view, new KvariumError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open'))
  }

  /**
   * Throws, or rejects, as `transaction` of the store does.
   *
   * @param writeObserved there if hooks or listeners are to see the commit
   */
  run<K, V, T>(
    db: object,
    body: Body<K, V, T>,
    given: TransactionOptions | undefined,
    writeObserved: WriteObserved | undefined,
  ): Promise<T> {
    const options = checkedTransaction(body, given)
    const { trace } = this.#options
    if (trace === undefined) return this.#attempts(db, body, options, writeObserved)
    return this.#traced(trace, options, span => this.#attempts(db, body, options, writeObserved, span))
  }

  async #traced<T>(trace: Trace, { sync }: CheckedOptions, run: (span: Span) => Promise<T>): Promise<T> {
    const span = trace.startSpan('operation', 'transaction')
    if (trace.at('io') !== null) span.emit({ type: 'operation.begin', kind: 'transaction', sync })
    try {
      const result = await run(span)
      span.end('ok')
      return result
    } catch (error) {
      span.end('failed', error)
      throw error
    }
  }

  /** Awaits as little as it can: each await of a promise that is settled already costs as much as a read. */
  async #attempts<K, V, T>(
    db: object,
    body: Body<K, V, T>,
    options: CheckedOptions,
    writeObserved: WriteObserved | undefined,
    span?: Span,
  ): Promise<T> {
    const { retries, maxBytes, signal } = options
    for (let attempt = 1; ; attempt++) {
      if (signal?.aborted) throw new AbortError()
      const begun = this.#history.begin()
      // Their keys are unknown: the moment of the transaction is after them.
      const open = this.#options.writes.untracked.size > 0 ? await this.#afterUntracked(begun) : begun
      const view = new TransactionView(this.#options, open, maxBytes)
      this.#views.add(view)
      try {
        const operations: GivenOperation[] | undefined = writeObserved && []
        const transaction = new Transaction<K, V>(db, view, operations)
        const result = await (signal === undefined ? body(transaction) : unlessAborted(signal, () => body(transaction)))
        view.requireOpen()
        const { buffer, readSet } = view
        if (buffer.size > 0) {
          readSet.finish()
          const pending = this.#commit(view, options, operations, writeObserved)
          if (pending !== undefined) await pending
          if (view.isOpen) throw this.#unchecked()
        }
        span?.emit({ type: 'transaction.commit', attempt, entries: buffer.size, keysRead: readSet.size })
        return result
      } catch (error) {
        if (!(error instanceof Conflict)) throw error
        span?.emit({ type: 'transaction.conflict', attempt, ...(error.text !== undefined && { key: keyBytes(error.text) }) })
        if (attempt > retries) throw givenUp(error, attempt)
      } finally {
        this.#end(view)
      }
      await this.#pause(attempt)
    }
  }

  /** Writes what the view has buffered, and ends it, if nothing that it read has changed. */
  #commit(
    view: TransactionView,
    { sync }: CheckedOptions,
    operations: readonly GivenOperation[] | undefined,
    writeObserved: WriteObserved | undefined,
  ): Awaitable<void> {
    const precondition = (): void => {
      const { open, readSet } = view
      if (open.isOverrun) throw new Conflict(undefined)
      const text = this.#history.conflictOf(open, readSet)
      if (text !== undefined) throw new Conflict(text)
      this.#end(view)
    }
    if (operations !== undefined) return writeObserved!(operations, { sync }, precondition)
    return this.#options.writes.commit(view.buffer.values(), { sync }, precondition)
  }

  #unchecked(): Error {
    const { name } = this.#options.engine
    return new KvariumError('LEVEL_NOT_SUPPORTED', `The engine "${name}" writes without checking preconditions, which transactions need`)
  }

  #end(view: TransactionView, error?: Error): void {
    if (!this.#views.delete(view)) return
    view.end(error)
    this.#history.end(view.open)
  }

  /** A start of the transaction after the writes under way that the history does not get. It stays open meanwhile, so there are no more of them. */
  async #afterUntracked(open: OpenTransaction): Promise<OpenTransaction> {
    try {
      await Promise.allSettled(this.#options.writes.untracked)
      return this.#history.begin()
    } finally {
      this.#history.end(open)
    }
  }

  /** Waits for a random number of turns of the event loop, so that transactions that met do not meet again. */
  async #pause(attempt: number): Promise<void> {
    const { random, scheduler } = this.#options.environment
    const most = Math.min(2 ** attempt, MOST_TURNS)
    for (let turns = 1 + (random.uint32() % most); turns > 0; turns--) await scheduler.turn()
  }
}

/** Something that the transaction read has changed; `undefined`: so much was written meanwhile that the history no longer knows. */
class Conflict extends ConflictError {
  readonly text: KeyText | undefined

  constructor(text: KeyText | undefined) {
    const key = text === undefined ? undefined : shownKey(text)
    const what =
      key === undefined
        ? 'more was written since it began than is kept to compare with'
        : `another write has changed the key ${quotedText(key)}, which it read`
    super('LEVEL_TRANSACTION_CONFLICT', `The transaction conflicts: ${what}`, key)
    this.text = text
  }
}

function givenUp({ message, key }: Conflict, attempts: number): ConflictError {
  const times = attempts === 1 ? 'one run' : `${attempts} runs`
  return new ConflictError('LEVEL_TRANSACTION_CONFLICT', `${message}. Given up after ${times}: see the option "retries"`, key)
}

function shownKey(text: KeyText): string {
  const bytes = keyBytes(text)
  return readUtf8(bytes, 0, bytes.length)
}
