/** The answer to a call that only one component needs. */
import { useEffect, useState } from 'preact/hooks'
import type { CallName, ExplorerCalls } from '../session/protocol.js'
import { errorText } from './error-text.js'
import { ask } from './state.js'

/** What came of a call; neither until it has been answered. */
export interface Asked<T> {
  readonly answer?: T
  /** Why there is no answer, in a sentence. */
  readonly problem?: string
}

const NOTHING_YET = {}

/** What the worker says, asked again whenever a parameter changes; what came of the call before stays until then. */
export function useAnswer<Name extends CallName>(
  name: Name,
  parameters: Parameters<ExplorerCalls[Name]> | undefined,
): Asked<ReturnType<ExplorerCalls[Name]>> {
  const [asked, setAsked] = useState<Asked<ReturnType<ExplorerCalls[Name]>>>(NOTHING_YET)
  const key = JSON.stringify(parameters)
  useEffect(() => {
    let isCurrent = true
    if (parameters === undefined) setAsked(NOTHING_YET)
    else {
      ask(name, ...parameters).then(
        answer => {
          if (isCurrent) setAsked({ answer })
        },
        (error: unknown) => {
          if (isCurrent) setAsked({ problem: sentenceOf(error) })
        },
      )
    }
    return () => {
      isCurrent = false
    }
  }, [name, key])
  return asked
}

/** An error as a sentence of the page. */
export function sentenceOf(error: unknown): string {
  const text = errorText(error)
  return `This cannot be shown: ${text}${/[.!?]$/.test(text) ? '' : '.'}`
}
