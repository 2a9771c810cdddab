/**
 * Errors that say why a store is not open. abstract-level answers every operation on a store that failed to open with "Database is not
 * open" alone. This layer over its classes adds the reason, as text and as `cause`. An open store pays one comparison per call.
 */
import { KvariumError } from '../errors.js'
import { errorCode } from '../vfs/vfs-error.js'

/** The public methods of abstract-level that answer like this, loosely typed: the layer passes their parameters on. */
interface Operations {
  get(key: unknown, options?: unknown): Promise<unknown>
  getSync(key: unknown, options?: unknown): unknown
  getMany(keys: unknown, options?: unknown): Promise<unknown>
  has(key: unknown, options?: unknown): Promise<unknown>
  hasMany(keys: unknown, options?: unknown): Promise<unknown>
  put(key: unknown, value: unknown, options?: unknown): Promise<unknown>
  del(key: unknown, options?: unknown): Promise<unknown>
  batch(...parameters: readonly unknown[]): unknown
  clear(options?: unknown): Promise<unknown>
  iterator(options?: unknown): unknown
  keys(options?: unknown): unknown
  values(options?: unknown): unknown
  snapshot(options?: unknown): unknown
  deferAsync(work: () => Promise<unknown>, options?: unknown): Promise<unknown>
}

/** The methods that the layer adds. */
export interface FailedOpen {
  /** Does the work of `_open` and keeps the error of a failure until the next try. */
  remembering(opening: () => Promise<void>): Promise<void>
  /** The error; with the reason added if it says only that something is not open. */
  explained(error: unknown): Error
}

const NOT_OPEN = ['LEVEL_DATABASE_NOT_OPEN', 'LEVEL_ITERATOR_NOT_OPEN']

/** A subclass of AbstractLevel, or of a subclass of it, whose errors say why the store is not open. */
export function explainingFailedOpen<TBase>(base: TBase): TBase & (new (...parameters: never[]) => FailedOpen) {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- TypeScript asks a mixin for exactly this
  const Base = base as new (...parameters: any[]) => Operations

  class ExplainingLevel extends Base implements FailedOpen {
    #reason: Error | undefined

    async remembering(opening: () => Promise<void>): Promise<void> {
      this.#reason = undefined
      try {
        await opening()
      } catch (error) {
        this.#reason = error as Error
        throw error
      }
    }

    explained(error: unknown): Error {
      const reason = this.#reason
      const isBare = NOT_OPEN.includes(errorCode(error) ?? '') && (error as Error).cause === undefined
      if (reason === undefined || !isBare) return error as Error
      return new KvariumError('LEVEL_DATABASE_NOT_OPEN', `Database is not open, since it failed to open: ${reason.message}`, {
        cause: reason,
      })
    }

    override get(key: unknown, options?: unknown): Promise<unknown> {
      return this.#reason === undefined ? super.get(key, options) : this.#later(super.get(key, options))
    }

    override getSync(key: unknown, options?: unknown): unknown {
      return this.#reason === undefined ? super.getSync(key, options) : this.#now(() => super.getSync(key, options))
    }

    override getMany(keys: unknown, options?: unknown): Promise<unknown> {
      return this.#reason === undefined ? super.getMany(keys, options) : this.#later(super.getMany(keys, options))
    }

    override has(key: unknown, options?: unknown): Promise<unknown> {
      return this.#reason === undefined ? super.has(key, options) : this.#later(super.has(key, options))
    }

    override hasMany(keys: unknown, options?: unknown): Promise<unknown> {
      return this.#reason === undefined ? super.hasMany(keys, options) : this.#later(super.hasMany(keys, options))
    }

    override put(key: unknown, value: unknown, options?: unknown): Promise<unknown> {
      return this.#reason === undefined ? super.put(key, value, options) : this.#later(super.put(key, value, options))
    }

    override del(key: unknown, options?: unknown): Promise<unknown> {
      return this.#reason === undefined ? super.del(key, options) : this.#later(super.del(key, options))
    }

    /** Without parameters it makes a chained batch at once: abstract-level decides by their number. */
    override batch(...parameters: readonly unknown[]): unknown {
      if (this.#reason === undefined) return super.batch(...parameters)
      return parameters.length === 0 ? this.#now(() => super.batch()) : this.#later(super.batch(...parameters) as Promise<unknown>)
    }

    override clear(options?: unknown): Promise<unknown> {
      return this.#reason === undefined ? super.clear(options) : this.#later(super.clear(options))
    }

    override iterator(options?: unknown): unknown {
      return this.#reason === undefined ? super.iterator(options) : this.#now(() => super.iterator(options))
    }

    override keys(options?: unknown): unknown {
      return this.#reason === undefined ? super.keys(options) : this.#now(() => super.keys(options))
    }

    override values(options?: unknown): unknown {
      return this.#reason === undefined ? super.values(options) : this.#now(() => super.values(options))
    }

    override snapshot(options?: unknown): unknown {
      return this.#reason === undefined ? super.snapshot(options) : this.#now(() => super.snapshot(options))
    }

    /** Calls made while the store opened, iterators included, are refused if the open fails. */
    override deferAsync(work: () => Promise<unknown>, options?: unknown): Promise<unknown> {
      return this.#later(super.deferAsync(work, options))
    }

    async #later<T>(work: Promise<T>): Promise<T> {
      try {
        return await work
      } catch (error) {
        throw this.explained(error)
      }
    }

    #now<T>(work: () => T): T {
      try {
        return work()
      } catch (error) {
        throw this.explained(error)
      }
    }
  }
  return ExplainingLevel as unknown as TBase & (new (...parameters: never[]) => FailedOpen)
}
