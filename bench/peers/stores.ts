/**
 * The stores under test, by name. They are abstract-level databases or have their interface (lmdb), so that the harness makes the
 * same calls on each. `null` does nothing, and measures the cost of the harness itself.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { EngineShape } from '../../src/engine/contract.js'
import type { Kvarium } from '../../src/index.js'
import type { KvariumStats } from '../../src/store/stats.js'
import { Dataset, type Data, type Encoding } from './data.js'
import { LmdbStore, type LmdbModule } from './lmdb-store.js'
import { nodeSqlite, type NodeSqlite } from './node-sqlite.js'
import { SqliteStore, type SqliteConstructor } from './sqlite-store.js'

export interface PutOperation {
  readonly type: 'put'
  readonly key: Data
  readonly value: Data
}

export interface DelOperation {
  readonly type: 'del'
  readonly key: Data
}

export interface IteratorOptions {
  readonly reverse?: boolean
  readonly gte?: Data
  /** Only without `reverse`. */
  readonly limit?: number
}

export interface EntryIterator extends AsyncIterable<[Data, Data]> {
  nextv(size: number): Promise<[Data, Data][]>
  close(): Promise<void>
}

/** The calls of the workloads: abstract-level's, and some that only certain stores have. */
export interface Store {
  open(): Promise<void>
  close(): Promise<void>
  get(key: Data): Promise<Data | undefined>
  getSync(key: Data): Data | undefined
  getMany(keys: Data[]): Promise<(Data | undefined)[]>
  put(key: Data, value: Data, options?: { readonly sync: boolean }): Promise<void>
  del(key: Data, options?: { readonly sync: boolean }): Promise<void>
  batch(operations: readonly (PutOperation | DelOperation)[]): Promise<void>
  /** Reads the key and puts the value in one transaction, if the store has transactions. */
  readAndPut?(key: Data, value: Data): Promise<void>
  iterator(options?: IteratorOptions): EntryIterator
  /** A full iteration in the store's fastest way, if that is not `nextv`. */
  scan?(reverse: boolean, each: (key: Data, value: Data) => void): void
  compactRange?(start: Data, end: Data): Promise<void>
  /** Flushes memory to files, if the store has such a call. */
  flush?(): Promise<void>
  /** Resolves when no background work is left. */
  settle?(): Promise<void>
  stats?(): KvariumStats
  shape?(): EngineShape
}

export interface StoreSpec {
  readonly durable: boolean
  /** Whether it has transactions that are awaited. */
  readonly transactions?: boolean
  /** Its package; none for stores of the harness. */
  readonly from?: 'kvarium' | 'classic-level' | 'memory-level' | 'lmdb' | 'better-sqlite3' | 'node:sqlite'
  /** Fixed options, under those that all stores share and those given with `--set`. */
  readonly options?: Readonly<Record<string, unknown>>
}

export const STORES: Readonly<Record<string, StoreSpec>> = {
  'kvarium-lsm': { durable: true, transactions: true, from: 'kvarium', options: { engine: 'lsm' } },
  'kvarium-lsm-tiered': { durable: true, transactions: true, from: 'kvarium', options: { engine: 'lsm', compaction: 'tiered' } },
  'kvarium-lsm-nocompress': { durable: true, transactions: true, from: 'kvarium', options: { engine: 'lsm', compression: 'none' } },
  'kvarium-btree': { durable: true, transactions: true, from: 'kvarium', options: { engine: 'btree' } },
  'kvarium-memory': { durable: false, transactions: true, from: 'kvarium', options: { engine: 'memory' } },
  'classic-level': { durable: true, from: 'classic-level' },
  'classic-level-nocompress': { durable: true, from: 'classic-level', options: { compression: false } },
  lmdb: { durable: true, transactions: true, from: 'lmdb' },
  'lmdb-nosync': { durable: true, transactions: true, from: 'lmdb', options: { noSync: true } },
  'better-sqlite3': { durable: true, from: 'better-sqlite3' },
  'node-sqlite': { durable: true, from: 'node:sqlite' },
  'memory-level': { durable: false, from: 'memory-level' },
  null: { durable: false, transactions: true },
}

