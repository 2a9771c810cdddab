import type { BatchReader } from '../../engine/batch.js'
import { KIND_DELETE, KIND_DELETE_RANGE } from '../../codec/entry.js'
import { WORK_A_SLICE, WORK_BYTES_SHIFT, type NextSlice } from '../../engine/slices.js'
import { KvariumError } from '../../errors.js'
import { Skiplist } from '../../skiplist/skiplist.js'
import type { Tracer } from '../../trace/span.js'
import type { EntrySink, MemtableList } from './memtable-list.js'
import type { ValuePlaces } from '../blobs/value-places.js'
import type { RangeTombstone } from '../read/range-tombstones.js'

/** Longer values are copied in pieces of this length. */
const PIECE_BYTES = 1 << 20

/**
 * The mutable part of the tree: a skiplist of versions, and the range tombstones, which are few and kept aside. It begins
 * with a log of its own; when it is full it becomes immutable and is flushed to a table, and its logs are dropped.
 */
export class Memtable {
  readonly list: MemtableList
  readonly ranges: RangeTombstone[] = []
  /** Where large values lie in the logs; `undefined` where all values go into tables. */
  readonly places: ValuePlaces | undefined
  /** Logs with smaller numbers hold nothing of this memtable. Set while it is empty, when its first log is known. */
  firstLog: number
  /** Read states that hold this memtable; its arena may be reused when there is none. */
  holders = 0
  /** Another thread may read the arena, for longer than this one knows: it is never reused. */
  isShared = false
  /** Key and value bytes put in, all versions counted. */
  rawBytes = 0
  /** Deletions of single keys. */
  pointTombstones = 0
  /** Why it is flushed, if not because it is full. */
  flushReason: string | undefined
  #maxSequence = 0

  constructor(list: MemtableList, firstLog: number, places?: ValuePlaces) {
    this.list = list
    this.firstLog = firstLog
    this.places = places
  }

  get isEmpty(): boolean {
    return this.list.count === 0 && this.ranges.length === 0
  }

  /** Whether a deletion of any kind is in it. */
  get hasTombstones(): boolean {
    return this.pointTombstones > 0 || this.ranges.length > 0
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

  /**
   * Adds every operation of a batch, and emits each if there is a listener. There must be room. Entries go into the list, or into the load of
   * it that is under way. Returns the number of range tombstones among them.
   */
  apply(reader: BatchReader, trace: Tracer | null = null, into: EntrySink = this.list): number {
    const rangesBefore = this.ranges.length
    while (reader.next()) this.#add(reader, trace, into)
    this.#maxSequence = reader.lastSequence
    return this.ranges.length - rangesBefore
  }

  /** `apply` in slices, for a batch without range tombstones: the entries are newer than what any reader may see until it is done. */
  async applyInSlices(reader: BatchReader, trace: Tracer | null, nextSlice: NextSlice): Promise<void> {
    const slice = (): 'done' | 'more' | 'long value' => {
      for (let work = 0; work < WORK_A_SLICE;) {
        if (!reader.next()) return 'done'
        const { length } = reader.value
        if (length > PIECE_BYTES && this.list.insertBlank !== undefined) return 'long value'
        this.#add(reader, trace, this.list)
        work += 1 + (length >>> WORK_BYTES_SHIFT)
      }
      return 'more'
    }
    for (let outcome = await nextSlice(slice); outcome !== 'done'; outcome = await nextSlice(slice)) {
      if (outcome === 'long value') await this.#addLongValue(reader, trace, nextSlice)
    }
    this.#maxSequence = reader.lastSequence
  }

  #add(reader: BatchReader, trace: Tracer | null, into: EntrySink): void {
    const { key, value, kind, sequence } = reader
    if (kind === KIND_DELETE_RANGE) this.ranges.push({ first: key.copy(), last: value.copy(), sequence })
    else if (!into.insert(key.bytes, key.start, key.end, value.bytes, value.start, value.end, sequence, kind)) throw noRoom()
    this.#added(reader, trace, into)
  }

  async #addLongValue(reader: BatchReader, trace: Tracer | null, nextSlice: NextSlice): Promise<void> {
    const { list } = this
    const { key, value, kind, sequence } = reader
    const { bytes, start, end } = value
    const node = list.insertBlank!(key.bytes, key.start, key.end, value.length, sequence, kind)
    if (node === 0) throw noRoom()
    for (let from = start; from < end; from += PIECE_BYTES) {
      await nextSlice(() => list.fillValue!(node, from - start, bytes, from, Math.min(end, from + PIECE_BYTES)))
    }
    await nextSlice(() => this.#added(reader, trace, list))
  }

  #added(reader: BatchReader, trace: Tracer | null, into: EntrySink): void {
    if (reader.kind === KIND_DELETE) this.pointTombstones++
    this.places?.note(reader)
    if (trace !== null) this.#emitInsert(trace, reader, into)
    this.rawBytes += reader.key.length + reader.value.length
  }

  #emitInsert(
    trace: Tracer,
    { key, value, kind, sequence: entrySequence }: BatchReader,
    { lastHeight: height, bytesUsed }: EntrySink,
  ): void {
    if (kind === KIND_DELETE_RANGE) {
      trace.emit({ type: 'tombstone.add', from: key.copy(), to: value.copy(), entrySequence })
    } else {
      trace.emit({ type: 'memtable.insert', key: key.copy(), kind, entrySequence, valueBytes: value.length, height, bytesUsed })
    }
  }
}

function noRoom(): KvariumError {
  return new KvariumError('LEVEL_INTERNAL', 'A batch did not fit into a memtable that had room for it')
}

/** What an opening has made of the logs. */
export interface FilledMemtables {
  readonly memtable: Memtable
  /** Memtables that are to be flushed; newest first. */
  readonly immutable: readonly Memtable[]
}
