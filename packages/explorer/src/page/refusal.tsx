/** Why a run takes no operations, where controls are that need them. */
import type { JSX } from 'preact'
import { DEFAULT_LANES } from '../run/engine-lanes.js'
import { begin, refusal } from './state.js'

/** What a control has that needs operations: where the run takes none it is disabled, and described by the reason. */
export function unlessRefused(id: string): { readonly disabled?: true; readonly 'aria-describedby'?: string } {
  return refusal.value === undefined ? {} : { disabled: true, 'aria-describedby': id }
}

/** The reason, before the controls. */
export function Refusal({ id, isLeading = false }: { readonly id: string; readonly isLeading?: boolean }): JSX.Element | null {
  if (refusal.value === undefined) return null
  return (
    <p id={id} class="about" role="note">
      {refusal.value}{' '}
      {isLeading ? (
        <button type="button" onClick={() => void begin({ seed: 1, lanes: DEFAULT_LANES })}>
          Begin a new run
        </button>
      ) : null}
    </p>
  )
}
