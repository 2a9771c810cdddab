/**
 * The result of an inspection as plain data: ranges of a file with their meaning and their problems. The terminal and pages
 * render the same spans.
 *
 * Invariants:
 * 1. The spans of a file, and the children of a span, follow each other without gap or overlap and fill their parent: each byte of
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
  /** The decoded value. */
  readonly value?: string | number
  /** The error found here. */
  readonly problem?: string
  /** A check that covers these bytes failed: the value may be wrong. */
  readonly unverified?: true
  /** The store does not read these bytes. */
  readonly unused?: true
  /** Shown even in short output: an operation, an entry, a field of a version edit. */
  readonly entry?: true
  readonly children?: readonly Span[]
  /** The contents of a compressed block; offsets in its spans count from the start of `bytes`. */
  readonly decompressed?: { readonly bytes: Uint8Array; readonly spans: readonly Span[] }
}

/** Bytes that cannot be read, or contradict others. */
export interface Problem {
  readonly file: string
  readonly message: string
  /** In bytes from the start of the file; absent when it concerns the whole file. */
  readonly offset?: number
  readonly length?: number
  /** The checksum computed from the bytes, and the stored one. */
  readonly expected?: string
  readonly found?: string
  /** Nothing proves that these bytes were ever durable: a tail that a crash tore, or damage. */
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

/** A copy of the span and its children marked as unverified. */
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
 * The spans in order of their offsets, with gaps filled by `filler`, so that they cover `[offset, end)`. A span that overlaps the one
 * before it, or reaches outside, is omitted and passed to `dropped`.
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

/** The message of a decoder's corruption error; rethrows any other error. */
export function damageIn(error: unknown): string {
  if (error instanceof CorruptionError) return error.message
  throw error
}

/** A 32-bit number as eight hexadecimal digits, as checksums are shown. */
export function word(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}
