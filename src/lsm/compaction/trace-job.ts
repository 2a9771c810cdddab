/** Work of the tree told as jobs of a trace. Where nobody listens, `trace` and `job` are null and only the work is done. */
import type { TraceJobKind } from '../../trace/events.js'
import type { JobTracer, Trace } from '../../trace/trace.js'
import { JobCancelled } from './merge-job.js'

export interface JobTitle {
  readonly kind: TraceJobKind
  readonly reason?: string
  /** It runs in another thread. */
  readonly remote?: boolean
}

/** Runs `work` as a job from its begin to its end. What it emits before its first await is the job's; later it must name the job itself. */
export function inJob<T>(trace: Trace | null, { kind, reason, remote }: JobTitle, work: (job: JobTracer | null) => Promise<T>): Promise<T> {
  return trace === null ? work(null) : told(trace.job(kind, reason, remote), work)
}

async function told<T>(job: JobTracer, work: (job: JobTracer) => Promise<T>): Promise<T> {
  try {
    const result = await job.run(() => work(job))
    job.end('ok')
    return result
  } catch (error) {
    job.end(error instanceof JobCancelled ? 'cancelled' : 'failed', error)
    throw error
  }
}

/** What `work` does before it returns belongs to the job. */
export function asJob<T>(job: JobTracer | null, work: () => T): T {
  return job === null ? work() : job.run(work)
}

/** What `work` does belongs to the job until it is done, as far as it has no other owner. */
export function throughoutJob<T>(job: JobTracer | null, work: () => Promise<T>): Promise<T> {
  return job === null ? work() : job.trace.during(job, work)
}
