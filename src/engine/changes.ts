/** What the change feeds of all engines share. */
import { KvariumError } from '../errors.js'
import type { OptionSpec } from './contract.js'

/** Bytes of history that an engine keeps for a reader of changes where the option does not say. */
export const DEFAULT_RETAIN_BYTES = 4 * 1024 * 1024

export const CHANGES_RETAIN_BYTES = {
  type: 'integer',
  default: 0,
  min: 0,
  max: 2 ** 40,
  unit: 'bytes',
  about: 'History that is kept for `changes()`, at least. 0: none, until `changes()` is called; then 4 MiB until the store is closed.',
} as const satisfies OptionSpec

/** Wakes feeds that have delivered everything. */
export class ChangeSignal {
  #waiting: Set<FeedLife> | undefined

  /** Resolves when there may be something new; rejects when the feed is closed. */
  async wait(life: FeedLife): Promise<void> {
    this.#waiting ??= new Set()
    this.#waiting.add(life)
    try {
      await life.pause()
    } finally {
      this.#waiting?.delete(life)
    }
  }

  notify(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    this.#waiting = undefined
    for (const life of waiting) life.wake()
  }
}

/** Whether a feed is open, and its wait. */
export class FeedLife {
  #isClosed = false
  #resolve: (() => void) | undefined
  #reject: ((error: Error) => void) | undefined

  requireOpen(): void {
    if (this.#isClosed) throw closedFeed()
  }

  pause(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  wake(): void {
    this.#resolve?.()
  }

  close(): void {
    this.#isClosed = true
    this.#reject?.(closedFeed())
  }
}

function closedFeed(): KvariumError {
  return new KvariumError('LEVEL_ITERATOR_NOT_OPEN', 'The feed of changes is not open: cannot read after close()')
}

/** The changes after `since` are not all there. */
export function changesGone(since: number, why: string): KvariumError {
  return new KvariumError('LEVEL_CHANGES_GONE', `The changes after sequence ${since} cannot be read: ${why}. Start over from a snapshot`)
}

/** Throws where the store has not come to `since` yet: then it is a position of another store, or of one that is lost. */
export function checkSince(since: number | undefined, sequence: number): void {
  if (since !== undefined && since > sequence) throw changesGone(since, `the last change of this store has sequence ${sequence}`)
}
