/**
 * A transaction as its function gets it: reads and writes with the encodings of the database, or of the sublevel in the options. Reads go through
 * the database or the sublevel, with the view as their snapshot; writes stay in the view until the commit.
 */
import type {
  AbstractIterator,
  AbstractKeyIterator,
  AbstractLevel,
  AbstractSublevel,
  AbstractValueIterator,
  Transcoder,
} from 'abstract-level'
import { copyBytes } from '../../codec/entry.js'
import { KvariumError, MisuseError } from '../../errors.js'
import type {
  ClearOptions,
  Encoding,
  EncodingLevel,
  IteratorOptions,
  KeyIteratorOptions,
  ReadOptions,
  ValueIteratorOptions,
} from '../level-types.js'
import type { Stored } from '../owned-bytes.js'
import { checkedTtl, type DefaultTtl, type TtlOption } from '../ttl.js'
import type { TransactionMoment } from './transaction-moment.js'

/** The encoding of the keys of a call. */
interface KeyEncoded<K> {
  readonly keyEncoding?: string | Transcoder.PartialEncoding<K> | undefined
}

interface Encoded<K, V> extends KeyEncoded<K> {
  readonly valueEncoding?: string | Transcoder.PartialEncoding<V> | undefined
}

export interface SublevelOption<K, V> {
  /** Keys and values of the call are those of this sublevel of the database. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as in AbstractBatchOperation
  readonly sublevel?: AbstractSublevel<any, any, K, V> | undefined
}

/** Where values play no part. */
export interface KeySublevelOption<K> {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as in AbstractBatchOperation
  readonly sublevel?: AbstractSublevel<any, any, K, any> | undefined
}

export interface TransactionReadOptions<K, V> extends Encoded<K, V>, SublevelOption<K, V> {}
export interface TransactionPutOptions<K, V> extends TransactionReadOptions<K, V>, TtlOption {}
export interface TransactionKeyOptions<K> extends KeyEncoded<K>, KeySublevelOption<K> {}
type Ranged<Options> = Omit<Options, 'snapshot'>

/** Keys have the type of the sublevel, or else of the database, unless a call names their encoding. */
interface OwnKeys<K> {
  readonly keyEncoding: string | Transcoder.PartialEncoding<K>
}

type OwnEncoding<K, V> = OwnKeys<K> | { readonly valueEncoding: string | Transcoder.PartialEncoding<V> }

/** An operation of a batch. */
export type TransactionOperation<K, V> =
  | ({ readonly type: 'put'; readonly key: K; readonly value: V } & Encoded<K, V> & KeySublevelOption<K> & TtlOption)
  | ({ readonly type: 'del'; readonly key: K } & KeyEncoded<K> & KeySublevelOption<K>)

/** An operation as it was given, for hooks and listeners. */
export interface GivenOperation {
  readonly type: 'put' | 'del'
  readonly key: unknown
  readonly value?: unknown
  readonly sublevel?: unknown
  readonly keyEncoding?: unknown
  readonly valueEncoding?: unknown
}

type GivenOptions = Readonly<Record<string, unknown>> & { readonly sublevel?: unknown }

const NO_OPTIONS: GivenOptions = {}

/** The methods of a database that a transaction calls, without their types. */
interface UntypedLevel extends EncodingLevel, DefaultTtl {
  readonly status: string
  open(options: { readonly passive: true }): Promise<void>
  get(key: unknown, options: object): Promise<unknown>
  getSync(key: unknown, options: object): unknown
  getMany(keys: unknown, options: object): Promise<unknown[]>
  has(key: unknown, options: object): Promise<boolean>
  hasMany(keys: unknown, options: object): Promise<boolean[]>
  iterator(options: object): unknown
  keys(options: object): { close(): Promise<void> }
  values(options: object): unknown
}

export class Transaction<KDefault, VDefault> {
  readonly #db: UntypedLevel
  readonly #view: TransactionMoment
  /** What reads without options are called with. */
  readonly #plain: object
  /** Kept where hooks or listeners get the operations at the commit. */
  readonly #operations: GivenOperation[] | undefined

  /** @internal Made by `db.transaction()`. */
  constructor(db: object, view: TransactionMoment, operations: GivenOperation[] | undefined) {
    this.#db = db as unknown as UntypedLevel
    this.#view = view
    this.#plain = { snapshot: view }
    this.#operations = operations
  }

  /** The value, or `undefined`. */
  get(key: KDefault): Promise<VDefault | undefined>
  get<K = KDefault, V = VDefault>(key: NoInfer<K>, options: TransactionReadOptions<K, V> | undefined): Promise<V | undefined>
  get<K, V = VDefault>(key: K, options: TransactionReadOptions<K, V> & OwnKeys<K>): Promise<V | undefined>
  get(key: unknown, options?: object): Promise<unknown> {
    return this.#get(key, options)
  }

