/**
 * Where in the logs the large values of a memtable lie: what a flush needs to put pointers to them into its table.
 *
 * Invariant: places come by ascending sequence number, and logs by ascending number, as the operations do.
 */
import { KIND_PUT, KIND_PUT_EXPIRING } from '../../codec/entry.js'
import { EXPIRY_BYTES } from '../../codec/expiry.js'
import type { BatchReader } from '../../engine/batch.js'

const FIRST_PLACES = 64
/**
 * A log is kept as a blob file where its large values are at least this share of what is in it. What else is in it takes up space until the
 * values are moved, and copying the values of any other log takes no more than that space.
 */
const KEPT_SHARE = 0.75

/** What a log has of one memtable. */
export interface LogValues {
  readonly log: number
  /** Its first place. */
  readonly from: number
  /** Bytes of its large values. */
  largeBytes: number
  /** Key and value bytes of its other operations. */
  otherBytes: number
}

/** Places of values in logs that become blob files. Plain data: it goes to the worker thread. */
export interface KeptPlaces {
  /** Ascending. */
  readonly sequences: Float64Array
  /** Where each value begins in its log, behind its expiry. */
  readonly offsets: Float64Array
  readonly logs: readonly { readonly log: number; readonly from: number; readonly to: number }[]
}

export class ValuePlaces {
  readonly logs: LogValues[] = []
  readonly #threshold: number
  #sequences = new Float64Array(FIRST_PLACES)
  #offsets = new Float64Array(FIRST_PLACES)
  #count = 0
  /** What is added to a place in the bytes of a reader for the place in the log. */
  #base = 0

  /** @param threshold values of this length and more are large */
  constructor(threshold: number) {
    this.#threshold = threshold
  }

  /** Operations of a batch in `log` come. `base`: where byte 0 of their reader's array is in the log. */
  begin(log: number, base: number): void {
    this.#base = base
    if (this.logs.at(-1)?.log !== log) this.logs.push({ log, from: this.#count, largeBytes: 0, otherBytes: 0 })
  }

  /** Notes the operation that the reader is at. */
  note({ kind, key, value, sequence }: BatchReader): void {
    const log = this.logs[this.logs.length - 1]
    const start = value.start + (kind === KIND_PUT_EXPIRING ? EXPIRY_BYTES : 0)
    if ((kind !== KIND_PUT && kind !== KIND_PUT_EXPIRING) || value.end - start < this.#threshold) {
      log.otherBytes += key.length + value.length
      return
    }
    if (this.#count === this.#sequences.length) this.#grow()
    this.#sequences[this.#count] = sequence
    this.#offsets[this.#count++] = this.#base + start
    log.largeBytes += value.end - start
  }

  /** The places in some of the logs. */
  in(logs: ReadonlySet<number>): KeptPlaces {
    const all = this.logs.map(({ log, from }, index) => ({ log, from, to: this.logs[index + 1]?.from ?? this.#count }))
    return {
      sequences: this.#sequences.slice(0, this.#count),
      offsets: this.#offsets.slice(0, this.#count),
      logs: all.filter(({ log }) => logs.has(log)),
    }
  }

  #grow(): void {
    const sequences = new Float64Array(this.#sequences.length * 2)
    const offsets = new Float64Array(this.#offsets.length * 2)
    sequences.set(this.#sequences)
    offsets.set(this.#offsets)
    this.#sequences = sequences
    this.#offsets = offsets
  }
}

/** The logs that are worth being blob files as they are. */
export function logsToKeep({ logs }: ValuePlaces): readonly LogValues[] {
  return logs.filter(({ largeBytes, otherBytes }) => largeBytes > 0 && largeBytes >= KEPT_SHARE * (largeBytes + otherBytes))
}

/** Where a value lies in a log that becomes a blob file; `undefined` if it lies elsewhere. */
export function findPlace(
  { sequences, offsets, logs }: KeptPlaces,
  sequence: number,
): { readonly log: number; readonly offset: number } | undefined {
  let low = 0
  let high = sequences.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sequences[middle] < sequence) low = middle + 1
    else high = middle
  }
  if (sequences[low] !== sequence) return undefined
  const log = logs.find(({ from, to }) => from <= low && low < to)?.log
  return log === undefined ? undefined : { log, offset: offsets[low] }
}
