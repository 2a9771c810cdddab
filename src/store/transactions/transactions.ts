/**
 * Runs transactions: calls the function, commits what it wrote, and calls it again where another write has changed what it read.
 *
 * Invariants:
 * 1. A commit is one batch of the engine. Its precondition is that nothing the transaction read has changed since its start, so transactions
 *    take effect one after the other, each as if it had run alone at that moment.
 * 2. A transaction that wrote nothing needs no commit: it read one moment.
 * 3. Whatever ends a transaction, its part of the history and its moment are released.
 */
import { readUtf8 } from '../../codec/text.js'
import type { Engine } from '../../engine/contract.js'
import { AbortError, ConflictError, KvariumError, MisuseError } from '../../errors.js'
import type { Span, Trace } from '../../trace/span.js'
import type { Environment } from '../../vfs/environment.js'
import type { Awaitable, SyncOption } from '../level-types.js'
import type { StoreReads } from '../reads.js'
import type { StoreWrites } from '../writes.js'
import type { CommitHistory, OpenTransaction } from './commit-history.js'
import { keyBytes, type KeyText } from './key-text.js'
import { TransactionView } from './transaction-view.js'
import { Transaction, type GivenOperation } from './transaction.js'

export interface TransactionOptions extends SyncOption {
  /**
   * How many times the function runs again after conflicts before the transaction is given up.
   * @defaultValue `10`
   */
  readonly retries?: number | undefined
  /** Ends the transaction, which then has no effect, unless its commit is under way. */
  readonly signal?: AbortSignal | null | undefined
  /**
   * What one run may remember of what it reads and writes, in bytes.
   * @defaultValue 64 MiB
   */
  readonly maxBytes?: number | undefined
}

const RETRIES = 10
const MAX_BYTES = 64 << 20
/** Turns of the event loop that a retry waits at most: twice as many after each conflict, up to this. */
const MOST_TURNS = 64

/** What the store adds: hooks and listeners see a commit as they see a batch. */
export interface TransactionStore {
  /** Whether hooks or listeners see the operations of a commit. */
  readonly isObserved: boolean
  /** Writes the operations as a batch of the store. */
  writeObserved(operations: readonly GivenOperation[], options: SyncOption, precondition: () => void): Promise<void>
}

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
    this.#history.close()
  }

  async run<K, V, T>(db: object, store: TransactionStore, body: Body<K, V, T>, given: TransactionOptions | undefined): Promise<T> {
    const options = checked(body, given)
    const { trace } = this.#options
    if (trace === undefined) return this.#attempts(db, store, body, options, null)
    const span = trace.startSpan('operation', 'transaction')
    if (trace.at('io') !== null) span.emit({ type: 'operation.begin', kind: 'transaction', sync: options.sync })
    try {
      const result = await this.#attempts(db, store, body, options, span)
      span.end('ok')
      return result
    } catch (error) {
      span.end('failed', error)
      throw error
    }
  }

  async #attempts<K, V, T>(
    db: object,
    store: TransactionStore,
    body: Body<K, V, T>,
    options: CheckedOptions,
    span: Span | null,
  ): Promise<T> {
    const { retries, signal } = options
    for (let attempt = 1; ; attempt++) {
      if (signal?.aborted) throw new AbortError()
      const run = new Attempt(this, store, options)
      try {
        return await run.run(db, body, span, attempt)
      } catch (error) {
        if (error !== run.conflict) throw error
        span?.emit({ type: 'transaction.conflict', attempt, ...(run.conflict.text !== undefined && { key: keyBytes(run.conflict.text) }) })
        if (attempt > retries) throw givenUp(run.conflict, attempt)
      }
      await this.#pause(attempt)
    }
  }

  /** @internal */
  async begin(maxBytes: number): Promise<TransactionView> {
    const { engine, reads, writes } = this.#options
    let open = this.#history.begin()
    // Their keys are unknown: the moment of the transaction is after them.
    if (writes.untracked.size > 0) open = await this.#afterUntracked(open)
    const view = new TransactionView({ engine, reads, open, maxBytes })
    this.#views.add(view)
    return view
  }

  /** @internal */
  end(view: TransactionView, error?: Error): void {
    this.#end(view, error)
  }

  /** @internal Writes what the view has buffered, if nothing that it read has changed. */
  async commit(view: TransactionView, write: (precondition: () => void) => Awaitable<void>): Promise<void> {
    let isChecked = false
    await write(() => {
      isChecked = true
      const { open, readSet } = view
      if (open.isOverrun) throw new Conflict(undefined)
      const text = this.#history.conflictOf(open, readSet)
      if (text !== undefined) throw new Conflict(text)
      this.#end(view)
    })
    if (isChecked) return
    const { name } = this.#options.engine
    throw new KvariumError('LEVEL_NOT_SUPPORTED', `The engine "${name}" writes without checking preconditions, which transactions need`)
  }

  get writes(): StoreWrites {
    return this.#options.writes
  }

  #end(view: TransactionView, error?: Error): void {
    view.end(error)
    this.#history.end(view.open)
    this.#views.delete(view)
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
        : `another write has changed the key ${JSON.stringify(key)}, which it read`
    super('LEVEL_TRANSACTION_CONFLICT', `The transaction conflicts: ${what}`, key)
    this.text = text
  }
}

