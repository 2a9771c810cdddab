/**
 * Turns deleted data into free space while the store is idle, and when it closes: makes a checkpoint, which frees pages and logs, and moves
 * pages from the end of the file to the front, so that the end can be cut off.
 *
 * Invariants:
 * 1. It runs only where the pages of the tree would take half of the files or less, and no reader holds pages that it would free.
 * 2. It stops at the first write, after the step under way; the next idle time goes on.
 * 3. A close moves pages of a bounded size. What it leaves is found when the store is opened again.
 */
import { IdleTimer } from '../../engine/durable/idle-timer.js'
import type { BtreeParts } from '../parts.js'
import { shrinkFile, type CompactionOptions } from './compaction.js'

/** Fewer dead bytes cost more to give back than they take. */
const LEAST_DEAD_BYTES = 512 * 1024
const DEAD_SHARE = 1 / 2
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
  /** Dead bytes that the last whole run left. */
  #deadBefore = 0
  /** Runs since open, and the bytes by which they made the files smaller. */
  readonly counts = { runs: 0, freedBytes: 0 }

  constructor(options: IdleCompactionOptions) {
    this.#options = options
    const { context, options: btreeOptions, tree } = options.parts
    const { scheduler } = context.environment
    this.#isOn = btreeOptions.idleCompaction && context.inspecting !== true
    this.#timer = new IdleTimer({ scheduler, activity: () => tree.sequence, onIdle: () => this.#runIdle() })
    this.onFreed()
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

  /** Never rejects: a checkpoint that failed is tried again when the next one is due. */
  async #run(reason: string, mayGoOn: () => boolean): Promise<void> {
    const { parts, compaction, flush } = this.#options
    const { ledger, free } = parts
    const before = ledger.fileBytes
    this.counts.runs++
    try {
      await flush(reason)
      if (free.freeUnits > free.end * SHRINK_SHARE) {
        await shrinkFile({ ...compaction, flush: () => flush(reason), mayGoOn })
      }
    } catch {
      // Everything acknowledged is in the logs.
    }
    this.counts.freedBytes += Math.max(0, before - ledger.fileBytes)
    if (mayGoOn()) this.#deadBefore = Math.max(0, this.#usage.deadBytes)
  }

  get #isWorthIt(): boolean {
    const { logs, logStart, tree } = this.#options.parts
    if (!logStart.isDone || logs.failure !== undefined || tree.versions.live.some(({ readers }) => readers > 0)) return false
    const { deadBytes, totalBytes } = this.#usage
    return deadBytes >= this.#deadBefore + LEAST_DEAD_BYTES && deadBytes >= totalBytes * DEAD_SHARE
  }

  /** Bytes of the data file and the logs, and how many of them a checkpoint of the tree would not need. */
  get #usage(): { readonly deadBytes: number; readonly totalBytes: number } {
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