  getSync(key: KDefault): VDefault | undefined
  getSync<K = KDefault, V = VDefault>(key: NoInfer<K>, options: TransactionReadOptions<K, V> | undefined): V | undefined
  getSync<K, V = VDefault>(key: K, options: TransactionReadOptions<K, V> & OwnKeys<K>): V | undefined
  getSync(key: unknown, options?: object): unknown {
    this.#view.requireOpen()
    return this.#level(options).getSync(key, this.#own(options))
  }

  getMany(keys: readonly KDefault[]): Promise<(VDefault | undefined)[]>
  getMany<K = KDefault, V = VDefault>(
    keys: readonly NoInfer<K>[],
    options: TransactionReadOptions<K, V> | undefined,
  ): Promise<(V | undefined)[]>
  getMany<K, V = VDefault>(keys: readonly K[], options: TransactionReadOptions<K, V> & OwnKeys<K>): Promise<(V | undefined)[]>
  getMany(keys: unknown, options?: object): Promise<unknown[]> {
    return this.#call(options, (level, own) => level.getMany(keys, own))
  }

  has(key: KDefault): Promise<boolean>
  has<K = KDefault>(key: NoInfer<K>, options: TransactionKeyOptions<K> | undefined): Promise<boolean>
  has<K>(key: K, options: TransactionKeyOptions<K> & OwnKeys<K>): Promise<boolean>
  has(key: unknown, options?: object): Promise<boolean> {
    return this.#call(options, (level, own) => level.has(key, own))
  }

  hasMany(keys: readonly KDefault[]): Promise<boolean[]>
  hasMany<K = KDefault>(keys: readonly NoInfer<K>[], options: TransactionKeyOptions<K> | undefined): Promise<boolean[]>
  hasMany<K>(keys: readonly K[], options: TransactionKeyOptions<K> & OwnKeys<K>): Promise<boolean[]>
  hasMany(keys: unknown, options?: object): Promise<boolean[]> {
    return this.#call(options, (level, own) => level.hasMany(keys, own))
  }

  /** The entries of a range, the transaction's own writes up to this call among them. It is closed when the transaction ends. */
  iterator<K = KDefault, V = VDefault>(
    options?: Ranged<IteratorOptions<K, V>> & SublevelOption<K, V>,
  ): AbstractIterator<AbstractLevel<unknown, KDefault, VDefault>, K, V> {
    this.#view.requireOpen()
    return this.#level(options).iterator(this.#own(options)) as AbstractIterator<AbstractLevel<unknown, KDefault, VDefault>, K, V>
  }

  keys<K = KDefault>(
    options?: Ranged<KeyIteratorOptions<K>> & KeySublevelOption<K>,
  ): AbstractKeyIterator<AbstractLevel<unknown, KDefault, VDefault>, K> {
    this.#view.requireOpen()
    return this.#level(options).keys(this.#own(options)) as unknown as AbstractKeyIterator<AbstractLevel<unknown, KDefault, VDefault>, K>
  }

  values<K = KDefault, V = VDefault>(
    options?: Ranged<ValueIteratorOptions<K, V>> & SublevelOption<K, V>,
  ): AbstractValueIterator<AbstractLevel<unknown, KDefault, VDefault>, K, V> {
    this.#view.requireOpen()
    return this.#level(options).values(this.#own(options)) as AbstractValueIterator<AbstractLevel<unknown, KDefault, VDefault>, K, V>
  }

  put(key: KDefault, value: VDefault): Promise<void>
  put<K = KDefault, V = VDefault>(key: NoInfer<K>, value: NoInfer<V>, options: TransactionPutOptions<K, V> | undefined): Promise<void>
  put<K, V>(key: K, value: V, options: TransactionPutOptions<K, V> & OwnEncoding<K, V>): Promise<void>
  async put(key: unknown, value: unknown, options?: object): Promise<void> {
    this.#write('put', key, value, (options ?? NO_OPTIONS) as GivenOptions)
    return this.#view.written()
  }

  del(key: KDefault): Promise<void>
  del<K = KDefault>(key: NoInfer<K>, options: TransactionKeyOptions<K> | undefined): Promise<void>
  del<K>(key: K, options: TransactionKeyOptions<K> & OwnKeys<K>): Promise<void>
  async del(key: unknown, options?: object): Promise<void> {
    this.#write('del', key, undefined, (options ?? NO_OPTIONS) as GivenOptions)
    return this.#view.written()
  }

