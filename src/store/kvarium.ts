/**
 * The store: an abstract-level database over an engine. Portable; `node-kvarium.ts` and `portable-kvarium.ts` give it an
 * environment and the built-in engines. What goes on from an open to the close is in `session.ts`, reading and writing in `reads.ts`,
 * `writes.ts` and `iterators.ts`, opening and destroying the directory in `directory.ts`.
 *
 * Invariants:
 * 1. Keys and values cross this layer once: strings are encoded into the engine's batch or a reused scratch, and results
 *    are decoded from the engine's memory into a string or a copy that the user owns.
 * 2. A relative location means the same directory for as long as the store exists, even if the working directory changes.
 */
import type { AbstractSublevelOptions } from 'abstract-level'
import { loadHash32 } from '../codec/checksum.js'
import type { BatchFeed, Cursor, Engine, EngineFactory, EngineShape, FeedOptions, KeyRange, Violation } from '../engine/contract.js'
import { withExpiryClock } from '../engine/expiry-clock.js'
import type { EngineRegistry } from '../engine/registry.js'
import { KvariumError, MisuseError } from '../errors.js'
import { Diagnostics } from '../trace/diagnostics.js'
import { runJob, type Trace } from '../trace/span.js'
import type { Environment } from '../vfs/environment.js'
import type { FileNames } from '../vfs/file-classes.js'
import type { MemoryShare } from '../vfs/memory-budget.js'
import { absolutePath } from '../vfs/file-system.js'
import { typedError } from '../vfs/vfs-error.js'
import { TracedFileSystem } from '../vfs/traced-file-system.js'
import { checkOf, storedConditions } from './conditions.js'
import { EventLoopTurns } from './event-loop-turns.js'
import { EncodedChainedBatch } from './chained-batch.js'
import { Changes, type ChangesHost, type ChangesOptions } from './changes.js'
import type { CheckpointOptions } from './checkpoint.js'
import { openDirectory, type DirectoryRequest, type IdentityTraffic } from './directory.js'
import { StoreFailures } from './failures.js'
import type { IngestEntries, IngestOptions } from './ingest.js'
import { EntryIterator, KeyIterator, ValueIterator } from './iterators.js'
import {
  BaseLevel,
  type Awaitable,
  type EncodingLevel,
  type ExpiresAtOptions,
  type KeyEncodingOption,
  type OpenOptions,
  type PrivateClearOptions,
  type PrivateIteratorOptions,
  type PrivateLevel,
  type PrivateOperation,
  type ReadOptions,
  type SnapshotOptions,
  type SyncOption,
} from './level-types.js'
import { MSGPACK, msgpack, withMsgpack } from './msgpack.js'
import { toBytes, type Stored } from './owned-bytes.js'
import { propertyOf } from './properties.js'
import { manifestOf } from './manifest.js'
import { assertLocation, type Platform } from './platform.js'
import type { StoreReads } from './reads.js'
import { Session, type OpenedStore } from './session.js'
import { HeldMoment, StoreSnapshot } from './snapshot.js'
import { keyRange, storedRange } from './stored-range.js'
import type { KvariumStats } from './stats.js'
import { checkConstructorOptions, resolveEngineOptions, sizeByMemory, type UntypedOptions } from './store-options.js'
import { StoreSublevel } from './store-sublevel.js'
import { checkedTtl, type DefaultTtl, type TtlOption } from './ttl.js'
import type { Transaction } from './transactions/transaction.js'
import type { TransactionOptions } from './transactions/transaction-options.js'
import type { WriteObserved } from './transactions/transactions.js'
import { BrokenCursor, Walk } from './walk.js'

/** What a reader in another thread has to know of a store. */
export interface StoreFacts {
  readonly engine: string
  /** The absolute path of the store's directory. */
  readonly location: string
  /** Names of the store's encodings. */
  readonly keyEncoding: string
  readonly valueEncoding: string
}

const NO_IDENTITY: IdentityTraffic = { fileBytes: 0, bytesWritten: 0, bytesRead: 0, syncs: 0 }

/** A property of the options of the batch that commits a transaction. It is not enumerable, so that operations do not inherit it. */
const PRECONDITION = Symbol('precondition')

interface PrivateBatchOptions extends SyncOption {
  readonly conditions?: unknown
  readonly [PRECONDITION]?: () => void
}

