/**
 * The option `ttl`: for how long a put lives. It stands in the options of a put or a batch, in an operation of a batch, or as the default of a
 * store or a sublevel; of these, the one nearest to the put counts. `Infinity` is a put that does not expire, whatever the defaults are.
 */
import { MAX_EXPIRY } from '../codec/expiry.js'
import { MisuseError } from '../errors.js'

export interface TtlOption {
  /**
   * Milliseconds until the entry expires: from then on no read shows it. `Infinity` means never.
   * @defaultValue that of the sublevel, else that of the store, else never
   */
  ttl?: number | undefined
}

/** Checks an option `ttl`. Throws a MisuseError `LEVEL_INVALID_OPTION`. */
export function checkedTtl(ttl: unknown): number | undefined {
  if (ttl === undefined || (typeof ttl === 'number' && ttl > 0)) return ttl
  const shown = typeof ttl === 'number' ? String(ttl) : JSON.stringify(ttl)
  throw new MisuseError('LEVEL_INVALID_OPTION', `Option "ttl" is ${shown}, but must be a positive number of milliseconds, or Infinity`)
}

/** When a put of now expires, in milliseconds since the Unix epoch; `undefined` for never. Throws as `checkedTtl`. */
export function expiryAfter(ttl: unknown, now: number): number | undefined {
  const checked = checkedTtl(ttl)
  if (checked === undefined || checked === Infinity) return undefined
  return Math.min(MAX_EXPIRY, Math.ceil(now + checked))
}

/** The default of a database or sublevel, which `batch` looks for by the option `sublevel` of an operation. */
export interface DefaultTtl {
  /** @internal Of puts through it, those that it gets from what it is in included. */
  readonly _defaultTtl: number | undefined
  /** @internal Of puts through it that do not reach it by a layer above with a default. */
  readonly _ownTtl: number | undefined
}

interface Operation {
  readonly type?: string
  readonly sublevel?: Partial<DefaultTtl> | null
  readonly ttl?: number | undefined
}

interface Batching extends DefaultTtl {
  batch(...parameters: readonly unknown[]): unknown
}

/**
 * A subclass of AbstractLevel, or of a subclass of it, whose batches give each put the default of its sublevel, before abstract-level forgets
 * which that is.
 */
export function defaultingTtl<TBase>(base: TBase): TBase {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- TypeScript asks a mixin for exactly this
  const Base = base as new (...parameters: any[]) => Batching

  class DefaultingLevel extends Base {
    /** Without parameters it makes a chained batch: abstract-level decides by their number. */
    override batch(...parameters: readonly unknown[]): unknown {
      if (parameters.length === 0) return this.#chained(super.batch() as Chained)
      const [operations, options] = parameters as [unknown, Operation | undefined]
      return super.batch(options?.ttl === undefined ? withDefaults(operations, this._ownTtl) : operations, options)
    }

    #chained(batch: Chained): Chained {
      const { put } = batch
      batch.put = (key, value, options) => {
        const ttl = defaultOf(options ?? {}, this._ownTtl)
        return put.call(batch, key, value, ttl === undefined ? options : { ...options, ttl })
      }
      return batch
    }
  }

  return DefaultingLevel as unknown as TBase
}

interface Chained {
  put(key: unknown, value: unknown, options?: Operation): unknown
}

/** What is not an array of operations is for abstract-level to refuse. */
function withDefaults(operations: unknown, own: number | undefined): unknown {
  if (!Array.isArray(operations)) return operations
  const all = operations as readonly (Operation | null)[]
  let copies: (Operation | null)[] | undefined
  for (let i = 0; i < all.length; i++) {
    const operation = all[i]
    if (operation?.type !== 'put') continue
    const ttl = defaultOf(operation, own)
    if (ttl !== undefined) (copies ??= [...all])[i] = { ...operation, ttl }
  }
  return copies ?? all
}

/** The default that a put is to get: that of its sublevel, if it names one. */
function defaultOf({ sublevel, ttl }: Operation, own: number | undefined): number | undefined {
  if (ttl !== undefined) return undefined
  return sublevel === undefined || sublevel === null ? own : sublevel._defaultTtl
}
