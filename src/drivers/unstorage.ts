/** `kvarium/unstorage`: a driver for unstorage, `createStorage({ driver: kvariumDriver({ location: './cache' }) })`. */
import { openDatabase, ttlOption, type Database, type DatabaseSource } from './database.js'

export type { Database, DatabaseSource } from './database.js'

const TEXT = { keyEncoding: 'utf8', valueEncoding: 'utf8' } as const
const RAW = { keyEncoding: 'utf8', valueEncoding: 'view' } as const

interface Item {
  readonly key: string
  readonly value: string
  readonly options?: WriteOptions
}

/** Options of a call of unstorage. */
export interface WriteOptions {
  /** Seconds, as in unstorage's drivers for Redis. Where the database knows expiry, the item is gone after them. */
  readonly ttl?: number
}

/** What unstorage asks of a driver. */
export interface KvariumDriver {
  readonly name: 'kvarium'
  readonly options: DatabaseSource
  getInstance(): Database
  hasItem(key: string): Promise<boolean>
  getItem(key: string): Promise<string | null>
  getItems(items: readonly { readonly key: string }[]): Promise<{ key: string; value: string | null }[]>
  getItemRaw(key: string): Promise<Uint8Array | null>
  setItem(key: string, value: string, options?: WriteOptions): Promise<void>
  setItems(items: readonly Item[]): Promise<void>
  setItemRaw(key: string, value: string | ArrayBuffer | ArrayBufferView, options?: WriteOptions): Promise<void>
  removeItem(key: string): Promise<void>
  getKeys(base?: string): Promise<string[]>
  clear(base?: string): Promise<void>
  dispose(): Promise<void>
}

/**
 * @param options - `{ location, ...options }` of a store, which `dispose` closes; or `{ db }`, an open database or sublevel, which it leaves
 *   open: mounts of one store are sublevels of it.
 */
export function kvariumDriver(options: DatabaseSource): KvariumDriver {
  const { db, close } = openDatabase(options)
  const ttl = (given: WriteOptions | undefined): { readonly ttl?: number } =>
    ttlOption(db, given?.ttl === undefined ? undefined : given.ttl * 1000)
  return {
    name: 'kvarium',
    options,
    getInstance: () => db,
    hasItem: key => db.has(key, TEXT),
    getItem: async key => ((await db.get(key, TEXT)) as string | undefined) ?? null,
    getItems: async items => {
      const keys = items.map(({ key }) => key)
      const values = (await db.getMany(keys, TEXT)) as (string | undefined)[]
      return keys.map((key, i) => ({ key, value: values[i] ?? null }))
    },
    getItemRaw: async key => ((await db.get(key, RAW)) as Uint8Array | undefined) ?? null,
    setItem: (key, value, given) => db.put(key, value, { ...TEXT, ...ttl(given) }),
    setItems: items =>
      db.batch(
        items.map(({ key, value, options: given }) => ({ type: 'put' as const, key, value, ...ttl(given) })),
        TEXT,
      ),
    setItemRaw: (key, value, given) => db.put(key, bytesOf(value), { ...RAW, ...ttl(given) }),
    removeItem: key => db.del(key, TEXT),
    getKeys: base => db.keys({ ...rangeOf(base), ...TEXT }).all() as Promise<string[]>,
    clear: base => db.clear({ ...rangeOf(base), ...TEXT }),
    dispose: close,
  }
}

/** The keys of a base, which ends in a colon. */
function rangeOf(base: string | undefined): { readonly gte?: string; readonly lt?: string } {
  return base === undefined || base === '' ? {} : { gte: base, lt: `${base}\u{10ffff}` }
}

function bytesOf(value: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof value === 'string') return new TextEncoder().encode(value)
  return ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value)
}
