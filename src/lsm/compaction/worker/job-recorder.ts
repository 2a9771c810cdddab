/**
 * Records what a job does in a thread other than that of the trace's listener. The record travels back with the job's result and is
 * emitted there in one go.
 *
 * Invariants:
 * 1. Events of files and of the job itself are always kept, so that sums over them are right: one for each 256 KiB read or written.
 * 2. Steps, one for each entry and block, are kept up to `MAX_STEPS`; the others are counted as `notRecorded`.
 */
import type { EventType, TraceEvent, TraceLevel } from '../../../trace/events.js'
import { Span, Trace, type SpanKind } from '../../../trace/span.js'

/** What a thread has to know to record for a trace elsewhere. Plain data. */
export interface RecordRequest {
  readonly level: TraceLevel
  readonly payloads: boolean
  readonly kind: SpanKind
}

export interface JobRecord {
  readonly events: readonly TraceEvent[]
  readonly notRecorded: number
}

/** About 50 MB while they travel, and a second of emitting. */
const MAX_STEPS = 100_000
const STEPS: ReadonlySet<EventType> = new Set(['compaction.key', 'table.block', 'table.filter'])

export class JobRecorder {
  readonly trace: Trace
  readonly span: Span
  readonly #events: TraceEvent[] = []
  readonly #maxSteps: number
  #steps = 0

  constructor({ level, payloads, kind }: RecordRequest, now: () => number, maxSteps = MAX_STEPS) {
    this.#maxSteps = maxSteps
    this.trace = new Trace({ level, payloads, listener: event => this.#record(event) })
    this.trace.useClock(now)
    this.span = new Span(this.trace, 0, 1, kind)
  }

  get record(): JobRecord {
    return { events: this.#events, notRecorded: Math.max(0, this.#steps - this.#maxSteps) }
  }

  #record(event: TraceEvent): void {
    if (STEPS.has(event.type) && ++this.#steps > this.#maxSteps) return
    this.#events.push(event)
  }
}
