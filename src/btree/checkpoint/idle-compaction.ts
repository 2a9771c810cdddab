/**
 * Turns deleted data into free space while the store is idle, and when it closes: makes a checkpoint, which frees pages and logs, and moves
 * pages from the end of the file to the front, so that the end can be cut off.
 *
 * Invariants:
 * 1. It runs only where the pages of the tree would take half of the files or less, and no reader holds pages that it would free.
 * 2. It stops at the first write, after the step under way; the next idle time goes on.
 * 3. A close moves pages of a bounded size. What it leaves is found when the store is opened again.
 */
import { DeadSpace, type SpaceUsage } from '../../engine/durable/dead-space.js'
import { IdleTimer } from '../../engine/durable/idle-timer.js'
import type { BtreeParts } from '../parts.js'
import { shrinkFile, type CompactionOptions } from './compaction.js'

/** Pages are moved if a checkpoint leaves more than this share of the file free. */
const SHRINK_SHARE = 1 / 4
/** The least that a page is filled, and what an entry takes beside its key and value: so a tree is no larger than its entries say. */
const LEAST_FILL = 1 / 2
const ENTRY_BYTES = 16
/** Pages behind the new end of the file that a close moves, in bytes. */
const CLOSE_BYTES = 64 * 1024 * 1024

export interface IdleCompactionOptions {
  readonly parts: BtreeParts
  readonly compaction: Omit<CompactionOptions, 'range' | 'flush'>
  /** Resolves when the tree is on disk. */
  flush(reason: string): Promise<void>
}

export class IdleCompaction {
  readonly #options: IdleCompactionOptions
  readonly #timer: IdleTimer
  readonly #isOn: boolean
  #isClosing = false
  /** The run under way; never rejects. */
  #running: Promise<void> | undefined
  readonly #deadSpace: DeadSpace

  constructor(options: IdleCompactionOptions) {
    this.#options = options
    const { context, ledger, options: btreeOptions, tree } = options.parts
    const { scheduler } = context.environment
    this.#deadSpace = new DeadSpace(ledger)
    this.#isOn = btreeOptions.idleCompaction && context.inspecting !== true
    this.#timer = new IdleTimer({ scheduler, activity: () => tree.sequence, onIdle: () => this.#runIdle() })
    this.onFreed()
  }

  get counts(): DeadSpace['counts'] {
    return this.#deadSpace.counts
  }

  /** Something was deleted. */
  onDeleted(): void {
    if (this.#isOn) this.#timer.arm()
  }

  /** A checkpoint, or a reader that went, may have made space free. */
  onFreed(): void {
    if (this.#isOn && this.#running === undefined && this.#isWorthIt) this.#timer.arm()
  }

  /** Gives back what a bounded run can, and runs no more. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#timer.stop()
    await this.#running
    if (this.#isOn && this.#isWorthIt) await this.#run('the store is closed', () => this.#bytesToMove <= CLOSE_BYTES)
  }

  #runIdle(): void {
    if (!this.#isWorthIt) return
    const { tree } = this.#options.parts
    const { sequence } = tree
    this.#running ??= this.#run('idle', () => !this.#isClosing && tree.sequence === sequence).finally(() => {
      this.#running = undefined
      this.onFreed()
    })
  }

  async #run(reason: string, mayGoOn: () => boolean): Promise<void> {
    const { parts, compaction, flush } = this.#options
    const { free } = parts
    await this.#deadSpace.run(async () => {
      await flush(reason)
      if (free.freeUnits > free.end * SHRINK_SHARE) {
        await shrinkFile({ ...compaction, flush: () => flush(reason), mayGoOn })
      }
    })
    if (mayGoOn()) this.#deadSpace.left(this.#usage)
  }

  get #isWorthIt(): boolean {
    const { logs, logStart, tree } = this.#options.parts
    if (!logStart.isDone || logs.failure !== undefined || tree.versions.live.some(({ readers }) => readers > 0)) return false
    return this.#deadSpace.isWorthARun(this.#usage)
  }

  /** Bytes of the data file and the logs, and how many of them a checkpoint of the tree would not need. */
  get #usage(): SpaceUsage {
    const { file, logs, tree } = this.#options.parts
    const totalBytes = file.size + logs.totalBytes
    const { entries, liveBytes } = tree.root
    const pageBytes = tree.levels.units.reduce((sum, units) => sum + units, 0) * file.unitBytes
    // The levels count subtrees that were dropped until the next checkpoint.
    const treeBytes = Math.min(pageBytes, (liveBytes + ENTRY_BYTES * entries) / LEAST_FILL)
    return { deadBytes: totalBytes - treeBytes, totalBytes }
  }

  /** Bytes in use behind what will be the end of the file. */
  get #bytesToMove(): number {
    const { file, free } = this.#options.parts
    return free.usedFrom(free.end - free.freeUnits) * file.unitBytes
  }
}
