/** What every drawing is, and what it gets. */
import type { ComponentType } from 'preact'
import type { LaneLook } from '../../session/protocol.js'
import type { PictureName } from '../../views/catalog.js'

/** A drawing is drawn again when its own picture has changed, and when a signal has that it reads. */
export interface DrawingProps {
  readonly lane: LaneLook
  readonly index: number
}

/** Drawings that mean the same in different engines stand side by side in a row. */
export type RowName = 'log' | 'memory' | 'disk' | 'merge' | 'cache' | 'ledger' | 'files' | 'bytes'

export interface Drawing {
  readonly row: RowName
  readonly picture: PictureName
  readonly title: string
  /** The events that happen in what it draws: types, or their first words. */
  readonly events: readonly string[]
  readonly Component: ComponentType<DrawingProps>
}
