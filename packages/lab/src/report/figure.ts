import type { Markup } from './charts/markup.js'
import type { DefinitionName } from './definitions.js'

/** Something shown in a drawing and as a table. */
export interface Figure {
  /** Unique in the report, good for the name of a file. */
  readonly id: string
  readonly title: string
  /** What is to be seen, a sentence. */
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

/** For ids and names of files. Two names may come to the same: ids have the engine's number as well. */
export function slug(name: string): string {
  return (
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'engine'
  )
}
