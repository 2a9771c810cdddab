/**
 * A cursor over the keys in their order, at one moment.
 *
 * Invariants:
 * 1. It holds its moment, so that no record of its order becomes that of another key.
 * 2. A move reads the value of the entry that it shows, so that what can fail, or has to wait for the disk, is a move.
 */
import { ByteView, KIND_PUT_EXPIRING } from '../codec/entry.js'
import { takeExpiry } from '../codec/expiry.js'
import type { Cursor } from '../engine/contract.js'
import { isBelow, isBeyond, isEmptyRange, keyAfter, type HalfOpenRange } from '../engine/range.js'
import { MisuseError } from '../errors.js'
import type { ReadCounts } from '../trace/ledger.js'
import type { Directory } from './directory.js'
import type { Entries } from './entries.js'
import { RecordWalk } from './key-order.js'
import type { Moment } from './moments.js'

export class HashCursor implements Cursor {
  valid = false
  readonly key = new ByteView()
  readonly value = new ByteView()
  readonly #entries: Entries
  readonly #directory: Directory
  readonly #walk: RecordWalk
  readonly #moment: Moment
  readonly #range: HalfOpenRange
  readonly #counts: ReadCounts
  #bytes = new Uint8Array(256)
  #isClosed = false

  /** @param moment released with the cursor */
  constructor(entries: Entries, moment: Moment, range: HalfOpenRange, counts: ReadCounts) {
    this.#entries = entries
    this.#directory = entries.directory
    this.#walk = new RecordWalk(entries.directory, entries.sorted())
    this.#moment = moment
    this.#range = range
    this.#counts = counts
  }

  first(): boolean {
    this.#requireOpen()
    this.#walk.seek(this.#range.lower)
    return this.#showForward()
  }

  last(): boolean {
    this.#requireOpen()
    const { upper } = this.#range
    if (upper === undefined) this.#walk.toEnd()
    else this.#walk.seek(upper)
    return this.#showBackward()
  }

  seek(target: Uint8Array): boolean {
    if (isBelow(this.#range.lower, target, 0, target.length)) return this.first()
    this.#requireOpen()
    this.#walk.seek(target)
    return this.#showForward()
  }

  seekReverse(target: Uint8Array): boolean {
    if (isBeyond(this.#range.upper, target, 0, target.length)) return this.last()
    this.#requireOpen()
    this.#walk.seek(keyAfter(target))
    return this.#showBackward()
  }

  next(): boolean {
    if (!this.valid) throw notOnAnEntry('next')
    this.#walk.forward()
    return this.#showForward()
  }

  prev(): boolean {
    if (!this.valid) throw notOnAnEntry('prev')
    return this.#showBackward()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.valid = false
    this.#moment.release()
  }

  /** Shows the first entry ahead. */
  #showForward(): boolean {
    const { upper } = this.#range
    this.valid = false
    if (isEmptyRange(this.#range)) return false
    for (let record = this.#walk.ahead; record !== 0; record = this.#walk.ahead) {
      this.#directory.setKey(record, this.key)
      if (isBeyond(upper, this.key.bytes, this.key.start, this.key.end)) return false
      if (this.#shows(record)) return true
      this.#walk.forward()
    }
    return false
  }

  /** Shows the last entry behind the place; the place is before it then. */
  #showBackward(): boolean {
    const { lower } = this.#range
    this.valid = false
    if (isEmptyRange(this.#range)) return false
    for (let record = this.#walk.back(); record !== 0; record = this.#walk.back()) {
      this.#directory.setKey(record, this.key)
      if (isBelow(lower, this.key.bytes, this.key.start, this.key.end)) return false
      if (this.#shows(record)) return true
    }
    return false
  }

  /** Whether there is an entry of the record at the moment. */
  #shows(record: number): boolean {
    const found = this.#entries.versionOf(record, this.#moment.sequence)
    if (found === undefined) return false
    const { value } = this
    const { files } = this.#entries
    files.counts = this.#counts
    files.read(found, this.#directory.hashAt(record), value)
    const length = value.length
    if (length > this.#bytes.length) this.#bytes = new Uint8Array(length * 2)
    this.#bytes.set(value.bytes.subarray(value.start, value.end))
    value.set(this.#bytes, 0, length)
    if (found.kind === KIND_PUT_EXPIRING && takeExpiry(value, this.#moment.time) === undefined) return false
    this.#counts.operations++
    return (this.valid = true)
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new MisuseError('LEVEL_CURSOR_CLOSED', 'The cursor is closed; open another one')
  }
}

function notOnAnEntry(method: string): MisuseError {
  return new MisuseError('LEVEL_CURSOR_NOT_VALID', `${method}() needs a cursor that is on an entry; call first, last or seek before`)
}
