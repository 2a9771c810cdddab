/** The data file of a B+tree as a strip of units: which are used, which are free, and what was just taken and given back. */
import { DATA_FILE } from 'kvarium/btree'
import { UNIT_FREE, UNIT_UNKNOWN, UNIT_USED, UnitStates } from 'kvarium/observe'
import type { TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'

/** A piece of the strip. The counts of units add up to those of the piece. */
export interface SpaceBucket {
  readonly used: number
  readonly free: number
  /** Were there at the opening, which does not say which units are free. */
  readonly unknown: number
  /** Those of the used and free ones that the present operation or job has taken or given back. */
  readonly taken: number
  readonly given: number
}

export interface SpacePicture {
  readonly unitBytes: number
  readonly units: number
  /** As the engine counts them. */
  readonly freeUnits: number
  readonly unitsPerBucket: number
  readonly buckets: readonly SpaceBucket[]
  /** In this operation or job. */
  readonly takenUnits: number
  readonly takenAtEnd: number
  readonly givenUnits: number
  /** Units that the present event is about. */
  readonly present?: { readonly offset: number; readonly units: number; readonly what: 'taken' | 'given' | 'written' }
}

const MOST_BUCKETS = 128
const STATE = 3
const TAKEN = 4
const GIVEN = 8

export class SpaceFold implements Fold<SpacePicture> {
  #units = new UnitStates()
  #unitBytes = 0
  #freeUnits = 0
  /** Where `TAKEN` and `GIVEN` are set. */
  #recent: readonly (readonly [offset: number, units: number])[] = []
  #taken = 0
  #takenAtEnd = 0
  #given = 0
  #present: SpacePicture['present']

  apply(event: TraceEvent): void {
    this.#present = undefined
    switch (event.type) {
      case 'operation.begin':
        this.#settle()
        break
      case 'job.begin':
        if (event.kind === 'open') this.#reset()
        if (event.kind === 'checkpoint' || event.kind === 'compaction') this.#settle()
        break
      case 'meta.read':
        this.#unitBytes = event.unitBytes
        this.#freeUnits = event.freeUnits
        this.#units.grow(Math.ceil(event.fileBytes / event.unitBytes))
        this.#units.mark(0, this.#units.count, event.freeUnits === 0 ? UNIT_USED : UNIT_UNKNOWN)
        break
      case 'space.alloc':
        this.#freeUnits = event.freeUnits
        this.#mark(event.offset, event.units, UNIT_USED | TAKEN)
        this.#taken += event.units
        if (event.from === 'end') this.#takenAtEnd += event.units
        this.#present = { offset: event.offset, units: event.units, what: 'taken' }
        break
      case 'space.free':
        this.#freeUnits = event.freeUnits
        this.#mark(event.offset, event.units, UNIT_FREE | GIVEN)
        this.#given += event.units
        this.#present = { offset: event.offset, units: event.units, what: 'given' }
        break
      case 'page.write':
        this.#present = { offset: event.offset, units: event.units, what: 'written' }
        break
      case 'file.write':
        if (event.file !== DATA_FILE || this.#unitBytes === 0) break
        this.#units.grow(Math.ceil((event.offset + event.length) / this.#unitBytes))
        break
      case 'file.truncate':
        if (event.file === DATA_FILE && this.#unitBytes > 0) this.#units.resize(Math.ceil(event.size / this.#unitBytes))
        break
      default:
        break
    }
  }

  clone(): SpaceFold {
    const clone = new SpaceFold()
    clone.#units = this.#units.clone()
    clone.#unitBytes = this.#unitBytes
    clone.#freeUnits = this.#freeUnits
    clone.#recent = this.#recent
    clone.#taken = this.#taken
    clone.#takenAtEnd = this.#takenAtEnd
    clone.#given = this.#given
    clone.#present = this.#present
    return clone
  }

  picture(): SpacePicture {
    const { count } = this.#units
    const unitsPerBucket = Math.max(1, Math.ceil(count / MOST_BUCKETS))
    const buckets: SpaceBucket[] = []
    for (let from = 0; from < count; from += unitsPerBucket) buckets.push(this.#bucket(from, Math.min(count, from + unitsPerBucket)))
    return {
      unitBytes: this.#unitBytes,
      units: count,
      freeUnits: this.#freeUnits,
      unitsPerBucket,
      buckets,
      takenUnits: this.#taken,
      takenAtEnd: this.#takenAtEnd,
      givenUnits: this.#given,
      ...(this.#present !== undefined && { present: this.#present }),
    }
  }

  #bucket(from: number, to: number): SpaceBucket {
    const { bytes } = this.#units
    const bucket = { used: 0, free: 0, unknown: 0, taken: 0, given: 0 }
    for (let unit = from; unit < to; unit++) {
      const state = bytes[unit]
      if ((state & STATE) === UNIT_USED) bucket.used++
      else if ((state & STATE) === UNIT_FREE) bucket.free++
      else bucket.unknown++
      if ((state & TAKEN) !== 0) bucket.taken++
      if ((state & GIVEN) !== 0) bucket.given++
    }
    return bucket
  }

  #reset(): void {
    this.#units.resize(0)
    this.#freeUnits = this.#unitBytes = 0
    this.#recent = []
    this.#taken = this.#takenAtEnd = this.#given = 0
  }

  /** What was just taken or given back is so no more. */
  #settle(): void {
    const { bytes } = this.#units
    for (const [offset, units] of this.#recent) for (let unit = offset; unit < offset + units; unit++) bytes[unit] &= STATE
    this.#recent = []
    this.#taken = this.#takenAtEnd = this.#given = 0
  }

  #mark(offset: number, units: number, state: number): void {
    this.#units.mark(offset, units, state)
    this.#recent = [...this.#recent, [offset, units]]
  }
}
