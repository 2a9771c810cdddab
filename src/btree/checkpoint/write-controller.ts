/**
 * Back-pressure: when a checkpoint is due, and when writers have to wait for it. While one is under way, writes are delayed by what they
 * change (engine/durable/write-pacer.ts), so that they do not come to the limits before it ends.
 */
import { WritePacer, type WriteLimit } from '../../engine/durable/write-pacer.js'
import type { BtreeParts } from '../parts.js'

/** The logs may be this many times larger than the buffer of changed pages, ... */
const LOG_SHARE = 2
/** ... and this many times larger than the live data, beyond a minimum: keys that are overwritten often do not fill disk and recovery. */
const LIVE_SHARE = 3
const LEAST_LOG_BYTES = 8 * 1024 * 1024
/**
 * A checkpoint is due at this length of the logs at the latest. Scattered overwrites change every leaf of a tree long before: each checkpoint
 * then writes all of it, so that write amplification is the tree's size over this.
 */
const LOG_DUE_BYTES = 36 * 1024 * 1024
/** Writes are delayed so that the checkpoint ends before the logs have this length, which bounds what a kill leaves to replay. None stops for it. */
const MOST_LOG_BYTES = 44 * 1024 * 1024
/** A checkpoint is due once the changed pages take this many times the buffer, ... */
const DUE_TIMES = 1.5
/** ... and writers stop once they, or the logs, take this many times theirs. */
const STOP_TIMES = 2
const EXCESS_SHARE = 3
const LEAST_EXCESS_BYTES = 4 * 1024 * 1024

export class WriteController {
  readonly #parts: BtreeParts
  readonly #pacer: WritePacer
  /** What was used of the limits when a write last went ahead, in bytes of changed pages. */
  #usedBytes = 0
  /** At the close no write is delayed. */
  isClosing = false

  /** `onDue` is called when a delayed writer may go on. */
  constructor(parts: BtreeParts, onDue: () => void) {
    this.#parts = parts
    const { clock, scheduler } = parts.context.environment
    this.#pacer = new WritePacer({ clock, scheduler, limits: now => this.#limits(now), onDue })
  }

  /** Why a checkpoint is due, or `undefined`. */
  whyDue(): string | undefined {
    const reason = this.#whyOver(DUE_TIMES, Math.min(LOG_DUE_BYTES, this.#logLimit))
    return reason !== undefined && this.#parts.checkpointer.isDue ? reason : undefined
  }

  /** Whether the logs are much larger than the data: an engine at rest does not keep them. */
  get hasExcessLog(): boolean {
    const { tree, logs } = this.#parts
    return logs.totalBytes > Math.max(LEAST_EXCESS_BYTES, EXCESS_SHARE * tree.root.liveBytes)
  }

  /** Why writers have to wait for the checkpoint, or `undefined`. */
  whyStopped(): string | undefined {
    return this.#whyOver(STOP_TIMES, STOP_TIMES * this.#logLimit)
  }

  /** Why a writer has to wait, or `undefined`. */
  whyFull(): string | undefined {
    return this.#pacer.isDelaying ? 'writes are delayed while a checkpoint is under way' : this.whyStopped()
  }

  /** Whether a write may go ahead. If not, `onDue` is called once it may. */
  admits(): boolean {
    if (this.isClosing || !this.#parts.checkpointer.isRunning) return true
    const used = this.#used
    if (!this.#pacer.admits(Math.max(0, used - this.#usedBytes))) return false
    this.#usedBytes = used
    return true
  }

  /** A checkpoint has ended or failed. */
  onCheckpoint(): void {
    this.#pacer.reset()
  }

  #limits(now: number): WriteLimit[] {
    const time = this.#parts.checkpointer.expect(now)
    return time === undefined ? [] : [{ ...time, leftBytes: this.#mostDirtyBytes - this.#used }]
  }

  /** How far the changed pages or the logs, whichever is further, are on the way to their limit, in bytes of changed pages. */
  get #used(): number {
    const { store, logs } = this.#parts
    return Math.max(store.dirtyBytes, (logs.totalBytes / Math.min(MOST_LOG_BYTES, STOP_TIMES * this.#logLimit)) * this.#mostDirtyBytes)
  }

  get #mostDirtyBytes(): number {
    return STOP_TIMES * this.#parts.options.writeBufferSize
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