export class KvariumStore<K = string, V = string> extends BaseLevel<K, V> implements PrivateLevel, DefaultTtl {
  readonly #location: string
  /** The absolute location, resolved when the store was made. */
  readonly #directory: string
  readonly #factory: EngineFactory
  readonly #registry: EngineRegistry
  readonly #environment: Environment
  readonly #trace: Trace | undefined
  readonly #diagnostics: Diagnostics | undefined
  readonly #failures: StoreFailures
  readonly #turns: EventLoopTurns
  readonly #ttl: number | undefined
  /** An engine without files. It stays when the store is closed, so that the next open finds the data. */
  #volatile: Engine | undefined
  #session: Session | undefined
  /** Held while the store is open. */
  #memory: readonly MemoryShare[] = []

  /**
   * @param location Directory of the store; any name for an engine without files.
   * @throws MisuseError (`LEVEL_INVALID_OPTION`, `LEVEL_INVALID_ENGINE`) when an option is invalid.
   */
  constructor(location: string, options: UntypedOptions<K, V> | undefined, platform: Platform) {
    assertLocation(location)
    const { engine, environment: _environment, fileSystem: _fileSystem, trace, ttl, ...forwarded } = options ?? {}
    const factory = platform.registry.resolve(engine)
    checkConstructorOptions(factory, options ?? {}, platform.registry)
    // A database that super has made opens by itself, even if its constructor throws afterwards.
    checkedTtl(ttl)
    super(manifestOf(factory), withMsgpack(forwarded))
    this.valueEncoding(msgpack)
    this.supports.encodings[MSGPACK] = true
    this.#location = location
    this.#directory = factory.durable ? absolutePath(platform.environment.fileSystem, location) : location
    this.#factory = factory
    this.#registry = platform.registry
    this.#trace = trace
    this.#ttl = ttl
    const environment = withExpiryClock(platform.environment)
    this.#environment = trace === undefined ? environment : traced(environment, trace, this.#directory, factory.files)
    const sink = platform.environment.diagnostics
    this.#diagnostics = sink && new Diagnostics(sink, { location: this.#directory, engine: factory.name })
    this.#failures = new StoreFailures(this.#diagnostics)
    this.#turns = new EventLoopTurns(platform.environment.clock, platform.environment.scheduler)
  }

  /** The location that was passed to the constructor. */
  get location(): string {
    return this.#location
  }

  /** @internal */
  get _defaultTtl(): number | undefined {
    return this.#ttl
  }

  /** @internal The writes of the store add its default. */
  get _ownTtl(): undefined {
    return undefined
  }

  /** The name of the engine. */
  get engine(): string {
    return this.#factory.name
  }

