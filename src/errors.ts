/**
 * The errors of every layer. Each carries a stable `code` in the vocabulary of the Level ecosystem, so that a caller
 * can branch on it, and the place (`file`, `offset`) as far as it is known. Misuse of an API by the
 * programmer is a `TypeError` with a `code`, see {@link MisuseError}.
 */

/** Where in a store an error occurred. Offsets are bytes from the start of the file. */
export interface ErrorPlace {
  readonly file?: string
  readonly offset?: number
  readonly cause?: unknown
}

export class KvariumError extends Error {
  /** Stable, for programs: `LEVEL_CORRUPTION`, `LEVEL_LOCKED`, ... */
  readonly code: string
  readonly file?: string
  readonly offset?: number

  constructor(code: string, message: string, place: ErrorPlace = {}) {
    super(message, place.cause === undefined ? undefined : { cause: place.cause })
    this.name = new.target.name
    this.code = code
    if (place.file !== undefined) this.file = place.file
    if (place.offset !== undefined) this.offset = place.offset
  }
}

/** Bytes on disk are not what was written: a checksum failed, a file is missing, a structure contradicts itself. */
export class CorruptionError extends KvariumError {
  constructor(message: string, place: ErrorPlace = {}) {
    const at = place.file === undefined ? '' : ` (${place.file}${place.offset === undefined ? '' : ` at byte ${place.offset}`})`
    super('LEVEL_CORRUPTION', message + at, place)
  }
}

/** The operating system refused or failed a file operation. The original error is the `cause`. */
export class IoError extends KvariumError {
  constructor(message: string, place: ErrorPlace = {}) {
    super('LEVEL_IO_ERROR', message, place)
  }
}

/** Another open store holds the directory. */
export class LockedError extends KvariumError {
  constructor(message: string, place: ErrorPlace = {}) {
    super('LEVEL_LOCKED', message, place)
  }
}

/** A log append or sync failed earlier: the store takes no more writes until it is closed and opened again. */
export class PoisonedError extends KvariumError {
  constructor(message: string, place: ErrorPlace = {}) {
    super('LEVEL_WRITES_STOPPED', message, place)
  }
}

/** A file was written by a newer kvarium, or by another engine, or is not a kvarium file at all. */
export class FormatError extends KvariumError {
  constructor(message: string, place: ErrorPlace = {}) {
    super('LEVEL_UNSUPPORTED_FORMAT', message, place)
  }
}

/**
 * A write did not happen because of what the store holds: a transaction's reads have changed (`LEVEL_TRANSACTION_CONFLICT`), or a condition of a
 * batch does not hold (`LEVEL_CONDITION_FAILED`).
 */
export class ConflictError extends KvariumError {
  /** The key that is to blame, as it is stored: in UTF-8, with the prefixes of sublevels. */
  readonly key: string | undefined

  constructor(code: 'LEVEL_TRANSACTION_CONFLICT' | 'LEVEL_CONDITION_FAILED', message: string, key?: string) {
    super(code, message)
    this.key = key
  }
}

/** The error of Level and of the web platform for an operation that its signal aborted. */
export class AbortError extends KvariumError {
  constructor() {
    super('LEVEL_ABORTED', 'Operation has been aborted')
    this.name = 'AbortError'
  }
}

/** The caller used an API wrongly: a bad option, a key that is too long, a cursor after close. */
export class MisuseError extends TypeError {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'MisuseError'
    this.code = code
  }
}
