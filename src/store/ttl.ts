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
