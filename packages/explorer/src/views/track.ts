/**
 * The state of a lane at any of its events: a step forward folds one event, a step back starts at the nearest checkpoint before.
 *
 * Invariants:
 * 1. The folds at a number of events depend on these events alone, not on the moves before.
 *    Events that are forgotten stay in the first checkpoint.
 * 2. A move folds at most `EVENTS_PER_CHECKPOINT` events beyond those that have been folded before.
 */
import type { TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'

const EVENTS_PER_CHECKPOINT = 2000
/** Checkpoints around the present place, so that steps back are short. */
const EVENTS_PER_NEAR_CHECKPOINT = 200
const NEAR_CHECKPOINTS = 4

/** Folds by the name of what they draw. */
export type Folds = Readonly<Record<string, Fold<unknown>>>

/** The events of a lane that are not forgotten; a run adds to them. */
export interface LaneEvents {
  readonly events: TraceEvent[]
  /** Files that the lane finds in place of those that it had, after this number of events and before the next; ascending. */
  readonly found: { readonly count: number; readonly files: readonly TraceEvent[] }[]
}

/** The folds after a number of events. */
interface Place {
  count: number
  readonly folds: Folds
  readonly all: readonly Fold<unknown>[]
}

export class Track {
  readonly lane: LaneEvents
  /** Events before those of the lane. */
  #first = 0
  /** Ascending by their number of events. The first one has those that are forgotten. */
  #checkpoints: Place[]
  /** The latest ones that were passed on the way to a place, oldest first. */
  #near: Place[] = []
  /** How far the events have been folded. It only goes on. */
  readonly #head: Place
  /** The place that was asked for last. */
  #present: Place

  constructor(make: () => Folds, lane: LaneEvents = { events: [], found: [] }) {
    this.lane = lane
    this.#checkpoints = [placeOf(0, make())]
    this.#head = placeOf(0, make())
    this.#present = placeOf(0, make())
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
    const base = placeOf(count, copyOf(this.at(count)))
    this.#checkpoints = [base, ...this.#checkpoints.filter(place => place.count > count)]
    this.#near = this.#near.filter(place => place.count > count)
    this.lane.events.splice(0, count - this.#first)
    this.#first = count
  }

  /** Folds all events that there are: then no move has to. */
  foldAll(): void {
    this.#foldTo(this.count)
  }

  /** The folds after the first `count` events, to be read until the next call. */
  at(count: number): Folds {
    this.#foldTo(count)
    const nearest = this.#nearest(count)
    if (count < this.#present.count || nearest.count > this.#present.count) this.#present = placeOf(nearest.count, copyOf(nearest.folds))
    const present = this.#present
    while (present.count < count) {
      this.#step(present)
      const isNear = count - present.count < NEAR_CHECKPOINTS * EVENTS_PER_NEAR_CHECKPOINT
      if (!isNear || present.count % EVENTS_PER_NEAR_CHECKPOINT !== 0 || this.#near.some(place => place.count === present.count)) continue
      this.#near.push(placeOf(present.count, copyOf(present.folds)))
      if (this.#near.length > NEAR_CHECKPOINTS) this.#near.shift()
    }
    return present.folds
  }

  #foldTo(count: number): void {
    const head = this.#head
    while (head.count < count) {
      this.#step(head)
      if (head.count % EVENTS_PER_CHECKPOINT === 0) this.#checkpoints.push(placeOf(head.count, copyOf(head.folds)))
    }
  }

  /** Goes on by an event. */
  #step(place: Place): void {
    const { events, found } = this.lane
    const files = found.length === 0 ? undefined : found.findLast(({ count }) => count === place.count)?.files
    const event = events[place.count++ - this.#first]
    for (const fold of place.all) {
      if (files !== undefined) fold.findFiles?.(files)
      fold.apply(event)
    }
  }

  #nearest(count: number): Place {
    const far = this.#checkpoints.findLast(place => place.count <= count)!
    return [...this.#near, this.#head].reduce((best, place) => (place.count <= count && place.count > best.count ? place : best), far)
  }
}

function placeOf(count: number, folds: Folds): Place {
  return { count, folds, all: Object.values(folds) }
}

function copyOf(folds: Folds): Folds {
  return Object.fromEntries(Object.entries(folds).map(([name, fold]) => [name, fold.clone()]))
}
