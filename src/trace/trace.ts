/**
 * Where events come together and get their stamps. A part of an engine that has something to tell holds a `Tracer | null`, made once by
 * `at(level)`: where nobody listens at that level it is null, and one null check is all that is left.
 *
 * Invariants:
 * 1. An event is stamped with the operation under way, or with the job its tracer belongs to, never with both unless a job serves one.
 * 2. Listeners run synchronously and must not call the engine.
 */
import type { EventBody, TraceEvent, TraceJobKind, TraceLevel } from './events.js'

const DEPTH: Readonly<Record<TraceLevel, number>> = { job: 1, io: 2, step: 3 }

export type TraceListener = (event: TraceEvent) => void

/** What tells events: the trace itself, for operations, or a job of it. */
export interface Tracer {
  readonly trace: Trace
  emit(body: EventBody): void
  /** This tracer, if the trace tells what belongs to `level`. */
  at(level: TraceLevel): Tracer | null
}

export interface TraceOptions {
  /** @defaultValue `'step'` */
  readonly level?: TraceLevel
  readonly listener: TraceListener
  /** Whether `file.write` carries the bytes, from which any file can be rebuilt as of any event. @defaultValue `false` */
  readonly payloads?: boolean
}

/** A trace of one store. Pass it as option `trace`. */
export class Trace implements Tracer {
  readonly level: TraceLevel
  readonly payloads: boolean
  readonly #listener: TraceListener
  #now: () => number = () => 0
  #sequence = 0
  #operations = 0
  #jobs = 0
  /** The operation under way in this turn of the event loop; 0 between operations. */
  operation = 0

  constructor({ level = 'step', listener, payloads = false }: TraceOptions) {
    this.level = level
    this.payloads = payloads
    this.#listener = listener
  }

  get trace(): this {
    return this
  }

  /** The clock that stamps events: that of the environment of the store. */
  useClock(now: () => number): void {
    this.#now = now
  }

  at(level: TraceLevel): this | null {
    return DEPTH[level] <= DEPTH[this.level] ? this : null
  }

  emit(body: EventBody): void {
    this.tell(body, this.operation, 0)
  }

  /** Tells an event of a job, or of an operation that is not the one under way. */
  tell(body: EventBody, operation: number, job: number): void {
    this.#listener({ sequence: ++this.#sequence, operation, job, atMs: this.#now(), ...body })
  }

  /** A number for an operation that begins. */
  nextOperation(): number {
    return ++this.#operations
  }

  /** Runs `work` as part of an operation: what it emits is the operation's. */
  within<T>(operation: number, work: () => T): T {
    const before = this.operation
    this.operation = operation
    try {
      return work()
    } finally {
      this.operation = before
    }
  }

  /** A new job, begun. */
  job(kind: TraceJobKind, reason?: string): JobTracer {
    const tracer = new JobTracer(this, ++this.#jobs, kind)
    tracer.emit({ type: 'job.begin', kind, ...(reason !== undefined && { reason }) })
    return tracer
  }
}

/** Tells what belongs to one job. */
export class JobTracer implements Tracer {
  readonly trace: Trace
  readonly id: number
  readonly kind: TraceJobKind
  bytesRead = 0
  bytesWritten = 0

  constructor(trace: Trace, id: number, kind: TraceJobKind) {
    this.trace = trace
    this.id = id
    this.kind = kind
  }

  at(level: TraceLevel): this | null {
    return this.trace.at(level) === null ? null : this
  }

  emit(body: EventBody): void {
    if (body.type === 'file.read') this.bytesRead += body.length
    else if (body.type === 'file.write') this.bytesWritten += body.length
    this.trace.tell(body, 0, this.id)
  }

  end(status: 'ok' | 'failed' | 'cancelled', error?: unknown): void {
    const { kind, bytesRead, bytesWritten } = this
    const reason = error instanceof Error ? { error: error.message } : {}
    this.emit({ type: 'job.end', kind, status, bytesRead, bytesWritten, ...reason })
  }
}
