/** The button beside a lane that forks it. */
import type { JSX } from 'preact'
import { forking } from './forking.js'
import { unlessRefused } from './refusal.js'
import { isBusy, refusal } from './state.js'

export function ForkButton({ lane, name }: { readonly lane: number; readonly name: string }): JSX.Element {
  return (
    <button
      class="fork-button"
      type="button"
      disabled={isBusy.value}
      aria-haspopup="dialog"
      aria-label={`Fork ${name}`}
      title={refusal.value ?? 'Another lane does the same with one option changed'}
      {...unlessRefused('refusal-operations')}
      onClick={() => (forking.value = lane)}
    >
      Fork
    </button>
  )
}
