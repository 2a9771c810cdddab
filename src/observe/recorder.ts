/**
 * Keeps the events of a trace, within bounds.
 *
 * Invariants:
 * 1. The kept events are consecutive: at most `maxEvents` events and about `maxBytes` bytes.
 * 2. Events that are not kept are counted. Every event dropped at the old end has been passed to the `onDrop` listeners.
 */
import type { TraceEvent } from '../trace/events.js'
import type { TraceListener } from '../trace/span.js'

export interface RecorderOptions {
  /** @defaultValue 100 000 */
  readonly maxEvents?: number
  /** Bytes of memory, roughly. @defaultValue 64 MiB */
  readonly maxBytes?: number
  /** When full: drop the oldest events, or stop recording. @defaultValue `'drop-oldest'` */
  readonly whenFull?: 'drop-oldest' | 'stop'
}

const DEFAULT_EVENTS = 100_000
const DEFAULT_BYTES = 64 << 20
/** Memory of dropped events is released once there are this many, and at least as many as are kept. */
const IDLE_PLACES = 1024

export class Recorder {
  /** The listener to pass to a trace. */
  readonly listener: TraceListener = event => this.#record(event)
  readonly #maxEvents: number
  readonly #maxBytes: number
  readonly #stops: boolean
  readonly #events: TraceEvent[] = []
  readonly #sizes: number[] = []
  readonly #dropListeners: TraceListener[] = []
  /** Index of the oldest kept event. */
  #first = 0
  #bytes = 0
  #dropped = 0
  #stopped = false

  constructor({ maxEvents = DEFAULT_EVENTS, maxBytes = DEFAULT_BYTES, whenFull = 'drop-oldest' }: RecorderOptions = {}) {
    if (!(maxEvents >= 1) || !(maxBytes >= 1)) throw new TypeError('maxEvents and maxBytes must be at least 1')
    this.#maxEvents = maxEvents
    this.#maxBytes = maxBytes
    this.#stops = whenFull === 'stop'
  }

  /** Number of kept events. */
  get length(): number {
    return this.#events.length - this.#first
  }

  /** Approximate size of the kept events in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Number of events that were emitted and are not kept. */
  get dropped(): number {
    return this.#dropped
  }

  /** The kept events, oldest first. */
  get events(): readonly TraceEvent[] {
    return this.#events.slice(this.#first)
  }

  /** The kept events with sequence numbers from `from` to `to`, both included. */
  range(from: number, to = Infinity): readonly TraceEvent[] {
    return this.#events.slice(this.#indexOf(from), this.#indexOf(to + 1))
  }

  /** Removes the oldest event and returns it; it does not count as dropped. */
  shift(): TraceEvent | undefined {
    if (this.length === 0) return undefined
    const event = this.#events[this.#first]
    this.#removeOldest()
    return event
  }

  /** Removes all events; they do not count as dropped. */
  clear(): void {
    this.#events.length = this.#sizes.length = 0
    this.#first = this.#bytes = 0
    this.#stopped = false
  }

  /** Calls `listener` with every event that is dropped at the old end, in order. */
  onDrop(listener: TraceListener): void {
    this.#dropListeners.push(listener)
  }

  #record(event: TraceEvent): void {
    const size = sizeOf(event)
    if (this.#stops && (this.#stopped || this.length >= this.#maxEvents || this.#bytes + size > this.#maxBytes)) {
      // Permanently: after a gap no state could be folded.
      this.#stopped = true
      this.#dropped++
      return
    }
    this.#events.push(event)
    this.#sizes.push(size)
    this.#bytes += size
    while (this.length > this.#maxEvents || (this.#bytes > this.#maxBytes && this.length > 1)) this.#dropOldest()
  }

  #dropOldest(): void {
    const event = this.#events[this.#first]
    this.#removeOldest()
    this.#dropped++
    for (const listener of this.#dropListeners) listener(event)
  }

  #removeOldest(): void {
    this.#bytes -= this.#sizes[this.#first]
    this.#first++
    if (this.#first < IDLE_PLACES || this.#first < this.#events.length / 2) return
    this.#events.splice(0, this.#first)
    this.#sizes.splice(0, this.#first)
    this.#first = 0
  }

  /** Index of the first kept event with this sequence number or a later one. */
  #indexOf(sequence: number): number {
    let low = this.#first
    let high = this.#events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#events[middle].sequence < sequence) low = middle + 1
      else high = middle
    }
    return low
  }
}

const OBJECT_BYTES = 32
const FIELD_BYTES = 8

/** Approximate memory of a value in bytes. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return FIELD_BYTES
  if (value instanceof Uint8Array) return OBJECT_BYTES + value.length
  let bytes = OBJECT_BYTES
  if (Array.isArray(value)) for (const item of value) bytes += sizeOf(item)
  else for (const item of Object.values(value)) bytes += FIELD_BYTES + sizeOf(item)
  return bytes
}
