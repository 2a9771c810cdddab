/**
 * Spans: the answer to who an event belongs to. A span is an operation (a call of the engine) or a job (what the store does by itself, or
 * for several callers). The trace stamps events and passes them to its listener. A part of an engine that emits holds a `Tracer | null`,
 * made once by `at(level)`: null where that level is not recorded, so that the cost is one null check.
 *
 * `withSpan(span, work)` makes a span active while `work` runs, up to its first await. Code that continues after an await takes the span
 * as a parameter, or keeps `trace.currentSpan` from before, and calls `withSpan` again.
 *
 * Invariants:
 * 1. An event has the number of an operation or of a job, never both, except `job.begin`: it names the operation that set the job off.
 * 2. While no span is active, the current span is the newest one that was started with `fallback` and has not ended: an opening, a
 *    checkpoint, a check.
 * 3. Listeners run synchronously and must not call the engine.
 */
import type { EventBodies, EventBody, OperationKind, TraceEvent, TraceJobKind, TraceLevel } from './events.js'
import type { ReadCounts, ReadPart, WritePart } from './ledger.js'

const DEPTH: Readonly<Record<TraceLevel, number>> = { job: 1, io: 2, step: 3 }

export type TraceListener = (event: TraceEvent) => void

/** What emits events: the trace, for the current span, or one span. */
export interface Tracer {
  readonly trace: Trace
  emit(body: EventBody): void
  /** This tracer, if the trace records what belongs to `level`. */
  at(level: TraceLevel): Tracer | null
}

export interface TraceOptions {
  /** @defaultValue `'step'` */
  readonly level?: TraceLevel
  readonly listener: TraceListener
  /** Whether `file.write` carries the bytes, from which any file can be rebuilt at any event. @defaultValue `false` */
  readonly payloads?: boolean
}

export interface SpanOptions {
  /** Why a job runs. */
  readonly reason?: string
  /** The job runs in another thread. */
  readonly remote?: boolean
  /** Until its end, the span is the current one while no other is active. */
  readonly fallback?: boolean
}

export type SpanKind = OperationKind | TraceJobKind

const NO_OPTIONS: SpanOptions = {}

/** A trace of one store. Pass it as option `trace`. */
export class Trace implements Tracer {
  readonly level: TraceLevel
  readonly payloads: boolean
  readonly #listener: TraceListener
  #now: () => number = () => 0
  #sequence = 0
  #operations = 0
  #jobs = 0
  /** The span whose code runs now. Only `withSpan` sets it. */
  active: Span | null = null
  /** The spans of invariant 2 that have not ended, oldest first. Only `startSpan` and `Span.end` change it. */
  readonly fallbacks: Span[] = []

  constructor({ level = 'step', listener, payloads = false }: TraceOptions) {
    this.level = level
    this.payloads = payloads
    this.#listener = listener
  }

  get trace(): this {
    return this
  }

  /** The span that events of the trace belong to now. */
  get currentSpan(): Span | null {
    return this.active ?? this.fallbacks.at(-1) ?? null
  }

  /** The clock that stamps events: that of the store's environment. */
  useClock(now: () => number): void {
    this.#now = now
  }

  /** The time of the store's clock, in milliseconds. */
  now(): number {
    return this.#now()
  }

  at(level: TraceLevel): this | null {
    return DEPTH[level] <= DEPTH[this.level] ? this : null
  }

  emit(body: EventBody): void {
    const span = this.currentSpan
    if (span === null) this.record(body, 0, 0)
    else span.emit(body)
  }

  /** Passes an event to the listener, stamped with an operation and a job. */
  record(body: EventBody, operation: number, job: number, atMs = this.#now()): void {
    this.#listener({ sequence: ++this.#sequence, operation, job, atMs, ...body })
  }

  /** Starts a span. For a job this emits `job.begin`; the caller emits the `operation.begin` of an operation, which has its arguments. */
  startSpan(type: 'operation', kind: OperationKind, options?: SpanOptions): Span
  startSpan(type: 'job', kind: TraceJobKind, options?: SpanOptions): Span
  startSpan(type: 'operation' | 'job', kind: SpanKind, options = NO_OPTIONS): Span {
    const isJob = type === 'job'
    const span = isJob ? new Span(this, 0, ++this.#jobs, kind) : new Span(this, ++this.#operations, 0, kind)
    if (options.fallback === true) this.fallbacks.push(span)
    if (!isJob) return span
    const { reason, remote = false } = options
    const body = {
      type: 'job.begin',
      kind: kind as TraceJobKind,
      ...(reason !== undefined && { reason }),
      ...(remote && { remote }),
    } as const
    this.record(body, this.active?.operation ?? 0, span.job)
    return span
  }
}

/** An operation or a job. */
export class Span implements Tracer {
  readonly trace: Trace
  /** Number of the operation; 0 for a job. */
  readonly operation: number
  /** Number of the job; 0 for an operation. */
  readonly job: number
  readonly kind: SpanKind
  /** The part of the ledger that counts what the span reads and writes; null where the kind of span and the class of the file decide. */
  readonly readPart: ReadPart | null
  readonly writePart: WritePart | null
  /** The span itself, or the one that this is a view of. */
  readonly #whole: Span
  #bytesRead = 0
  #bytesWritten = 0
  #touched: Readonly<ReadCounts> | undefined

