/**
 * The types of abstract-level, completed: its public methods with the options that kvarium adds, and the private
 * methods of an implementation, which its own types leave out.
 */
import {
  AbstractLevel,
  AbstractSnapshot,
  type AbstractBatchOperation,
  type AbstractBatchOptions,
  type AbstractChainedBatch,
  type AbstractChainedBatchPutOptions,
  type AbstractChainedBatchWriteOptions,
  type AbstractClearOptions,
  type AbstractDatabaseOptions,
  type AbstractDelOptions,
  type AbstractIterator,
  type AbstractIteratorOptions,
  type AbstractKeyIterator,
  type AbstractKeyIteratorOptions,
  type AbstractPutOptions,
  type AbstractSublevel,
  type AbstractSublevelOptions,
  type AbstractValueIterator,
  type AbstractValueIteratorOptions,
  type Transcoder,
} from 'abstract-level'
import { completingBatches } from './batches.js'
import { explainingFailedOpen, type FailedOpen } from './failed-open.js'
import type { Stored, StoredFormat } from './owned-bytes.js'
import type { KvariumOpenOptions } from './store-options.js'
import type { TtlOption } from './ttl.js'

export interface SyncOption {
  /**
   * Resolve only once the write survives power loss (fdatasync). Without it a write survives the death of the process,
   * but power loss may take the last ones, in order from the end.
   * @defaultValue `false`
   */
  sync?: boolean | undefined
}

export interface HighWaterMarkOption {
  /**
   * A batch of `nextv()` or `all()` ends once the encoded keys and values that it returns have this many bytes, so that it does not stall
   * the event loop. `0` gives batches of one entry.
   * @defaultValue `65536`
   */
  highWaterMarkBytes?: number | undefined
}

