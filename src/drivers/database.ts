import { Kvarium } from '../store/node-kvarium.js'
import type { KvariumOptions } from '../store/store-options.js'

interface Encodings {
  readonly keyEncoding: string
  readonly valueEncoding: string
}

interface Range {
  readonly gte?: string
  readonly lt?: string
}

/** A database of the Level family, or a sublevel: the part of abstract-level's interface that drivers use. */
export interface Database {
  readonly supports: { readonly additionalMethods: Readonly<Record<string, boolean>> }
  get(key: string, options: Encodings): Promise<unknown>
  getMany(keys: string[], options: Encodings): Promise<unknown[]>
  has(key: string, options: Encodings): Promise<boolean>
  hasMany(keys: string[], options: Encodings): Promise<boolean[]>
  put(key: string, value: unknown, options: Encodings): Promise<void>
  del(key: string, options: Encodings): Promise<void>
  batch(operations: Operation[], options: Encodings): Promise<void>
  clear(options: Range & Encodings): Promise<void>
  keys(options: Range & Encodings): { all(): Promise<unknown[]> }
  iterator(options: Range & Encodings): AsyncIterable<[unknown, unknown]>
}

type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: unknown; readonly ttl?: number }
  | { readonly type: 'del'; readonly key: string }

/** A directory for a store of the driver's own, with the options of `Kvarium`, or a database that is used along with others. */
export type DatabaseSource = ({ readonly location: string } & KvariumOptions<string, string>) | { readonly db: Database }

export interface OpenedDatabase {
  readonly db: Database
  /** Closes a store of the driver's own, and leaves a database of the caller open. */
  close(): Promise<void>
}

export function openDatabase(source: DatabaseSource): OpenedDatabase {
  if (!('location' in source)) return { db: source.db, close: () => Promise.resolve() }
  const { location, ...options } = source
  const db = new Kvarium<string, string>(location, options)
  return { db, close: () => db.close() }
}

/** The option `ttl` of a write, for a database that knows expiry. */
export function ttlOption(db: Database, ttl: number | undefined): { readonly ttl?: number } {
  const { additionalMethods } = db.supports
  return ttl !== undefined && ttl > 0 && additionalMethods['expiresAt'] ? { ttl } : {}
}
