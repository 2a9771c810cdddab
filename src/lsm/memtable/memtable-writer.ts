import { BatchReader, WriteBatch } from '../../engine/batch.js'
import { inSlices, slicesOf } from '../../engine/slices.js'
import type { BatchWriter } from '../../engine/durable/write-path.js'
import { isEmptyRange, type HalfOpenRange } from '../../engine/range.js'
import type { Tracer } from '../../trace/span.js'
import type { LsmParts } from '../parts.js'
import { LsmCursor } from '../read/lsm-cursor.js'
import type { WriteController } from './write-controller.js'

/** A range with no more keys than this is cleared by a tombstone for each: cheaper to read past than a range tombstone. */
const CLEAR_KEY_BY_KEY = 32

/**
 * Writes batches to the log and to the memtable.
 *
 * Invariant: the sequence number moves on at the end of a batch, so that no reader sees half of it.
 */
export class MemtableWriter implements BatchWriter {
  readonly #parts: LsmParts
  readonly #controller: WriteController
  readonly #step: Tracer | null
  readonly #reader = new BatchReader()

  constructor(parts: LsmParts, controller: WriteController) {
    this.#parts = parts
    this.#controller = controller
    this.#step = parts.trace?.at('step') ?? null
  }

  makeRoom(bytes: number, operations: number): boolean {
    return this.#controller.makeRoom(bytes, operations)
  }

  whyFull(): string | undefined {
    return this.#controller.whyFull()
  }

  append(batch: WriteBatch, willSync: boolean): void {
    const { versions, logs, entries } = this.#parts
    batch.seal(versions.sequence + 1)
    logs.append(batch.bytes, batch.byteLength, willSync)
    const { state } = versions
    entries?.drop(this.#reader.reset(batch.bytes, 0, batch.byteLength))
    state.memtable.places?.begin(logs.number, logs.size - batch.byteLength)
    const ranges = state.memtable.apply(this.#reader.reset(batch.bytes, 0, batch.byteLength), this.#step)
    versions.sequence += batch.count
    if (ranges > 0) state.addTombstones(state.memtable.ranges.slice(-ranges), versions.moments())
  }

  appendInSlices(batch: WriteBatch): Promise<void> {
    const { entries } = this.#parts
    return entries === undefined ? this.#appendInSlices(batch) : entries.paused(() => this.#appendInSlices(batch))
  }

  async #appendInSlices(batch: WriteBatch): Promise<void> {
    const { versions, logs, context, trace } = this.#parts
    const { memtable } = versions.state
    const nextSlice = slicesOf(context.environment.scheduler, trace?.currentSpan)
    if (!batch.isEncoded) await inSlices(batch.encodeInSlices(), nextSlice)
    batch.seal(versions.sequence + 1)
    await logs.appendInSlices(batch.bytes, batch.byteLength, nextSlice)
    memtable.places?.begin(logs.number, logs.size - batch.byteLength)
    versions.beginLongBatch(versions.sequence + batch.count)
    await memtable.applyInSlices(batch.reader(), this.#step, nextSlice)
    versions.sequence += batch.count
  }

  clearBatch(bounds: HalfOpenRange): WriteBatch | undefined {
    if (isEmptyRange(bounds)) return undefined
    const { versions, tables, ledger, expiryClock, makeMergingCursor } = this.#parts
    const batch = new WriteBatch()
    const moment = { sequence: versions.sequence, time: expiryClock.now() }
    const cursor = new LsmCursor(versions.state, tables, bounds, moment, ledger.scan, versions.moments, makeMergingCursor)
    try {
      let keys = 0
      for (cursor.first(); cursor.valid && keys <= CLEAR_KEY_BY_KEY; cursor.next(), keys++) batch.del(cursor.key.copy())
      if (keys <= CLEAR_KEY_BY_KEY) return keys === 0 ? undefined : batch
      batch.clear()
      cursor.first()
      const first = cursor.key.copy()
      cursor.last()
      batch.deleteRange(first, cursor.key.copy())
      return batch
    } finally {
      cursor.close()
    }
  }
}
