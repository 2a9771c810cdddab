/**
 * Stepping back: a state folded from events, at any kept event. It starts at the nearest checkpoint before and folds from
 * there on.
 */
import type { TraceEvent } from '../trace/events.js'
import type { Recorder } from './recorder.js'

/** How events become a state. `apply` may change the state that it gets. */
export interface Folding<State> {
  initial(): State
  apply(state: State, event: TraceEvent): State
  copy(state: State): State
}

const EVENTS_PER_CHECKPOINT = 1000

export class Rewind<State> {
  readonly #recorder: Recorder
  readonly #folding: Folding<State>
  readonly #every: number
  /** The state after the events that the recorder has dropped. */
  #base: State
  #baseSequence = 0
  /** Ascending by the sequence number of their last event. */
  #checkpoints: { readonly sequence: number; readonly state: State }[] = []

  /** Must be called before the recorder drops an event. */
  constructor(recorder: Recorder, folding: Folding<State>, everyEvents = EVENTS_PER_CHECKPOINT) {
    if (recorder.dropped > 0) throw new TypeError('The recorder has dropped events already: their part in the state is unknown')
    this.#recorder = recorder
    this.#folding = folding
    this.#every = everyEvents
    this.#base = folding.initial()
    recorder.onDrop(event => {
      this.#base = folding.apply(this.#base, event)
      this.#baseSequence = event.sequence
    })
  }

  /** A copy of the state after the event with this sequence number; for a dropped event, the state after the last dropped one. */
  stateAt(sequence: number): State {
    const { copy, apply } = this.#folding
    this.#checkpoints = this.#checkpoints.filter(checkpoint => checkpoint.sequence > this.#baseSequence)
    const nearest = this.#checkpoints.findLast(checkpoint => checkpoint.sequence <= sequence)
    let state = copy(nearest?.state ?? this.#base)
    let folded = 0
    for (const event of this.#recorder.range((nearest?.sequence ?? this.#baseSequence) + 1, sequence)) {
      state = apply(state, event)
      if (++folded % this.#every === 0) this.#keep(event.sequence, copy(state))
    }
    return state
  }

  #keep(sequence: number, state: State): void {
    const index = this.#checkpoints.findIndex(checkpoint => checkpoint.sequence >= sequence)
    if (index >= 0 && this.#checkpoints[index].sequence === sequence) return
    this.#checkpoints.splice(index < 0 ? this.#checkpoints.length : index, 0, { sequence, state })
  }
}
