/**
 * What an operator watches in a running store: how flushes, compactions and checkpoints ended, how long writers waited, damage that was
 * met, and writes that failed. Unlike a trace it needs no option. Without a subscriber it costs one look at a flag, on none of the hot paths.
 */
/** The end of a background job. */
export interface JobMessage {
  readonly reason?: string
  readonly status: 'ok' | 'failed' | 'cancelled'
  readonly durationMs: number
  readonly error?: unknown
}

export interface StallMessage {
  /** What the writer waited for. */
  readonly reason: string
  readonly waitedMs: number
}

export interface FailureMessage {
  /** The error that the caller gets, with `code`, and `file` and `offset` where it has a place. */
  readonly error: unknown
}

export interface DiagnosticMessages {
  readonly flush: JobMessage
  readonly compaction: JobMessage
  readonly checkpoint: JobMessage
  readonly stall: StallMessage
  readonly corruption: FailureMessage
  readonly 'write-failure': FailureMessage
}

export type DiagnosticName = keyof DiagnosticMessages

/** Which store a message is of. */
export interface DiagnosticSource {
  /** The absolute path of its directory; what was passed to the constructor if it has no files. */
  readonly location: string
  readonly engine: string
}

/** What a subscriber of the channel `kvarium:NAME` gets. */
export type DiagnosticMessage<Name extends DiagnosticName> = DiagnosticSource & DiagnosticMessages[Name]

/** Where a platform publishes: `node:diagnostics_channel` on Node. */
export interface DiagnosticSink {
  hasSubscribers(name: DiagnosticName): boolean
  publish<Name extends DiagnosticName>(name: Name, message: DiagnosticMessage<Name>): void
}

/** The messages of one store. */
export class Diagnostics {
  readonly #sink: DiagnosticSink
  readonly #source: DiagnosticSource

  constructor(sink: DiagnosticSink, source: DiagnosticSource) {
    this.#sink = sink
    this.#source = source
  }

  isHeard(name: DiagnosticName): boolean {
    return this.#sink.hasSubscribers(name)
  }

  publish<Name extends DiagnosticName>(name: Name, message: DiagnosticMessages[Name]): void {
    if (this.#sink.hasSubscribers(name)) this.#sink.publish(name, { ...this.#source, ...message })
  }
}

type JobName = 'flush' | 'compaction' | 'checkpoint'

export interface WatchedJob {
  readonly diagnostics: Diagnostics | undefined
  readonly clock: { now(): number }
  readonly reason?: string | undefined
  /** Whether the error says that the job was cancelled. */
  readonly isCancelled?: (error: unknown) => boolean
}

/** Runs a job and publishes its end, if the channel has a subscriber as it begins. The result settles when the job's promise does, not later: whether it is watched changes no order. */
export function runWatched(name: JobName, job: () => Promise<void>, options: WatchedJob): Promise<void> {
  const { diagnostics, clock, reason, isCancelled } = options
  if (diagnostics?.isHeard(name) !== true) return job()
  const start = clock.now()
  const running = job()
  const publish = (end: Pick<JobMessage, 'status' | 'error'>): void => {
    const because = reason === undefined ? {} : { reason }
    diagnostics.publish(name, { ...because, durationMs: clock.now() - start, ...end })
  }
  running.then(
    () => publish({ status: 'ok' }),
    (error: unknown) => publish({ status: isCancelled?.(error) === true ? 'cancelled' : 'failed', error }),
  )
  return running
}
