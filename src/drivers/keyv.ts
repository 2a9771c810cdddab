/** `kvarium/keyv`: a store for Keyv, `new Keyv({ store: new KeyvKvarium({ location: './cache' }) })`. */
import { openDatabase, ttlOption, type DatabaseSource, type OpenedDatabase } from './database.js'

export type { Database, DatabaseSource } from './database.js'

const TEXT = { keyEncoding: 'utf8', valueEncoding: 'utf8' } as const

interface KeyvEntry {
  readonly key: string
  readonly value: string
  readonly ttl?: number
}

/**
 * Keyv puts the namespace and a colon in front of each key, and the value with its expiry into a text. Where the database knows expiry, the
 * entry has it as well, so that it gives its space back.
 */
export class KeyvKvarium {
  /** Keyv iterates only over stores with a dialect that it knows, and then by their `iterator`. */
  readonly opts = { dialect: 'sqlite', url: '' }
  /** Set by Keyv. */
  namespace?: string | undefined
  readonly #opened: OpenedDatabase

  /** @param source - `{ location, ...options }` of a store, which `disconnect` closes; or `{ db }`, an open database, which it leaves open. */
  constructor(source: DatabaseSource) {
    this.#opened = openDatabase(source)
  }

  /** Failures reject the call that they belong to: there are no events. */
  on(): this {
    return this
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- Keyv's type has the value as it comes out of the caller's head
  async get(key: string): Promise<any> {
    return this.#db.get(key, TEXT)
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  async getMany(keys: string[]): Promise<any[]> {
    return this.#db.getMany(keys, TEXT)
  }

  async set(key: string, value: string, ttl?: number): Promise<void> {
    await this.#db.put(key, value, { ...TEXT, ...ttlOption(this.#db, ttl) })
  }

  async setMany(entries: readonly KeyvEntry[]): Promise<void> {
    const operations = entries.map(({ key, value, ttl }) => ({ type: 'put' as const, key, value, ...ttlOption(this.#db, ttl) }))
    await this.#db.batch(operations, TEXT)
  }

  /** Resolves to whether the key was there. */
  async delete(key: string): Promise<boolean> {
    return this.deleteMany([key])
  }

  async deleteMany(keys: readonly string[]): Promise<boolean> {
    const there = await this.hasMany(keys)
    await this.#db.batch(
      keys.map(key => ({ type: 'del', key })),
      TEXT,
    )
    return there.some(Boolean)
  }

  async has(key: string): Promise<boolean> {
    return (await this.hasMany([key]))[0]
  }

  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    return this.#db.hasMany([...keys], TEXT)
  }

  /** Everything in the namespace; everything, without one. */
  async clear(): Promise<void> {
    await this.#db.clear({ ...rangeOf(this.namespace), ...TEXT })
  }

  async *iterator(namespace?: string): AsyncGenerator<[key: string, value: string], void> {
    yield* this.#db.iterator({ ...rangeOf(namespace), ...TEXT }) as AsyncIterable<[string, string]>
  }

  async disconnect(): Promise<void> {
    await this.#opened.close()
  }

  get #db(): OpenedDatabase['db'] {
    return this.#opened.db
  }
}

/** `;` follows `:`. */
function rangeOf(namespace: string | undefined): { readonly gte?: string; readonly lt?: string } {
  return namespace === undefined ? {} : { gte: `${namespace}:`, lt: `${namespace};` }
}
