import { KvariumError } from 'kvarium'
import { UsageError } from './usage-error.js'

/** Makes an error that prevents a command's start one that is printed without a stack. */
export function asUsageError(error: unknown): never {
  throw error instanceof KvariumError ? new UsageError(error.message) : error
}
