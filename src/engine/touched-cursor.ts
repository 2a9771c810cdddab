import type { ByteView } from '../codec/entry.js'
import type { ReadCounts } from '../trace/ledger.js'
import type { Trace } from '../trace/span.js'
import type { Cursor } from './contract.js'

/** A cursor that gives the current span what each of its moves has touched: the growth of the counts that it adds to. */
export class TouchedCursor implements Cursor {
  readonly #inner: Cursor
  readonly #counts: Readonly<ReadCounts>
  readonly #trace: Trace

  constructor(inner: Cursor, counts: Readonly<ReadCounts>, trace: Trace) {
    this.#inner = inner
    this.#counts = counts
    this.#trace = trace
  }

  get valid(): boolean {
    return this.#inner.valid
  }

  get key(): ByteView {
    return this.#inner.key
  }

  get value(): ByteView {
    return this.#inner.value
  }

  first(): boolean {
    return this.#move(() => this.#inner.first())
  }

  last(): boolean {
    return this.#move(() => this.#inner.last())
  }

  seek(target: Uint8Array): boolean {
    return this.#move(() => this.#inner.seek(target))
  }

  seekReverse(target: Uint8Array): boolean {
    return this.#move(() => this.#inner.seekReverse(target))
  }

  next(): boolean {
    return this.#move(() => this.#inner.next())
  }

  prev(): boolean {
    return this.#move(() => this.#inner.prev())
  }

  close(): void {
    this.#inner.close()
  }

  #move(work: () => boolean): boolean {
    const before = { ...this.#counts }
    const valid = work()
    const touched = { ...this.#counts }
    for (const field of Object.keys(touched) as (keyof ReadCounts)[]) touched[field] -= before[field]
    this.#trace.currentSpan?.touch(touched)
    return valid
  }
}
