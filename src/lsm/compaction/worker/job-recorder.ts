/**
 * Records what a job does in a thread that the listener of the trace does not live in. The record travels back with the job's result and
 * is told there in one go.
 *
 * Invariants:
 * 1. Events of files and of the job itself are always kept, so that sums over them are right: one for each 256 KiB read or written.
 * 2. Of the steps, one for each entry and block, only the first `MAX_STEPS` are kept; the others are counted as `untold`.
 */
import type { EventType, TraceEvent, TraceJobKind, TraceLevel } from '../../../trace/events.js'
import { JobTracer, Trace } from '../../../trace/trace.js'

/** What a thread has to know to record for a trace elsewhere. Plain data. */
export interface RecordRequest {
  readonly level: TraceLevel
  readonly payloads: boolean
  readonly kind: TraceJobKind
}

export interface JobRecord {
  readonly events: readonly TraceEvent[]
  readonly untold: number
}

/** About 50 MB while they travel, and a second of telling. */
const MAX_STEPS = 100_000
const STEPS: ReadonlySet<EventType> = new Set(['compaction.key', 'table.block', 'table.filter'])

export class JobRecorder {
  readonly trace: Trace
  readonly job: JobTracer
  readonly #events: TraceEvent[] = []
  readonly #maxSteps: number
  #steps = 0

  constructor({ level, payloads, kind }: RecordRequest, now: () => number, maxSteps = MAX_STEPS) {
    this.#maxSteps = maxSteps
    this.trace = new Trace({ level, payloads, listener: event => this.#record(event) })
    this.trace.useClock(now)
    this.job = new JobTracer(this.trace, 1, kind)
  }

  get record(): JobRecord {
    return { events: this.#events, untold: Math.max(0, this.#steps - this.#maxSteps) }
  }

  #record(event: TraceEvent): void {
    if (STEPS.has(event.type) && ++this.#steps > this.#maxSteps) return
    this.#events.push(event)
  }
}
