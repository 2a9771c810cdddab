/** The page's side: an abstract-level database over the port of a worker. Keys and values are encoded here. */
import { DEFAULT_ENGINE } from '../default-engine.js'
import type { EngineShape, Violation } from '../engine/contract.js'
import { KvariumError, MisuseError } from '../errors.js'
import { Changes, type ChangesHost, type ChangesOptions } from '../store/changes.js'
import type { CheckpointOptions } from '../store/checkpoint.js'
import { storedConditions } from '../store/conditions.js'
import type { IngestEntries, IngestOptions } from '../store/ingest.js'
import {
  BaseRemoteLevel,
  type EncodingLevel,
  type ExpiresAtOptions,
  type KeyEncodingOption,
  type OpenOptions,
  type PrivateClearOptions,
  type PrivateIteratorOptions,
  type PrivateOperation,
  type ReadOptions,
  type SnapshotOptions,
  type SublevelOptions,
  type SyncOption,
} from '../store/level-types.js'
import { toBytes, type Stored } from '../store/owned-bytes.js'
import type { KvariumStats } from '../store/stats.js'
import { ExpiringSublevel } from '../store/sublevel.js'
import type { KvariumOptions } from '../store/store-options.js'
import type { DefaultTtl, TtlOption } from '../store/ttl.js'
import type { Transaction } from '../store/transactions/transaction.js'
import type { TransactionOptions } from '../store/transactions/transaction-options.js'
import type { Arguments, Method, Result } from './calls.js'
import { alone, type Port, type RangeCall, type ReadCall, type WriteOperation } from './protocol.js'
import { NO_TURNS, WorkerFeed } from './worker-feed.js'
import type { WorkerHealth } from './worker-health.js'
import { EntryIterator, KeyIterator, ValueIterator, WorkerSnapshot } from './worker-iterators.js'
import { WorkerLink } from './worker-link.js'
import { WorkerMoment } from './worker-moment.js'
import type { CommitObserved, runTransaction } from './worker-transaction.js'

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
  additionalMethods: {
    expiresAt: true,
    approximateSize: true,
    compactRange: true,
    getProperty: true,
    flush: true,
    settle: true,
    stats: true,
    shape: true,
    check: true,
    ingest: true,
    changes: true,
    transaction: true,
    checkpoint: true,
  },
  signals: { iterators: true },
}

/** The options of a store that the worker sets, or that no message can carry. */
const WORKERS_OPTIONS = ['environment', 'fileSystem', 'trace']

/** The options that say what an iterator or a clear walks. abstract-level passes others on. */
const RANGE_OPTIONS: readonly (keyof RangeCall)[] = [
  ...(['gt', 'gte', 'lt', 'lte', 'reverse', 'limit', 'keys', 'values'] as const),
  ...(['keyEncoding', 'valueEncoding', 'highWaterMarkBytes', 'sync'] as const),
]

/** A property of the options of the batch that commits a transaction. It is not enumerable, so that operations do not inherit it. */
const COMMIT = Symbol('commit')
/** Ends that batch where the function of the transaction is to run again. */
const AGAIN = new Error('The transaction conflicts')

let runLoaded: typeof runTransaction | undefined

/** A store in a worker. It has the methods of `Kvarium`; those that return at once there return promises here. */
export class WorkerStore<K = string, V = string> extends BaseRemoteLevel<K, V> implements DefaultTtl {
  readonly #location: string
  readonly #options: object
  readonly #engine: string
  readonly #health: WorkerHealth
  readonly #connect: () => Port
  #link: WorkerLink | undefined
  #numbers = 0
  #closing = new AbortController()

