import { KvariumError } from 'kvarium'
import { UsageError } from './usage-error.js'

/** An error that keeps a command from starting is printed without a stack. */
export function asUsageError(error: unknown): never {
  throw error instanceof KvariumError ? new UsageError(error.message) : error
}
