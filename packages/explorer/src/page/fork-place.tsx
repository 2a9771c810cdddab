/** Where the dialog of a fork appears. Its code loads when it is wanted. */
import type { JSX } from 'preact'
import { forking } from './forking.js'
import { Lazy } from './lazy.js'

const loadDialog = async (): Promise<() => JSX.Element | null> => (await import('./fork-dialog.js')).ForkDialog

export function ForkPlace(): JSX.Element | null {
  return forking.value === undefined ? null : <Lazy load={loadDialog} />
}
