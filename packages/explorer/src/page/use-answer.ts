/** The answer to a call that only one component needs. */
import { useEffect, useState } from 'preact/hooks'
import type { CallName, ExplorerCalls } from '../session/protocol.js'
import { ask } from './state.js'

/** What the worker says, asked again whenever a parameter changes; `undefined` until the first answer. */
export function useAnswer<Name extends CallName>(
  name: Name,
  parameters: Parameters<ExplorerCalls[Name]> | undefined,
): ReturnType<ExplorerCalls[Name]> | undefined {
  const [answer, setAnswer] = useState<ReturnType<ExplorerCalls[Name]> | undefined>(undefined)
  const asked = JSON.stringify(parameters)
  useEffect(() => {
    let isCurrent = true
    if (parameters === undefined) setAnswer(undefined)
    else {
      void ask(name, ...parameters).then(found => {
        if (isCurrent) setAnswer(() => found)
      })
    }
    return () => {
      isCurrent = false
    }
  }, [name, asked])
  return answer
}