  /**
   * When the entry of a key expires, in milliseconds since the Unix epoch; `undefined` if it does not expire, or if there is none.
   */
  async expiresAt<K2 = K>(key: K2, options?: ExpiresAtOptions<K2>): Promise<number | undefined> {
    if (this.status === 'opening') return this.deferAsync(() => this.expiresAt(key, options))
    const encoded = this.#encodedKey(key, options)
    return this.#typed(() => {
      const { engine, reads } = this.#open()
      return engine.expiresAt?.(encoded, reads.moment(options?.snapshot))
    })
  }

  /**
   * Approximate bytes of the keys in `[start, end)`: in tables or pages, and in memory as far as they have not been flushed.
   */
  async approximateSize<K2 = K>(start: K2, end: K2, options?: KeyEncodingOption<K2>): Promise<number> {
    if (this.status === 'opening') return this.deferAsync(() => this.approximateSize(start, end, options))
    return this.#typed(() => this.#open().engine.approximateSize(this.#rangeBetween(start, end, options)))
  }

  /**
   * Brings the keys in `[start, end)` to the engine's most compact form and returns free space to the file system; without bounds,
   * everything.
   */
  async compactRange<K2 = K>(start?: K2, end?: K2, options?: KeyEncodingOption<K2>): Promise<void> {
    if (this.status === 'opening') return this.deferAsync(() => this.compactRange(start, end, options))
    return this.#typed(() => this.#open().engine.compact(this.#rangeBetween(start, end, options)))
  }

  /** Writes what is only in memory and the log to tables or pages. Resolves when it is durable there. */
  async flush(): Promise<void> {
    if (this.status === 'opening') return this.deferAsync(() => this.flush())
    return this.#typed(() => this.#open().engine.flush())
  }

  /**
   * Adds entries in ascending order of their encoded keys, by the bytes, as one atomic step: into tables or pages directly, without a log. Resolves when
   * all of them are durable and visible. Entries of the same keys are replaced. If it rejects nothing has changed.
   *
   * Rejects with `LEVEL_INGEST_ORDER` at a key that does not ascend, with `LEVEL_ABORTED` once `signal` is aborted, with the error of
   * `entries` if that fails, and with `LEVEL_NOT_SUPPORTED` if the engine has no ingest.
   */
  async ingest<K2 = K, V2 = V>(entries: IngestEntries<K2, V2>, options: IngestOptions<K2, V2> = {}): Promise<void> {
    if (this.status === 'opening') return this.deferAsync(() => this.ingest(entries, options))
    return this.#typed(() => {
      const session = this.#open()
      return session.track(session.ingest((options.sublevel ?? this) as unknown as EncodingLevel, entries, options))
    })
  }

  /**
   * Makes a store of its own in a directory that is new or empty, with what this store holds at the call. Writes go on meanwhile. Resolves when the
   * new store is durable. If it rejects, or the process ends before, the directory is no store. See docs/backup.md.
   *
   * Rejects with `LEVEL_ALREADY_EXISTS` if the directory is not empty, with `LEVEL_INVALID_LOCATION` if it lies in this store, with `LEVEL_ABORTED`
   * once `signal` is aborted, and with `LEVEL_NOT_SUPPORTED` if the engine makes no checkpoints.
   */
  async checkpoint(directory: string, options: CheckpointOptions = {}): Promise<void> {
    assertLocation(directory)
    const target = absolutePath(this.#environment.fileSystem, directory)
    if (this.status === 'opening') return this.deferAsync(() => this.checkpoint(target, options))
    return this.#typed(() => {
      const session = this.#open()
      return session.track(session.checkpoint(target, options))
    })
  }

  /** Resolves when no background work is under way or due. */
  async settle(): Promise<void> {
    if (this.status === 'opening') return this.deferAsync(() => this.settle())
    return this.#typed(() => this.#open().engine.settle())
  }

  /**
   * Runs a function whose reads see one moment, and writes what it has written as one batch, if nothing that it read has changed meanwhile. Where
   * something has, the function runs again. See docs/transactions.md.
   *
   * Rejects with what the function throws, after which nothing is written; with a ConflictError (`LEVEL_TRANSACTION_CONFLICT`) after `retries`
   * conflicts; with `LEVEL_TRANSACTION_TOO_LARGE`; with `LEVEL_ABORTED`.
   */
  transaction<T>(body: (transaction: Transaction<K, V>) => Promise<T> | T, options?: TransactionOptions): Promise<T> {
    if (this.status === 'opening') return this.deferAsync(() => this.transaction(body, options))
    try {
      const isObserved = this.listenerCount('write') > 0 || (this.hooks.prewrite as { readonly noop?: boolean }).noop !== true
      const writeObserved = isObserved ? this.#writeObserved : undefined
      const session = this.#open()
      const { transactions } = session
      if (transactions !== undefined) return transactions.run<K, V, T>(this, body, options, writeObserved)
      return session.loadTransactions().then(loaded => loaded.run<K, V, T>(this, body, options, writeObserved))
    } catch (error) {
      return Promise.reject(typedError(error))
    }
  }

  /** Counts and sizes since open. Throws `LEVEL_DATABASE_NOT_OPEN` when the store is not open. */
  stats(): KvariumStats {
    return this.#open().stats(this.#location)
  }

  /** The structure of the engine as plain JSON. Throws `LEVEL_DATABASE_NOT_OPEN` when the store is not open. */
  shape(): EngineShape {
    return this.#open().engine.shape()
  }

  /**
   * The properties of LevelDB, for any engine: `leveldb.num-files-at-level<N>`, `leveldb.stats`, `leveldb.sstables` and
   * `leveldb.approximate-memory-usage`. Any other name gives the empty string. Throws a TypeError for a name that is no string, and
   * `LEVEL_DATABASE_NOT_OPEN` when the store is not open.
   */
  getProperty(property: string): string {
    if (typeof property !== 'string') throw new TypeError("The first argument 'property' must be a string")
    const { engine } = this.#open()
    return propertyOf(property, engine)
  }

  /**
   * Every committed batch after the sequence number `since`, in order and each once: those that were there at the call, and with `live` all
   * that follow. A change is yielded once it survives power loss. Rejects with `LEVEL_CHANGES_GONE` where the changes after `since` are
   * not kept any more; `changesRetainBytes` says how many are. See docs/changes.md.
   *
   * @throws MisuseError (`LEVEL_INVALID_OPTION`) when an option is invalid.
   */
  changes<K2 = K, V2 = V>(options: ChangesOptions<K2, V2> = {}): Changes<K2, V2> {
    const host: ChangesHost = {
      turns: this.#turns,
      begin: feed => (this.status === 'opening' ? this.deferAsync(async () => this._feed(feed)) : this._feed(feed)),
      attachResource: resource => this.attachResource(resource),
      detachResource: resource => this.detachResource(resource),
    }
    return new Changes(host, this, options)
  }

  /** @internal The batches of the engine, for `changes` in another thread, too. */
  _feed(options: FeedOptions): BatchFeed {
    return this.#open().feed(options)
  }

  /** Walks everything in the store and yields every broken invariant, with the path to it; nothing for a sound store. */
  check(): AsyncIterable<Violation> {
    return this.#open().check()
  }

  /** The engine and the facts, for readers. Throws when the store is not open, and where other threads do not reach its files. */
  protected _shareable(): [engine: Engine, facts: StoreFacts] {
    const { engine } = this.#open()
    if (this.#factory.durable && this.#environment.fileSystem.isSharedByThreads !== true) {
      throw new MisuseError(
        'LEVEL_NOT_SUPPORTED',
        'A store can be shared on the file system of Node alone: other threads do not reach the files',
      )
    }
    const { commonName: keyEncoding } = this.keyEncoding()
    const { commonName: valueEncoding } = this.valueEncoding()
    return [engine, { engine: engine.name, location: this.#directory, keyEncoding, valueEncoding }]
  }

  _open(options: OpenOptions): Promise<void> {
    return this.remembering(() => {
      const opening = this.#openEngine(options)
      // Beside the opening, which settles no later for it.
      opening.catch((error: unknown) => {
        this.#releaseMemory()
        this.#failures.publishDamage(error)
      })
      return opening
    })
  }

  async _close(): Promise<void> {
    const session = this.#session
    await session?.end()
    this.#session = undefined
    try {
      if (this.#volatile === undefined) await session?.close()
    } finally {
      this.#releaseMemory()
    }
  }

  _getSync(key: Stored, options: ReadOptions): Stored | undefined {
    return this.#readsFor(options).getSync(key, options)
  }

  _get(key: Stored, options: ReadOptions): Awaitable<Stored | undefined> {
    return this.#open().track(this.#readsFor(options).get(key, options))
  }

  _getMany(keys: Stored[], options: ReadOptions): Awaitable<(Stored | undefined)[]> {
    return this.#open().track(this.#readsFor(options).getMany(keys, options))
  }

  _has(key: Stored, options: ReadOptions): Awaitable<boolean> {
    return this.#open().track(this.#readsFor(options).has(key, options))
  }

  _hasMany(keys: Stored[], options: ReadOptions): Awaitable<boolean[]> {
    return this.#open().track(this.#readsFor(options).hasMany(keys, options))
  }

  _put(key: Stored, value: Stored, options: SyncOption & TtlOption): Awaitable<void> {
    return this.#open().writes.put(key, value, options)
  }

  _del(key: Stored, options: SyncOption): Awaitable<void> {
    return this.#open().writes.del(key, options)
  }

  _batch(operations: PrivateOperation[], options: PrivateBatchOptions): Awaitable<void> {
    const { reads, writes } = this.#open()
    const { conditions } = options
    if (conditions === undefined) return writes.batch(operations, options, options[PRECONDITION])
    return writes.batch(operations, options, checkOf(storedConditions(conditions, options, this as unknown as EncodingLevel), reads))
  }

  _chainedBatch(): unknown {
    return new EncodedChainedBatch(this, this.#open().writes)
  }

  _clear(options: PrivateClearOptions): Awaitable<void> {
    const session = this.#open()
    const { reads, writes } = session
    const range = keyRange(storedRange(options))
    if (options.limit === -1 && !options.snapshot) return writes.clear(range, options)
    return session.track(writes.clearByCursor(range, reads.moment(options.snapshot), options))
  }

  _iterator(options: PrivateIteratorOptions): unknown {
    return new EntryIterator(this, options, this.#walk(options))
  }

  _keys(options: PrivateIteratorOptions): unknown {
    return new KeyIterator(this, options, this.#walk(options))
  }

  _values(options: PrivateIteratorOptions): unknown {
    return new ValueIterator(this, options, this.#walk(options))
  }

  _snapshot(options: SnapshotOptions): unknown {
    return new StoreSnapshot(options, this.#open().engine)
  }

  _sublevel(name: string, options: AbstractSublevelOptions<unknown, unknown>): unknown {
    return new StoreSublevel(this, name, options)
  }

  async #openEngine(options: OpenOptions): Promise<void> {
    const factory = this.#factory
    const environment = this.#environment
    const hasHook = !(this.hooks.postopen as { readonly noop?: boolean }).noop
    const given = resolveEngineOptions(factory, options, this.#registry, hasHook)
    const { options: engineOptions, shares } = sizeByMemory(given, factory.options, environment.memory)
    this.#memory = shares
    const directory = this.#directory
    const trace = this.#trace
    const diagnostics = this.#diagnostics
    if (factory.durable) {
      const hash32 = loadHash32()
      const { createIfMissing, errorIfExists, readOnly } = options
      const request = {
        environment,
        location: directory,
        factory,
        engineOptions,
        createIfMissing,
        errorIfExists,
        hash32,
        trace,
        diagnostics,
      }
      const open: (request: DirectoryRequest) => Promise<OpenedStore> =
        readOnly === true ? (await import('./read-only-directory.js')).openDirectoryToRead : openDirectory
      this.#begin(await runJob(trace, 'open', () => open(request), { fallback: true }))
    } else {
      const context = { environment, directory, created: true, options: engineOptions, diagnostics, ...(trace && { trace }) }
      this.#volatile ??= await runJob(trace, 'open', () => factory.open(context), { fallback: true })
      this.#begin({ engine: this.#volatile, identity: NO_IDENTITY })
    }
  }

  #begin(opened: OpenedStore): void {
    this.#session = new Session(opened, {
      directory: this.#directory,
      environment: this.#environment,
      trace: this.#trace,
      failures: this.#failures,
      turns: this.#turns,
      ttl: this.#ttl,
    })
  }

  #releaseMemory(): void {
    for (const share of this.#memory) share.release()
    this.#memory = []
  }

  #open(): Session {
    if (this.#session === undefined) {
      throw this.explained(new KvariumError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open'))
    }
    return this.#session
  }

  #walk(options: PrivateIteratorOptions): Walk {
    const { engine, reads } = this.#open()
    const range = storedRange(options)
    let cursor: Cursor
    try {
      const { snapshot } = options as { readonly snapshot?: unknown }
      cursor =
        snapshot instanceof HeldMoment
          ? snapshot.cursor(range, moment => engine.cursor(keyRange(range), moment))
          : engine.cursor(keyRange(range), reads.moment(options.snapshot))
    } catch (error) {
      // A deferred iterator is made in the middle of opening. Its failure must not break that: the first read reports it.
      cursor = new BrokenCursor(error)
    }
    return new Walk(cursor, range, options, this.#turns, this.#failures, reads.offload)
  }

  /** The result of `work`; a failed file operation rejects as an `IoError`. */
  async #typed<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw this.#failures.ofRead(error)
    }
  }

  readonly #writeObserved: WriteObserved = (operations, { sync }, precondition) =>
    this.batch(operations as never, Object.defineProperty({ sync }, PRECONDITION, { value: precondition }))

  /** What reads: the transaction, for its reads, or the store. */
  #readsFor({ snapshot }: { readonly snapshot?: unknown }): StoreReads | HeldMoment {
    const { reads } = this.#open()
    return snapshot instanceof HeldMoment ? snapshot : reads
  }

  #rangeBetween(start: unknown, end: unknown, options: KeyEncodingOption<never> | undefined): KeyRange {
    return keyRange({
      lower: start === undefined || start === null ? undefined : this.#encodedKey(start, options),
      upper: end === undefined || end === null ? undefined : this.#encodedKey(end, options),
    })
  }

  #encodedKey(key: unknown, options: KeyEncodingOption<never> | undefined): Uint8Array {
    const encoding = (this.keyEncoding as (encoding: unknown) => { encode(key: unknown): Stored }).call(this, options?.keyEncoding)
    return toBytes(encoding.encode(key))
  }
}

/** The same environment with a file system that emits file events. */
function traced(environment: Environment, trace: Trace, directory: string, files: FileNames = {}): Environment {
  trace.useClock(() => environment.clock.now())
  return { ...environment, fileSystem: new TracedFileSystem(environment.fileSystem, trace, directory, files) }
}
