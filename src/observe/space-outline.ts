/**
 * Which units of a B+tree's file are used and which are free, as far as events have said it.
 *
 * Invariant: of a file in more than `MOST_RUNS` runs it says nothing.
 */
import type { EventBody, TraceEvent } from '../trace/events.js'
import { UNIT_FREE, UNIT_UNKNOWN, UNIT_USED, UnitStates } from './unit-states.js'

const MOST_RUNS = 2000
export class SpaceOutline {
  readonly #units = new UnitStates()
  #unitBytes = 1

  apply(event: TraceEvent): void {
    switch (event.type) {
      case 'meta.read':
        this.#unitBytes = event.unitBytes
        this.#units.resize(0)
        // An opening does not say which units are free.
        this.#units.mark(0, this.#unitsIn(event.fileBytes), event.freeUnits === 0 ? UNIT_USED : UNIT_UNKNOWN)
        break
      case 'space.alloc':
        this.#units.mark(event.offset, event.units, UNIT_USED)
        break
      case 'space.free':
        this.#units.mark(event.offset, event.units, UNIT_FREE)
        break
      case 'checkpoint.end':
        this.#units.resize(this.#unitsIn(event.fileBytes))
        break
      default:
        break
    }
  }

  /** To come after the `meta.read` that says how many units are free. */
  events(freeUnits: number): readonly EventBody[] {
    const { bytes, count } = this.#units
    const bodies: EventBody[] = []
    for (let offset = 0, end: number; offset < count; offset = end) {
      const state = bytes[offset]
      for (end = offset + 1; end < count && bytes[end] === state;) end++
      if (state === UNIT_UNKNOWN) continue
      if (bodies.length === MOST_RUNS) return []
      const run = { offset, units: end - offset, freeUnits }
      bodies.push(state === UNIT_FREE ? { type: 'space.free', ...run } : { type: 'space.alloc', from: 'free', ...run })
    }
    return bodies
  }

  #unitsIn(bytes: number): number {
    return Math.ceil(bytes / this.#unitBytes)
  }
}
