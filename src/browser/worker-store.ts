/**
 * The page's side: an abstract-level database over the port of a worker. Keys and values are encoded here; a snapshot and an iterator are made in the
 * worker when its request arrives, which is after all requests before it.
 */
import { AbstractIterator, AbstractKeyIterator, AbstractValueIterator, type AbstractSublevelOptions } from 'abstract-level'
import { AbortError, KvariumError, MisuseError } from '../errors.js'
import {
  BaseLevel,
  BaseSnapshot,
  type ExpiresAtOptions,
  type KeyEncodingOption,
  type OpenOptions,
  type PrivateClearOptions,
  type PrivateIteratorOptions,
  type PrivateOperation,
  type ReadOptions,
  type SnapshotOptions,
  type SyncOption,
} from '../store/level-types.js'
import { toBytes, type Stored } from '../store/owned-bytes.js'
import type { EngineShape } from '../engine/contract.js'
import type { KvariumStats } from '../store/stats.js'
import type { KvariumOptions } from '../store/store-options.js'
import type { DefaultTtl, TtlOption } from '../store/ttl.js'
import { alone, errorOf, STORE_METHODS, type Answer, type IteratorKind, type Method, type Port, type RangeOptions } from './protocol.js'

/** Entries that an iterator asks for first, and at the most. A page of them ends at `highWaterMarkBytes` in any case. */
const FIRST_PAGE = 100
const LARGEST_PAGE = 10_000

const MANIFEST = {
  permanence: true,
  createIfMissing: true,
  errorIfExists: true,
  implicitSnapshots: true,
  explicitSnapshots: true,
  seek: true,
  has: true,
  getSync: false,
  encodings: { utf8: true, view: true },
  additionalMethods: Object.fromEntries(STORE_METHODS.map(name => [name, true])),
  signals: { iterators: true },
}

interface Waiting {
  resolve(result: never): void
  reject(error: Error): void
}

/** The options of a store that the worker sets, or that no message can carry. */
const WORKERS_OPTIONS = ['environment', 'fileSystem', 'trace']

/** A store in a worker. It has the asynchronous methods of `Kvarium`; `stats`, `shape` and `getProperty` return promises here. */
export class WorkerStore<K = string, V = string> extends BaseLevel<K, V> implements DefaultTtl {
  readonly #location: string
  readonly #options: object
  readonly #connect: () => Port
  #port: Port | undefined
  readonly #waiting = new Map<number, Waiting>()
  #requests = 0
  #failure: Error | undefined

  /** @internal Use `openInWorker`. */
  constructor(location: string, options: KvariumOptions<K, V>, connect: () => Port) {
    const given = options as Readonly<Record<string, unknown>>
    for (const name of WORKERS_OPTIONS) {
      if (given[name] !== undefined)
        throw new MisuseError('LEVEL_INVALID_OPTION', `Option "${name}" is the worker's: give it to serveStores there`)
    }
    if (options.engine !== undefined && typeof options.engine !== 'string') {
      throw new MisuseError('LEVEL_INVALID_OPTION', 'Option "engine" must be a name here: no message carries a factory to the worker')
    }
    const { keyEncoding: _keyEncoding, valueEncoding: _valueEncoding, ...others } = options
    super(MANIFEST, options)
    this.#location = location
    this.#options = others
    this.#connect = connect
  }

  get location(): string {
    return this.#location
  }

  /** @internal The worker adds the default of the store. */
  get _defaultTtl(): undefined {
    return undefined
  }

  /** @internal */
  get _ownTtl(): undefined {
    return undefined
  }

  stats(): Promise<KvariumStats> {
    return this.#callStore('stats')
  }

  shape(): Promise<EngineShape> {
    return this.#callStore('shape')
  }

  getProperty(property: string): Promise<string> {
    return this.#callStore('getProperty', property)
  }

  /** Writes what is only in memory and the log to tables or pages. Resolves when it is durable there. */
  flush(): Promise<void> {
    return this.#callStore('flush')
  }

  /** Resolves when no background work is under way or due. */
  settle(): Promise<void> {
    return this.#callStore('settle')
  }

  /** Brings the keys in `[start, end)` to the engine's most compact form and returns free space; without bounds, everything. */
  compactRange<K2 = K>(start?: K2, end?: K2, options?: KeyEncodingOption<K2>): Promise<void> {
    return this.#callStore('compactRange', this.#bytesOf(start, options), this.#bytesOf(end, options))
  }

