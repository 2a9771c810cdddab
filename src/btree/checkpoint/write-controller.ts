/** Back-pressure: when a checkpoint is due, and when writers have to wait for it. */
import type { BtreeParts } from '../parts.js'

/** The logs may be this many times larger than the buffer of changed pages, ... */
const LOG_SHARE = 2
/** ... and this many times larger than the live data, beyond a minimum: keys that are overwritten often do not fill disk and recovery. */
const LIVE_SHARE = 3
const LEAST_LOG_BYTES = 8 * 1024 * 1024
/** A checkpoint is due at this length of the logs at the latest, but writers do not wait for it: what a kill leaves to replay is bounded. */
const MOST_REPLAY_BYTES = 16 * 1024 * 1024
const EXCESS_SHARE = 3
const LEAST_EXCESS_BYTES = 4 * 1024 * 1024

export class WriteController {
  readonly #parts: BtreeParts

  constructor(parts: BtreeParts) {
    this.#parts = parts
  }

  /** Why a checkpoint is due, or `undefined`. */
  whyDue(): string | undefined {
    const reason = this.#whyOver(1, Math.min(MOST_REPLAY_BYTES, this.#logLimit))
    return reason !== undefined && this.#parts.checkpointer.isDue ? reason : undefined
  }

  /** Whether the logs are much larger than the data: an engine at rest does not keep them. */
  get hasExcessLog(): boolean {
    const { tree, logs } = this.#parts
    return logs.totalBytes > Math.max(LEAST_EXCESS_BYTES, EXCESS_SHARE * tree.root.liveBytes)
  }

  /** Why writers have to wait for the checkpoint, or `undefined`. */
  whyFull(): string | undefined {
    return this.#whyOver(2, 2 * this.#logLimit)
  }

  #whyOver(times: number, logBytes: number): string | undefined {
    const { store, logs, options } = this.#parts
    if (store.dirtyBytes >= times * options.writeBufferSize) return 'changed pages fill the buffer'
    return logs.totalBytes >= logBytes ? 'the log is full' : undefined
  }

  get #logLimit(): number {
    const { tree, options } = this.#parts
    return Math.min(LOG_SHARE * options.writeBufferSize, Math.max(LEAST_LOG_BYTES, LIVE_SHARE * tree.root.liveBytes))
  }
}
