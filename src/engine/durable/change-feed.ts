/**
 * The committed batches of a durable engine, read back from its logs.
 *
 * Invariants:
 * 1. A batch is delivered when it is durable and committed. The feed itself makes durable what is not, by a sync that it shares with the
 *    writers. So no power loss takes what a reader has seen, and no sequence number that a reader has seen is given out again.
 * 2. Sequence numbers follow each other without a gap. Where they do not, the feed ends with `LEVEL_CHANGES_GONE`.
 * 3. What is not delivered yet is in the logs alone: a feed holds one open file and a window of it.
 */
import type { Hash32 } from '../../codec/checksum.js'
import type { Ledger } from '../../trace/ledger.js'
import type { Span, Tracer } from '../../trace/span.js'
import { joinPath, type FileHandle, type FileSystem } from '../../vfs/file-system.js'
import { bindFileSystem } from '../../vfs/traced-file-system.js'
import { LogCursor } from '../../wal/log-cursor.js'
import { BatchReader } from '../batch.js'
import type { CallTracker } from '../call-tracker.js'
import { changesGone, checkSince, FeedLife, type ChangeSignal } from '../changes.js'
import type { BatchFeed, FeedOptions } from '../contract.js'
import { logName } from './log-names.js'
import type { LogSet, ReadableLog } from './log-set.js'

/** The engine's side of a feed. */
export interface ChangeSource {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  readonly ledger: Ledger
  readonly logs: LogSet
  readonly signal: ChangeSignal
  readonly calls: CallTracker
  /** What is known of the sequence numbers that logs begin with. */
  readonly firstSequences: Map<number, number>
  readonly trace?: Tracer | undefined
  /** Sequence number of the last operation that readers see. */
  readonly sequence: () => number
  /** Resolves when the store takes writes: its logs are durable, or can be made so. */
  readonly ready: () => Promise<void>
}

export class ChangeFeed implements BatchFeed {
  readonly #source: ChangeSource
  readonly #fileSystem: FileSystem
  readonly #span: Span | null
  readonly #since: number | undefined
  /** The last sequence number to deliver. */
  readonly #until: number
  readonly #reader = new BatchReader()
  /** Everything up to here has been delivered, or was not asked for; `undefined` before the first log is found. */
  #position: number | undefined
  /** Everything committed up to here is durable. */
  #durable = -1
  #log: OpenLog | undefined
  /** The cursor is at a batch that is not committed yet. */
  #isAhead = false
  readonly #life = new FeedLife()

  /** Throws where the store has not come to `since`. */
  constructor(source: ChangeSource, { since, live }: FeedOptions) {
    const sequence = source.sequence()
    checkSince(since, sequence)
    this.#source = source
    this.#span = source.trace?.trace.currentSpan ?? null
    this.#fileSystem = bindFileSystem(source.fileSystem, this.#span)
    this.#since = since
    this.#until = live ? Infinity : sequence
  }

  next(): BatchReader | undefined | Promise<BatchReader | undefined> {
    this.#requireOpen()
    return this.#position !== undefined && this.#position < this.#until && this.#step() ? this.#reader : this.#advance()
  }

  close(): void {
    this.#life.close()
    this.#log?.close()
  }

