import { MisuseError } from '../errors.js'

const IDLE = 'A batch with conditions needs an operation: read the keys in a transaction to check them alone'

/**
 * A subclass of AbstractLevel, or of a subclass of it, that refuses conditions without an operation: abstract-level drops an empty batch, and its
 * conditions would seem to hold.
 */
export function refusingIdleConditions<TBase>(base: TBase): TBase {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- TypeScript asks a mixin for exactly this
  const Base = base as new (...parameters: any[]) => { batch(...parameters: readonly unknown[]): unknown }

  class ConditionalLevel extends Base {
    override batch(...parameters: readonly unknown[]): unknown {
      const [operations, options] = parameters as [unknown, { readonly conditions?: unknown } | undefined]
      if (Array.isArray(operations) && operations.length === 0 && options?.conditions !== undefined) {
        return Promise.reject(new MisuseError('LEVEL_INVALID_CONDITION', IDLE))
      }
      return super.batch(...parameters)
    }
  }

  return ConditionalLevel as unknown as TBase
}
