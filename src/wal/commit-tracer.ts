import type { Span, Trace } from '../trace/span.js'

/** Emits the syncs of one log: each is a job, which names the operations that it serves. */
export class CommitTracer {
  readonly #trace: Trace
  readonly #log: number
  /** Operations that wait for the next sync, and for the one under way. */
  #next = new Set<number>()
  #running = new Set<number>()

  constructor(trace: Trace, log: number) {
    this.#trace = trace
    this.#log = log
  }

  /** The active operation waits for the next sync. */
  joinNext(): void {
    const operation = this.#trace.active?.operation ?? 0
    if (operation > 0) this.#next.add(operation)
  }

  /** The active operation waits for the sync under way. */
  joinRunning(): void {
    const operation = this.#trace.active?.operation ?? 0
    if (operation > 0) this.#running.add(operation)
  }

  begin(): Span {
    this.#running = this.#next
    this.#next = new Set()
    return this.#trace.startSpan('job', 'commit')
  }

  end(span: Span, upTo: number): void {
    span.emit({ type: 'log.commit', log: this.#log, operations: [...this.#running], upTo })
    this.#running = new Set()
    span.end('ok')
  }
}
