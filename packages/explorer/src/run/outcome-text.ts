/** What came of an operation, in words. */
import { visibleText } from 'kvarium/observe'
import type { Outcome } from './operation.js'

/** One line in which every character can be seen; empty where there is no more to say than that all went well. */
export function outcomeText({ status, text, code }: Outcome): string {
  const seen = visibleText(text)
  if (status !== 'failed' && status !== 'conflict') return seen
  return `${status}${code === undefined ? '' : ` (${code})`}: ${seen}`
}
