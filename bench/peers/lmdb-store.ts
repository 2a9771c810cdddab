/**
 * lmdb-js, which is no abstract-level database, behind the same interface as the others, with its fastest documented calls:
 *
 * - a batch is one `batch()` of `put`s, which the write thread executes (`transaction()` would do it on the main thread);
 * - reads are its synchronous `get`, which returns a copy, even where the harness awaits the result or asks for many;
 * - a full iteration is `for...of` over `getRange()`;
 * - a transaction is `transaction()`, whose function runs on the main thread in the write thread's transaction.
 *
 * A put is acknowledged when it is committed: visible, written to the file, and safe from the end of the process. With
 * `overlappingSync`, the default, a sync of every commit follows; a durable put waits for the end of that, too.
 */
import type { Data, Encoding } from './data.js'
import { entryIterator } from './entry-iterator.js'
import type { DelOperation, EntryIterator, IteratorOptions, PutOperation, Store } from './stores.js'

interface Lmdb {
  get(key: Data): Data | undefined
  put(key: Data, value: Data): Promise<boolean> & { readonly flushed?: Promise<unknown> }
  remove(key: Data): Promise<boolean> & { readonly flushed?: Promise<unknown> }
  batch(action: () => void): Promise<boolean>
  transaction<T>(action: () => T): Promise<T>
  getRange(options: {
    readonly reverse?: boolean
    readonly start?: Data
    readonly limit?: number
  }): Iterable<{ readonly key: Data; readonly value: Data }>
  readonly flushed: PromiseLike<unknown>
  close(): Promise<void>
}

export interface LmdbModule {
  open(options: Readonly<Record<string, unknown>>): Lmdb
}

/** Address space, not memory or disk: large enough that the map need not grow during the measurement. */
const MAP_BYTES = 4 * 2 ** 30

export class LmdbStore implements Store {
  readonly #module: LmdbModule
  readonly #options: Readonly<Record<string, unknown>>
  #db!: Lmdb

  constructor(module: LmdbModule, directory: string, encoding: Encoding, options: Readonly<Record<string, unknown>>) {
    this.#module = module
    const encodings = encoding === 'utf8' ? { encoding: 'string' } : { encoding: 'binary', keyEncoding: 'binary' }
    this.#options = { path: directory, ...encodings, mapSize: MAP_BYTES, compression: false, separateFlushed: true, ...options }
  }

  async open(): Promise<void> {
    this.#db = this.#module.open({ ...this.#options })
  }

  async close(): Promise<void> {
    await this.#db.close()
  }

  async get(key: Data): Promise<Data | undefined> {
    return this.#db.get(key)
  }

  getSync(key: Data): Data | undefined {
    return this.#db.get(key)
  }

  async getMany(keys: Data[]): Promise<(Data | undefined)[]> {
    return keys.map(key => this.getSync(key))
  }

  async put(key: Data, value: Data, options?: { readonly sync: boolean }): Promise<void> {
    const committed = this.#db.put(key, value)
    await committed
    if (options?.sync === true) await this.#flushed(committed)
  }

  async del(key: Data, options?: { readonly sync: boolean }): Promise<void> {
    const committed = this.#db.remove(key)
    await committed
    if (options?.sync === true) await this.#flushed(committed)
  }

  async batch(operations: readonly (PutOperation | DelOperation)[]): Promise<void> {
    const db = this.#db
    await db.batch(() => {
      for (const operation of operations)
        void (operation.type === 'put' ? db.put(operation.key, operation.value) : db.remove(operation.key))
    })
  }

  async readAndPut(key: Data, value: Data): Promise<void> {
    const db = this.#db
    await db.transaction(() => {
      db.get(key)
      void db.put(key, value)
    })
  }

  async #flushed(committed: { readonly flushed?: Promise<unknown> }): Promise<void> {
    if (this.#options.noSync === true) throw new TypeError('With noSync, no write of lmdb is ever durable')
    await committed.flushed
  }

  scan(reverse: boolean, each: (key: Data, value: Data) => void): void {
    for (const { key, value } of this.#db.getRange({ reverse })) each(key, value)
  }

  iterator({ reverse = false, gte, limit }: IteratorOptions = {}): EntryIterator {
    const bounds = { ...(gte !== undefined && { start: gte }), ...(limit !== undefined && { limit }) }
    const cursor = this.#db.getRange({ reverse, ...bounds })[Symbol.iterator]()
    const next = (): IteratorResult<[Data, Data], undefined> => {
      const { done, value: entry } = cursor.next() as IteratorResult<{ key: Data; value: Data }, undefined>
      return done === true ? { done, value: undefined } : { done: false, value: [entry.key, entry.value] }
    }
    return entryIterator(next, () => cursor.return?.())
  }

  async settle(): Promise<void> {
    await this.#db.flushed
  }
}
