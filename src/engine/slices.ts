import { withSpan, type Span } from '../trace/span.js'
import type { Scheduler } from '../vfs/environment.js'

/** What a slice of a long write does at most, in operations. A slice ends at 1,024 operations or 1 MiB. */
export const WORK_A_SLICE = 1024
export const WORK_BYTES_SHIFT = 10

/** Runs work in the next slice of a long write. */
export type NextSlice = <T>(work: () => T) => Promise<T>

/** The slices of a long write: the event loop has a turn before each, and each runs in the span. */
export function slicesOf(scheduler: Scheduler, span: Span | null | undefined): NextSlice {
  return async work => {
    await scheduler.turn()
    return withSpan(span, work)
  }
}

/** Runs work that yields between its pieces, each piece in a slice. */
export async function inSlices(pieces: Generator<void, void>, nextSlice: NextSlice): Promise<void> {
  while ((await nextSlice(() => pieces.next())).done !== true);
}
