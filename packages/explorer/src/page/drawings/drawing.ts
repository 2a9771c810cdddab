/** What every drawing is, and what it gets. */
import type { ComponentType } from 'preact'
import type { LaneLook } from '../../session/protocol.js'
import type { PictureName } from '../../views/catalog.js'

export interface DrawingProps {
  readonly lane: LaneLook
  readonly index: number
}

export interface Drawing {
  readonly picture: PictureName
  readonly title: string
  readonly Component: ComponentType<DrawingProps>
}
