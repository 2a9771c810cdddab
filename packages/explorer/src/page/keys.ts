/** What the keys do, where no field or control takes them. */
import { signal } from '@preact/signals'
import { focusEditor } from './editor.js'
import { find, focusSearch } from './find.js'
import { openedPanel } from './open-panel.js'
import { focusTab } from './panel-tabs.js'
import { togglePlay } from './play.js'
import { goTo, last, move } from './state.js'

interface Key {
  /** As `KeyboardEvent.key`; with `shift+` in front where Shift is held and the key writes no character. */
  readonly key: string
  readonly does: string
  readonly run: () => void
}

export const areKeysShown = signal(false)

export const KEYS: readonly Key[] = [
  { key: 'ArrowRight', does: 'one moment on', run: () => void move(1, 'moment') },
  { key: 'ArrowLeft', does: 'one moment back', run: () => void move(-1, 'moment') },
  { key: '.', does: 'one moment on, also where the arrows select', run: () => void move(1, 'moment') },
  { key: ',', does: 'one moment back, also where the arrows select', run: () => void move(-1, 'moment') },
  { key: 'shift+ArrowRight', does: 'to the next operation', run: () => void move(1, 'operation') },
  { key: 'shift+ArrowLeft', does: 'to the operation before', run: () => void move(-1, 'operation') },
  { key: 'j', does: 'to where the next job begins or ends', run: () => void move(1, 'job') },
  { key: 'J', does: 'to where the job before begins or ends', run: () => void move(-1, 'job') },
  { key: 'n', does: 'to the next moment that is looked for', run: () => find(1) },
  { key: 'N', does: 'to the moment before that is looked for', run: () => find(-1) },
  { key: 'Home', does: 'to the beginning', run: () => void goTo(0) },
  { key: 'End', does: 'to the end', run: () => void goTo(last.value) },
  { key: 'p', does: 'play, or pause', run: togglePlay },
  { key: '/', does: 'look for a text', run: focusSearch },
  { key: 'e', does: 'type an operation', run: focusEditor },
  { key: 't', does: 'to the tabs of the panels', run: () => focusTab(openedPanel.value) },
  { key: '?', does: 'show these keys', run: () => (areKeysShown.value = true) },
]

/** A key as the page shows it. */
export function keyText(key: string): string {
  return key.replace('shift+', 'Shift+').replace('ArrowRight', '→').replace('ArrowLeft', '←')
}

export function handleKey(event: KeyboardEvent): void {
  if (event.altKey || event.ctrlKey || event.metaKey || areKeysShown.value) return
  const { target } = event
  if (target instanceof HTMLElement && target.matches('input, select, textarea, [contenteditable]')) return
  const pressed = `${event.shiftKey && event.key.length > 1 ? 'shift+' : ''}${event.key}`
  const found = KEYS.find(({ key }) => key === pressed)
  if (found === undefined) return
  event.preventDefault()
  found.run()
}
