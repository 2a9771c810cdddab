/** An error as data, for another thread: the structured clone would lose its class, its code and its place. */
import { CorruptionError, IoError, KvariumError } from '../errors.js'
import { errorCode, FileSystemError } from './vfs-error.js'

export interface ErrorMessage {
  readonly isCorruption: boolean
  readonly code: string
  readonly message: string
  readonly file?: string
  readonly offset?: number
  /** Name of the file operation that failed. */
  readonly operation?: string
}

export function describeError(error: unknown): ErrorMessage {
  const isCorruption = error instanceof CorruptionError
  const message = error instanceof Error ? error.message : String(error)
  const code = errorCode(error) ?? 'LEVEL_IO_ERROR'
  if (error instanceof FileSystemError) return { isCorruption, code, message, file: error.path, operation: error.operation }
  if (!(error instanceof KvariumError)) return { isCorruption, code, message }
  return {
    isCorruption,
    code,
    message,
    ...(error.file !== undefined && { file: error.file }),
    ...(error.offset !== undefined && { offset: error.offset }),
  }
}

export function restoreError({ isCorruption, code, message, file, offset, operation }: ErrorMessage): Error {
  const place = { ...(file !== undefined && { file }), ...(offset !== undefined && { offset }) }
  if (operation !== undefined) return new FileSystemError(code, { operation, path: file ?? '' })
  // The message names the place already.
  if (isCorruption) return Object.assign(new CorruptionError(message), place)
  return code.startsWith('LEVEL_') ? new KvariumError(code, message, place) : new IoError(`${code}: ${message}`, place)
}
