/** What a reader of the page has selected. */

/** A thing of a lane that has a history. */
export type Selection = { readonly lane: number } & (
  | { readonly kind: 'table'; readonly table: number }
  | { readonly kind: 'page'; readonly page: number }
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'bytes'; readonly file: string; readonly offset: number; readonly length: number }
)
