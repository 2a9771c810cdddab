/** What the main thread and the compaction worker say to each other. Errors keep their class, code and place. */
import type { JobRecord, RecordRequest } from './job-recorder.js'
import { describeError, restoreError, type ErrorMessage } from '../../../vfs/error-message.js'
import { JobCancelled } from '../job-cancelled.js'
import type { MergeJob, MergeResult } from '../merge-job.js'

export interface JobMessage {
  readonly id: number
  readonly job: MergeJob
  /** The job is traced: record what it does. */
  readonly record?: RecordRequest
}

/** The first thing that a worker says: it has been loaded and takes jobs. */
export interface ReadyMessage {
  readonly ready: true
}

export type ReplyMessage = { readonly id: number; readonly record?: JobRecord } & (
  { readonly result: MergeResult } | { readonly failure: FailureMessage }
)

/** Why a job has no result: it was cancelled, or it failed. */
export type FailureMessage = ErrorMessage | { readonly cancelled: string }

export function describeFailure(error: unknown): FailureMessage {
  return error instanceof JobCancelled ? { cancelled: error.message } : describeError(error)
}

export function restoreFailure(failure: FailureMessage): Error {
  return 'cancelled' in failure ? new JobCancelled(failure.cancelled) : restoreError(failure)
}
