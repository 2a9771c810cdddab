/**
 * Fills memtables with the batches of the logs, in their order.
 *
 * Invariant: a log is in one memtable whole: when that is flushed, the log is obsolete.
 */
import type { BatchReader } from '../../engine/batch.js'
import type { Trace, Tracer } from '../../trace/span.js'
import type { ListLoad } from '../memtable/memtable-list.js'
import type { MemtablePool } from '../memtable/memtable-pool.js'
import { emitFrozen, emitNew } from '../memtable/memtable-trace.js'
import type { Memtable } from '../memtable/memtable.js'

/** A memtable of more logs than this is flushed: no later recovery has more than a few to read. */
const MAX_RECOVERED_LOGS = 4
/** Bytes of a memtable that a byte of a log may take, as a rule. A load that needs more grows. */
const ARENA_SHARE = 2

export class MemtableLoad {
  /** Memtables that are to be flushed; newest first. */
  readonly immutable: Memtable[] = []
  readonly #pool: MemtablePool
  readonly #trace: Trace | null
  readonly #step: Tracer | null
  #memtable: Memtable
  /** The load of the memtable that takes the logs. */
  #load: ListLoad | undefined
  /** Logs whose batches are in the memtable. */
  #logsInMemtable = new Set<number>()
  /** The log whose batches come. */
  #log = 0

  constructor(pool: MemtablePool, trace: Trace | null) {
    this.#pool = pool
    this.#trace = trace
    this.#step = trace?.at('step') ?? null
    this.#memtable = this.#takeMemtable()
  }

  /** The one that takes the next batches; empty before the first. */
  get memtable(): Memtable {
    return this.#memtable
  }

  /** Batches of the next log come. They join those of the logs before it, if there is room for all of them. */
  beginLog(number: number, fileBytes: number): void {
    const bytesUsed = this.#load?.bytesUsed ?? this.#memtable.list.bytesUsed
    if (this.#logsInMemtable.size > 0 && bytesUsed + ARENA_SHARE * fileBytes > this.#pool.capacityBytes) this.#freeze()
    this.#log = number
  }

  /** @param position where byte 0 of the reader's array is in the log */
  apply(reader: BatchReader, position: number): void {
    if (this.#logsInMemtable.size === 0) this.#memtable.firstLog = this.#log
    this.#logsInMemtable.add(this.#log)
    this.#load ??= this.#memtable.list.load?.()
    this.#memtable.places?.begin(this.#log, position)
    this.#memtable.apply(reader, this.#step, this.#load)
  }

  /** All batches have come. */
  end(): void {
    this.#endList()
    const isLarge = this.#memtable.list.bytesUsed > this.#pool.capacityBytes
    if (isLarge || this.#logsInMemtable.size > MAX_RECOVERED_LOGS) this.#freeze()
  }

  /** The memtable holds what was loaded from then on. */
  #endList(): void {
    this.#load?.finish()
    this.#load = undefined
  }

  #takeMemtable(): Memtable {
    const memtable = this.#pool.take(0, 0)
    if (this.#trace !== null) emitNew(this.#trace, memtable)
    return memtable
  }

  /** Makes the memtable immutable; a new one takes its place. */
  #freeze(): void {
    this.#endList()
    this.#memtable.flushReason = 'recovery'
    if (this.#trace !== null) emitFrozen(this.#trace, this.#memtable, this.#memtable.list.capacityBytes > this.#pool.capacityBytes)
    this.immutable.unshift(this.#memtable)
    this.#memtable = this.#takeMemtable()
    this.#logsInMemtable = new Set()
  }
}
