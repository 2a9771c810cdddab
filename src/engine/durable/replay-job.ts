import { runJob, type Span, type Trace } from '../../trace/span.js'

/** The job that finishes a replay after the open. While it runs, all that the replay reads and changes belongs to it, whatever asked for that. */
export class ReplayJob {
  #span: Span | null = null

  get span(): Span | null {
    return this.#span
  }

  /** `work` finishes the replay. */
  run(trace: Trace | null | undefined, reason: string, work: () => Promise<void>): Promise<void> {
    const run = async (span: Span | null): Promise<void> => {
      this.#span = span
      try {
        await work()
      } finally {
        this.#span = null
      }
    }
    return runJob(trace, 'replay', run, { reason, fallback: true })
  }
}
