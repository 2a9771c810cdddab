/** What came of an operation, in words. */
import type { Outcome } from './operation.js'

/** One line; empty where there is no more to say than that all went well. */
export function outcomeText({ status, text, code }: Outcome): string {
  if (status !== 'failed' && status !== 'conflict') return text
  return `${status}${code === undefined ? '' : ` (${code})`}: ${text}`
}
