/** What the page looks for in the run: moments of a type, or a text in the sentences. */
import { signal } from '@preact/signals'
import { openPanel } from './open-panel.js'
import { move, summary } from './state.js'

export const wantedType = signal('')
export const wantedText = signal('')
/** Only in this lane, if one is chosen. */
export const wantedLane = signal<number | undefined>(undefined)
/** Whether the field for the text is to have the focus. */
export const isFieldWanted = signal(false)

/** Goes to the next moment that is looked for. */
export function find(direction: 1 | -1): void {
  const lanes = summary.value?.settings.lanes.length ?? 0
  // Another run may have fewer lanes.
  const lane = wantedLane.value !== undefined && wantedLane.value < lanes ? wantedLane.value : undefined
  if (wantedText.value !== '') void move(direction, { text: wantedText.value }, lane)
  else if (wantedType.value !== '') void move(direction, { type: wantedType.value }, lane)
  else focusSearch()
}

/** Opens the panel with the search. */
export function focusSearch(): void {
  openPanel('timeline')
  isFieldWanted.value = true
}
