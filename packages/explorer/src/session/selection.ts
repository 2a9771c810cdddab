/** What a reader of the page has selected. */
import { visibleText } from 'kvarium/observe'
import { shortWord } from '../run/command.js'

/** A thing of a lane that has a history. */
export type Selection = { readonly lane: number } & (
  | { readonly kind: 'table'; readonly table: number }
  | { readonly kind: 'page'; readonly page: number }
  | { readonly kind: 'key'; readonly key: string }
  /** `from` is the position at which it begins: numbers of jobs begin anew when a store is opened. `name` is its kind. */
  | { readonly kind: 'job'; readonly job: number; readonly from: number; readonly name: string }
  | { readonly kind: 'snapshot'; readonly name: string }
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'bytes'; readonly file: string; readonly offset: number; readonly length: number }
)

/** What it is called above its history. */
export function titleOf(selection: Selection): string {
  switch (selection.kind) {
    case 'table':
      return `Table ${selection.table}`
    case 'file':
      return `File ${visibleText(selection.file)}`
    case 'bytes':
      return selection.length === 1
        ? `Byte ${selection.offset} of ${selection.file}`
        : `Bytes ${selection.offset} to ${selection.offset + selection.length} of ${selection.file}`
    case 'page':
      return `Page ${selection.page}`
    case 'job':
      return `Job ${selection.job} (${selection.name})`
    case 'snapshot':
      return `Snapshot ${shortWord(selection.name)}`
    case 'key':
      return `Key ${shortWord(selection.key)}`
  }
}
