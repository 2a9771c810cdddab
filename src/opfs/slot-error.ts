import { errorCode, FileSystemError } from '../vfs/vfs-error.js'

/** The system's codes for the names of a browser's errors. */
const CODES: Readonly<Record<string, string>> = {
  InvalidStateError: 'EBADF',
  NoModificationAllowedError: 'EBUSY',
  NotAllowedError: 'EACCES',
  NotFoundError: 'ENOENT',
  QuotaExceededError: 'ENOSPC',
  SecurityError: 'EACCES',
}

/** The error of a browser's file, or of the log of names, as that of an operation. */
export function slotError(error: unknown, operation: string, path: string): FileSystemError {
  if (error instanceof FileSystemError) return error
  return new FileSystemError(codeIn(error) ?? 'EIO', { operation, path, cause: error })
}

/** The code of the error, or of the first of its causes that has one. */
function codeIn(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = cause instanceof FileSystemError ? errorCode(cause) : CODES[cause.name]
    if (code !== undefined) return code
  }
  return undefined
}