  /** Approximate bytes of the keys in `[start, end)`. */
  approximateSize<K2 = K>(start: K2, end: K2, options?: KeyEncodingOption<K2>): Promise<number> {
    return this.#callStore('approximateSize', this.#bytesOf(start, options), this.#bytesOf(end, options))
  }

  /** When the entry of a key expires, in milliseconds since the Unix epoch; `undefined` if it does not expire, or if there is none. */
  expiresAt<K2 = K>(key: K2, options?: KeyEncodingOption<K2> & { readonly snapshot?: undefined }): Promise<number | undefined> {
    return this.#callStore('expiresAt', this.#bytesOf(key, options as ExpiresAtOptions<K2>))
  }

  /** Refuses everything from now on: the worker has ended. */
  fail(error: Error): void {
    this.#failure = error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }

  /** @internal Sends a request; its answer is dropped once `signal` is aborted. */
  async _request<T>(method: Method, args: readonly unknown[], signal?: AbortSignal | null): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#port === undefined) throw new KvariumError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open')
    const id = this.#requests++
    const answer = new Promise<T>((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    this.#port.postMessage({ id, method, args: alone(args) })
    if (signal === undefined || signal === null) return answer
    let abort: (() => void) | undefined
    const aborted = new Promise<never>((_resolve, reject) => {
      abort = () => reject(new AbortError())
      signal.addEventListener('abort', abort)
    })
    try {
      return await Promise.race([answer, aborted])
    } finally {
      signal.removeEventListener('abort', abort!)
    }
  }

  /** @internal A number for a snapshot or an iterator. */
  _newNumber(): number {
    return this.#requests++
  }

  /** @internal What an iterator or a clear walks, for a message. */
  _rangeOf(options: PrivateIteratorOptions | PrivateClearOptions): RangeOptions {
    const { snapshot, signal: _signal, ...others } = options as PrivateIteratorOptions
    const plain: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(others)) if (typeof value !== 'function') plain[name] = value
    return { ...(plain as unknown as RangeOptions), ...this.#snapshotOf(snapshot) }
  }

  _open(options: OpenOptions): Promise<void> {
    return this.remembering(async () => {
      const hasHook = (this.hooks.postopen as { readonly noop?: boolean }).noop !== true
      this.#port = this.#listen(this.#connect())
      try {
        await this._request('open', [this.#location, { ...this.#options, ...options }, hasHook])
      } catch (error) {
        this.#disconnect()
        throw error
      }
    })
  }

  async _close(): Promise<void> {
    try {
      if (this.#port !== undefined && this.#failure === undefined) await this._request('close', [])
    } finally {
      this.#disconnect()
    }
  }

  _get(key: Stored, options: ReadOptions): Promise<Stored | undefined> {
    return this._request('get', [key, this.#read(options)])
  }

  _getMany(keys: Stored[], options: ReadOptions): Promise<(Stored | undefined)[]> {
    return this._request('getMany', [keys, this.#read(options)])
  }

  _has(key: Stored, options: ReadOptions): Promise<boolean> {
    return this._request('has', [key, this.#read(options)])
  }

  _hasMany(keys: Stored[], options: ReadOptions): Promise<boolean[]> {
    return this._request('hasMany', [keys, this.#read(options)])
  }

  _put(key: Stored, value: Stored, { keyEncoding, valueEncoding, sync, ttl }: ReadOptions & SyncOption & TtlOption): Promise<void> {
    return this._request('put', [key, value, { keyEncoding, valueEncoding, sync, ttl }])
  }

  _del(key: Stored, { keyEncoding, sync }: ReadOptions & SyncOption): Promise<void> {
    return this._request('del', [key, { keyEncoding, sync }])
  }

  _batch(
    operations: (PrivateOperation & Partial<ReadOptions>)[],
    options: SyncOption & TtlOption & { readonly conditions?: unknown },
  ): Promise<void> {
    if (options.conditions !== undefined) {
      throw new MisuseError('LEVEL_NOT_SUPPORTED', 'Option "conditions" is not supported through a worker: write in the worker itself')
    }
    const plain = operations.map(operation => {
      const { type, key, keyEncoding, valueEncoding } = operation
      if (type === 'del') return { type, key, keyEncoding }
      return { type, key, value: alone(operation.value), keyEncoding, valueEncoding, ttl: operation.ttl }
    })
    return this._request('batch', [plain, { sync: options.sync, ttl: options.ttl }])
  }

  _clear(options: PrivateClearOptions): Promise<void> {
    return this._request('clear', [this._rangeOf(options)])
  }

  _iterator(options: PrivateIteratorOptions): unknown {
    return new EntryIterator(this, options, 'iterator')
  }

  _keys(options: PrivateIteratorOptions): unknown {
    return new KeyIterator(this, options, 'keys')
  }

  _values(options: PrivateIteratorOptions): unknown {
    return new ValueIterator(this, options, 'values')
  }

  _snapshot(options: SnapshotOptions): unknown {
    return new WorkerSnapshot(options, this)
  }

  _sublevel(name: string, options: AbstractSublevelOptions<unknown, unknown> & TtlOption): unknown {
    if (options.ttl !== undefined) {
      throw new MisuseError('LEVEL_NOT_SUPPORTED', 'Option "ttl" of a sublevel is not supported through a worker: give it to each put')
    }
    return (BaseLevel.prototype as unknown as { _sublevel(name: string, options: object): unknown })._sublevel.call(this, name, options)
  }

  #read({ keyEncoding, valueEncoding, snapshot }: ReadOptions): object {
    return { keyEncoding, valueEncoding, ...this.#snapshotOf(snapshot) }
  }

  #snapshotOf(snapshot: unknown): { readonly snapshot?: number } {
    if (snapshot === undefined || snapshot === null) return {}
    if (snapshot instanceof WorkerSnapshot && snapshot.store === (this as Requests)) return { snapshot: snapshot.number }
    throw new MisuseError('LEVEL_INVALID_SNAPSHOT', 'The option "snapshot" is not a snapshot of this store: make one with snapshot()')
  }

  async #callStore<T>(method: Method, ...args: readonly unknown[]): Promise<T> {
    if (this.status === 'opening') return this.deferAsync<T>(() => this.#callStore(method, ...args))
    if (this.status !== 'open') throw this.explained(new KvariumError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open'))
    return this._request(method, args)
  }

  #bytesOf(key: unknown, options: { readonly keyEncoding?: unknown } | undefined): Uint8Array | undefined {
    if (key === undefined || key === null) return undefined
    const encoding = (this.keyEncoding as (encoding: unknown) => { encode(key: unknown): Stored }).call(this, options?.keyEncoding)
    return toBytes(encoding.encode(key))
  }

  #disconnect(): void {
    this.#port?.close()
    this.#port = undefined
  }

  #listen(port: Port): Port {
    port.onmessage = ({ data }) => {
      const answer = data as Answer
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if (answer.error === undefined) waiting?.resolve(answer.result as never)
      else waiting?.reject(errorOf(answer.error))
    }
    return port
  }
}

/** What snapshots and iterators use of their store. */
interface Requests {
  _request<T>(method: Method, args: readonly unknown[], signal?: AbortSignal | null): Promise<T>
  _newNumber(): number
  _rangeOf(options: PrivateIteratorOptions): RangeOptions
}

class WorkerSnapshot extends BaseSnapshot {
  readonly store: Requests
  readonly number: number

  constructor(options: SnapshotOptions, store: Requests) {
    super(options)
    this.store = store
    this.number = store._newNumber()
    unawaited(store._request('snapshot', [this.number]))
  }

  _close(): Promise<void> {
    return this.store._request('releaseSnapshot', [this.number])
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
    readonly #keyEncoding: string
    #page: unknown[] = []
    /** The next entry of the page. */
    #at = 0
    #size = FIRST_PAGE

    constructor(db: unknown, options: PrivateIteratorOptions, kind: IteratorKind) {
      super(db, options)
      this.#store = db as Requests
      this.#number = this.#store._newNumber()
      this.#signal = options.signal
      this.#keyEncoding = options.keyEncoding
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
      const page = await this.#store._request<unknown[]>('nextv', [this.#number, this.#size], this.#signal)
      this.#size = Math.min(LARGEST_PAGE, this.#size * 4)
      this.#page = page
      this.#at = 0
    }

    _seek(target: Stored): void {
      this.#page = []
      this.#at = 0
      unawaited(this.#store._request('seek', [this.#number, target, this.#keyEncoding]))
    }

    _close(): Promise<void> {
      return this.#store._request('closeIterator', [this.#number])
    }
  }
}

const EntryIterator = workerIterator(AbstractIterator)
const KeyIterator = workerIterator(AbstractKeyIterator)
const ValueIterator = workerIterator(AbstractValueIterator)

/** A request whose failure the next one reports. */
function unawaited(request: Promise<unknown>): void {
  request.catch(() => undefined)
}
