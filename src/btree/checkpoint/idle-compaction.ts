/**
 * Turns deleted data into free space while the store is idle, and when it closes: makes a checkpoint, which frees pages and logs, and moves
 * pages from the end of the file to the front, so that the end can be cut off. While idle it also drops entries that have expired.
 *
 * Invariants:
 * 1. It runs only where the pages of the tree would take half of the files or less, at the close seven eighths, and no reader holds pages
 *    that it would free.
 * 2. It stops at the first write, after the step under way; the next idle time goes on.
 * 3. A close moves pages of a bounded size, those at the end of the file: about a second for each GiB of it. What it leaves is found when
 *    the store is opened again.
 */
import { DeadSpace, type SpaceUsage } from '../../engine/durable/dead-space.js'
import { IdleTimer } from '../../engine/durable/idle-timer.js'
import type { BtreeParts } from '../parts.js'
import { shrinkFile, type CompactionOptions } from './compaction.js'
import { ExpirySweep } from './expiry-sweep.js'

/** How long it waits at most, and at least, before it looks again for entries that have expired. */
const MOST_WAIT_MS = 60_000
const LEAST_WAIT_MS = 1000
/** Pages are moved if a checkpoint leaves more than this share of the file free. */
const SHRINK_SHARE = 1 / 4
/** The least that a page is filled, and what an entry takes beside its key and value: so a tree is no larger than its entries say. */
const LEAST_FILL = 1 / 2
const ENTRY_BYTES = 16
/** A close gives back free space where this share of the files or more is dead: what an overwritten tree leaves free is not kept. */
const CLOSE_SHARE = 1 / 8
/** With fewer changed pages a close need not look at what its last checkpoint leaves free. */
const LEAST_DIRTY_BYTES = 512 * 1024
/** The most bytes that a close moves, ... */
const CLOSE_BYTES = 96 * 1024 * 1024
/** ... or this share of the file, if that is more. */
const CLOSE_FILE_SHARE = 1 / 8

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
  readonly #sweep: ExpirySweep
  #isWaiting = false

  constructor(options: IdleCompactionOptions) {
    this.#options = options
    const { context, ledger, options: btreeOptions, tree, expiryClock } = options.parts
    const { scheduler } = context.environment
    this.#deadSpace = new DeadSpace(ledger)
    this.#sweep = new ExpirySweep(tree, expiryClock, { ...options.compaction, flush: () => options.flush('idle') })
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
    if (!this.#isOn || this.#running !== undefined) return
    if (this.#isWorthIt || (this.#mayRun && this.#sweep.isDue)) this.#timer.arm()
    this.onExpiring()
  }

  /** There may be entries that expire. */
  onExpiring(): void {
    const { logStart } = this.#options.parts
    if (this.#isOn && logStart.isDone && !this.#isWaiting && !this.#isClosing) void this.#waitForExpiry()
  }

  /** Gives back what a bounded run can, and runs no more. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#timer.stop()
    await this.#running
    if (!this.#isOn || !this.#mayRun) return
    const { store, file } = this.#options.parts
    // The pages that these replace are dead only after the last checkpoint.
    if (store.dirtyBytes > LEAST_DIRTY_BYTES) await this.#options.flush('the store is closed').catch(() => undefined)
    if (!this.#deadSpace.isWorthARun(this.#usage, CLOSE_SHARE)) return
    const { size, unitBytes } = file
    const mostUnits = Math.max(CLOSE_BYTES, size * CLOSE_FILE_SHARE) / unitBytes
    await this.#run('the store is closed', CLOSE_SHARE, undefined, mostUnits)
  }

  /** Arms the timer whenever there are expired entries to look for. */
  async #waitForExpiry(): Promise<void> {
    const { expiryClock, context } = this.#options.parts
    this.#isWaiting = true
    for (let now = expiryClock.now(); this.#sweep.dueAt < Infinity && !this.#isClosing; now = expiryClock.now()) {
      const wait = this.#sweep.dueAt - now
      // If a sweep is due already, the timer is armed or a reader that has to go arms it.
      await context.environment.scheduler.sleep(wait > 0 ? Math.max(LEAST_WAIT_MS, Math.min(MOST_WAIT_MS, wait)) : MOST_WAIT_MS)
      if (this.#sweep.isDue && this.#mayRun) this.#timer.arm()
      // A clock that stands still is not waited for.
      if (expiryClock.now() === now) break
    }
    this.#isWaiting = false
  }

  #runIdle(): void {
    if (!this.#mayRun || !(this.#sweep.isDue || this.#isWorthIt)) return
    const { tree } = this.#options.parts
    const { sequence } = tree
    this.#running ??= this.#runWhile(() => !this.#isClosing && tree.sequence === sequence).finally(() => {
      this.#running = undefined
      this.onFreed()
    })
  }

  async #runWhile(mayGoOn: () => boolean): Promise<void> {
    // A failure is that of the next write, too.
    if (this.#sweep.isDue) await this.#sweep.run(mayGoOn).catch(() => undefined)
    if (mayGoOn() && !this.#sweep.isUnderWay && this.#isWorthIt) await this.#run('idle', SHRINK_SHARE, mayGoOn)
  }

  async #run(reason: string, shrinkShare: number, mayGoOn = (): boolean => true, mostUnits = Infinity): Promise<void> {
    const { parts, compaction, flush } = this.#options
    const { free } = parts
    await this.#deadSpace.run(async () => {
      await flush(reason)
      if (free.freeUnits > free.end * shrinkShare) {
        await shrinkFile({ ...compaction, flush: () => flush(reason), mayGoOn }, mostUnits)
      }
    })
    if (mayGoOn()) this.#deadSpace.left(this.#usage)
  }

  get #isWorthIt(): boolean {
    return this.#mayRun && this.#deadSpace.isWorthARun(this.#usage)
  }

  get #mayRun(): boolean {
    const { logs, logStart, tree } = this.#options.parts
    return logStart.isDone && logs.failure === undefined && !tree.versions.live.some(({ readers }) => readers > 0)
  }

  /** Bytes of the data file and the logs, and how many of them a checkpoint of the tree would not need. */
  get #usage(): SpaceUsage {
    const { file, logs, store, tree } = this.#options.parts
    const totalBytes = file.size + logs.totalBytes
    const { entries, liveBytes } = tree.root
    const pageBytes = tree.levels.units.reduce((sum, units) => sum + units, 0) * file.unitBytes * store.storedShare
    // The levels count subtrees that were dropped until the next checkpoint.
    const treeBytes = Math.min(pageBytes, (liveBytes + ENTRY_BYTES * entries) / LEAST_FILL)
    return { deadBytes: totalBytes - treeBytes, totalBytes }
  }
}
