/** The errors of the explorer itself, in the shape of those of the store: a stable code, what is wrong with what, and what to do. */
import { KvariumError } from 'kvarium/engine'

export type ExplorerErrorCode =
  /** A link that no page has made, or only a part of one. */
  | 'KVARIUM_INVALID_LINK'
  /** Lanes that no run can have: too many, twice the same name, or a name that cannot be shown. */
  | 'KVARIUM_INVALID_LANES'
  /** A name that is taken already. */
  | 'KVARIUM_INVALID_NAME'
  /** Files that are no store, no recording and no report, or too large ones. */
  | 'KVARIUM_INVALID_FILES'
  /** The run cannot be done again from what it would be kept in: a link, a program, a page. */
  | 'KVARIUM_NOT_REPEATABLE'
  /** The run has no store that could do anything: it is a recording, or a running program. */
  | 'KVARIUM_RECORDED'
  /** There is no run, exercise or list of operations of which something is asked. */
  | 'KVARIUM_NOTHING_THERE'
  /** Something that this page, or this program, was not given. */
  | 'KVARIUM_NOT_AT_HAND'
  /** The lane has crashed since the event of which something is asked. */
  | 'KVARIUM_CRASHED_SINCE'
  /** An operation waits for something that does not happen. */
  | 'KVARIUM_STALLED'

export class ExplorerError extends KvariumError {
  constructor(code: ExplorerErrorCode, message: string, { cause }: { readonly cause?: unknown } = {}) {
    super(code, message, cause === undefined ? {} : { cause })
  }
}

/** An error that came from elsewhere: one of the explorer or of the store has a code. */
export function codeOf(error: unknown): string | undefined {
  const { code } = (typeof error === 'object' && error !== null ? error : {}) as { readonly code?: unknown }
  return typeof code === 'string' ? code : undefined
}
