/**
 * Back-pressure: a full memtable becomes immutable and a new one begins. While a flush or a compaction is behind, writes are delayed
 * (write-pacer.ts). Where too many memtables wait for their flush, or level 0 is full, writers wait.
 */
import type { Span } from '../../trace/span.js'
import type { BackgroundScheduler } from '../compaction/scheduler.js'
import type { LsmParts } from '../parts.js'
import { Memtable } from './memtable.js'
import { WritePacer, type WriteLimit } from '../../engine/durable/write-pacer.js'

/** Memtables that may wait for their flush before writers do. */
const MAX_IMMUTABLE = 2

export class WriteController {
  readonly #parts: LsmParts
  readonly #scheduler: BackgroundScheduler
  readonly #pacer: WritePacer
  /** At the close no writer waits any more: the logs take the rest, and the next open puts it into tables. */
  isClosing = false

  /** `onDue` is called when a delayed writer may go on. */
  constructor(parts: LsmParts, scheduler: BackgroundScheduler, onDue: () => void) {
    this.#parts = parts
    this.#scheduler = scheduler
    const { clock, scheduler: timers } = parts.context.environment
    this.#pacer = new WritePacer({ clock, scheduler: timers, limits: now => this.#limits(now), onDue })
  }

  /** A job of the background is over. */
  onProgress(): void {
    this.#pacer.reset()
  }

  /** Whether as many immutable memtables wait for their flush as may. */
  get isFull(): boolean {
    return this.#parts.versions.state.immutable.length >= MAX_IMMUTABLE
  }

  get #isLevel0Full(): boolean {
    const { versions, options } = this.#parts
    return versions.state.version.level(0).length >= options.level0StopTables
  }

  /** Whether the memtable takes a batch of this size now. If not, starts the work that makes room, or throws if that cannot succeed. */
  makeRoom(bytes: number, operations: number): boolean {
    const { versions, logs, pool } = this.#parts
    const { memtable } = versions.state
    if (memtable.hasRoom(bytes, operations)) return this.isClosing || !this.#mayBeBehind || this.#pacer.admits(bytes)
    if (logs.failure !== undefined) throw logs.refusal()
    const needed = Memtable.bytesFor(bytes, operations)
    if (memtable.isEmpty) {
      versions.replaceEmpty(pool.take(needed, memtable.firstLog))
      return true
    }
    const isLevel0Full = this.#isLevel0Full
    if (this.isClosing || !(this.isFull || isLevel0Full)) {
      this.switchMemtable(needed)
      return true
    }
    this.#scheduler.schedule()
    const reason = this.#scheduler.whyNoRoom(isLevel0Full)
    if (reason !== undefined) throw reason
    return false
  }

  /** Whether a job is under way that writers may outrun. */
  get #mayBeBehind(): boolean {
    const { versions, options } = this.#parts
    const { immutable, version } = versions.state
    return immutable.length > 0 || version.level(0).length >= options.level0Tables
  }

  #limits(now: number): WriteLimit[] {
    const { versions, options, pool } = this.#parts
    const { memtable, immutable, version } = versions.state
    const leftInMemtable = Math.max(0, memtable.list.capacityBytes - memtable.list.bytesUsed)
    const flush = this.#scheduler.flushTime(now)
    const level0 = this.#scheduler.level0Time(now)
    const limits: WriteLimit[] = []
    if (flush !== undefined) {
      limits.push({ ...flush, leftBytes: leftInMemtable + Math.max(0, MAX_IMMUTABLE - immutable.length) * pool.capacityBytes })
    }
    if (level0 !== undefined) {
      const leftTables = options.level0StopTables - version.level(0).length - immutable.length
      limits.push({ ...level0, leftBytes: leftInMemtable + Math.max(0, leftTables) * pool.capacityBytes })
    }
    return limits
  }

  /** Why writers have to wait, or `undefined`. */
  whyFull(): string | undefined {
    if (this.#pacer.isDelaying) return 'writes are delayed while the background is behind'
    if (this.isFull) return 'memtables wait for their flush'
    return this.#isLevel0Full ? 'level 0 is full' : undefined
  }

  /** Makes the memtable immutable and begins a new one, of at least `bytes`, with a new log. `reason`: why, if not because it is full. */
  switchMemtable(bytes: number, reason?: string): void {
    const { versions, logs, pool } = this.#parts
    versions.state.memtable.flushReason = reason
    const number = versions.allocateFiles(1)
    logs.start(number, span => this.#registerLog(number, span))
    versions.switchMemtable(pool.take(bytes, number))
    this.#scheduler.schedule()
  }

  async #registerLog(number: number, span: Span | null): Promise<void> {
    const { versions, context, ledger } = this.#parts
    await context.environment.fileSystem.syncDirectory(context.directory)
    ledger.syncs++
    await versions.apply({ log: number }, span)
  }
}