export interface OpenOptions {
  readonly root: string
  readonly dist: string
  readonly directory: string
  readonly encoding: Encoding
  readonly cacheBytes: number
  readonly entries: number
  readonly set: Readonly<Record<string, unknown>>
}

type Constructor = new (...args: unknown[]) => Store
type TransactionalConstructor = new (...args: unknown[]) => Store & Pick<Kvarium<Data, Data>, 'transaction'>

/** A store, and the milliseconds that its module took to load, and its opening. */
export interface OpenedStore {
  readonly store: Store
  readonly importMs: number
  readonly openMs: number
}

export async function openStore(name: string, options: OpenOptions): Promise<OpenedStore> {
  const spec = STORES[name]
  if (spec === undefined) throw new TypeError(`No store is called '${name}'; there are ${Object.keys(STORES).join(', ')}`)
  const encodings = { keyEncoding: options.encoding, valueEncoding: options.encoding }
  const start = performance.now()
  let store: Store
  if (spec.from === undefined) {
    store = nullStore(options)
  } else if (spec.from === 'memory-level') {
    const { MemoryLevel } = (await importPeer(options.root, spec.from)) as { MemoryLevel: Constructor }
    store = new MemoryLevel({ ...encodings, storeEncoding: options.encoding, ...options.set })
  } else if (spec.from === 'lmdb') {
    const module = (await importPeer(options.root, spec.from)) as LmdbModule
    store = new LmdbStore(module, options.directory, options.encoding, { ...spec.options, ...options.set })
  } else if (spec.from === 'node:sqlite') {
    store = new SqliteStore(nodeSqlite((await import(spec.from)) as NodeSqlite), options.directory, options.cacheBytes)
  } else if (spec.from === 'better-sqlite3') {
    const { default: Database } = (await importPeer(options.root, spec.from)) as { default: SqliteConstructor }
    store = new SqliteStore(Database, options.directory, options.cacheBytes)
  } else {
    const cache = spec.durable ? { cacheSize: options.cacheBytes } : {}
    const all = { ...encodings, ...cache, ...spec.options, ...options.set }
    if (spec.from === 'kvarium') {
      const { Kvarium } = (await import(pathToFileURL(join(options.dist, 'index.js')).href)) as { Kvarium: TransactionalConstructor }
      store = withTransactions(new Kvarium(options.directory, all))
    } else {
      const { ClassicLevel } = (await importPeer(options.root, spec.from)) as { ClassicLevel: Constructor }
      store = new ClassicLevel(options.directory, all)
    }
  }
  const loaded = performance.now()
  await store.open()
  return { store, importMs: loaded - start, openMs: performance.now() - loaded }
}

function withTransactions(store: Store & Pick<Kvarium<Data, Data>, 'transaction'>): Store {
  store.readAndPut = (key, value) =>
    store.transaction(async tx => {
      await tx.get(key)
      await tx.put(key, value)
    })
  return store
}

async function importPeer(root: string, name: string): Promise<unknown> {
  const require = createRequire(join(root, 'bench/peers/package.json'))
  return import(pathToFileURL(require.resolve(name)).href)
}

/** Answers immediately with values of the right shape. */
function nullStore({ encoding, entries }: OpenOptions): Store {
  const data = new Dataset(encoding)
  const value = data.value(0)
  const entry: [Data, Data] = [data.key(0), value]
  const nothing = async (): Promise<void> => {}
  const iterator = (): EntryIterator => {
    let left = entries
    return {
      async nextv(size) {
        const length = Math.min(size, left)
        left -= length
        return new Array<[Data, Data]>(length).fill(entry)
      },
      close: nothing,
      async *[Symbol.asyncIterator]() {
        for (let i = 0; i < entries; i++) yield entry
      },
    }
  }
  return {
    open: nothing,
    close: nothing,
    get: async () => value,
    getSync: () => value,
    getMany: async keys => keys.map(() => value),
    put: nothing,
    readAndPut: nothing,
    del: nothing,
    batch: nothing,
    iterator,
  }
}