  constructor(
    trace: Trace,
    operation: number,
    job: number,
    kind: SpanKind,
    view?: { readonly of: Span; readonly readPart: ReadPart | null; readonly writePart: WritePart | null },
  ) {
    this.trace = trace
    this.operation = operation
    this.job = job
    this.kind = kind
    this.#whole = view?.of ?? this
    this.readPart = view?.readPart ?? null
    this.writePart = view?.writePart ?? null
  }

  /** Bytes that the span has read from files, at every level. */
  get bytesRead(): number {
    return this.#whole.#bytesRead
  }

  get bytesWritten(): number {
    return this.#whole.#bytesWritten
  }

  /** The same span, whose reads count as `part`. */
  reading(part: ReadPart): Span {
    return this.#view(part, this.writePart)
  }

  /** The same span, whose writes count as `part`. */
  writing(part: WritePart): Span {
    return this.#view(this.readPart, part)
  }

  at(level: TraceLevel): this | null {
    return this.trace.at(level) === null ? null : this
  }

  emit(body: EventBody): void {
    if (body.type === 'file.read') this.count(body.length, 0)
    else if (body.type === 'file.write') this.count(0, body.length)
    this.trace.record(body, this.operation, this.job)
  }

  /** Adds bytes read and written. */
  count(bytesRead: number, bytesWritten: number): void {
    this.#whole.#bytesRead += bytesRead
    this.#whole.#bytesWritten += bytesWritten
  }

  /** What a get or a move of a cursor has touched, for `operation.end`. */
  touch(counts: Readonly<ReadCounts>): void {
    this.#whole.#touched = counts
  }

  /**
   * Emits events that another thread has recorded, with new sequence numbers, and with their times moved so that the last one is now.
   */
  absorb(events: readonly TraceEvent[]): void {
    const last = events.at(-1)
    if (last === undefined) return
    const shift = this.trace.now() - last.atMs
    for (const event of events) {
      const { sequence: _sequence, operation: _operation, job: _job, atMs, ...body } = event
      if (event.type === 'file.read') this.count(event.length, 0)
      else if (event.type === 'file.write') this.count(0, event.length)
      this.trace.record(body, this.operation, this.job, atMs + shift)
    }
  }

  /** Ends the span, a job with its bytes, an operation (at level io) with what it found and touched. */
  end(status: EventBodies['operation.end' | 'job.end']['status'], error?: unknown, valueBytes?: number): void {
    const { fallbacks } = this.trace
    const place = fallbacks.lastIndexOf(this.#whole)
    if (place >= 0) fallbacks.splice(place, 1)
    const failure = error === undefined ? undefined : { error: messageOf(error) }
    const { bytesRead, bytesWritten } = this
    const touched = this.#whole.#touched
    const { kind } = this
    const body =
      this.job > 0
        ? { type: 'job.end', kind, status, bytesRead, bytesWritten, ...failure }
        : { type: 'operation.end', kind, status, ...(valueBytes !== undefined && { valueBytes }), ...failure, ...(touched && { touched }) }
    if (this.job > 0 || this.trace.at('io') !== null) this.emit(body as EventBody)
  }

  #view(readPart: ReadPart | null, writePart: WritePart | null): Span {
    return new Span(this.trace, this.operation, this.job, this.kind, { of: this.#whole, readPart, writePart })
  }
}

/** Runs `work` with the span active until it returns. Without a span it only runs `work`: a span that is active stays so. */
export function withSpan<T>(span: Span | null | undefined, work: () => T): T {
  if (!span) return work()
  const { trace } = span
  const before = trace.active
  trace.active = span
  try {
    return work()
  } finally {
    trace.active = before
  }
}

export interface JobOptions extends SpanOptions {
  /** Whether the error says that the job was cancelled. */
  readonly isCancelled?: (error: unknown) => boolean
}

/** Runs `work` as a job, with its span active, and ends the span as the promise settles. Without a trace it only runs `work`. */
export function runJob<T>(
  trace: Trace | null | undefined,
  kind: TraceJobKind,
  work: (span: Span | null) => Promise<T>,
  options: JobOptions = NO_OPTIONS,
): Promise<T> {
  return trace ? runToEnd(trace.startSpan('job', kind, options), work, options) : work(null)
}

async function runToEnd<T>(span: Span, work: (span: Span) => Promise<T>, { isCancelled }: JobOptions): Promise<T> {
  try {
    const result = await withSpan(span, () => work(span))
    span.end('ok')
    return result
  } catch (error) {
    span.end(isCancelled?.(error) === true ? 'cancelled' : 'failed', error)
    throw error
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
