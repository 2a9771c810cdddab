/**
 * What a drawing needs to know, folded from the events of one lane.
 *
 * Invariants:
 * 1. A picture is plain data, and bounded: what it leaves out it counts.
 * 2. A fold knows only what events said; the same events give the same picture.
 */
import type { TraceEvent } from 'kvarium/trace'

export interface Fold<Picture> {
  apply(event: TraceEvent): void
  /** The store goes on with other files than those that it had: as if these events had made them, and nothing else. */
  findFiles?(files: readonly TraceEvent[]): void
  /** A fold of the same events that goes on by itself. */
  clone(): Fold<Picture>
  picture(): Picture
}
