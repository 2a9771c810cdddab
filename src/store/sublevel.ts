import { AbstractSublevel, type AbstractSublevelOptions } from 'abstract-level'
import { conditionsIn } from './conditions.js'
import type { ExpiresAtOptions, SublevelOptions } from './level-types.js'
import { completingBatches } from './batches.js'
import { explainingFailedOpen, type FailedOpen } from './failed-open.js'
import type { Stored } from './owned-bytes.js'
import { checkedTtl, type DefaultTtl, type TtlOption } from './ttl.js'

/** The private methods of a sublevel, which the types of abstract-level leave out. */
interface PrivateSublevel {
  _open(options: object): Promise<void>
  _batch(operations: object[], options: object): Promise<void>
  _put(key: Stored, value: Stored, options: object): Promise<void>
  prefixKey(key: Stored, format: string, local: boolean): Stored
}

interface KeyEncoding {
  readonly format: string
  encode(key: unknown): Stored
}

/** What expires a key: the store, or the sublevel above. */
interface Expiring {
  expiresAt(key: unknown, options: object): Promise<number | undefined>
}

type SublevelConstructor = new <TDatabase, TFormat, K, V>(
  db: TDatabase,
  name: string,
  options: AbstractSublevelOptions<K, V>,
) => AbstractSublevel<TDatabase, TFormat, K, V> & FailedOpen & PrivateSublevel

const BaseSublevel = completingBatches(explainingFailedOpen(AbstractSublevel)) as unknown as SublevelConstructor

/** A sublevel that may have a default `ttl`, and takes conditions. */
export class ExpiringSublevel<TDatabase, TFormat, K, V> extends BaseSublevel<TDatabase, TFormat, K, V> implements DefaultTtl {
  readonly #ttl: number | undefined

  constructor(db: TDatabase, name: string, { ttl, ...options }: SublevelOptions<K, V>) {
    super(db, name, options)
    this.#ttl = checkedTtl(ttl)
  }

  /** @internal */
  get _defaultTtl(): number | undefined {
    return this.#ttl ?? (this.parent as unknown as DefaultTtl)._defaultTtl
  }

  /** @internal */
  get _ownTtl(): number | undefined {
    return this.#ttl
  }

  /** When the entry of a key expires, see `expiresAt` of the store. */
  async expiresAt<K2 = K>(key: K2, options: ExpiresAtOptions<K2> = {}): Promise<number | undefined> {
    if (this.status === 'opening') return this.deferAsync(() => this.expiresAt(key, options))
    const encoding = (this.keyEncoding as (encoding: unknown) => KeyEncoding).call(this, options.keyEncoding)
    const { format } = encoding
    return (this.parent as unknown as Expiring).expiresAt(this.prefixKey(encoding.encode(key), format, true), {
      ...options,
      keyEncoding: format,
    })
  }

  override _put(key: Stored, value: Stored, options: TtlOption): Promise<void> {
    const ttl = options.ttl ?? this.#ttl
    return super._put(key, value, ttl === options.ttl ? options : { ...options, ttl })
  }

  override _open(options: object): Promise<void> {
    return this.remembering(async () => {
      try {
        await super._open(options)
      } catch (error) {
        throw (this.parent as unknown as FailedOpen).explained(error)
      }
    })
  }

  override _batch(operations: object[], options: { readonly conditions?: unknown }): Promise<void> {
    const { conditions } = options
    return super._batch(operations, conditions === undefined ? options : { ...options, conditions: conditionsIn(this, conditions) })
  }

  _sublevel(name: string, options: SublevelOptions<unknown, unknown>): unknown {
    return new ExpiringSublevel(this, name, options)
  }
}
