/**
 * Back-pressure: a full memtable becomes immutable and a new one begins. Where too many wait for their flush, or level 0 is full, writers wait.
 */
import type { Span } from '../../trace/span.js'
import type { BackgroundScheduler } from '../compaction/scheduler.js'
import type { LsmParts } from '../parts.js'
import { Memtable } from './memtable.js'

/** Memtables that may wait for their flush before writers do. */
const MAX_IMMUTABLE = 2

export class WriteController {
  readonly #parts: LsmParts
  readonly #scheduler: BackgroundScheduler
  /** At the close no writer waits any more: the logs take the rest, and the next open puts it into tables. */
  isClosing = false

  constructor(parts: LsmParts, scheduler: BackgroundScheduler) {
    this.#parts = parts
    this.#scheduler = scheduler
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
    if (memtable.hasRoom(bytes, operations)) return true
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

  /** Why writers have to wait, or `undefined`. */
  whyFull(): string | undefined {
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
