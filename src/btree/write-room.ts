/** Policy of the buffer of changed pages: when a checkpoint is due, and when writers have to wait for it. */
import type { BtreeParts } from './parts.js'

/** The log of a checkpoint's time may be this many times larger than the buffer of changed pages. */
const LOG_SHARE = 2

export class WriteRoom {
  readonly #parts: BtreeParts

  constructor(parts: BtreeParts) {
    this.#parts = parts
  }

  /** Why a checkpoint is due, or `undefined`. */
  whyDue(): string | undefined {
    const reason = this.#whyOver(1)
    return reason !== undefined && this.#parts.checkpointer.isDue ? reason : undefined
  }

  /** Why writers have to wait until the checkpoint is done, or `undefined`. */
  whyFull(): string | undefined {
    return this.#whyOver(2)
  }

  #whyOver(times: number): string | undefined {
    const { store, logs, options } = this.#parts
    const limit = times * options.writeBufferSize
    if (store.dirtyBytes >= limit) return 'changed pages fill the buffer'
    return logs.size >= LOG_SHARE * limit ? 'the log is full' : undefined
  }
}