  /** @internal Use `openInWorker`. */
  constructor(location: string, options: KvariumOptions<K, V>, health: WorkerHealth, connect: () => Port) {
    const given = options as Readonly<Record<string, unknown>>
    for (const name of WORKERS_OPTIONS) {
      if (given[name] !== undefined)
        throw new MisuseError('LEVEL_INVALID_OPTION', `Option "${name}" is the worker's: give it to serveStores there`)
    }
    const { engine = DEFAULT_ENGINE } = options
    assertEngineName(engine)
    const { keyEncoding: _keyEncoding, valueEncoding: _valueEncoding, ...others } = options
    super(MANIFEST, options)
    this.#location = location
    this.#options = others
    this.#engine = engine
    this.#health = health
    this.#connect = connect
  }

  get location(): string {
    return this.#location
  }

  /** The name of the engine. */
  get engine(): string {
    return this.#engine
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
    return this.#call('stats', [])
  }

  shape(): Promise<EngineShape> {
    return this.#call('shape', [])
  }

  getProperty(property: string): Promise<string> {
    return this.#call('getProperty', [property])
  }

  /** Writes what is only in memory and the log to tables or pages. Resolves when it is durable there. */
  flush(): Promise<void> {
    return this.#call('flush', [])
  }

  /** Resolves when no background work is under way or due. */
  settle(): Promise<void> {
    return this.#call('settle', [])
  }

  /** Brings the keys in `[start, end)` to the engine's most compact form and returns free space; without bounds, everything. */
  compactRange<K2 = K>(start?: K2, end?: K2, options?: KeyEncodingOption<K2>): Promise<void> {
    return this.#call('compactRange', [this.#bytesOf(start, options), this.#bytesOf(end, options)])
  }

  /** Approximate bytes of the keys in `[start, end)`. */
  approximateSize<K2 = K>(start: K2, end: K2, options?: KeyEncodingOption<K2>): Promise<number> {
    return this.#call('approximateSize', [this.#bytesOf(start, options)!, this.#bytesOf(end, options)!])
  }

  /** When the entry of a key expires, in milliseconds since the Unix epoch; `undefined` if it does not expire, or if there is none. */
  async expiresAt<K2 = K>(key: K2, options?: ExpiresAtOptions<K2>): Promise<number | undefined> {
    return this.#call('expiresAt', [this.#bytesOf(key, options)!, this.#snapshotOf(options?.snapshot)])
  }

  /** Walks everything in the store and yields every broken invariant, with the path to it; nothing for a sound store. */
  async *check(): AsyncGenerator<Violation> {
    const number = this._newNumber()
    await this.#call('check', [number])
    try {
      for (;;) {
        const step = await this._request('nextViolation', [number])
        if (step.done === true) return
        yield step.value
      }
    } finally {
      await this._release('endCheck', number)
    }
  }