  async #advance(): Promise<BatchReader | undefined> {
    const { sequence, signal } = this.#source
    for (;;) {
      if (this.#position === undefined) await this.#begin()
      else if (this.#position >= this.#until) return this.#end()
      else if (this.#durable < sequence()) await this.#makeDurable()
      // What is durable and in no log is an ingest.
      else if (this.#position < this.#durable) throw changesGone(this.#position, 'the end of a log is missing')
      else await signal.wait(this.#life)
      this.#requireOpen()
      const position = this.#position!
      if (position < this.#until && this.#step()) return this.#reader
      if (position < Math.min(this.#durable, this.#until)) throw changesGone(position, 'the end of a log is missing')
    }
  }

  #end(): undefined {
    this.#log?.close()
    return undefined
  }

  /** Finds the log with the first batch. */
  async #begin(): Promise<void> {
    const { calls, logs, ready } = this.#source
    await calls.run(ready)
    await this.#makeDurable()
    this.#requireOpen()
    const since = this.#since
    const { history } = logs
    let start: ReadableLog | undefined
    let first = Infinity
    for (let i = history.length - 1; i >= 0 && first > (since ?? 0) + 1; i--) {
      const sequence = this.#firstSequence(history[i])
      if (sequence === undefined) continue
      start = history[i]
      first = sequence
    }
    if (since !== undefined && first > since + 1 && since < this.#durable) {
      throw changesGone(since, start === undefined ? 'none is kept' : `the oldest that is kept begins with sequence ${first}`)
    }
    this.#position = since ?? Math.min(first - 1, this.#durable)
    this.#open(start ?? history.at(-1)!)
  }

  async #makeDurable(): Promise<void> {
    const { calls, logs, sequence } = this.#source
    const durable = sequence()
    await calls.run(() => logs.sync())
    this.#durable = durable
  }

  /** Whether the reader is at the next batch. */
  #step(): boolean {
    const { sequence } = this.#source
    const reader = this.#reader
    for (;;) {
      const log = this.#log!
      if (!this.#isAhead && !log.next()) {
        if (!this.#readOn(log)) return false
        continue
      }
      const { payload } = log.cursor
      const { firstSequence, lastSequence } = reader.reset(payload, 0, payload.length)
      this.#isAhead = lastSequence > sequence()
      if (this.#isAhead || lastSequence > this.#until) return false
      const position = this.#position!
      if (lastSequence <= position) continue
      if (firstSequence !== position + 1) throw this.#gap(position, firstSequence, log.number)
      this.#position = lastSequence
      return true
    }
  }

  /** Whether there is more to read: in the log, which has grown, or in the one behind it. */
  #readOn(log: OpenLog): boolean {
    const { history } = this.#source.logs
    const now = history.find(({ number }) => number === log.number) ?? log.afterRemoval()
    if (now.end > log.readable.end) {
      log.readable = now
      return true
    }
    const following = now.isWhole ? history.find(({ number }) => number > log.number) : undefined
    if (following === undefined) return false
    this.#open(following)
    return true
  }

  #gap(position: number, first: number, log: number): Error {
    if (first <= position) return changesGone(position, 'no change of this store ends there')
    const { calls, logs } = this.#source
    // Another feed begins behind the gap.
    calls.run(() => logs.forget(log)).catch(() => undefined)
    return changesGone(position, `those before sequence ${first} are not kept any more`)
  }

  /** The sequence number that a log begins with; `undefined` as long as nothing durable is in it. */
  #firstSequence(readable: ReadableLog): number | undefined {
    const { firstSequences } = this.#source
    const known = firstSequences.get(readable.number)
    if (known !== undefined) return known
    const log = new OpenLog(this.#source, this.#fileSystem, readable)
    try {
      if (!log.next()) return undefined
      const { payload } = log.cursor
      const { firstSequence } = this.#reader.reset(payload, 0, payload.length)
      firstSequences.set(readable.number, firstSequence)
      return firstSequence
    } finally {
      log.close()
    }
  }

  #open(readable: ReadableLog): void {
    this.#log?.close()
    this.#log = new OpenLog(this.#source, this.#fileSystem, readable)
    this.#span?.at('io')?.emit({ type: 'changes.log', log: readable.number, after: this.#position! })
  }

  #requireOpen(): void {
    this.#life.requireOpen()
    this.#source.calls.requireOpen()
  }
}

/** A log that a feed reads. Its file stays readable when it is removed meanwhile. */
class OpenLog {
  readonly number: number
  readonly cursor: LogCursor
  /** As far as it could be read when that was last looked at. */
  readable: ReadableLog
  readonly #ledger: Ledger
  readonly #file: FileHandle
  #isClosed = false

  constructor({ directory, hash32, ledger }: ChangeSource, fileSystem: FileSystem, readable: ReadableLog) {
    this.number = readable.number
    this.readable = readable
    this.#ledger = ledger
    this.#file = fileSystem.openRead(joinPath(directory, logName(readable.number)))
    this.cursor = new LogCursor(this.#file, readable.number, hash32)
  }

  next(): boolean {
    const { cursor, readable } = this
    const before = cursor.bytesRead
    try {
      return cursor.next(readable.end, readable.isExact)
    } finally {
      this.#ledger.read.changes += cursor.bytesRead - before
    }
  }

  /** What is in a log that was removed is durable elsewhere. */
  afterRemoval(): ReadableLog {
    return { number: this.number, end: this.#file.size(), isExact: false, isWhole: true }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#file.close()
  }
}
