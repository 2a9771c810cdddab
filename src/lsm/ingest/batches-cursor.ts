/** The puts of encoded batches, in their order, as entries of one sequence number. Forward only. */
import type { ByteView, EntryCursor, EntryKind } from '../../codec/entry.js'
import { BatchReader } from '../../engine/batch.js'

export class BatchesCursor implements Pick<EntryCursor, 'valid' | 'key' | 'value' | 'sequence' | 'kind' | 'first' | 'next' | 'close'> {
  valid = false
  readonly sequence: number
  readonly #batches: readonly Uint8Array[]
  readonly #reader = new BatchReader()
  #next = 0

  constructor(batches: readonly Uint8Array[], sequence: number) {
    this.#batches = batches
    this.sequence = sequence
  }

  get key(): ByteView {
    return this.#reader.key
  }

  get value(): ByteView {
    return this.#reader.value
  }

  get kind(): EntryKind {
    return this.#reader.kind
  }

  first(): boolean {
    this.#next = 0
    return this.#enterNext()
  }

  next(): boolean {
    return this.#reader.next() || this.#enterNext()
  }

  close(): void {
    this.valid = false
  }

  #enterNext(): boolean {
    while (this.#next < this.#batches.length) {
      const batch = this.#batches[this.#next++]
      if (this.#reader.reset(batch, 0, batch.length).next()) return (this.valid = true)
    }
    return (this.valid = false)
  }
}
