/**
 * Where events come together and get their stamps. A part of an engine that has something to tell holds a `Tracer | null`, made once by
 * `at(level)`: where nobody listens at that level it is null, and one null check is all that is left.
 *
 * Who an event belongs to: a job's own tracer says so by itself. The trace's `emit` asks who is under way: the operation or job whose
 * code runs in this very turn (`within`), or else the one that began last among those that take several turns and were given to
 * `during` (opening, closing, a check). Whoever goes on after an await is under way again only if it says so, by `within`.
 *
 * Invariants:
 * 1. An event is stamped with an operation or with a job, never with both, but for `job.begin`: that names the operation that set it off.
 * 2. Listeners run synchronously and must not call the engine.
 */
import type { EventBody, OperationKind, TraceEvent, TraceJobKind, TraceLevel } from './events.js'
import type { ReadCounts, ReadPart, WritePart } from './ledger.js'

const DEPTH: Readonly<Record<TraceLevel, number>> = { job: 1, io: 2, step: 3 }

export type TraceListener = (event: TraceEvent) => void

/** Runs `work` as part of an operation or job that began in an earlier turn; without a trace there is none to tell of. */
export function asOwner<T>(trace: Trace | null, owner: Owner | null, work: () => T): T {
  return trace === null ? work() : trace.within(owner, work)
}

/** What tells events: the trace itself, for whoever is under way, or one operation or job of it. */
export interface Tracer {
  readonly trace: Trace
  emit(body: EventBody): void
  /** This tracer, if the trace tells what belongs to `level`. */
  at(level: TraceLevel): Tracer | null
}

/** An operation or a job: who events belong to. */
export type Owner = OperationTracer | JobTracer

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
  #current: Owner | null = null
  readonly #lasting: Owner[] = []
  /** What file events are booked as, where the file and its user do not say: set by `reading` and `writing`. */
  readPart: ReadPart | null = null
  writePart: WritePart | null = null
  /** What the get under way has touched, left here by an engine for `operation.end`. */
  touched: Readonly<ReadCounts> | undefined

  constructor({ level = 'step', listener, payloads = false }: TraceOptions) {
    this.level = level
    this.payloads = payloads
    this.#listener = listener
  }

  get trace(): this {
    return this
  }

  /** The operation or job under way. */
  get owner(): Owner | null {
    return this.#current ?? this.#lasting.at(-1) ?? null
  }

  /** The number of the operation whose code runs in this turn of the event loop; 0 if none is. */
  get operation(): number {
    return this.#current instanceof OperationTracer ? this.#current.id : 0
  }

  /** The clock that stamps events: that of the environment of the store. */
  useClock(now: () => number): void {
    this.#now = now
  }

  at(level: TraceLevel): this | null {
    return DEPTH[level] <= DEPTH[this.level] ? this : null
  }

  emit(body: EventBody): void {
    const { owner } = this
    if (owner === null) this.tell(body, 0, 0)
    else owner.emit(body)
  }

  /** Tells an event of the given operation and job. */
  tell(body: EventBody, operation: number, job: number, atMs = this.#now()): void {
    this.#listener({ sequence: ++this.#sequence, operation, job, atMs, ...body })
  }

  /** A new operation. Whoever begins it tells `operation.begin` and `operation.end`. */
  begin(kind: OperationKind): OperationTracer {
    return new OperationTracer(this, ++this.#operations, kind)
  }

  /** A new job, begun. */
  job(kind: TraceJobKind, reason?: string, remote = false): JobTracer {
    const tracer = new JobTracer(this, ++this.#jobs, kind)
    const body = { type: 'job.begin', kind, ...(reason !== undefined && { reason }), ...(remote && { remote }) } as const
    this.tell(body, this.operation, tracer.id)
    return tracer
  }

  /** A job from its begin to its end, which says how it went. Behind an await, `work` has to say what belongs to the job. */
  async runJob<T>(kind: TraceJobKind, work: (job: JobTracer) => Promise<T>, reason?: string): Promise<T> {
    const job = this.job(kind, reason)
    try {
      const result = await this.within(job, () => work(job))
      job.end('ok')
      return result
    } catch (error) {
      job.end('failed', error)
      throw error
    }
  }

  /** Runs `work` as part of an operation or job, or of none: what it emits before it returns belongs there. */
  within<T>(owner: Owner | null, work: () => T): T {
    const before = this.#current
    this.#current = owner
    try {
      return work()
    } finally {
      this.#current = before
    }
  }

  /** `within`, and until the promise settles the owner also gets what has no other. */
  async during<T>(owner: Owner, work: () => Promise<T>): Promise<T> {
    this.#lasting.push(owner)
    try {
      return await this.within(owner, work)
    } finally {
      this.#lasting.splice(this.#lasting.lastIndexOf(owner), 1)
    }
  }

  /** Runs `work`, whose reads are booked as `part` whoever asked for them. */
  reading<T>(part: ReadPart, work: () => T): T {
    const before = this.readPart
    this.readPart = part
    try {
      return work()
    } finally {
      this.readPart = before
    }
  }

  /** Runs `work`, whose writes are booked as `part`. */
  writing<T>(part: WritePart, work: () => T): T {
    const before = this.writePart
    this.writePart = part
    try {
      return work()
    } finally {
      this.writePart = before
    }
  }

  /**
   * Tells events that were recorded in another thread as those of `job`: with new sequence numbers, and with their times moved so that
   * the last one is now. Bytes of file events count for the job.
   */
  absorb(events: readonly TraceEvent[], job: JobTracer): void {
    const last = events.at(-1)
    if (last === undefined) return
    const shift = this.#now() - last.atMs
    for (const event of events) {
      const { sequence: _sequence, operation: _operation, job: _job, atMs, ...body } = event
      job.count(event)
      this.tell(body, 0, job.id, atMs + shift)
    }
  }
}

/** What operations and jobs have in common. */
abstract class OwnTracer<Kind> implements Tracer {
  readonly trace: Trace
  readonly id: number
  readonly kind: Kind

  constructor(trace: Trace, id: number, kind: Kind) {
    this.trace = trace
    this.id = id
    this.kind = kind
  }

  at(level: TraceLevel): this | null {
    return this.trace.at(level) === null ? null : this
  }

  abstract emit(body: EventBody): void
}

/** Tells what belongs to one operation. */
export class OperationTracer extends OwnTracer<OperationKind> {
  emit(body: EventBody): void {
    this.trace.tell(body, this.id, 0)
  }
}

/** Tells what belongs to one job, and counts its bytes. */
export class JobTracer extends OwnTracer<TraceJobKind> {
  /** Where no file events are told, whoever reads and writes counts here. */
  bytesRead = 0
  bytesWritten = 0

  emit(body: EventBody): void {
    this.count(body)
    this.trace.tell(body, 0, this.id)
  }

  /** Adds the bytes of a file event. */
  count(body: EventBody): void {
    if (body.type === 'file.read') this.bytesRead += body.length
    else if (body.type === 'file.write') this.bytesWritten += body.length
  }

  /** Runs `work` as part of the job: what the trace itself is told before it returns belongs to the job. */
  run<T>(work: () => T): T {
    return this.trace.within(this, work)
  }

  end(status: 'ok' | 'failed' | 'cancelled', error?: unknown): void {
    const { kind, bytesRead, bytesWritten } = this
    const reason = error instanceof Error ? { error: error.message } : {}
    this.emit({ type: 'job.end', kind, status, bytesRead, bytesWritten, ...reason })
  }
}
