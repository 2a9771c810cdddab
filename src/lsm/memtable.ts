import type { BatchReader } from '../engine/batch.js'
import { KIND_DELETE_RANGE, KIND_PUT } from '../codec/entry.js'
import { KvariumError } from '../errors.js'
import { Skiplist } from '../skiplist/skiplist.js'
import type { Tracer } from '../trace/trace.js'
import type { MemtableList } from './memtable-list.js'
import type { RangeTombstone } from './range-tombstones.js'

/**
 * The mutable part of the tree: a skiplist of versions, and the range tombstones, which are few and kept aside. It begins
 * with a log of its own; when it is full it is frozen, flushed to a table, and its logs are dropped.
 */
export class Memtable {
  readonly list: MemtableList
  readonly ranges: RangeTombstone[] = []
  /** Logs with smaller numbers hold nothing of this memtable. Set once, when its first log is known. */
  firstLog: number
  /** Read states that hold this memtable; its arena may be reused when there is none. */
  holders = 0
  /** Key and value bytes put in, all versions counted. */
  rawBytes = 0
  /** Whether a deletion of any kind is in it. */
  hasTombstones = false
  #maxSequence = 0

  constructor(list: MemtableList, firstLog: number) {
    this.list = list
    this.firstLog = firstLog
  }

  get isEmpty(): boolean {
    return this.list.count === 0 && this.ranges.length === 0
  }

  get maxSequence(): number {
    return this.#maxSequence
  }

  /** Whether a batch is sure to fit. Cautious: it takes every tower for a full one. */
  hasRoom(batchBytes: number, operations: number): boolean {
    return this.list.bytesUsed + Memtable.bytesFor(batchBytes, operations) <= this.list.capacityBytes
  }

  /** Arena bytes that a batch can take at the most. */
  static bytesFor(batchBytes: number, operations: number): number {
    return batchBytes + operations * Skiplist.bytesFor(0, 0) + 8 * operations
  }

  /** Adds every operation of a batch, and tells each if somebody listens. There must be room. Returns the number of range tombstones among them. */
  apply(reader: BatchReader, trace: Tracer | null = null): number {
    const list = this.list
    const rangesBefore = this.ranges.length
    let sequence = reader.firstSequence
    while (reader.next()) {
      const { key, value, kind } = reader
      if (kind === KIND_DELETE_RANGE) {
        this.ranges.push({ first: key.copy(), last: value.copy(), sequence })
      } else if (!list.insert(key.bytes, key.start, key.end, value.bytes, value.start, value.end, sequence, kind)) {
        throw new KvariumError('LEVEL_INTERNAL', 'A batch did not fit into a memtable that had room for it')
      }
      if (kind !== KIND_PUT) this.hasTombstones = true
      if (trace !== null) this.#tell(trace, reader, sequence)
      this.rawBytes += key.end - key.start + (value.end - value.start)
      sequence++
    }
    this.#maxSequence = sequence - 1
    return this.ranges.length - rangesBefore
  }

  #tell(trace: Tracer, { key, value, kind }: BatchReader, entrySequence: number): void {
    if (kind === KIND_DELETE_RANGE) {
      trace.emit({ type: 'tombstone.add', from: key.copy(), to: value.copy(), entrySequence })
    } else {
      const { lastHeight: height, bytesUsed } = this.list
      trace.emit({ type: 'memtable.insert', key: key.copy(), kind, entrySequence, valueBytes: value.length, height, bytesUsed })
    }
  }
}
