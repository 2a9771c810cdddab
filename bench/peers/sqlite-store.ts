/**
 * better-sqlite3, which is no abstract-level database, behind the same interface as the others: one table without row ids, whose primary key is the key.
 * Statements are prepared once and run on the main thread, so only the harness needs to await them.
 *
 * Journal mode WAL with `synchronous = NORMAL`: a write is acknowledged when it is in the log, passed to the system; it survives the end
 * of the process, not a power loss. A durable write is made with `synchronous = FULL`, which syncs the log in the commit.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Data } from './data.js'
import { entryIterator } from './entry-iterator.js'
import type { DelOperation, EntryIterator, IteratorOptions, PutOperation, Store } from './stores.js'

interface Statement {
  run(...values: readonly Data[]): unknown
  get(...values: readonly Data[]): Data | undefined
  iterate(...values: readonly (Data | number)[]): IterableIterator<[Data, Data]>
  raw(): Statement
  pluck(): Statement
}

interface Sqlite {
  prepare(sql: string): Statement
  exec(sql: string): unknown
  pragma(text: string): unknown
  close(): unknown
}

export type SqliteConstructor = new (file: string) => Sqlite

const NO_LIMIT = -1
/** Below every text, and every text is below every blob. */
const LEAST_KEY = ''

export class SqliteStore implements Store {
  readonly #database: SqliteConstructor
  readonly #directory: string
  readonly #cacheBytes: number
  #db!: Sqlite
  #get!: Statement
  #put!: Statement
  #del!: Statement
  #ascending!: Statement
  #descending!: Statement

  constructor(database: SqliteConstructor, directory: string, cacheBytes: number) {
    this.#database = database
    this.#directory = directory
    this.#cacheBytes = cacheBytes
  }

  async open(): Promise<void> {
    mkdirSync(this.#directory, { recursive: true })
    const db = new this.#database(join(this.#directory, 'data.sqlite'))
    this.#db = db
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    // Negative: KiB instead of pages.
    db.pragma(`cache_size = -${Math.max(1, Math.floor(this.#cacheBytes / 1024))}`)
    db.exec('CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID')
    this.#get = db.prepare('SELECT value FROM entries WHERE key = ?').pluck()
    this.#put = db.prepare('INSERT INTO entries VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value')
    this.#del = db.prepare('DELETE FROM entries WHERE key = ?')
    this.#ascending = db.prepare('SELECT key, value FROM entries WHERE key >= ? ORDER BY key LIMIT ?').raw()
    this.#descending = db.prepare('SELECT key, value FROM entries ORDER BY key DESC LIMIT ?').raw()
  }

  async close(): Promise<void> {
    this.#db.close()
  }

  async get(key: Data): Promise<Data | undefined> {
    return this.#get.get(key)
  }

  getSync(key: Data): Data | undefined {
    return this.#get.get(key)
  }

  async getMany(keys: Data[]): Promise<(Data | undefined)[]> {
    return keys.map(key => this.getSync(key))
  }

  async put(key: Data, value: Data, options?: { readonly sync: boolean }): Promise<void> {
    this.#write(options, () => this.#put.run(key, value))
  }

  async del(key: Data, options?: { readonly sync: boolean }): Promise<void> {
    this.#write(options, () => this.#del.run(key))
  }

  async batch(operations: readonly (PutOperation | DelOperation)[]): Promise<void> {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      for (const operation of operations) {
        if (operation.type === 'put') this.#put.run(operation.key, operation.value)
        else this.#del.run(operation.key)
      }
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    }
  }

  iterator({ reverse = false, gte = LEAST_KEY, limit = NO_LIMIT }: IteratorOptions = {}): EntryIterator {
    const rows = reverse ? this.#descending.iterate(limit) : this.#ascending.iterate(gte, limit)
    const next = (): IteratorResult<[Data, Data], undefined> => rows.next() as IteratorResult<[Data, Data], undefined>
    return entryIterator(next, () => rows.return?.())
  }

  /** Moves the log into the table's file, part of which the next writes would do. */
  async settle(): Promise<void> {
    this.#db.pragma('wal_checkpoint(PASSIVE)')
  }

  #write(options: { readonly sync: boolean } | undefined, run: () => unknown): void {
    if (options?.sync !== true) {
      run()
      return
    }
    this.#db.pragma('synchronous = FULL')
    try {
      run()
    } finally {
      this.#db.pragma('synchronous = NORMAL')
    }
  }
}
