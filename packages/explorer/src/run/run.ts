/**
 * A run: the same operations in one to three lanes, and everything that happened in them, in order.
 *
 * Invariants:
 * 1. Moments are only ever added at the end. A position is a number of moments: at position n the first n have happened.
 * 2. An operation runs in the first lane to its end, then in the next: its moments are `call`, events, `return`, lane by lane.
 * 3. Events of a lane are numbered from 1 without a gap, also over a reopening, where the trace of the store begins anew.
 */
import type { TraceEvent } from 'kvarium/trace'
import { expand, type Line } from './line.js'
import { Lane, type LaneSettings } from './lane.js'
import type { Operation, Outcome } from './operation.js'

export const MOST_LANES = 3

/** Everything from which a run can be made again. */
export interface RunSettings {
  readonly seed: number
  readonly lanes: readonly LaneSettings[]
}

export type Moment =
  /** An operation begins in a lane; `operation` is its index, -1 for the opening. */
  | { readonly kind: 'call'; readonly lane: number; readonly operation: number }
  | { readonly kind: 'event'; readonly lane: number; readonly event: TraceEvent }
  | { readonly kind: 'return'; readonly lane: number; readonly operation: number; readonly outcome: Outcome }

export class Run {
  readonly settings: RunSettings
  readonly moments: Moment[] = []
  /** The operations so far, generators expanded. */
  readonly operations: Operation[] = []
  /** Position of the first moment of each operation. */
  readonly starts: number[] = []
  readonly lanes: readonly Lane[]
  readonly #sequences: number[]
  /** The lines, as they were added. */
  readonly lines: Line[] = []

  private constructor(settings: RunSettings) {
    if (settings.lanes.length < 1 || settings.lanes.length > MOST_LANES) {
      throw new TypeError(`A run has one to ${MOST_LANES} lanes, not ${settings.lanes.length}`)
    }
    this.settings = settings
    this.#sequences = settings.lanes.map(() => 0)
    this.lanes = settings.lanes.map((lane, index) => new Lane(lane, settings.seed, event => this.#record(index, event)))
  }

  /** Opens all lanes. Where a store does not open, the moment of its return says why. */
  static async open(settings: RunSettings): Promise<Run> {
    const run = new Run(settings)
    for (const [index, lane] of run.lanes.entries()) {
      run.moments.push({ kind: 'call', lane: index, operation: -1 })
      run.moments.push({ kind: 'return', lane: index, operation: -1, outcome: await lane.open() })
    }
    return run
  }

  /** Performs the operations of a line in all lanes. `between` is called after each operation, and ends the line early by `false`. */
  async add(line: Line, between: (done: number, of: number) => boolean = () => true): Promise<void> {
    const operations = expand(line)
    this.lines.push(line)
    for (const [done, operation] of operations.entries()) {
      const index = this.operations.length
      this.operations.push(operation)
      this.starts.push(this.moments.length)
      for (const [number, lane] of this.lanes.entries()) {
        this.moments.push({ kind: 'call', lane: number, operation: index })
        const outcome = await lane.execute(operation)
        this.moments.push({ kind: 'return', lane: number, operation: index, outcome })
      }
      if (!between(done + 1, operations.length)) return
    }
  }

  async close(): Promise<void> {
    for (const lane of this.lanes) await lane.close()
  }

  #record(lane: number, event: TraceEvent): void {
    this.moments.push({ kind: 'event', lane, event: { ...event, sequence: ++this.#sequences[lane] } })
  }
}