  /**
   * Runs a function whose reads see one moment, and writes what it has written as one batch, if nothing that it read has changed meanwhile, as that of
   * `Kvarium` does. The function runs here, and each read of it is a message.
   */
  async transaction<T>(body: (transaction: Transaction<K, V>) => Promise<T> | T, options?: TransactionOptions): Promise<T> {
    if (this.status === 'opening') return this.deferAsync(() => this.transaction(body, options))
    if (this.status !== 'open') throw this.explained(notOpen())
    const isObserved = this.listenerCount('write') > 0 || (this.hooks.prewrite as { readonly noop?: boolean }).noop !== true
    // Once it is loaded nothing is awaited, and the transaction sees the moment of the call.
    const run = (runLoaded ??= (await import('./worker-transaction.js')).runTransaction)
    return run<K, V, T>(this, body, options, isObserved ? this.#commitObserved : undefined)
  }

  /** Adds entries in ascending order of their encoded keys as one atomic step, as that of `Kvarium` does. They are sent as the worker takes them. */
  async ingest<K2 = K, V2 = V>(entries: IngestEntries<K2, V2>, options: IngestOptions<K2, V2> = {}): Promise<void> {
    if (this.status === 'opening') return this.deferAsync(() => this.ingest(entries, options))
    if (this.status !== 'open') throw this.explained(notOpen())
    const { ingest } = await import('./worker-ingest.js')
    return ingest(this, (options.sublevel ?? this) as unknown as EncodingLevel, entries, options, this.#closing.signal)
  }

  /**
   * Every committed batch after the sequence number `since`, as that of `Kvarium` yields them. The worker sends the next ones when those before have
   * been read.
   *
   * @throws MisuseError (`LEVEL_INVALID_OPTION`) when an option is invalid.
   */
  changes<K2 = K, V2 = V>(options: ChangesOptions<K2, V2> = {}): Changes<K2, V2> {
    const host: ChangesHost = {
      turns: NO_TURNS,
      begin: feed => (this.status === 'opening' ? this.deferAsync(async () => new WorkerFeed(this, feed)) : new WorkerFeed(this, feed)),
      attachResource: resource => this.attachResource(resource),
      detachResource: resource => this.detachResource(resource),
    }
    return new Changes(host, this, options)
  }

  /**
   * Makes a store of its own with what this store holds at the call, as that of `Kvarium` does. It is in a folder of its own, as every store of a
   * page, so its files are copies.
   */
  async checkpoint(directory: string, options: CheckpointOptions = {}): Promise<void> {
    if (this.status === 'opening') return this.deferAsync(() => this.checkpoint(directory, options))
    if (this.status !== 'open') throw this.explained(notOpen())
    const { signal } = options
    const number = this._newNumber()
    const abort = (): void => void this._release('abortCheckpoint', number).catch(() => undefined)
    const made = this._request('checkpoint', [number, directory])
    if (signal?.aborted === true) abort()
    signal?.addEventListener('abort', abort)
    try {
      await made
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** @internal */
  async _request<M extends Method>(method: M, args: Arguments<M>, signal?: AbortSignal | null): Promise<Result<M>> {
    if (this.#link === undefined) throw notOpen()
    return this.#link.request(method, args, signal)
  }

  /** @internal */
  async _release<M extends Method>(method: M, ...args: Arguments<M>): Promise<void> {
    const link = this.#link
    try {
      await link?.request(method, args)
    } catch (error) {
      if (link?.hasFailed !== true) throw error
    }
  }

  /** @internal A number for something that the worker is to make. */
  _newNumber(): number {
    return this.#numbers++
  }

  /** @internal What an iterator or a clear walks, for a message. */
  _rangeOf(options: PrivateIteratorOptions | PrivateClearOptions): RangeCall {
    const given = options as unknown as Readonly<Record<string, unknown>>
    const range: Record<string, unknown> = this.#snapshotOf(given['snapshot'])
    for (const name of RANGE_OPTIONS) if (given[name] !== undefined) range[name] = given[name]
    return range as unknown as RangeCall
  }

  _open(options: OpenOptions): Promise<void> {
    return this.remembering(async () => {
      const hasHook = (this.hooks.postopen as { readonly noop?: boolean }).noop !== true
      this.#link = new WorkerLink(this.#location, this.#health, this.#connect())
      try {
        await this._request('open', [this.#location, { ...this.#options, ...options }, hasHook])
        this.#health.waitForEnd()
      } catch (error) {
        this.#disconnect()
        throw error
      }
    })
  }

  async _close(): Promise<void> {
    const link = this.#link
    this.#closing.abort()
    this.#closing = new AbortController()
    try {
      await link?.request('close', [])
    } catch (error) {
      // A worker that has gone has no store left to close.
      if (link?.hasFailed !== true) throw error
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
    options: SyncOption & TtlOption & { readonly conditions?: unknown; readonly [COMMIT]?: WorkerMoment },
  ): Promise<void> {
    const plain = operations.map(operation => {
      const { type, key, keyEncoding, valueEncoding } = operation
      if (type === 'del') return { type, key, keyEncoding }
      return { type, key, value: alone(operation.value), keyEncoding, valueEncoding, ttl: operation.ttl }
    })
    const { sync, ttl, [COMMIT]: moment } = options
    if (moment !== undefined) return this.#commit(moment._number, plain as WriteOperation[])
    return this._request('batch', [plain as WriteOperation[], { sync, ttl, ...this.#conditionsOf(options) }])
  }

  _clear(options: PrivateClearOptions): Promise<void> {
    return this._request('clear', [this._rangeOf(options)])
  }

  _iterator(options: PrivateIteratorOptions): unknown {
    return new EntryIterator(this, options, 'iterator')
  }

  _keys(options: PrivateIteratorOptions): unknown {
    const snapshot: unknown = options.snapshot
    if (snapshot instanceof WorkerMoment) snapshot.walksKeys(options)
    return new KeyIterator(this, options, 'keys')
  }

  _values(options: PrivateIteratorOptions): unknown {
    return new ValueIterator(this, options, 'values')
  }

  /** A moment of the store. Its `sequence` is a promise. */
  override snapshot(options?: { readonly owner?: object }): WorkerSnapshot {
    return (super.snapshot as (options: unknown) => unknown).call(this, options) as WorkerSnapshot
  }

  _snapshot(options: SnapshotOptions): unknown {
    return new WorkerSnapshot(options, this)
  }

  _sublevel(name: string, options: SublevelOptions<unknown, unknown>): unknown {
    return new ExpiringSublevel(this, name, options)
  }

  readonly #commitObserved: CommitObserved = async (moment, operations, { sync }) => {
    try {
      await this.batch(operations as never, Object.defineProperty({ sync }, COMMIT, { value: moment }))
      return false
    } catch (error) {
      if (error !== AGAIN) throw error
      return true
    }
  }

  /** Writes what the hooks have added, and over what was written before in any case. */
  async #commit(number: number, operations: WriteOperation[]): Promise<void> {
    await this._request('write', [number, operations])
    if (await this._request('commit', [number])) throw AGAIN
  }

  #read({ keyEncoding, valueEncoding, snapshot }: ReadOptions): ReadCall {
    return { keyEncoding, valueEncoding, ...this.#snapshotOf(snapshot) }
  }

  #snapshotOf(snapshot: unknown): Pick<ReadCall, 'snapshot' | 'transaction'> {
    if (snapshot === undefined || snapshot === null) return {}
    if (snapshot instanceof WorkerMoment && snapshot._store === this) return { transaction: snapshot._number }
    if (snapshot instanceof WorkerSnapshot && snapshot._store === this) return { snapshot: snapshot._number }
    throw new MisuseError('LEVEL_INVALID_SNAPSHOT', 'The option "snapshot" is not a snapshot of this store: make one with snapshot()')
  }

  #conditionsOf(options: { readonly conditions?: unknown }): Pick<Arguments<'batch'>[1], 'conditions'> {
    if (options.conditions === undefined) return {}
    const stored = storedConditions(options.conditions, options, this as unknown as EncodingLevel)
    return { conditions: stored.map(({ key, value }) => (value === undefined ? { key, absent: true } : { key, value })) }
  }

  /** A call that is not of abstract-level: it waits for the open by itself. */
  async #call<M extends Method>(method: M, args: Arguments<M>): Promise<Result<M>> {
    if (this.status === 'opening') return this.deferAsync(() => this.#call(method, args))
    if (this.status !== 'open') throw this.explained(notOpen())
    return this._request(method, args)
  }

  #bytesOf(key: unknown, options: { readonly keyEncoding?: unknown } | undefined): Uint8Array | undefined {
    if (key === undefined || key === null) return undefined
    const encoding = (this.keyEncoding as (encoding: unknown) => { encode(key: unknown): Stored }).call(this, options?.keyEncoding)
    return toBytes(encoding.encode(key))
  }

  #disconnect(): void {
    this.#link?.close()
    this.#link = undefined
  }
}

export function assertEngineName(engine: unknown): asserts engine is string | undefined {
  if (engine === undefined || typeof engine === 'string') return
  throw new MisuseError('LEVEL_INVALID_OPTION', 'Option "engine" must be a name here: no message carries a factory to the worker')
}

function notOpen(): KvariumError {
  return new KvariumError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open')
}
