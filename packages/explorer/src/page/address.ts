/** What the page's address says behind its `#`: a run, a panel, both or nothing: `v1.…`, `history`, `v1.…&history`. */
import { findPanel } from './panel.js'

export interface Address {
  /** Empty for no run. */
  readonly link: string
  readonly panel?: string
}

export function readAddress(hash: string): Address {
  const [first, second] = hash.replace(/^#/, '').split('&')
  if (isPanel(first)) return { link: '', panel: first }
  return { link: first, ...(isPanel(second) && { panel: second }) }
}

export function writeAddress({ link, panel }: Address): string {
  const parts = [link, panel].filter(part => part !== undefined && part !== '')
  return parts.length === 0 ? '' : `#${parts.join('&')}`
}

function isPanel(name: string | undefined): boolean {
  return name !== undefined && findPanel(name) !== undefined
}
