/** Spans as lines of hexadecimal digits, each with the meaning of its bytes: for the terminal and for pages. */
import type { Span } from './span.js'

export interface HexRow {
  /** How deep in the structure: 0 is a part of the file. */
  readonly depth: number
  /** Offset of the first byte of the row. */
  readonly offset: number
  /** Bytes of the row; none for the heading of a span with children. */
  readonly bytes: Uint8Array
  /** Name and value; only with the first row of a span. */
  readonly name?: string
  readonly value?: string
  readonly problem?: string
  readonly state: 'good' | 'unverified' | 'unused'
  /** Number of bytes omitted behind this row. */
  readonly omitted?: number
  /** The bytes are decompressed contents, and offsets count in them. */
  readonly decompressed?: true
}

export interface HexOptions {
  /** Bytes per row. */
  readonly width: number
  /** Most rows of one span. */
  readonly rows: number
}

/** The rows of the spans. `read` returns bytes of the file. */
export function* hexRows(
  span: Span,
  read: (offset: number, length: number) => Uint8Array,
  options: HexOptions,
  depth = 0,
): Generator<HexRow> {
  const { offset, length, name, value, problem, children, decompressed } = span
  const state = span.unverified === true ? 'unverified' : span.unused === true ? 'unused' : 'good'
  const head = { name, ...(value !== undefined && { value: String(value) }), ...(problem !== undefined && { problem }) }
  if (children !== undefined && children.length > 0) {
    yield { depth, offset, bytes: NONE, state, ...head }
    for (const child of children) yield* hexRows(child, read, options, depth + 1)
    return
  }
  const shown = Math.min(length, options.width * options.rows)
  for (let at = 0; at < shown; at += options.width) {
    const bytes = read(offset + at, Math.min(options.width, shown - at))
    const isLast = at + options.width >= shown
    yield {
      depth,
      offset: offset + at,
      bytes,
      state,
      ...(at === 0 && head),
      ...(isLast && shown < length && { omitted: length - shown }),
    }
  }
  if (decompressed === undefined) return
  const readInside = (from: number, count: number): Uint8Array => decompressed.bytes.subarray(from, from + count)
  for (const inner of decompressed.spans) {
    for (const row of hexRows(inner, readInside, options, depth + 1)) yield { ...row, decompressed: true }
  }
}

const NONE = new Uint8Array(0)
