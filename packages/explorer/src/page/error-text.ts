/** Errors as the page says them. */
import { visibleText } from 'kvarium/observe'
import { codeOf } from '../run/explorer-error.js'

/** What happened and what to do, with the code of the error if it has one. Every character can be seen. */
export function errorText(error: unknown): string {
  const text = visibleText(error instanceof Error ? error.message : String(error))
  const code = codeOf(error)
  return code === undefined ? text : `${text} (${code})`
}
