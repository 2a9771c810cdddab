import { BatchReader, WriteBatch } from '../engine/batch.js'
import { inSlices, slicesOf } from '../engine/slices.js'
import type { BatchWriter } from '../engine/durable/write-path.js'
import { isEmptyRange, type HalfOpenRange } from '../engine/range.js'
import { KvariumError } from '../errors.js'
import { ByteView } from '../codec/entry.js'
import { LOG_HEADER_BYTES } from '../wal/format.js'
import type { HashJobs } from './jobs.js'
import { RecordWalk } from './key-order.js'
import type { HashParts } from './parts.js'

const SLICE_OPERATIONS = 1024

/**
 * Writes batches to the log that is the newest data file, and to the directory.
 *
 * Invariant: while a long batch is applied in slices, the moment before it is held: readers see that until the last slice is done.
 */
export class HashWriter implements BatchWriter {
  readonly #parts: HashParts
  readonly #jobs: HashJobs
  readonly #reader = new BatchReader()

  constructor(parts: HashParts, jobs: HashJobs) {
    this.#parts = parts
    this.#jobs = jobs
  }

  makeRoom(bytes: number, operations: number): boolean {
    const { logs, options, entries } = this.#parts
    if (logs.failure !== undefined) throw logs.refusal()
    if (!entries.directory.keys.hasRoom(bytes, operations)) {
      throw new KvariumError(
        'LEVEL_DATABASE_FULL',
        'The keys of a hash engine are in memory and take 4 GiB at most; use the engine "lsm" or "btree"',
      )
    }
    if (logs.size > LOG_HEADER_BYTES && logs.size + bytes > options.maxFileSize) this.#jobs.rotate()
    return true
  }

  whyFull(): undefined {
    return undefined
  }

  append(batch: WriteBatch, willSync: boolean): void {
    const { logs, entries, files, context } = this.#parts
    batch.seal(entries.sequence + 1)
    const file = files.list[files.list.length - 1]
    const base = logs.append(batch.bytes, batch.byteLength, willSync)
    entries.apply(this.#reader.reset(batch.bytes, 0, batch.byteLength), file, base)
    entries.sequence += batch.count
    file.lastSequence = entries.sequence
    file.bytes = logs.size
    if (context.trace !== undefined) this.#trace(batch)
  }

  async appendInSlices(batch: WriteBatch): Promise<void> {
    const { logs, entries, files, context, expiryClock, traced } = this.#parts
    const nextSlice = slicesOf(context.environment.scheduler, context.trace?.trace.currentSpan)
    if (!batch.isEncoded) await inSlices(batch.encodeInSlices(), nextSlice)
    batch.seal(entries.sequence + 1)
    const file = files.list[files.list.length - 1]
    const base = await logs.appendInSlices(batch.bytes, batch.byteLength, nextSlice)
    file.bytes = logs.size
    file.lastSequence = entries.sequence + batch.count
    const moment = entries.moments.hold(entries.sequence, expiryClock.now())
    entries.isAhead = true
    try {
      const reader = batch.reader()
      const slice = (): boolean => {
        const isMore = entries.apply(reader, file, base, SLICE_OPERATIONS)
        traced.changed()
        return isMore
      }
      while (await nextSlice(slice));
      entries.sequence += batch.count
      if (context.trace !== undefined) this.#trace(batch)
    } catch (error) {
      // The log has it, so the next opening applies all of it.
      logs.poison(error)
      throw error
    } finally {
      entries.isAhead = false
      moment.release()
    }
  }

  clearBatch(bounds: HalfOpenRange): WriteBatch | undefined {
    if (isEmptyRange(bounds)) return undefined
    const { directory } = this.#parts.entries
    const records = this.#parts.entries.sorted()
    const walk = new RecordWalk(directory, records)
    walk.seek(bounds.lower)
    let first = walk.ahead
    while (first !== 0 && !directory.isPut(first)) {
      walk.forward()
      first = walk.ahead
    }
    if (first === 0 || (bounds.upper !== undefined && directory.compareWith(first, bounds.upper) >= 0)) return undefined
    if (bounds.upper === undefined) walk.toEnd()
    else walk.seek(bounds.upper)
    let last = walk.back()
    while (!directory.isPut(last)) last = walk.back()
    const batch = new WriteBatch()
    batch.deleteRange(this.#keyOf(first), this.#keyOf(last))
    return batch
  }

  #trace(batch: WriteBatch): void {
    const { traced } = this.#parts
    traced.written(batch.reader())
    traced.changed()
  }

  #keyOf(record: number): Uint8Array {
    const key = new ByteView()
    this.#parts.entries.directory.setKey(record, key)
    return key.copy()
  }
}
