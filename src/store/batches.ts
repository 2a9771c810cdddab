/** What batches of a database or a sublevel need before abstract-level gets them. */
import { MisuseError } from '../errors.js'
import type { DefaultTtl } from './ttl.js'

const IDLE = 'A batch with conditions needs an operation: read the keys in a transaction to check them alone'

interface Operation {
  readonly type?: string
  readonly sublevel?: Partial<DefaultTtl> | null
  readonly ttl?: number | undefined
}

interface BatchOptions extends Operation {
  readonly conditions?: unknown
}

interface Batching extends DefaultTtl {
  batch(...parameters: readonly unknown[]): unknown
}

/**
 * A subclass of AbstractLevel, or of a subclass of it, with what batches need before abstract-level forgets it: each put gets the default `ttl` of its
 * sublevel, and conditions without an operation are refused, since abstract-level drops an empty batch and they would seem to hold.
 */
export function completingBatches<TBase>(base: TBase): TBase {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- TypeScript asks a mixin for exactly this
  const Base = base as new (...parameters: any[]) => Batching

  class CompletingLevel extends Base {
    /** Without parameters it makes a chained batch: abstract-level decides by their number. */
    override batch(...parameters: readonly unknown[]): unknown {
      if (parameters.length === 0) return this.#chained(super.batch() as Chained)
      const [operations, options] = parameters as [unknown, BatchOptions | undefined]
      if (Array.isArray(operations) && operations.length === 0 && options?.conditions !== undefined) {
        return Promise.reject(new MisuseError('LEVEL_INVALID_CONDITION', IDLE))
      }
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

  return CompletingLevel as unknown as TBase
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
