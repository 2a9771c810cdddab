/**
 * The way of a write through a durable engine: it waits for room, goes into the log, then into memory, and is acknowledged, after a sync if
 * the options ask for one.
 *
 * Invariants:
 * 1. A batch is in the log before it is in memory. Both happen in one synchronous step or, if the batch is long, in slices that no other
 *    writer comes between.
 * 2. Writers that wait are served in the order they came; no later writer overtakes them.
 * 3. A precondition is checked right before the batch goes into the log: in the same step, or, if the batch is long, before its first slice.
 */
import type { Diagnostics } from '../../trace/diagnostics.js'
import type { Ledger } from '../../trace/ledger.js'
import type { Tracer } from '../../trace/span.js'
import type { Clock } from '../../vfs/environment.js'
import type { WriteBatch } from '../batch.js'
import { ChangeSignal } from '../changes.js'
import type { WriteOptions } from '../contract.js'
import { boundBytes, type HalfOpenRange } from '../range.js'
import type { LogSet } from './log-set.js'
import { WriteQueue, type WriteAttempt } from '../write-queue.js'
import type { WriteStart } from './write-start.js'

/** The engine's side of a write. */
export interface BatchWriter {
  /** Whether memory takes a batch of this size now. If not, starts the work that makes room, or throws if that cannot succeed. */
  makeRoom(bytes: number, operations: number): boolean
  /** Why writers have to wait, or `undefined`. */
  whyFull(): string | undefined
  /** Appends the batch to the log and applies it to memory. With `willSync` the log is synced before the batch is acknowledged. */
  append(batch: WriteBatch, willSync: boolean): void
  /** `append` in slices, for a long batch. Readers see none of it before the end. */
  appendInSlices(batch: WriteBatch): Promise<void>
  /** The deletion of the range's present content; `undefined` if it is empty. */
  clearBatch(bounds: HalfOpenRange): WriteBatch | undefined
}

export interface WritePathOptions {
  readonly writer: BatchWriter
  readonly logs: LogSet
  readonly ledger: Ledger
  readonly start: WriteStart
  readonly clock: Clock
  readonly trace?: Tracer | undefined
  readonly diagnostics?: Diagnostics | undefined
  /** Called when the store takes writes: starts background work that is due. */
  readonly onStarted: () => void
  /** Called when a write has deleted something. */
  readonly onDeleted: () => void
  /** Called when entries that expire were written. */
  readonly onExpiring?: () => void
}

export class WritePath {
  readonly queue: WriteQueue
  /** A batch is committed. */
  readonly changed = new ChangeSignal()
  readonly #options: WritePathOptions
  readonly #writer: BatchWriter
  readonly #logs: LogSet
  readonly #start: WriteStart

  constructor(options: WritePathOptions) {
    this.#options = options
    this.#writer = options.writer
    this.#logs = options.logs
    this.#start = options.start
    this.queue = new WriteQueue(options.clock, options.trace, options.diagnostics)
  }

  /** Returns nothing where the write is acknowledged at once. */
  write(batch: WriteBatch, options: WriteOptions): Promise<void> | void {
    if (batch.count === 0) return
    if (!this.queue.isEmpty || !this.#makeRoom(batch.byteLength, batch.count))
      return this.#wait(() => this.#tryWrite(batch, options), options)
    if (batch.isLong) return this.queue.occupy(this.#writeInSlices(batch, options), () => this.#synced(options))
    this.#write(batch, options)
    return this.#synced(options)
  }

  clear(bounds: HalfOpenRange, options: WriteOptions): Promise<void> | void {
    // The content of the range is known once the earlier writers are done.
    const attempt = (): boolean => this.#tryClear(bounds, options)
    if (this.queue.isEmpty && attempt()) return this.#synced(options)
    return this.#wait(attempt, options)
  }

  /** Resolves when the store takes writes and waiting writers have gone on. */
  async ready(): Promise<void> {
    await this.#start.run()
    this.#options.onStarted()
    this.queue.drain()
  }

  #tryWrite(batch: WriteBatch, options: WriteOptions): boolean | Promise<void> {
    if (!this.#makeRoom(batch.byteLength, batch.count)) return false
    if (batch.isLong) return this.#writeInSlices(batch, options)
    this.#write(batch, options)
    return true
  }

  #tryClear(bounds: HalfOpenRange, { sync, precondition, applied }: WriteOptions): boolean {
    // Even if there is nothing to delete: a failed write may be in the log that the next open replays.
    if (this.#logs.failure !== undefined) throw this.#logs.refusal()
    // Before the range is read for nothing.
    if (!this.#makeRoom(0, 0)) return false
    const batch = this.#writer.clearBatch(bounds)
    if (batch !== undefined && !this.#makeRoom(batch.byteLength, batch.count)) return false
    precondition?.()
    if (batch !== undefined) {
      this.#writer.append(batch, sync)
      this.changed.notify()
      this.#options.onDeleted()
    }
    const { ledger } = this.#options
    ledger.userBytes += boundBytes(bounds)
    ledger.operations.clears++
    applied?.()
    return true
  }

  #makeRoom(bytes: number, operations: number): boolean {
    return this.#start.isDone ? this.#writer.makeRoom(bytes, operations) : this.#startWriting()
  }

  /** Repeats the writes that opening could not make on a full disk. Waiting writers then go on, or fail with the same error. */
  #startWriting(): false {
    if (this.#logs.failure !== undefined) throw this.#logs.refusal()
    this.ready().catch((error: unknown) => this.queue.fail(error))
    return false
  }

  #write(batch: WriteBatch, { sync, precondition, applied }: WriteOptions): void {
    precondition?.()
    this.#writer.append(batch, sync)
    this.#count(batch)
    applied?.()
  }

  async #writeInSlices(batch: WriteBatch, { precondition, applied }: WriteOptions): Promise<void> {
    precondition?.()
    await this.#writer.appendInSlices(batch)
    this.#count(batch)
    applied?.()
  }

  /** Counts a batch that is committed. */
  #count(batch: WriteBatch): void {
    this.changed.notify()
    const { ledger } = this.#options
    ledger.userBytes += batch.userBytes
    ledger.operations.batches++
    ledger.operations.deletes += batch.deletes
    ledger.operations.puts += batch.count - batch.deletes
    if (batch.deletes > 0) this.#options.onDeleted()
    if (batch.hasExpiries) this.#options.onExpiring?.()
  }

  /** Waits in the queue, makes the attempt, and syncs if the options ask for it. */
  #wait(attempt: WriteAttempt, options: WriteOptions): Promise<void> {
    return this.queue.wait(
      attempt,
      () => this.#synced(options),
      () => (this.#start.isDone ? this.#writer.whyFull() : 'the store is being prepared for writes'),
    )
  }

  #synced({ sync }: WriteOptions): Promise<void> | void {
    return sync ? this.#logs.sync() : undefined
  }
}
