/**
 * The last batches of the memory engine, for readers of changes.
 *
 * Invariants:
 * 1. A batch that is dropped is older than all that are kept. The newest one is kept, however large it is.
 * 2. A feed holds a place in the ring and no batch: one that lags too far finds its place gone.
 */
import { BATCH_HEADER_BYTES, BatchReader, type WriteBatch } from '../engine/batch.js'
import type { CallTracker } from '../engine/call-tracker.js'
import { changesGone, checkSince, FeedLife, type ChangeSignal } from '../engine/changes.js'
import type { BatchFeed, FeedOptions } from '../engine/contract.js'

/** Memory that a kept batch takes besides its bytes. */
const OVERHEAD_BYTES = 128
const PIECE_BYTES = 1 << 20

export class ChangeRing {
  readonly #limit: number
  readonly #reader = new BatchReader()
  /** The kept batches begin at `#head`. */
  #batches: Uint8Array[] = []
  #head = 0
  /** Place of `#batches[0]`: places count all batches since the ring began. */
  #base = 0
  #bytes = 0
  #floor: number

  /** Keeps the batches after `sequence`, in up to `limit` bytes of memory. */
  constructor(limit: number, sequence: number) {
    this.#limit = limit
    this.#floor = sequence
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Batches up to this sequence number are not kept. */
  get floor(): number {
    return this.#floor
  }

  /** Place of the oldest batch. */
  get first(): number {
    return this.#base + this.#head
  }

  /** Place behind the newest batch. */
  get end(): number {
    return this.#base + this.#batches.length
  }

  at(place: number): Uint8Array {
    return this.#batches[place - this.#base]
  }

  /** A copy of a long batch, to be added once the batch is sealed. */
  static *copy(batch: WriteBatch): Generator<void, Uint8Array> {
    yield* batch.encodeInSlices()
    const { bytes, byteLength } = batch
    const copy = new Uint8Array(byteLength)
    for (let from = 0; from < byteLength; from += PIECE_BYTES) {
      copy.set(bytes.subarray(from, Math.min(byteLength, from + PIECE_BYTES)), from)
      yield
    }
    return copy
  }

  /** Adds a batch that is sealed. `copy` is one of its operations. */
  add(batch: WriteBatch, copy: Uint8Array = batch.bytes.slice(0, batch.byteLength)): void {
    copy.set(batch.bytes.subarray(0, BATCH_HEADER_BYTES))
    this.#batches.push(copy)
    this.#bytes += copy.length + OVERHEAD_BYTES
    while (this.#bytes > this.#limit && this.first < this.end - 1) this.#drop()
  }

  #drop(): void {
    const oldest = this.#batches[this.#head]
    this.#floor = this.#reader.reset(oldest, 0, oldest.length).lastSequence
    this.#bytes -= oldest.length + OVERHEAD_BYTES
    this.#batches[this.#head] = NONE
    this.#head++
    if (this.#head < this.#batches.length / 2) return
    this.#batches = this.#batches.slice(this.#head)
    this.#base += this.#head
    this.#head = 0
  }
}

const NONE = new Uint8Array(0)

/** The engine's side of a feed. */
export interface RingSource {
  readonly ring: ChangeRing
  readonly signal: ChangeSignal
  readonly calls: CallTracker
  readonly sequence: () => number
}

export class RingFeed implements BatchFeed {
  readonly #source: RingSource
  readonly #until: number
  readonly #reader = new BatchReader()
  #position: number
  /** The place of the next batch. */
  #place: number
  readonly #life = new FeedLife()

  /** Throws where the changes after `since` are not kept, or where the store has not come to it. */
  constructor(source: RingSource, { since, live }: FeedOptions) {
    const { ring } = source
    const sequence = source.sequence()
    checkSince(since, sequence)
    if (since !== undefined && since < ring.floor) throw changesGone(since, `those up to sequence ${ring.floor} are not kept`)
    this.#source = source
    this.#until = live ? Infinity : sequence
    const position = since ?? 0
    this.#position = position
    let place = ring.end
    while (place > ring.first && this.#at(place - 1).lastSequence > position) place--
    if (since !== undefined && place < ring.end && this.#at(place).firstSequence <= since)
      throw changesGone(since, 'no change of this store ends there')
    this.#place = place
  }

  next(): BatchReader | undefined | Promise<BatchReader | undefined> {
    this.#requireOpen()
    const { ring } = this.#source
    if (this.#place < ring.first) throw changesGone(this.#position, `those up to sequence ${ring.floor} are not kept any more`)
    if (this.#place === ring.end) return this.#until === Infinity ? this.#wait() : undefined
    const reader = this.#at(this.#place)
    if (reader.lastSequence > this.#until) return undefined
    this.#place++
    this.#position = reader.lastSequence
    return reader
  }

  close(): void {
    this.#life.close()
  }

  async #wait(): Promise<BatchReader | undefined> {
    await this.#source.signal.wait(this.#life)
    return this.next()
  }

  #at(place: number): BatchReader {
    const bytes = this.#source.ring.at(place)
    return this.#reader.reset(bytes, 0, bytes.length)
  }

  #requireOpen(): void {
    this.#life.requireOpen()
    this.#source.calls.requireOpen()
  }
}
