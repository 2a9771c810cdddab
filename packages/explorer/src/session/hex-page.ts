/** Annotated bytes of a file. */

/** A row of annotated hex. */
export interface HexLine {
  /** How deep in the structure: 0 is a part of the file. */
  readonly depth: number
  /** Offset of its first byte: in the file, or in what `decompressed` says. */
  readonly offset: number
  /** Two digits for each byte, with spaces between; none for the heading of a part. */
  readonly bytes: string
  readonly text: string
  readonly meaning: string
  readonly state: 'good' | 'unverified' | 'unused'
  readonly isProblem?: true
  /** The bytes are decompressed contents. */
  readonly decompressed?: true
  /** Which bytes of the row the present event has written, the end excluded. */
  readonly written?: readonly [from: number, to: number]
}

/** A part of a file at a position. */
export interface HexPage {
  readonly file: string
  /** What kind of file it is. */
  readonly title: string
  /** In bytes. */
  readonly size: number
  readonly isWhole: boolean
  /** Offset of its first byte. */
  readonly offset: number
  readonly lines: readonly HexLine[]
  /** Offset of the first byte behind the page; absent at the end of the file. */
  readonly nextOffset?: number
  /** What the present event has written. */
  readonly written?: { readonly offset: number; readonly length: number }
  readonly problems: readonly string[]
}
