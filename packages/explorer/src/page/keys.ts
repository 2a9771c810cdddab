/** What the keys do, where no field or control takes them. */
import { goTo, last, move } from './state.js'

interface Key {
  /** As `KeyboardEvent.key`, with `shift+` in front where Shift is held. */
  readonly key: string
  readonly does: string
  readonly run: () => void
}

export const KEYS: readonly Key[] = [
  { key: 'ArrowRight', does: 'one moment on', run: () => void move(1, 'moment') },
  { key: 'ArrowLeft', does: 'one moment back', run: () => void move(-1, 'moment') },
  { key: 'shift+ArrowRight', does: 'to the next operation', run: () => void move(1, 'operation') },
  { key: 'shift+ArrowLeft', does: 'to the operation before', run: () => void move(-1, 'operation') },
  { key: 'Home', does: 'to the beginning', run: () => void goTo(0) },
  { key: 'End', does: 'to the end', run: () => void goTo(last.value) },
]

export function handleKey(event: KeyboardEvent): void {
  if (event.altKey || event.ctrlKey || event.metaKey) return
  const { target } = event
  if (target instanceof HTMLElement && target.matches('input, select, textarea, [contenteditable], pre')) return
  const pressed = `${event.shiftKey ? 'shift+' : ''}${event.key}`
  const found = KEYS.find(({ key }) => key === pressed)
  if (found === undefined) return
  event.preventDefault()
  found.run()
}
