/**
 * The state of a lane at any of its events: a step forward folds one event, a step back starts at the nearest checkpoint before.
 *
 * Invariants:
 * 1. The folds at a number of events depend on these events alone, not on the moves before.
 *    Events that are forgotten stay in the first checkpoint.
 * 2. A move folds at most `EVENTS_PER_CHECKPOINT` events beyond those that no checkpoint has covered yet.
 */
import type { TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'

const EVENTS_PER_CHECKPOINT = 4000
/** Checkpoints around the present place, so that steps back are short. */
const EVENTS_PER_NEAR_CHECKPOINT = 100
const NEAR_CHECKPOINTS = 4

/** Folds by the name of what they draw. */
export type Folds = Readonly<Record<string, Fold<unknown>>>

/** The events of a lane that are not forgotten; a run adds to them. */
export interface LaneEvents {
  readonly events: TraceEvent[]
  /** Files that the lane finds in place of those that it had, after so many events and before the next; ascending. */
  readonly found: { readonly count: number; readonly files: readonly TraceEvent[] }[]
}

interface Checkpoint {
  readonly count: number
  readonly folds: Folds
}

export class Track {
  readonly lane: LaneEvents
  /** Events before those of the lane. */
  #first = 0
  /** Ascending by their number of events. The first one has those that are forgotten. */
  #checkpoints: Checkpoint[]
  /** The latest ones passed, oldest first. */
  #near: Checkpoint[] = []
  #present: { count: number; folds: Folds }

  constructor(make: () => Folds, lane: LaneEvents = { events: [], found: [] }) {
    this.lane = lane
    this.#checkpoints = [{ count: 0, folds: make() }]
    this.#present = { count: 0, folds: make() }
  }

  /** How many events are forgotten. */
  get first(): number {
    return this.#first
  }

  /** How many events the lane has had. */
  get count(): number {
    return this.#first + this.lane.events.length
  }

  /** Forgets the first events, up to `count` of all that there were; what they led to stays. Only for lanes that find no files. */
  forget(count: number): void {
    const base = { count, folds: copyOf(this.at(count)) }
    this.#checkpoints = [base, ...this.#checkpoints.filter(checkpoint => checkpoint.count > count)]
    this.#near = this.#near.filter(checkpoint => checkpoint.count > count)
    this.lane.events.splice(0, count - this.#first)
    this.#first = count
  }

  /** The folds after the first `count` events, to be read until the next call. */
  at(count: number): Folds {
    if (count < this.#present.count || this.#nearest(count).count > this.#present.count) {
      const { count: from, folds } = this.#nearest(count)
      this.#present = { count: from, folds: copyOf(folds) }
    }
    const { folds } = this.#present
    const all = Object.values(folds)
    while (this.#present.count < count) {
      const { events, found } = this.lane
      const files = found.findLast(({ count: at }) => at === this.#present.count)?.files
      const event = events[this.#present.count++ - this.#first]
      for (const fold of all) {
        if (files !== undefined) fold.findFiles?.(files)
        fold.apply(event)
      }
      this.#keep(count)
    }
    return folds
  }

  #nearest(count: number): Checkpoint {
    const far = this.#checkpoints.findLast(checkpoint => checkpoint.count <= count)!
    const near = this.#near.reduce(
      (best, checkpoint) => (checkpoint.count <= count && checkpoint.count > best.count ? checkpoint : best),
      far,
    )
    return near
  }

  #keep(goal: number): void {
    const { count, folds } = this.#present
    if (count % EVENTS_PER_CHECKPOINT === 0 && this.#checkpoints.at(-1)!.count < count) {
      this.#checkpoints.push({ count, folds: copyOf(folds) })
    } else if (count % EVENTS_PER_NEAR_CHECKPOINT === 0 && goal - count < NEAR_CHECKPOINTS * EVENTS_PER_NEAR_CHECKPOINT) {
      if (this.#near.some(checkpoint => checkpoint.count === count)) return
      this.#near.push({ count, folds: copyOf(folds) })
      if (this.#near.length > NEAR_CHECKPOINTS) this.#near.shift()
    }
  }
}

function copyOf(folds: Folds): Folds {
  return Object.fromEntries(Object.entries(folds).map(([name, fold]) => [name, fold.clone()]))
}
