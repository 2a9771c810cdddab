/**
 * Which units of a B+tree's file are used and which are free, as far as events have said it.
 *
 * Invariant: it has a byte for each unit of the file, and of a file in more than `MOST_RUNS` runs it says nothing.
 */
import type { EventBody, EventOf, TraceEvent } from '../trace/events.js'

const MOST_RUNS = 2000
const UNKNOWN = 0
const USED = 1
const FREE = 2

export class SpaceOutline {
  #states = new Uint8Array(0)
  #units = 0
  #unitBytes = 1

  apply(event: TraceEvent): void {
    switch (event.type) {
      case 'meta.read':
        this.#unitBytes = event.unitBytes
        this.#units = 0
        this.#grow(this.#unitsIn(event.fileBytes))
        // An opening does not say which units are free.
        this.#states.fill(event.freeUnits === 0 ? USED : UNKNOWN, 0, this.#units)
        break
      case 'space.alloc':
        this.#mark(event, USED)
        break
      case 'space.free':
        this.#mark(event, FREE)
        break
      case 'checkpoint.end':
        this.#grow(this.#unitsIn(event.fileBytes))
        this.#units = this.#unitsIn(event.fileBytes)
        break
      default:
        break
    }
  }

  /** To come after the `meta.read` that says how many units are free. */
  events(freeUnits: number): readonly EventBody[] {
    const bodies: EventBody[] = []
    for (let offset = 0, end: number; offset < this.#units; offset = end) {
      const state = this.#states[offset]
      for (end = offset + 1; end < this.#units && this.#states[end] === state;) end++
      if (state === UNKNOWN) continue
      if (bodies.length === MOST_RUNS) return []
      const run = { offset, units: end - offset, freeUnits }
      bodies.push(state === FREE ? { type: 'space.free', ...run } : { type: 'space.alloc', from: 'free', ...run })
    }
    return bodies
  }

  #unitsIn(bytes: number): number {
    return Math.ceil(bytes / this.#unitBytes)
  }

  #mark({ offset, units }: EventOf<'space.alloc' | 'space.free'>, state: number): void {
    this.#grow(offset + units)
    this.#states.fill(state, offset, offset + units)
  }

  /** The file has at least this many units; new ones are used. */
  #grow(units: number): void {
    if (units <= this.#units) return
    if (units > this.#states.length) {
      const larger = new Uint8Array(Math.max(64, units * 2))
      larger.set(this.#states.subarray(0, this.#units))
      this.#states = larger
    }
    this.#states.fill(USED, this.#units, units)
    this.#units = units
  }
}
