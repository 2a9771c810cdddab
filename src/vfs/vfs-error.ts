import { IoError, KvariumError } from '../errors.js'

/** What a {@link FileSystemError} records about the failed operation. */
export interface FileSystemErrorPlace {
  /** The interface's name for it: `create`, `read`, `syncDirectory`, ... */
  readonly operation: string
  readonly path: string
  readonly cause?: unknown
}

/**
 * A failed file operation. `code` is the system's name for the reason (`ENOENT`, `EEXIST`, `EIO`, ...) and is the
 * same for every implementation of the seam; the system's own error, if there is one, is the `cause`.
 */
export class FileSystemError extends Error {
  readonly code: string
  readonly operation: string
  readonly path: string

  /** @param reason - Says why, in place of what the code means. */
  constructor(code: string, place: FileSystemErrorPlace, reason: string = explain(code)) {
    super(`${place.operation} failed: ${reason} (${place.path})`, place.cause === undefined ? undefined : { cause: place.cause })
    this.name = 'FileSystemError'
    this.code = code
    this.operation = place.operation
    this.path = place.path
  }

  /** Adds operation and path to a system error; returns an error that has them unchanged. */
  static from(error: unknown, operation: string, path: string): FileSystemError {
    if (error instanceof FileSystemError) return error
    const code = errorCode(error)
    if (code !== undefined || !(error instanceof Error)) return new FileSystemError(code ?? 'EIO', { operation, path, cause: error })
    // No system error: Deno's, for one, that names the permission that the program lacks.
    return new FileSystemError(error.name === 'NotCapable' ? 'EACCES' : 'EIO', { operation, path, cause: error }, error.message)
  }
}

/** The `code` of a system error, if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const code = (error as { readonly code?: unknown }).code
  return typeof code === 'string' ? code : undefined
}

/** Whether an operation failed because the disk, or the user's quota, is full. */
export function isOutOfSpace(error: unknown): boolean {
  return hasCode(error, ['ENOSPC', 'EDQUOT'])
}

/** Whether an operation failed because the process, or the system, has no descriptor left. */
export function isOutOfDescriptors(error: unknown): boolean {
  return hasCode(error, ['EMFILE', 'ENFILE'])
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = errorCode(cause)
    if (code !== undefined && codes.includes(code)) return true
  }
  return false
}

/** Makes any error one of the project's: a failed file operation becomes an `IoError` with its path; misuse passes through. */
export function typedError(error: unknown): Error {
  if (error instanceof FileSystemError) {
    const advice = isOutOfSpace(error) ? '. Free some space, then try again' : ''
    return new IoError(error.message + advice, { file: error.path, cause: error })
  }
  return error instanceof Error ? error : new KvariumError('LEVEL_INTERNAL', String(error))
}

const meanings: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EAGAIN: 'nothing is ready for it: try again in a moment (on OPFS, more spareFiles make that rare)',
  EBADF: 'the handle is closed or was opened for reading only',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'the name is taken',
  EINVAL: 'an argument is out of range',
  EIO: 'the device reported an error',
  EISDIR: 'it is a directory',
  EMFILE: 'this process has as many open files as it may: close some, or raise its limit (ulimit -n)',
  ENFILE: 'the system has as many open files as it may: close some, or raise its limit (fs.file-max)',
  ENOENT: 'nothing has that name',
  ENOSPC: 'no space is left',
  ENOTDIR: 'a part of the path is not a directory',
  ENOTEMPTY: 'the directory is not empty',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
}

function explain(code: string): string {
  const meaning = meanings[code]
  return meaning === undefined ? code : `${code}, ${meaning}`
}
