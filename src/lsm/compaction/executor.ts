/**
 * Where merge jobs run. On Node a worker thread takes them; elsewhere, and in deterministic tests, they run inline in slices
 * of a few milliseconds between turns of the event loop.
 */
import type { Hash32 } from '../../codec/checksum.js'
import type { Span } from '../../trace/span.js'
import type { Environment } from '../../vfs/environment.js'
import { bindFileSystem } from '../../vfs/traced-file-system.js'
import { runMergeJob, type MergeJob, type MergeResult } from './merge-job.js'
import type { CustomParts } from '../custom/custom-parts.js'

export interface JobExecutor {
  /** Jobs run outside of this thread: memtables must be shared memory, and their I/O passes by this thread's file system. */
  readonly remote: boolean
  /** What the job does is emitted in the span. */
  run(job: MergeJob, span?: Span | null): Promise<MergeResult>
}

export type ExecutorFactory = (environment: Environment, hash32: Hash32) => JobExecutor

/** A slice of inline work: short enough not to be felt by timers, long enough to make a turn cheap beside it. */
const SLICE_MS = 2

export const inlineExecutor: ExecutorFactory = (environment, hash32) => inlineExecutorWith(undefined, environment, hash32)

/** Jobs with custom parts run inline: functions cannot go to another thread. */
export function inlineExecutorWith(parts: CustomParts | undefined, environment: Environment, hash32: Hash32): JobExecutor {
  const { clock, scheduler, fileSystem, deflate, zstd } = environment
  const run = (job: MergeJob, span: Span | null = null): Promise<MergeResult> => {
    let sliceEnd = clock.now() + SLICE_MS
    const breathe = (): Promise<void> | undefined => {
      if (clock.now() < sliceEnd) return undefined
      return scheduler.turn().then(() => {
        sliceEnd = clock.now() + SLICE_MS
      })
    }
    return runMergeJob(job, {
      fileSystem: bindFileSystem(fileSystem, span),
      hash32,
      parts,
      breathe,
      trace: span,
      deflate,
      zstd,
    })
  }
  return { remote: false, run }
}
