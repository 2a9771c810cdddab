/**
 * The walk of an iterator: an engine cursor, moved in one direction and decoded straight from the engine's memory.
 *
 * Invariants:
 * 1. The cursor stands on the last yielded entry (or the one that a seek found); it moves on only when the caller asks for
 *    more. Only `for await` asks for more than it hands out, see iteration.ts.
 * 2. Once at the end it stays there, until a seek.
 * 3. After a failure it stays where it is, and every step fails for the same reason, until a seek: nothing is skipped. A file
 *    operation that failed is an `IoError` to the caller, never the end.
 * 4. Where the disk is slow, a read that has to wait for it takes the cursor off its entry and is pending. The next step goes back there by a
 *    search, at the cursor's moment, and further on. While a read is pending the walk is where it was.
 */
import { ByteView, compareBytes } from '../codec/entry.js'
import type { Cursor } from '../engine/contract.js'
import { keyAfter, rangeContains, type HalfOpenRange } from '../engine/range.js'
import { AbortError } from '../errors.js'
import { OffloadedScan, PendingRead, type ReadOffload } from '../vfs/read-offload.js'
import type { EventLoopTurns } from './event-loop-turns.js'
import type { StoreFailures } from './failures.js'
import type { ReadAhead } from './read-ahead.js'
import type { Awaitable, PrivateIteratorOptions } from './level-types.js'
import { ownedCopy, toBytes, type Stored, type StoredFormat } from './owned-bytes.js'

const HIGH_WATER_MARK_BYTES = 64 * 1024
const NO_KEY = new Uint8Array(0)

const FRESH = 0
/** A seek found the entry under the cursor; it has not been yielded. */
const SOUGHT = 1
const YIELDED = 2
const ENDED = 3
const FAILED = 4
/** Behind the entry yielded last, by its key. A read that was pending has taken the cursor elsewhere. */
const LEFT = 5
/** A seek has not come to its end. */
const SEEKING = 6

export class Walk {
  /** Calls that used the iterator so far, its close included: `for await` detects other callers by it. */
  uses = 0
  /** Entries handed out by quick steps of `for await`, which abstract-level does not count. */
  quickSteps = 0
  /** Bytes of the entries in the batch. */
  batchBytes = 0
  readonly #highWaterMarkBytes: number
  readonly #turns: EventLoopTurns
  readonly #signal: AbortSignal | undefined
  readonly #cursor: Cursor
  readonly #range: HalfOpenRange
  readonly #reverse: boolean
  readonly #keyFormat: StoredFormat
  readonly #valueFormat: StoredFormat
  readonly #failures: StoreFailures
  readonly #offload: ReadOffload | undefined
  #state: typeof FRESH | typeof SOUGHT | typeof YIELDED | typeof ENDED | typeof FAILED | typeof LEFT | typeof SEEKING = FRESH
  #failure: Error | undefined
  /** Quick steps have used up this turn of the event loop: the next read takes another one. */
  #turnDue = false
  /** From the first read on that may wait for a slow disk. */
  #scan: OffloadedScan | undefined
  #pending: Promise<void> | undefined
  /** The key that the walk left, or seeks. */
  #resumeKey: Uint8Array = NO_KEY
  #hasMovedOn = false

  /** @param offload - Lets awaited reads wait for a slow disk off the thread. Without it they wait in place. */
  constructor(
    cursor: Cursor,
    range: HalfOpenRange,
    options: PrivateIteratorOptions,
    turns: EventLoopTurns,
    failures: StoreFailures,
    offload: ReadOffload | undefined,
  ) {
    const { highWaterMarkBytes } = options
    this.#cursor = cursor
    this.#range = range
    this.#reverse = options.reverse
    this.#keyFormat = options.keyEncoding
    this.#valueFormat = options.valueEncoding
    this.#signal = options.signal ?? undefined
    this.#turns = turns
    this.#failures = failures
    this.#offload = offload
    this.#highWaterMarkBytes =
      typeof highWaterMarkBytes === 'number' && highWaterMarkBytes >= 0 ? highWaterMarkBytes : HIGH_WATER_MARK_BYTES
  }

  /** Whether the next step of `for await` may do without `next()`, as long as the iterator is idle and open. */
  get isQuick(): boolean {
    return !this.#turnDue && !this.#signal?.aborted
  }

  /** Whether the next read may have to wait for the disk: by `fill`. */
  get isSlow(): boolean {
    return this.#offload !== undefined && (this.#offload.isOn || this.isPending)
  }

  /** Whether a read that the next step needs is under way. */
  get isPending(): boolean {
    return this.#pending !== undefined
  }

