import type { JobTracer, Trace } from '../trace/trace.js'

/** Emits the syncs of one log: each is a job that names the operations it serves. */
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

  /** The operation under way waits for the next sync. */
  joinNext(): void {
    const { operation } = this.#trace
    if (operation > 0) this.#next.add(operation)
  }

  /** The operation under way waits for the sync under way. */
  joinRunning(): void {
    const { operation } = this.#trace
    if (operation > 0) this.#running.add(operation)
  }

  begin(): JobTracer {
    this.#running = this.#next
    this.#next = new Set()
    return this.#trace.job('commit')
  }

  end(job: JobTracer, upTo: number): void {
    job.emit({ type: 'log.commit', log: this.#log, operations: [...this.#running], upTo })
    this.#running = new Set()
    job.end('ok')
  }
}
