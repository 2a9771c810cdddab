/** Lists of many buttons are one stop for the tab key; the arrow keys go on within them. */
import type { TargetedKeyboardEvent } from 'preact'

/** For the list around the buttons, of which one has the tab index 0 and the others −1. */
export function moveFocus(event: TargetedKeyboardEvent<HTMLUListElement>): void {
  const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
  if (step === 0) return
  const buttons = [...event.currentTarget.querySelectorAll('button')]
  const to = buttons[buttons.indexOf(event.target as HTMLButtonElement) + step]
  // The page has moves through time on these keys.
  event.preventDefault()
  event.stopPropagation()
  to?.focus()
}