  beginBatch(): void {
    this.batchBytes = 0
    if (this.#scan !== undefined && !this.isSlow) this.#endScan()
  }

  /** Whether a batch takes another entry. The first one always fits. */
  hasRoom(entries: number, bytes: number, size: number): boolean {
    return entries < size && (entries === 0 || bytes < this.#highWaterMarkBytes)
  }

  /**
   * Reads a batch ahead for quick steps, at most `limit` entries; false at the end, and where a read is pending. What was read before a
   * failure is handed out first: the walk fails again when it is asked for more.
   */
  readAhead<T>(ahead: ReadAhead<T>, limit: number, collect: (items: T[], size: number) => void): boolean {
    if (this.isPending) return false
    const items: T[] = []
    this.beginBatch()
    try {
      const size = Math.min(ahead.size, limit)
      if (this.isSlow) this.#look(() => collect(items, size))
      else collect(items, size)
    } catch (error) {
      if (items.length === 0) throw error
    }
    if (this.#turns.isDue(Math.max(1, items.length), this.batchBytes)) this.#turnDue = true
    ahead.put(items)
    return items.length > 0
  }

  /** Completes a batch, waiting for the disk off the thread where that is slow. */
  async fill<T>(items: T[], size: number, collect: (items: T[], size: number) => void): Promise<T[]> {
    const given = items.length
    do {
      await this.#wait()
      this.#look(() => collect(items, size))
    } while (this.isPending)
    return this.finish(items, items.length - given)
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
    this.#forgetReads()
    const key = toBytes(target)
    if (!this.isSlow) {
      this.#seek(key)
      return
    }
    // A copy: the seek may go on after the caller has changed its bytes.
    this.#resumeKey = key.slice()
    this.#state = SEEKING
    this.#look(() => {
      this.#seek(this.#resumeKey)
    })
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
  finish<T>(result: T, entries: number): Awaitable<T> {
    // A step that finds the end counts as work, too.
    const isDue = this.#turns.isDue(Math.max(1, entries), this.batchBytes) || this.#turnDue
    this.#turnDue = false
    if (this.#signal !== undefined) return this.#unlessAborted(result, this.#signal, isDue)
    return isDue ? this.#turns.after(result) : result
  }

  close(): void {
    this.uses++
    this.#state = ENDED
    this.#forgetReads()
    this.#cursor.close()
  }

  #move(): boolean {
    if (this.#state !== YIELDED) return this.#begin()
    if (this.#scan !== undefined) this.#keepKey()
    return this.#reverse ? this.#cursor.prev() : this.#cursor.next()
  }

  /** A step from anywhere but an entry. Apart, because what each step runs is inlined if it is short. */
  #begin(): boolean {
    const cursor = this.#cursor
    if (this.#state === FRESH) return this.#reverse ? cursor.last() : cursor.first()
    if (this.#state === FAILED) throw this.#failure!
    if (this.#state === LEFT) return this.#return()
    if (this.#state === SEEKING) return this.#find(this.#resumeKey)
    return this.#state === SOUGHT
  }

  #seek(key: Uint8Array): void {
    try {
      this.#state = this.#find(key) ? SOUGHT : ENDED
    } catch (error) {
      throw this.#failed(error)
    }
  }

  #find(key: Uint8Array): boolean {
    return rangeContains(this.#range, key) && (this.#reverse ? this.#cursor.seekReverse(key) : this.#cursor.seek(key))
  }

  /** Moves behind the entry that the walk left. */
  #return(): boolean {
    const left = this.#resumeKey
    if (!this.#reverse) return this.#find(keyAfter(left))
    const cursor = this.#cursor
    if (!cursor.seekReverse(left)) return false
    const { bytes, start, end } = cursor.key
    return compareBytes(bytes, start, end, left, 0, left.length) === 0 ? cursor.prev() : true
  }

  #keepKey(): void {
    this.#resumeKey = this.#cursor.key.copy()
    this.#hasMovedOn = true
  }

  /** Runs what reads. Where it has to wait for a slow disk, the read is pending afterwards. */
  #look(read: () => void): void {
    if (!this.isSlow) {
      this.#endScan()
      read()
      return
    }
    this.#scan ??= new OffloadedScan(this.#offload!)
    if (this.#hasMovedOn) this.#scan.moveOn()
    this.#hasMovedOn = false
    this.#pending = this.#scan.attempt(read)
    // The failure is that of the call that waits for it, if one does.
    this.#pending?.catch(() => undefined)
  }

  async #wait(): Promise<void> {
    const pending = this.#pending
    try {
      await pending
    } catch (error) {
      throw this.#failed(error)
    } finally {
      this.#pending = undefined
    }
    if (this.#signal?.aborted) throw new AbortError()
  }

  #forgetReads(): void {
    this.#pending = undefined
    this.#scan?.drop()
  }

  /** The disk is quick again. */
  #endScan(): void {
    this.#forgetReads()
    this.#scan = undefined
  }

  #failed(error: unknown): Error {
    if (error instanceof PendingRead) {
      if (this.#state === YIELDED) this.#state = LEFT
      return error
    }
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