  /** Operations as `db.batch` takes them, each with its own `sublevel`. */
  async batch<K = KDefault, V = VDefault>(
    operations: readonly TransactionOperation<K, V>[],
    options?: Encoded<K, V> & TtlOption,
  ): Promise<void> {
    if (!Array.isArray(operations)) throw new TypeError("The first argument 'operations' must be an array")
    const given = (operations as readonly (GivenOptions & { type: unknown; key: unknown; value: unknown })[]).map(operation => ({
      ...options,
      ...operation,
    }))
    for (const { type } of given) {
      if (type !== 'put' && type !== 'del') {
        throw new TypeError("A batch operation must have a type property that is 'put' or 'del'")
      }
    }
    this.#view.requireOpen()
    for (const operation of given) this.#write(operation.type as 'put' | 'del', operation.key, operation.value, operation)
    return this.#view.written()
  }

  /** Deletes the keys of a range that the transaction sees. It reads the range: a commit conflicts with a later key in it. */
  async clear<K = KDefault>(options?: Ranged<ClearOptions<K>> & KeySublevelOption<K>): Promise<void> {
    const view = this.#view
    view.requireOpen()
    const level = this.#level(options)
    if (level.status === 'opening') {
      // A sublevel opens a moment after it was made. Until then its iterator has no cursor.
      await level.open({ passive: true })
      view.requireOpen()
    }
    const iterator = level.keys(this.#own(options))
    try {
      const pending = view.clear(options ?? {}, this.#operations !== undefined)
      const keys = pending instanceof Promise ? await pending : pending
      for (const key of keys) this.#operations?.push({ type: 'del', key, keyEncoding: 'view' })
    } finally {
      await iterator.close()
    }
  }

  /** Reads in place skip the database's `get`, which would come to the view by more promises. */
  async #get(key: unknown, options: object | undefined): Promise<unknown> {
    const view = this.#view
    view.requireOpen()
    const level = this.#level(options)
    const { inPlace } = view
    if (level.status !== 'open' || inPlace === undefined) return level.get(key, this.#own(options))
    level._assertValidKey(key)
    const { keyEncoding, valueEncoding } = (options ?? NO_OPTIONS) as GivenOptions
    const keys = level.keyEncoding(keyEncoding)
    const values = level.valueEncoding(valueEncoding)
    const stored = level.prefixKey(keys.encode(key), keys.format, false)
    const own: unknown = { keyEncoding: keys.format, valueEncoding: values.format, snapshot: view }
    const pending = inPlace.get(stored, own as ReadOptions)
    const found = pending instanceof Promise ? await pending : pending
    return found === undefined ? undefined : decoded(values, found)
  }

  async #call<T>(options: object | undefined, read: (level: UntypedLevel, own: object) => Promise<T>): Promise<T> {
    this.#view.requireOpen()
    return read(this.#level(options), this.#own(options))
  }

  #write(type: 'put' | 'del', key: unknown, value: unknown, options: GivenOptions): void {
    const view = this.#view
    view.requireOpen()
    const level = this.#level(options)
    level._assertValidKey(key)
    if (type === 'put') level._assertValidValue(value)
    const keyEncoding = level.keyEncoding(options['keyEncoding'])
    const stored = owned(level.prefixKey(keyEncoding.encode(key), keyEncoding.format, false))
    const storedValue = type === 'put' ? owned(level.valueEncoding(options['valueEncoding']).encode(value)) : undefined
    view.write(stored, storedValue, type === 'put' ? checkedTtl(options['ttl'] ?? level._defaultTtl) : undefined)
    this.#operations?.push({ ...options, type, key: ownedInput(key), ...(type === 'put' && { value: ownedInput(value) }) })
  }

  /** The options of a read: the view is its snapshot. */
  #own(options: object | undefined): object {
    if (options === undefined) return this.#plain
    const { sublevel: _, ...others } = options as GivenOptions
    return { ...others, snapshot: this.#view }
  }

  #level(options: object | undefined): UntypedLevel {
    const level = (options as GivenOptions | undefined)?.sublevel as UntypedLevel | null | undefined
    if (level === undefined || level === null || level === this.#db) return this.#db
    if (level.db === this.#db) return level
    throw new MisuseError('LEVEL_INVALID_SUBLEVEL', 'The option "sublevel" is not a sublevel of the store of the transaction')
  }
}

function decoded(encoding: Encoding, stored: Stored): unknown {
  try {
    return encoding.decode(stored)
  } catch (cause) {
    throw new KvariumError('LEVEL_DECODE_ERROR', 'Could not decode value', { cause })
  }
}

/** The caller may change its bytes once the call has returned. */
function owned(stored: Stored): Stored {
  return typeof stored === 'string' ? stored : copyBytes(stored)
}

function ownedInput(data: unknown): unknown {
  return data instanceof Uint8Array ? data.slice() : data
}
