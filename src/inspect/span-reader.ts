import { VarintReader } from '../codec/varint.js'
import { CorruptionError } from '../errors.js'
import type { Span } from './span.js'

type Details = Partial<Omit<Span, 'offset' | 'length' | 'name'>>

/** Decodes bytes field by field and keeps a span for each. Reading past the end is a `CorruptionError` and consumes nothing. */
export class SpanReader {
  readonly spans: Span[] = []
  readonly bytes: Uint8Array
  /** Index in `bytes` of the next field, and where reading must stop. */
  at: number
  readonly end: number
  /** Offset of `bytes[0]` in the file. */
  readonly base: number

  constructor(bytes: Uint8Array, base: number, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.base = base
    this.at = at
    this.end = end
  }

  get left(): number {
    return this.end - this.at
  }

  /** A little-endian number of up to seven significant bytes. */
  number(name: string, length: number, show?: (value: number) => Details): number {
    this.#need(name, length)
    let value = 0
    for (let i = length - 1; i >= 0; i--) value = value * 256 + this.bytes[this.at + i]
    this.#push(name, length, { value, ...show?.(value) })
    return value
  }

  varint(name: string, show?: (value: number) => Details): number {
    const reader = new VarintReader(this.bytes, this.at, this.end)
    const value = reader.read()
    this.#push(name, reader.at - this.at, { value, ...show?.(value) })
    return value
  }

  take(name: string, length: number, details: Details = {}): Uint8Array {
    this.#need(name, length)
    const bytes = this.bytes.subarray(this.at, this.at + length)
    // An empty field has no span.
    if (length > 0) this.#push(name, length, details)
    return bytes
  }

  /** The fields that `read` decodes become the children of one span. If it throws, the fields read before stay. */
  group(name: string, read: (inner: SpanReader) => Details | void): void {
    const inner = new SpanReader(this.bytes, this.base, this.at, this.end)
    let details: Details | void = undefined
    try {
      details = read(inner)
    } finally {
      const length = inner.at - this.at
      if (length > 0) this.#push(name, length, { ...details, children: inner.spans })
    }
  }

  /** The rest as bytes without meaning. */
  rest(name: string, details: Details = {}): void {
    if (this.left > 0) this.take(name, this.left, details)
  }

  #push(name: string, length: number, details: Details): void {
    this.spans.push({ offset: this.base + this.at, length, name, ...details })
    this.at += length
  }

  #need(name: string, length: number): void {
    if (length > this.left) throw new CorruptionError(`the field "${name}" runs past its end`)
  }
}