/** A key that must be absent, or have a value. Encodings are those of the sublevel, or else of the database. */
export type BatchCondition<K, V> = {
  readonly key: K
  /** The key is one of this sublevel. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as in AbstractBatchOperation
  readonly sublevel?: AbstractSublevel<any, any, any, any> | undefined
  readonly keyEncoding?: string | Transcoder.PartialEncoder<K> | undefined
} & (
  | { readonly absent: true; readonly value?: undefined }
  | { readonly absent?: false | undefined; readonly value: V; readonly valueEncoding?: string | Transcoder.PartialEncoder<V> | undefined }
)

export interface PutOptions<K, V> extends AbstractPutOptions<K, V>, SyncOption, TtlOption {}
export interface DelOptions<K> extends AbstractDelOptions<K>, SyncOption {}
/** `ttl` is that of every put of the batch that has none of its own. */
export interface BatchOptions<K, V> extends AbstractBatchOptions<K, V>, SyncOption, TtlOption {
  /**
   * What has to hold at the moment in which the batch takes effect. Where one does not, nothing of the batch happens, and it rejects with a
   * ConflictError (`LEVEL_CONDITION_FAILED`) that names the key.
   */
  readonly conditions?: readonly BatchCondition<K, V>[] | undefined
}
/** An operation of a batch. */
export type BatchOperation<TDatabase, K, V> = AbstractBatchOperation<TDatabase, K, V> & TtlOption
/** A bound with the value `undefined` is a bound: see {@link IteratorOptions}. */
export interface ClearOptions<K> extends AbstractClearOptions<K>, SyncOption {}
export interface ChainedBatchWriteOptions extends AbstractChainedBatchWriteOptions, SyncOption {}
/**
 * A bound (`gt`, `gte`, `lt`, `lte`) with the value `undefined` counts: as in all of Level it is encoded like a key, so that
 * `{ gt: undefined }` with keys of text means the text "undefined". Omit a bound that is not wanted.
 */
export interface IteratorOptions<K, V> extends AbstractIteratorOptions<K, V>, HighWaterMarkOption {}
/** A bound with the value `undefined` is a bound: see {@link IteratorOptions}. */
export interface KeyIteratorOptions<K> extends AbstractKeyIteratorOptions<K>, HighWaterMarkOption {}
/** A bound with the value `undefined` is a bound: see {@link IteratorOptions}. */
export interface ValueIteratorOptions<K, V> extends AbstractValueIteratorOptions<K, V>, HighWaterMarkOption {}

export interface ChainedBatch<TDatabase, K, V> extends AbstractChainedBatch<TDatabase, K, V> {
  put(key: K, value: V): this
  put<K2 = K, V2 = V>(key: K2, value: V2, options: AbstractChainedBatchPutOptions<TDatabase, K2, V2> & TtlOption): this
  write(): Promise<void>
  write(options: ChainedBatchWriteOptions): Promise<void>
}

export interface KeyEncodingOption<K> {
  /** How to encode the keys given to this call, instead of the store's own encoding. */
  readonly keyEncoding?: string | Transcoder.PartialEncoder<K> | undefined
}

export interface ExpiresAtOptions<K> extends KeyEncodingOption<K> {
  /** As of this snapshot, instead of now. */
  readonly snapshot?: AbstractSnapshot | undefined
}

export interface SublevelOptions<K, V> extends AbstractSublevelOptions<K, V>, TtlOption {}

/** A sublevel whose writes take kvarium's options. An intersection: the types of abstract-level admit no subtype of their sublevels. */
export type Sublevel<TDatabase, K, V> = SublevelWrites<K, V> & AbstractSublevel<TDatabase, Stored, K, V>

/** What a sublevel has beyond the types of abstract-level. */
export interface SublevelWrites<K, V> {
  put(key: K, value: V): Promise<void>
  put<K2 = K, V2 = V>(key: K2, value: V2, options: PutOptions<K2, V2>): Promise<void>
  batch(operations: BatchOperation<this, K, V>[]): Promise<void>
  batch<K2 = K, V2 = V>(operations: BatchOperation<this, K2, V2>[], options: BatchOptions<K2, V2>): Promise<void>
  batch(): ChainedBatch<this, K, V>
  sublevel(name: string | string[]): Sublevel<this, string, string>
  sublevel<K2 = string, V2 = string>(name: string | string[], options: SublevelOptions<K2, V2>): Sublevel<this, K2, V2>
  /** When the entry of a key expires, in milliseconds since the Unix epoch; `undefined` if it does not expire, or if there is none. */
  expiresAt<K2 = K>(key: K2, options?: ExpiresAtOptions<K2>): Promise<number | undefined>
}

/** A snapshot that knows its place among the changes of the store. */
export interface SequencedSnapshot extends AbstractSnapshot {
  /** Sequence number of the last operation that it sees; `undefined` where the engine has no change feed. */
  readonly sequence: number | undefined
}

/** An abstract-level database whose methods take kvarium's options. */
export interface OptionLevel<K, V> extends AbstractLevel<Stored, K, V> {
  open(): Promise<void>
  open(options: KvariumOpenOptions): Promise<void>
  put(key: K, value: V): Promise<void>
  put<K2 = K, V2 = V>(key: K2, value: V2, options: PutOptions<K2, V2>): Promise<void>
  del(key: K): Promise<void>
  del<K2 = K>(key: K2, options: DelOptions<K2>): Promise<void>
  batch(operations: BatchOperation<this, K, V>[]): Promise<void>
  batch<K2 = K, V2 = V>(operations: BatchOperation<this, K2, V2>[], options: BatchOptions<K2, V2>): Promise<void>
  batch(): ChainedBatch<this, K, V>
  sublevel(name: string | string[]): Sublevel<this, string, string>
  sublevel<K2 = string, V2 = string>(name: string | string[], options: SublevelOptions<K2, V2>): Sublevel<this, K2, V2>
  clear(): Promise<void>
  clear<K2 = K>(options: ClearOptions<K2>): Promise<void>
  iterator(): AbstractIterator<this, K, V>
  iterator<K2 = K, V2 = V>(options: IteratorOptions<K2, V2>): AbstractIterator<this, K2, V2>
  keys(): AbstractKeyIterator<this, K>
  keys<K2 = K>(options: KeyIteratorOptions<K2>): AbstractKeyIterator<this, K2>
  values(): AbstractValueIterator<this, K, V>
  values<K2 = K, V2 = V>(options: ValueIteratorOptions<K2, V2>): AbstractValueIterator<this, K2, V2>
}

/** One in the thread of the caller. */
export interface SyncLevel<K, V> extends OptionLevel<K, V> {
  snapshot(): SequencedSnapshot
}

type Manifest = ConstructorParameters<typeof AbstractLevel>[0]

const CompletedLevel = completingBatches(explainingFailedOpen(AbstractLevel))

/** AbstractLevel under its completed type: the class that the store extends. */
export const BaseLevel = CompletedLevel as unknown as new <K, V>(
  manifest: Manifest,
  options: AbstractDatabaseOptions<K, V>,
) => SyncLevel<K, V> & FailedOpen

/** The same for a store in another thread. */
export const BaseRemoteLevel = CompletedLevel as unknown as new <K, V>(
  manifest: Manifest,
  options: AbstractDatabaseOptions<K, V>,
) => OptionLevel<K, V> & FailedOpen

/** AbstractSnapshot with the constructor that its types leave out. */
export const BaseSnapshot = AbstractSnapshot as unknown as new (options: SnapshotOptions) => AbstractSnapshot

export interface SnapshotOptions {
  /** The database, or sublevel, that closes the snapshot when it closes itself. */
  readonly owner: object
}

export interface ReadOptions {
  readonly keyEncoding: StoredFormat
  readonly valueEncoding: StoredFormat
  readonly snapshot?: AbstractSnapshot
}

export interface PrivateRange {
  readonly gt?: Stored
  readonly gte?: Stored
  readonly lt?: Stored
  readonly lte?: Stored
  readonly reverse: boolean
  /** -1 means no limit. */
  readonly limit: number
  readonly snapshot?: AbstractSnapshot
}

export interface PrivateClearOptions extends PrivateRange, SyncOption {}

export interface PrivateIteratorOptions extends PrivateRange, HighWaterMarkOption {
  readonly keyEncoding: StoredFormat
  readonly valueEncoding: StoredFormat
  readonly keys: boolean
  readonly values: boolean
  readonly signal?: AbortSignal | null | undefined
}

export type PrivateOperation =
  | { readonly type: 'put'; readonly key: Stored; readonly value: Stored; readonly ttl?: number | undefined }
  | { readonly type: 'del'; readonly key: Stored }

export type OpenOptions = Readonly<Record<string, unknown>> & { readonly createIfMissing: boolean; readonly errorIfExists: boolean }

/** A result that is known at once need not be a promise: abstract-level awaits either. */
export type Awaitable<T> = T | Promise<T>

/** An encoding as abstract-level gives it. */
export interface Encoding {
  readonly format: StoredFormat
  encode(data: unknown): Stored
  decode(stored: Stored): unknown
}

/** A database or a sublevel, as far as it encodes keys and values. */
export interface EncodingLevel {
  /** The root of a sublevel. */
  readonly db?: unknown
  keyEncoding(encoding?: unknown): Encoding
  valueEncoding(encoding?: unknown): Encoding
  prefixKey(key: Stored, format: StoredFormat, local: boolean): Stored
  _assertValidKey(key: unknown): void
  _assertValidValue(value: unknown): void
}

/** The private methods that abstract-level calls, with keys and values encoded. */
export interface PrivateLevel {
  _open(options: OpenOptions): Promise<void>
  _close(): Promise<void>
  _get(key: Stored, options: ReadOptions): Awaitable<Stored | undefined>
  _getSync(key: Stored, options: ReadOptions): Stored | undefined
  _getMany(keys: Stored[], options: ReadOptions): Awaitable<(Stored | undefined)[]>
  _has(key: Stored, options: ReadOptions): Awaitable<boolean>
  _hasMany(keys: Stored[], options: ReadOptions): Awaitable<boolean[]>
  _put(key: Stored, value: Stored, options: SyncOption & TtlOption): Awaitable<void>
  _del(key: Stored, options: SyncOption): Awaitable<void>
  _batch(operations: PrivateOperation[], options: SyncOption): Awaitable<void>
  _clear(options: PrivateClearOptions): Awaitable<void>
  _iterator(options: PrivateIteratorOptions): unknown
  _keys(options: PrivateIteratorOptions): unknown
  _values(options: PrivateIteratorOptions): unknown
  _chainedBatch(): unknown
  _snapshot(options: SnapshotOptions): unknown
  _sublevel(name: string, options: object): unknown
}
