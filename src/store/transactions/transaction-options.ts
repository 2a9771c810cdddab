import { AbortError, MisuseError } from '../../errors.js'
import type { Awaitable, SyncOption } from '../level-types.js'

export interface TransactionOptions extends SyncOption {
  /**
   * How many times the function runs again after conflicts before the transaction is given up.
   * @defaultValue `10`
   */
  readonly retries?: number | undefined
  /** Ends the transaction, which then has no effect, unless its commit is under way. */
  readonly signal?: AbortSignal | null | undefined
  /**
   * What one run may remember of what it reads and writes, in bytes.
   * @defaultValue 64 MiB
   */
  readonly maxBytes?: number | undefined
}

const RETRIES = 10
const MAX_BYTES = 64 << 20
export interface CheckedOptions {
  readonly retries: number
  readonly sync: boolean
  readonly maxBytes: number
  readonly signal: AbortSignal | undefined
}

const DEFAULTS: CheckedOptions = { retries: RETRIES, maxBytes: MAX_BYTES, sync: false, signal: undefined }

/** Throws a MisuseError. */
export function checkedTransaction(body: unknown, options: TransactionOptions | undefined): CheckedOptions {
  if (typeof body !== 'function') {
    throw new MisuseError('LEVEL_INVALID_TRANSACTION', 'The first argument of transaction() must be a function: async tx => …')
  }
  if (options === undefined) return DEFAULTS
  const { retries = RETRIES, maxBytes = MAX_BYTES, sync = false, signal } = options
  for (const [name, value] of [
    ['retries', retries],
    ['maxBytes', maxBytes],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new MisuseError('LEVEL_INVALID_OPTION', `Option "${name}" must be an integer of 0 or more`)
  }
  return { retries, maxBytes, sync, signal: signal ?? undefined }
}

/** The result of the function, or an AbortError as soon as the signal is aborted. */
export async function unlessAborted<T>(signal: AbortSignal, body: () => Awaitable<T>): Promise<T> {
  let onAbort!: () => void
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new AbortError())
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([aborted, Promise.resolve(body())])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
