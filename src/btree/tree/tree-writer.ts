import { BEFORE_EVERY_EXPIRY } from '../../codec/expiry.js'
import { BatchReader, WriteBatch } from '../../engine/batch.js'
import { inSlices, slicesOf } from '../../engine/slices.js'
import type { BatchWriter } from '../../engine/durable/write-path.js'
import { isEmptyRange, type HalfOpenRange } from '../../engine/range.js'
import type { CheckpointScheduler } from '../checkpoint/scheduler.js'
import type { WriteController } from '../checkpoint/write-controller.js'
import type { BtreeParts } from '../parts.js'
import { applyBatch, applySlices, prepareBatch, prepareSlices } from './apply-batch.js'
import { TreeCursor } from './tree-cursor.js'

/**
 * Writes batches to the log and to the tree.
 *
 * Invariant: a batch reads its pages before it goes into the log, so that a page that cannot be read refuses the batch as a whole. Readers
 * see the earlier tree until the last slice of a long batch is done, and no checkpoint begins meanwhile.
 */
export class TreeWriter implements BatchWriter {
  readonly #parts: BtreeParts
  readonly #controller: WriteController
  readonly #scheduler: CheckpointScheduler
  readonly #reader = new BatchReader()

  constructor(parts: BtreeParts, controller: WriteController, scheduler: CheckpointScheduler) {
    this.#parts = parts
    this.#controller = controller
    this.#scheduler = scheduler
  }

  makeRoom(): boolean {
    if (this.#controller.whyDue() !== undefined) this.#scheduler.schedule()
    if (this.#controller.whyStopped() === undefined) return this.#controller.admits()
    const { logs } = this.#parts
    if (logs.failure !== undefined) throw logs.refusal()
    const { failure } = this.#scheduler
    if (failure !== undefined) throw failure
    return false
  }

  whyFull(): string | undefined {
    return this.#controller.whyFull()
  }

  append(batch: WriteBatch, willSync: boolean): void {
    const { tree, logs, store, entries } = this.#parts
    const reader = this.#reader
    this.#seal(batch)
    if (!store.complete) prepareBatch(tree, reader.reset(batch.bytes, 0, batch.byteLength))
    logs.append(batch.bytes, batch.byteLength, willSync)
    entries?.drop(reader.reset(batch.bytes, 0, batch.byteLength))
    applyBatch(tree, reader.reset(batch.bytes, 0, batch.byteLength))
  }

  appendInSlices(batch: WriteBatch): Promise<void> {
    const { entries } = this.#parts
    return entries === undefined ? this.#appendInSlices(batch) : entries.paused(() => this.#appendInSlices(batch))
  }

  #appendInSlices(batch: WriteBatch): Promise<void> {
    const { tree, logs, context } = this.#parts
    const nextSlice = slicesOf(context.environment.scheduler, context.trace?.trace.currentSpan)
    return this.#scheduler.withoutStart(async () => {
      if (!batch.isEncoded) await inSlices(batch.encodeInSlices(), nextSlice)
      tree.beginLongBatch()
      try {
        this.#seal(batch)
        // Also if all pages are in memory: the checkpoint under way may evict some of them.
        await inSlices(prepareSlices(tree, batch.reader()), nextSlice)
        await logs.appendInSlices(batch.bytes, batch.byteLength, nextSlice)
      } catch (error) {
        await tree.endLongBatch(nextSlice)
        throw error
      }
      try {
        await inSlices(applySlices(tree, batch.reader()), nextSlice)
      } catch (error) {
        // Readers keep seeing the earlier tree; the next open replays the log.
        logs.poison(error)
        throw error
      }
      await nextSlice(() => {
        tree.advance(batch.count)
        return tree.endLongBatch(nextSlice)
      })
    })
  }

  clearBatch(bounds: HalfOpenRange): WriteBatch | undefined {
    if (isEmptyRange(bounds)) return undefined
    const { tree, store, inner } = this.#parts
    // Expired entries are in the range like others.
    const cursor = new TreeCursor(store, tree.versions, tree.versions.hold(tree.present, true), bounds, inner, BEFORE_EVERY_EXPIRY)
    try {
      if (!cursor.first()) return undefined
      const first = cursor.key.copy()
      cursor.last()
      const batch = new WriteBatch()
      batch.deleteRange(first, cursor.key.copy())
      return batch
    } finally {
      cursor.close()
    }
  }

  #seal(batch: WriteBatch): void {
    batch.seal(this.#parts.tree.sequence + 1)
  }
}
