/**
 * The walk of an iterator: an engine cursor, moved in one direction and decoded straight from the engine's memory.
 *
 * Invariants:
 * 1. The cursor stands on the last yielded entry (or the one that a seek found); it moves on only when the caller asks for
 *    more. Only `for await` asks for more than it hands out, see iteration.ts.
 * 2. Once at the end it stays there, until a seek.
 * 3. After a failure it stays where it is, and every step fails for the same reason, until a seek: nothing is skipped. A file
 *    operation that failed is an `IoError` to the caller, never the end.
 */
import { ByteView } from '../codec/entry.js'
import type { Cursor } from '../engine/contract.js'
import { rangeContains, type HalfOpenRange } from '../engine/range.js'
import { AbortError } from '../errors.js'
import type { EventLoopTurns } from './event-loop-turns.js'
import type { StoreFailures } from './failures.js'
import type { ReadAhead } from './read-ahead.js'
import type { Awaitable, PrivateIteratorOptions } from './level-types.js'
import { ownedCopy, toBytes, type Stored, type StoredFormat } from './owned-bytes.js'

const HIGH_WATER_MARK_BYTES = 64 * 1024

const FRESH = 0
/** A seek found the entry under the cursor; it has not been yielded. */
const SOUGHT = 1
const YIELDED = 2
const ENDED = 3
const FAILED = 4

export class Walk {
  /** Calls that used the iterator so far, its close included: `for await` detects other callers by it. */
  uses = 0
  /** Entries handed out by quick steps of `for await`, which abstract-level does not count. */
  quickSteps = 0
  readonly #highWaterMarkBytes: number
  readonly #turns: EventLoopTurns
  readonly #signal: AbortSignal | undefined
  readonly #cursor: Cursor
  readonly #range: HalfOpenRange
  readonly #reverse: boolean
  readonly #keyFormat: StoredFormat
  readonly #valueFormat: StoredFormat
  #state: typeof FRESH | typeof SOUGHT | typeof YIELDED | typeof ENDED | typeof FAILED = FRESH
  #failure: Error | undefined
  /** Quick steps have used up this turn of the event loop: the next read takes another one. */
  readonly #failures: StoreFailures
  #turnDue = false

  constructor(cursor: Cursor, range: HalfOpenRange, options: PrivateIteratorOptions, turns: EventLoopTurns, failures: StoreFailures) {
    const { highWaterMarkBytes } = options
    this.#cursor = cursor
    this.#range = range
    this.#reverse = options.reverse
    this.#keyFormat = options.keyEncoding
    this.#valueFormat = options.valueEncoding
    this.#signal = options.signal ?? undefined
    this.#turns = turns
    this.#failures = failures
    this.#highWaterMarkBytes =
      typeof highWaterMarkBytes === 'number' && highWaterMarkBytes >= 0 ? highWaterMarkBytes : HIGH_WATER_MARK_BYTES
  }

  /** Whether the next step of `for await` may do without `next()`, as long as the iterator is idle and open. */
  get isQuick(): boolean {
    return !this.#turnDue && !this.#signal?.aborted
  }

  /** Whether a batch takes another entry. The first one always fits. */
  hasRoom(entries: number, bytes: number, size: number): boolean {
    return entries < size && (entries === 0 || bytes < this.#highWaterMarkBytes)
  }

  /**
   * Reads a batch ahead for quick steps, at most `limit` entries; false at the end. What was read before a failure is handed out first:
   * the walk fails again when it is asked for more.
   */
  readAhead<T>(ahead: ReadAhead<T>, limit: number, collect: (items: T[], size: number) => number): boolean {
    const items: T[] = []
    let bytes = 0
    try {
      bytes = collect(items, Math.min(ahead.size, limit))
    } catch (error) {
      if (items.length === 0) throw error
    }
    if (this.#turns.isDue(Math.max(1, items.length), bytes)) this.#turnDue = true
    ahead.put(items)
    return items.length > 0
  }

  /** Moves to the next entry to yield; false at the end, and from then on. */
  step(): boolean {
    try {
      const valid = this.#move()
      this.#state = valid ? YIELDED : ENDED
      return valid
    } catch (error) {
      throw this.#failed(error)
    }
  }

  /** The next entry is the one at the target or after it in the direction of the walk. Outside of the range is the end. */
  seek(target: Stored): void {
    const key = toBytes(target)
    try {
      const found = rangeContains(this.#range, key) && (this.#reverse ? this.#cursor.seekReverse(key) : this.#cursor.seek(key))
      this.#state = found ? SOUGHT : ENDED
    } catch (error) {
      throw this.#failed(error)
    }
  }

  key(): Stored {
    return ownedCopy(this.#cursor.key, this.#keyFormat)
  }

  value(): Stored {
    return ownedCopy(this.#cursor.value, this.#valueFormat)
  }

  keyBytes(): number {
    return this.#cursor.key.length
  }

  valueBytes(): number {
    return this.#cursor.value.length
  }

  /** What a read resolves to: at once, or after a turn of the event loop if one is due; not at all if it was aborted. */
  finish<T>(result: T, entries: number, bytes: number): Awaitable<T> {
    // A step that finds the end counts as work, too.
    const isDue = this.#turns.isDue(Math.max(1, entries), bytes) || this.#turnDue
    this.#turnDue = false
    if (this.#signal !== undefined) return this.#unlessAborted(result, this.#signal, isDue)
    return isDue ? this.#turns.after(result) : result
  }

  close(): void {
    this.uses++
    this.#state = ENDED
    this.#cursor.close()
  }

  #move(): boolean {
    const cursor = this.#cursor
    if (this.#state === YIELDED) return this.#reverse ? cursor.prev() : cursor.next()
    if (this.#state === FRESH) return this.#reverse ? cursor.last() : cursor.first()
    if (this.#state === FAILED) throw this.#failure!
    return this.#state === SOUGHT
  }

  #failed(error: unknown): Error {
    this.#state = FAILED
    return (this.#failure = this.#failures.ofRead(error))
  }

  async #unlessAborted<T>(result: T, signal: AbortSignal, isDue: boolean): Promise<T> {
    await (isDue ? this.#turns.turn() : undefined)
    if (signal.aborted) throw new AbortError()
    return result
  }
}

/** Replaces a cursor that could not be made: every read throws the reason. */
export class BrokenCursor implements Cursor {
  readonly valid = false
  readonly key = new ByteView()
  readonly value = new ByteView()
  readonly #reason: unknown

  constructor(reason: unknown) {
    this.#reason = reason
  }

  first(): never {
    throw this.#reason
  }

  last(): never {
    throw this.#reason
  }

  seek(): never {
    throw this.#reason
  }

  seekReverse(): never {
    throw this.#reason
  }

  next(): never {
    throw this.#reason
  }

  prev(): never {
    throw this.#reason
  }

  close(): void {}
}
