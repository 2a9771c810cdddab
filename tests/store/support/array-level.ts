import { AbstractIterator, AbstractKeyIterator, AbstractLevel, AbstractSnapshot, AbstractValueIterator } from 'abstract-level'
import { compareKeys } from '../../../src/codec/entry.js'

interface Range {
  readonly gt?: Uint8Array
  readonly gte?: Uint8Array
  readonly lt?: Uint8Array
  readonly lte?: Uint8Array
  readonly reverse: boolean
  readonly keys: boolean
  readonly values: boolean
  readonly snapshot?: unknown
}
type Entry = readonly [key: Uint8Array, value: Uint8Array]
type Operation =
  { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array } | { readonly type: 'del'; readonly key: Uint8Array }

/**
 * The plainest store there is: a sorted array and one step at a time, everything else by abstract-level itself. The loops of other stores
 * are compared with it.
 */
export class ArrayLevel extends AbstractLevel<Uint8Array> {
  #entries: readonly Entry[] = []

  constructor(options: object) {
    super({ encodings: { view: true }, explicitSnapshots: true, implicitSnapshots: true, seek: true }, options)
  }

  async _put(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this._batch([{ type: 'put', key, value }])
  }

  async _batch(operations: readonly Operation[]): Promise<void> {
    for (const operation of operations) {
      const others = this.#entries.filter(([key]) => compareKeys(key, operation.key) !== 0)
      if (operation.type === 'put') others.push([operation.key, operation.value])
      this.#entries = others.sort(([a], [b]) => compareKeys(a, b))
    }
  }

  _iterator(range: Range): unknown {
    return new EntryIterator(this, range, this.#walk(range))
  }

  _keys(range: Range): unknown {
    return new KeyIterator(this, range, this.#walk(range))
  }

  _values(range: Range): unknown {
    return new ValueIterator(this, range, this.#walk(range))
  }

  #walk(range: Range): ArrayWalk {
    return new ArrayWalk(range, range.snapshot instanceof ArraySnapshot ? range.snapshot.entries : this.#entries)
  }

  _snapshot(options: object): ArraySnapshot {
    return new ArraySnapshot(options, this.#entries)
  }
}

class ArraySnapshot extends (AbstractSnapshot as unknown as new (options: object) => AbstractSnapshot) {
  readonly entries: readonly Entry[]

  constructor(options: object, entries: readonly Entry[]) {
    super(options)
    this.entries = entries
  }
}

/** The entries of a range in their order, and the place of the next one. */
class ArrayWalk {
  readonly #range: Range
  readonly #entries: readonly Entry[]
  #at = 0

  constructor(range: Range, entries: readonly Entry[]) {
    this.#range = range
    const inRange = entries.filter(([key]) => this.#contains(key))
    this.#entries = range.reverse ? inRange.reverse() : inRange
  }

  next(): Entry | undefined {
    return this.#entries[this.#at++]
  }

  seek(target: Uint8Array): void {
    const reached = ([key]: Entry): boolean => (this.#range.reverse ? compareKeys(key, target) <= 0 : compareKeys(key, target) >= 0)
    const found = this.#contains(target) ? this.#entries.findIndex(reached) : -1
    this.#at = found === -1 ? this.#entries.length : found
  }

  #contains(key: Uint8Array): boolean {
    const { gt, gte, lt, lte } = this.#range
    const aboveLower = gte !== undefined ? compareKeys(key, gte) >= 0 : gt === undefined || compareKeys(key, gt) > 0
    const belowUpper = lte !== undefined ? compareKeys(key, lte) <= 0 : lt === undefined || compareKeys(key, lt) < 0
    return aboveLower && belowUpper
  }
}

class EntryIterator extends AbstractIterator<ArrayLevel, Uint8Array, Uint8Array> {
  readonly #range: Range
  readonly #walk: ArrayWalk

  constructor(db: ArrayLevel, range: Range, walk: ArrayWalk) {
    super(db, range as object)
    this.#range = range
    this.#walk = walk
  }

  async _next(): Promise<[Uint8Array | undefined, Uint8Array | undefined] | undefined> {
    const entry = this.#walk.next()
    return entry && [this.#range.keys ? entry[0] : undefined, this.#range.values ? entry[1] : undefined]
  }

  _seek(target: Uint8Array): void {
    this.#walk.seek(target)
  }
}

class KeyIterator extends AbstractKeyIterator<ArrayLevel, Uint8Array> {
  readonly #walk: ArrayWalk

  constructor(db: ArrayLevel, range: Range, walk: ArrayWalk) {
    super(db, range as object)
    this.#walk = walk
  }

  async _next(): Promise<Uint8Array | undefined> {
    return this.#walk.next()?.[0]
  }

  _seek(target: Uint8Array): void {
    this.#walk.seek(target)
  }
}

class ValueIterator extends AbstractValueIterator<ArrayLevel, Uint8Array, Uint8Array> {
  readonly #walk: ArrayWalk

  constructor(db: ArrayLevel, range: Range, walk: ArrayWalk) {
    super(db, range as object)
    this.#walk = walk
  }

  async _next(): Promise<Uint8Array | undefined> {
    return this.#walk.next()?.[1]
  }

  _seek(target: Uint8Array): void {
    this.#walk.seek(target)
  }
}
