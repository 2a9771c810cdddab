/**
 * What inspection finds, as plain data: stretches of a file with their meaning, and what is wrong with them. The terminal and pages
 * render the same spans.
 *
 * Invariants:
 * 1. The spans of a file, and the children of a span, follow each other without gap or overlap and fill what they are in: each byte of
 *    a file is in exactly one span without children.
 * 2. Bytes that fail a check are never shown as good: they are in a span with a `problem`, or `unverified` below one.
 */
import { CorruptionError } from '../errors.js'

export interface Span {
  /** In bytes from the start of the file, or of the decompressed contents that the span is in. */
  readonly offset: number
  /** In bytes. */
  readonly length: number
  readonly name: string
  /** What the bytes say. */
  readonly value?: string | number
  /** What is wrong here. */
  readonly problem?: string
  /** A check that covers these bytes failed: what is shown may be wrong. */
  readonly unverified?: true
  /** Nothing reads these bytes. */
  readonly unused?: true
  /** Worth a line where details are left out: an operation, an entry, a field of a version edit. */
  readonly entry?: true
  readonly children?: readonly Span[]
  /** What is in a compressed block; offsets in its spans count from the start of `bytes`. */
  readonly decompressed?: { readonly bytes: Uint8Array; readonly spans: readonly Span[] }
}

/** Something that cannot be read, or contradicts something else. */
export interface Problem {
  readonly file: string
  readonly message: string
  /** In bytes from the start of the file; absent when the file as a whole is meant. */
  readonly offset?: number
  readonly length?: number
  /** Checksums as they should be, for the bytes that are there, and as they are. */
  readonly expected?: string
  readonly found?: string
  /** Nothing proves that these bytes were ever durable: an end that a crash tore off, or damage. */
  readonly torn?: true
}

/** A fact of a summary. */
export interface Fact {
  readonly name: string
  readonly value: string | number
}

/** A structure as a tree of lines. */
export interface Outline {
  readonly label: string
  readonly problem?: string
  readonly children?: readonly Outline[]
}

/** The same span and all below it as not to be trusted. */
export function distrust(span: Span): Span {
  const { children, decompressed } = span
  return {
    ...span,
    unverified: true,
    ...(children !== undefined && { children: children.map(distrust) }),
    ...(decompressed !== undefined && { decompressed: { ...decompressed, spans: decompressed.spans.map(distrust) } }),
  }
}

/**
 * The spans in order of their offsets, with what lies between them filled by `filler`, so that they cover `[offset, end)`. A span that
 * overlaps the one before it, or reaches outside, is left out and told to `dropped`.
 */
export function tile(
  offset: number,
  end: number,
  spans: readonly Span[],
  filler: (offset: number, length: number) => Span,
  dropped: (span: Span) => void,
): Span[] {
  const result: Span[] = []
  let at = offset
  for (const span of [...spans].sort((a, b) => a.offset - b.offset || a.length - b.length)) {
    if (span.offset < at || span.offset + span.length > end) {
      dropped(span)
      continue
    }
    if (span.offset > at) result.push(filler(at, span.offset - at))
    result.push(span)
    at = span.offset + span.length
  }
  if (at < end) result.push(filler(at, end - at))
  return result
}

/** The message of damage that a decoder met; anything else is thrown on. */
export function damageIn(error: unknown): string {
  if (error instanceof CorruptionError) return error.message
  throw error
}

/** A 32-bit number as eight hexadecimal digits, as checksums are shown. */
export function word(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}
