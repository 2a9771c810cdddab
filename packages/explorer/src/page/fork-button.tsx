/** The button beside a lane that forks it. */
import type { JSX } from 'preact'
import { forking } from './forking.js'
import { isBusy, summary } from './state.js'

export function ForkButton({ lane, name }: { readonly lane: number; readonly name: string }): JSX.Element | null {
  if (summary.value?.isRecorded) return null
  return (
    <button
      class="fork-button"
      type="button"
      disabled={isBusy.value}
      aria-haspopup="dialog"
      aria-label={`Fork ${name}`}
      title="Another lane does the same with one option changed"
      onClick={() => (forking.value = lane)}
    >
      Fork
    </button>
  )
}
