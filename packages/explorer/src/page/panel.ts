/** What a panel is, and which there are: panels open each other by their names, so that none needs the code of another. */
import type { ComponentType } from 'preact'

export interface Panel {
  /** In the address: `#history`, or behind a link to a run: `#v1.…&history`. */
  readonly anchor: string
  readonly title: string
  /** What it is for, in a sentence. */
  readonly about: string
  readonly load: () => Promise<ComponentType>
  /** Stays open when something is selected in a drawing: the reader works in it. */
  readonly stays?: true
}

let known: readonly Panel[] = []

/** Says which panels there are; the page does so before it opens one. */
export function setPanels(panels: readonly Panel[]): void {
  known = panels
}

export function findPanel(anchor: string): Panel | undefined {
  return known.find(each => each.anchor === anchor)
}
