/**
 * Turns deleted data into free space while the store is idle, and when it closes: flushes the memtable with the tombstones, after which the
 * picker finds the tables that they make worth a compaction.
 *
 * Invariants:
 * 1. It runs only where deletions have made half of the files or more dead, by an estimate from counts: an entry for each tombstone; or
 *    where half of the entries or more have expired in tables that are worth it together.
 * 2. It runs again only once more has been deleted, or has expired, since.
 * 3. A close compacts tables of a bounded size. What it leaves is found when the store is opened again.
 */
import { DeadSpace, LEAST_DEAD_BYTES, type SpaceUsage } from '../../engine/durable/dead-space.js'
import { IdleTimer } from '../../engine/durable/idle-timer.js'
import type { SnapshotList } from '../../engine/snapshot-list.js'
import { compareKeys } from '../../codec/entry.js'
import type { Memtable } from '../memtable/memtable.js'
import type { LsmParts } from '../parts.js'
import type { BackgroundScheduler } from './scheduler.js'

/** How long it waits at most, and at least, before it looks again for tables in which half has expired. */
const MOST_WAIT_MS = 60_000
const LEAST_WAIT_MS = 1000
/** Tables that a close compacts, in multiples of `writeBufferSize`. */
const CLOSE_BUFFERS = 8

export interface IdleCompactionOptions {
  readonly parts: LsmParts
  readonly scheduler: BackgroundScheduler
  readonly snapshots: SnapshotList
  /** Resolves when the memtable is in a table. */
  flush(reason: string): Promise<void>
}

export class IdleCompaction {
  readonly #options: IdleCompactionOptions
  readonly #timer: IdleTimer
  readonly #isOn: boolean
  readonly #deadSpace: DeadSpace
  #isWaiting = false
  #isClosed = false

  constructor(options: IdleCompactionOptions) {
    this.#options = options
    const { context, ledger, options: lsmOptions, versions } = options.parts
    const { scheduler } = context.environment
    this.#deadSpace = new DeadSpace(ledger)
    this.#isOn = lsmOptions.idleCompaction && context.inspecting !== true
    this.#timer = new IdleTimer({ scheduler, activity: () => versions.sequence, onIdle: () => void this.#runIdle() })
    this.onStarted()
  }

  get counts(): DeadSpace['counts'] {
    return this.#deadSpace.counts
  }

  /** The store takes writes: what earlier sessions have left may be worth it. */
  onStarted(): void {
    if (this.#isOn && this.#isWorthIt) this.#timer.arm()
    this.onTables()
  }

  /** Something was deleted, or the snapshot that kept deleted data is gone. */
  onDeleted(): void {
    if (this.#isOn) this.#timer.arm()
  }

  /** There are other tables than before: entries of them may expire. */
  onTables(): void {
    // Before the start, a look at the tables would load the logs.
    const { start } = this.#options.parts
    if (this.#isOn && start.isDone && !this.#isWaiting && !this.#isClosed) void this.#waitForExpiry()
  }

  /** Gives back what a bounded compaction can, and runs no more. */
  async close(): Promise<void> {
    this.#timer.stop()
    this.#isClosed = true
    const { writeBufferSize } = this.#options.parts.options
    if (this.#isOn && this.#isWorthIt) {
      await this.#run('the store is closed', () => this.#options.scheduler.compactWithin(CLOSE_BUFFERS * writeBufferSize))
    }
  }

  /** Arms the timer whenever half of a table has expired, as long as there are tables that wait for it. */
  async #waitForExpiry(): Promise<void> {
    const { expiryClock, context } = this.#options.parts
    const { scheduler } = context.environment
    this.#isWaiting = true
    for (let now = expiryClock.now(), next = this.#nextExpiry(now); next < Infinity; next = this.#nextExpiry(now)) {
      await scheduler.sleep(Math.max(LEAST_WAIT_MS, Math.min(MOST_WAIT_MS, next - now)))
      if (this.#isClosed) return
      if (this.#isWorthIt) this.#timer.arm()
      // A clock that stands still is not waited for.
      if (expiryClock.now() === now) break
      now = expiryClock.now()
    }
    this.#isWaiting = false
  }

  /** When half of a table will have expired next. */
  #nextExpiry(now: number): number {
    let next = Infinity
    for (const { meta } of this.#options.parts.versions.state.version.files()) {
      if (meta.halfExpiredAt !== undefined && meta.halfExpiredAt > now) next = Math.min(next, meta.halfExpiredAt)
    }
    return next
  }

  /** Bytes that have expired at least in tables that a compaction rewrites for it. */
  get #expiredBytes(): number {
    const { snapshots, parts } = this.#options
    const horizon = snapshots.expiryHorizon
    let bytes = 0
    for (const { meta } of parts.versions.state.version.files()) {
      if (meta.halfExpiredAt !== undefined && meta.halfExpiredAt <= horizon) bytes += meta.fileBytes / 2
    }
    return bytes
  }

  async #runIdle(): Promise<void> {
    if (this.#isWorthIt) await this.#run('idle', () => this.#options.scheduler.settle())
  }

  async #run(reason: string, compact: () => Promise<void>): Promise<void> {
    const { parts, flush } = this.#options
    await this.#deadSpace.run(async () => {
      await flush(reason)
      await compact()
      parts.pool.releaseIdle()
      await parts.tables.removed()
    })
    this.#deadSpace.left(this.#usage())
  }

  get #isWorthIt(): boolean {
    const { parts, snapshots } = this.#options
    const { logs, start, versions } = parts
    if (!start.isDone || logs.failure !== undefined || (snapshots.sequences()[0] ?? Infinity) < versions.sequence) return false
    return this.#expiredBytes >= LEAST_DEAD_BYTES || this.#deadSpace.isWorthARun(this.#usage())
  }

  /** Bytes of the logs and tables, and how many of them are dead by the counts of tombstones. */
  #usage(): SpaceUsage {
    const { versions, logs } = this.#options.parts
    const { memtable, immutable, version, tombstones: ranges } = versions.state
    let totalBytes = logs.totalBytes
    let coveredBytes = [memtable, ...immutable].some(isCovered) ? totalBytes : 0
    let entries = 0
    let tombstones = 0
    for (const { list, pointTombstones } of [memtable, ...immutable]) {
      entries += list.count
      tombstones += pointTombstones
    }
    for (const { meta } of version.files()) {
      entries += meta.entries
      tombstones += meta.tombstones
      totalBytes += meta.fileBytes
      if (ranges?.coverAll(meta.smallest, meta.largest, meta.maxSequence) === true) coveredBytes += meta.fileBytes
    }
    // A tombstone and the entry under it.
    const deadShare = entries === 0 ? 0 : Math.min(1, (2 * tombstones) / entries)
    return { deadBytes: Math.max(coveredBytes, deadShare * totalBytes), totalBytes }
  }
}

/** Whether a range tombstone deletes from the first to the last key of the memtable. */
function isCovered({ list, ranges }: Memtable): boolean {
  if (ranges.length === 0 || list.count === 0) return false
  const cursor = list.cursor()
  try {
    cursor.first()
    const first = cursor.key.copy()
    cursor.last()
    const last = cursor.key.copy()
    return ranges.some(range => compareKeys(range.first, first) <= 0 && compareKeys(range.last, last) >= 0)
  } finally {
    cursor.close()
  }
}
