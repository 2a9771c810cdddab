/** What the main thread and the compaction worker say to each other. Errors keep their class, code and place. */
import { CorruptionError, IoError, KvariumError } from '../../../errors.js'
import type { JobRecord, RecordRequest } from './job-recorder.js'
import { FileSystemError } from '../../../vfs/vfs-error.js'
import { JobCancelled, type MergeJob, type MergeResult } from '../merge-job.js'

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

export interface FailureMessage {
  readonly kind: 'corruption' | 'cancelled' | 'other'
  readonly code: string
  readonly message: string
  readonly file?: string
  readonly offset?: number
  /** Name of the file operation that failed. */
  readonly operation?: string
}

export function describeFailure(error: unknown): FailureMessage {
  const kind = error instanceof CorruptionError ? 'corruption' : error instanceof JobCancelled ? 'cancelled' : 'other'
  const message = error instanceof Error ? error.message : String(error)
  const code = codeOf(error) ?? 'LEVEL_IO_ERROR'
  if (error instanceof FileSystemError) return { kind, code, message, file: error.path, operation: error.operation }
  if (!(error instanceof KvariumError)) return { kind, code, message }
  return {
    kind,
    code,
    message,
    ...(error.file !== undefined && { file: error.file }),
    ...(error.offset !== undefined && { offset: error.offset }),
  }
}

export function restoreFailure({ kind, code, message, file, offset, operation }: FailureMessage): Error {
  const place = { ...(file !== undefined && { file }), ...(offset !== undefined && { offset }) }
  if (kind === 'cancelled') return new JobCancelled(message)
  if (operation !== undefined) return new FileSystemError(code, { operation, path: file ?? '' })
  // The message names the place already.
  if (kind === 'corruption') return Object.assign(new CorruptionError(message), place)
  return code.startsWith('LEVEL_') ? new KvariumError(code, message, place) : new IoError(`${code}: ${message}`, place)
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' ? code : undefined
}