function givenUp({ message, key }: Conflict, attempts: number): ConflictError {
  const times = attempts === 1 ? 'one run' : `${attempts} runs`
  return new ConflictError('LEVEL_TRANSACTION_CONFLICT', `${message}. Given up after ${times}: see the option "retries"`, key)
}

/** One run of the function of a transaction. */
class Attempt {
  readonly #transactions: Transactions
  readonly #store: TransactionStore
  readonly #options: CheckedOptions
  /** Why it has to run again. */
  conflict!: Conflict

  constructor(transactions: Transactions, store: TransactionStore, options: CheckedOptions) {
    this.#transactions = transactions
    this.#store = store
    this.#options = options
  }

  async run<K, V, T>(db: object, body: Body<K, V, T>, span: Span | null, attempt: number): Promise<T> {
    const transactions = this.#transactions
    const store = this.#store
    const { maxBytes, signal } = this.#options
    const view = await transactions.begin(maxBytes)
    try {
      const operations: GivenOperation[] | undefined = store.isObserved ? [] : undefined
      const transaction = new Transaction<K, V>(db, view, operations)
      const result = await (signal ? unlessAborted(signal, () => body(transaction)) : body(transaction))
      view.requireOpen()
      if (view.buffer.size > 0) {
        view.readSet.finish()
        await this.#commit(view, operations)
      }
      span?.emit({ type: 'transaction.commit', attempt, entries: view.buffer.size, keysRead: view.readSet.keys.size })
      return result
    } finally {
      transactions.end(view)
    }
  }

  async #commit(view: TransactionView, operations: readonly GivenOperation[] | undefined): Promise<void> {
    const transactions = this.#transactions
    const { sync } = this.#options
    try {
      await transactions.commit(view, precondition =>
        operations === undefined
          ? transactions.writes.commit(view.buffer.values(), { sync }, precondition)
          : this.#store.writeObserved(operations, { sync }, precondition),
      )
    } catch (error) {
      if (error instanceof Conflict) this.conflict = error
      throw error
    }
  }
}

interface CheckedOptions {
  readonly retries: number
  readonly sync: boolean
  readonly maxBytes: number
  readonly signal: AbortSignal | undefined
}

function checked(body: unknown, options: TransactionOptions = {}): CheckedOptions {
  if (typeof body !== 'function') {
    throw new MisuseError('LEVEL_INVALID_TRANSACTION', 'The first argument of transaction() must be a function: async tx => …')
  }
  const { retries = RETRIES, maxBytes = MAX_BYTES, sync = false, signal } = options
  for (const [name, value] of [
    ['retries', retries],
    ['maxBytes', maxBytes],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new MisuseError('LEVEL_INVALID_OPTION', `Option "${name}" must be an integer of 0 or more`)
  }
  return { retries, maxBytes, sync, signal: signal ?? undefined }
}

/** The result of the function, or an AbortError as soon as the signal is aborted. */
async function unlessAborted<T>(signal: AbortSignal, body: () => Awaitable<T>): Promise<T> {
  let onAbort!: () => void
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new AbortError())
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([aborted, Promise.resolve(body())])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function shownKey(text: KeyText): string {
  const bytes = keyBytes(text)
  return readUtf8(bytes, 0, bytes.length)
}
