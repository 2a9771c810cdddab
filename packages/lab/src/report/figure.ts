import type { Markup } from './charts/markup.js'
import type { DefinitionName } from './definitions.js'

/** Data shown as a drawing and as a table. */
export interface Figure {
  /** Unique in the report, usable as a file name. */
  readonly id: string
  readonly title: string
  /** A sentence that describes the drawing. */
  readonly description: string
  readonly definition: DefinitionName
  readonly drawing: Markup
  readonly table: { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
}

export interface FigureGroup {
  readonly id: string
  readonly title: string
  readonly figures: readonly Figure[]
  /** The values span orders of magnitude. */
  readonly isUneven?: boolean
}

/** A name for ids and files. Two names may give the same slug: ids have the engine's number as well. */
export function slug(name: string): string {
  return (
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'engine'
  )
}
