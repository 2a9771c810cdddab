/**
 * The tables of one run read as one sorted sequence. A table is opened when the cursor reaches it, so a short scan of a
 * large run touches one table.
 */
import { ByteView, compareBytes, compareKeys, KIND_PUT, MAX_SEQUENCE, type EntryCursor, type EntryKind } from '../../codec/entry.js'
import type { TableFile } from '../versions/table-file.js'
import { firstNotBefore } from '../versions/version.js'

export class RunCursor implements EntryCursor {
  valid = false
  key: ByteView = NOTHING
  value: ByteView = NOTHING
  readonly #files: readonly TableFile[]
  readonly #open: (file: TableFile) => EntryCursor
  #index = -1
  #table: EntryCursor | undefined

  constructor(files: readonly TableFile[], open: (file: TableFile) => EntryCursor) {
    this.#files = files
    this.#open = open
  }

  get sequence(): number {
    return this.#table === undefined ? 0 : this.#table.sequence
  }

  get kind(): EntryKind {
    return this.#table === undefined ? KIND_PUT : this.#table.kind
  }

  first(): boolean {
    return this.#forwardFrom(0, this.#enter(0)?.first() === true)
  }

  last(): boolean {
    const index = this.#files.length - 1
    return this.#backwardFrom(index, this.#enter(index)?.last() === true)
  }

  seek(key: Uint8Array, sequence = MAX_SEQUENCE): boolean {
    const index = firstNotBefore(this.#files, key)
    return this.#forwardFrom(index, this.#enter(index)?.seek(key, sequence) === true)
  }

  seekBefore(key: Uint8Array): boolean {
    let index = firstNotBefore(this.#files, key)
    const file = this.#files[index]
    if (file === undefined || compareKeys(file.meta.smallest, key) >= 0) index--
    return this.#backwardFrom(index, this.#enter(index)?.seekBefore(key) === true)
  }

  next(): boolean {
    return this.#forwardFrom(this.#index, this.#table!.next())
  }

  prev(): boolean {
    return this.#backwardFrom(this.#index, this.#table!.prev())
  }

  /** A table without newer entries is left by a search, and not even opened if it ends before `end`. */
  skipCovered(sequence: number, end: Uint8Array | undefined): boolean {
    while (this.valid && this.sequence <= sequence && (end === undefined || compareView(this.key, end) < 0)) {
      if (this.#files[this.#index].meta.maxSequence > sequence) {
        this.next()
        continue
      }
      let next = this.#index + 1
      while (next < this.#files.length && isPassed(this.#files[next - 1], end) && isOld(this.#files[next], sequence)) next++
      if (!isPassed(this.#files[next - 1], end)) return this.seek(end!)
      if (next === this.#files.length) return this.#show(false)
      this.#forwardFrom(next, this.#enter(next)!.first())
    }
    return this.valid
  }

  skipCoveredBack(sequence: number, start: Uint8Array): boolean {
    while (this.valid && this.sequence <= sequence && compareView(this.key, start) >= 0) {
      if (this.#files[this.#index].meta.maxSequence > sequence) {
        this.prev()
        continue
      }
      let previous = this.#index - 1
      while (previous >= 0 && isPassedBack(this.#files[previous + 1], start) && isOld(this.#files[previous], sequence)) previous--
      if (!isPassedBack(this.#files[previous + 1], start)) return this.seekBefore(start)
      if (previous < 0) return this.#show(false)
      this.#backwardFrom(previous, this.#enter(previous)!.last())
    }
    return this.valid
  }

  close(): void {
    this.#leave()
  }

  /** A table may hold range tombstones only, or end before the target: goes on to the next ones. */
  #forwardFrom(index: number, found: boolean): boolean {
    while (!found && ++index < this.#files.length) found = this.#enter(index)!.first()
    return this.#show(found)
  }

  #backwardFrom(index: number, found: boolean): boolean {
    while (!found && --index >= 0) found = this.#enter(index)!.last()
    return this.#show(found)
  }

  #show(found: boolean): boolean {
    if (!found) {
      this.#leave()
      return false
    }
    this.key = this.#table!.key
    this.value = this.#table!.value
    return (this.valid = true)
  }

  #enter(index: number): EntryCursor | undefined {
    if (index === this.#index && this.#table !== undefined) return this.#table
    this.#leave()
    const file = this.#files[index]
    if (file === undefined) return undefined
    this.#index = index
    this.#table = this.#open(file)
    return this.#table
  }

  #leave(): void {
    this.#table?.close()
    this.#table = undefined
    this.#index = -1
    this.valid = false
    this.key = NOTHING
    this.value = NOTHING
  }
}

function isOld(file: TableFile, sequence: number): boolean {
  return file.meta.maxSequence <= sequence
}

/** Whether all of the table is before `end`. */
function isPassed(file: TableFile, end: Uint8Array | undefined): boolean {
  return end === undefined || compareKeys(file.meta.largest, end) < 0
}

/** Whether all of the table is at or behind `start`. */
function isPassedBack(file: TableFile, start: Uint8Array): boolean {
  return compareKeys(file.meta.smallest, start) >= 0
}

function compareView({ bytes, start, end }: ByteView, key: Uint8Array): number {
  return compareBytes(bytes, start, end, key, 0, key.length)
}

const NOTHING = new ByteView()
