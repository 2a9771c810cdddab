import { BATCH_HEADER_BYTES } from '../engine/batch.js'
import { describeBatch, readBatch } from './batch-spans.js'
import type { Decoder, FileContext, PartRange } from './inspected-file.js'
import { FramedFile } from './log-file.js'
import { SpanReader } from './span-reader.js'
import type { Fact, Span } from './span.js'

/** A write-ahead log: its records are write batches. */
export class LogDecoder implements Decoder {
  readonly title = 'write-ahead log'
  readonly selections = []
  readonly #framed: FramedFile
  #operations = 0
  #first: number | undefined
  #last = 0

  constructor(context: FileContext) {
    const { preview } = context
    this.#framed = new FramedFile(context, {
      name: 'a write batch',
      read: payload => describeBatch(readBatch(payload, preview)),
      take: payload => this.#take(payload),
    })
  }

  parts(range: PartRange): Generator<Span> {
    return this.#framed.parts(range)
  }

  facts(): readonly Fact[] {
    const sequence =
      this.#first === undefined
        ? []
        : [{ name: 'sequence', value: this.#first === this.#last ? `${this.#first}` : `${this.#first} to ${this.#last}` }]
    return [...this.#framed.facts(), { name: 'operations', value: this.#operations }, ...sequence]
  }

  #take(payload: Uint8Array): void {
    const header = new SpanReader(payload, 0, 0, BATCH_HEADER_BYTES)
    const first = header.number('first', 8)
    const count = header.number('count', 4)
    this.#first ??= first
    this.#last = first + count - 1
    this.#operations += count
  }
}
