/** Where running programs are shown, if the page's server has any. Their code comes only then. */
import { signal } from '@preact/signals'
import type { ComponentType, JSX } from 'preact'

const loaded = signal<ComponentType | undefined>(undefined)

/** The server of `kvarium explore` says so in the page. */
const server = document.querySelector<HTMLMetaElement>('meta[name="kvarium-live"]')
if (server !== null) void import('./live.js').then(({ Live }) => (loaded.value = Live))

export function LivePlace(): JSX.Element | null {
  const Live = loaded.value
  return Live === undefined ? null : <Live />
}
