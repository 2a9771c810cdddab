import { KvariumError } from '../errors.js'
import { UsageError } from './usage-error.js'

/** What keeps a command from even beginning is told without a stack. */
export function asUsageError(error: unknown): never {
  throw error instanceof KvariumError ? new UsageError(error.message) : error
}
