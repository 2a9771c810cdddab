/**
 * The logs that are not obsolete: the one being written, and older ones whose memtables are not flushed yet.
 *
 * Invariants:
 * 1. A log belongs to one memtable; records in it have the sequence numbers that follow those of the log before.
 * 2. A sync makes the logs durable in their order, each log's name and manifest entry before its first acknowledged sync. So
 *    if a later log was ever synced, every earlier one is whole. The header of a log is durable before its manifest entry.
 * 3. The first failure anywhere stops all writing: `failure` is set and every append and sync throws `PoisonedError`.
 * 4. What has been written to a log is in the ledger at once.
 * 5. A log that a killed process left may be in the system's memory only. It becomes durable before the first sync of this session, or before
 *    the manifest lists it, and not at all if its memtable is flushed before that.
 * 6. A log that is kept for readers of changes is durable before what makes it obsolete is: so a power loss leaves no gap in the history.
 */
import type { Hash32 } from '../../codec/checksum.js'
import { KvariumError, PoisonedError } from '../../errors.js'
import type { Ledger } from '../../trace/ledger.js'
import { runJob, withSpan, type Span, type Trace, type Tracer } from '../../trace/span.js'
import type { Scheduler } from '../../vfs/environment.js'
import { joinPath, removeInBackground, type FileSystem } from '../../vfs/file-system.js'
import { MeteredFileSystem } from '../../vfs/metered-file-system.js'
import { bindFileSystem } from '../../vfs/traced-file-system.js'
import { FRAME_HEADER_BYTES, LOG_HEADER_BYTES } from '../../wal/format.js'
import { LogWriter } from '../../wal/writer.js'
import { BatchReader } from '../batch.js'
import { makeLogDurable } from './log-durability.js'
import { logName } from './log-names.js'
import type { ReplayedLogs } from './log-replay.js'
import { RetainedLogs, type Retention } from './retained-logs.js'
import type { NextSlice } from '../slices.js'

/** A log with a header and perhaps the marker of a clean close. */
const EMPTY_LOG_BYTES = LOG_HEADER_BYTES + FRAME_HEADER_BYTES

interface LiveLog {
  readonly number: number
  readonly writer: LogWriter
  /** Makes the file's name durable and enters it into the manifest; `undefined` once that is done. */
  register: (() => Promise<void>) | undefined
  /** Resolves when the header is durable; `undefined` for the first log, which its caller syncs. */
  header: Promise<void> | undefined
  /** What the ledger has of it: bytes written, and the length of the file. */
  bookedWritten: number
  bookedFile: number
}

/** Logs of an earlier session that may be in the system's memory only. */
export interface UndurableLogs {
  /** Their numbers, ascending. */
  readonly numbers: readonly number[]
  /** What replay found of them. */
  readonly replayed: ReplayedLogs
  /** Enters a log that is durable by now into the manifest. */
  readonly register: (number: number, span: Span | null) => Promise<void>
}

/** How far a log can be read. */
export interface ReadableLog {
  readonly number: number
  /** Everything before this byte is durable. */
  readonly end: number
  /** Whether the last record ends there. If not, the log may end earlier. */
  readonly isExact: boolean
  /** Whether nothing of the log is behind `end`, now and later. */
  readonly isWhole: boolean
}

export interface LogSetOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  readonly ledger: Ledger
  readonly scheduler: Scheduler
  readonly retention?: Retention | undefined
  /** Whether logs have compact frames: see LogWriterOptions. */
  readonly compact?: boolean
  readonly trace?: Tracer | undefined
}

export class LogSet {
  readonly #options: LogSetOptions
  readonly #trace: Trace | null
  /** Emits appends. */
  readonly #io: Trace | null
  #older: LiveLog[] = []
  /** `undefined` until the first log is begun. */
  #current: LiveLog | undefined
  /** Logs of an earlier session, whole and durable, and their sizes. */
  readonly #recovered: Map<number, number>
  /** Those among them that are not known to be durable, ascending, and the work that makes them so. */
  readonly #undurable = new Map<number, Promise<void> | undefined>()
  readonly #undurableLogs: UndurableLogs | undefined
  /** Those that became durable in this session, and where each ends. */
  readonly #madeDurable = new Map<number, number>()
  /** Bytes of the logs that are no longer written. */
  #olderBytes = 0
  #syncing: Promise<void> | undefined
  /** The sync of a log that was asked for last, and what its callers wait for. */
  #joined: { readonly sync?: Promise<void>; readonly poisoning: Promise<void> } = { poisoning: Promise.resolve() }
  #failure: unknown
  /** Data syncs of logs that are gone. */
  #releasedSyncs = 0
  readonly #retained: RetainedLogs
  /** Whether the retained logs stay for the next session. */
  readonly #keepsRetained: boolean

  /**
   * `recovered` are logs of an earlier session. Log `first` is begun at once, and is to be synced before the manifest names it; without one,
   * nothing may be appended until `begin`.
   */
  constructor(options: LogSetOptions, first: number | undefined, recovered: ReadonlyMap<number, number>, undurable?: UndurableLogs) {
    this.#options = options
    this.#undurableLogs = undurable
    for (const number of undurable?.numbers ?? []) this.#undurable.set(number, undefined)
    this.#trace = options.trace?.trace ?? null
    this.#io = this.#trace && this.#trace.at('io')
    const retention = options.retention ?? { limit: 0, logs: [] }
    this.#retained = new RetainedLogs(retention, ({ number, bytes }) => this.#remove(number, bytes, this.#trace?.currentSpan))
    this.#keepsRetained = retention.limit > 0
    for (const { bytes } of retention.logs) options.ledger.resize(bytes)
    this.#recovered = new Map(recovered)
    for (const size of recovered.values()) {
      options.ledger.resize(size)
      this.#olderBytes += size
    }
    if (first !== undefined) this.begin(first)
  }

  /** Begins the first log, which is to be synced before the manifest names it. */
  begin(first: number): void {
    this.#current = this.#create(first, undefined)
  }

  get isBegun(): boolean {
    return this.#current !== undefined
  }

  /** What stopped writing, or `undefined`. */
  get failure(): unknown {
    return this.#failure
  }

  /** Number of the log that is being written. */
  get number(): number {
    return this.#writable.number
  }

  /** Bytes of the log that is being written. */
  get size(): number {
    return this.#current?.writer.size ?? 0
  }

  /** Bytes of all logs, those of an earlier session included. */
  get totalBytes(): number {
    return this.#olderBytes + this.size
  }

  /** The logs that this session wrote or made durable, and where each ends. */
  get ends(): ReadonlyMap<number, number> {
    return new Map([...this.#madeDurable, ...this.#live.map(log => [log.number, log.writer.size] as const)])
  }

  /** Data syncs of all logs since open. */
  get syncs(): number {
    return this.#live.reduce((sum, log) => sum + log.writer.syncs, this.#releasedSyncs)
  }

  /** Whether obsolete logs are kept. */
  get isRetaining(): boolean {
    return this.#retained.limit > 0
  }

  /** Keeps obsolete logs until the set is closed, `bytes` of them at least, if none are kept yet. */
  retain(bytes: number): void {
    if (!this.isRetaining) this.#retained.begin(bytes)
  }

  /** Numbers of all logs, the retained ones included. */
  get numbers(): ReadonlySet<number> {
    return new Set(this.history.map(({ number }) => number))
  }

  /** Forgets the retained logs with numbers below `number`: a part of the history is missing behind them. */
  forget(number: number): Promise<void> {
    return this.#retained.forget(number)
  }

  /** The logs that hold the history, the oldest first. */
  get history(): readonly ReadableLog[] {
    const live = this.#live.map(log => {
      const { syncedBytes: end, size } = log.writer
      return { number: log.number, end, isExact: true, isWhole: log !== this.#current && end === size }
    })
    const recovered = Array.from(this.#recovered, ([number, size]) => {
      const isDurable = !this.#undurable.has(number)
      return { number, end: isDurable ? size : 0, isExact: false, isWhole: isDurable }
    })
    const retained = this.#retained.logs.map(({ number, bytes }) => ({ number, end: bytes, isExact: false, isWhole: true }))
    return [...retained, ...recovered, ...live].sort((a, b) => a.number - b.number)
  }

  get #live(): readonly LiveLog[] {
    return this.#current === undefined ? this.#older : [...this.#older, this.#current]
  }

  /**
   * Starts a new log; the one before is kept until `release`. `register` is called, as a job, before the first sync, unless `registered`
   * is. The header becomes durable in the background, ahead of the logs before: a header holds nothing that they would have to precede,
   * and records that are appended meanwhile do not claim to be durable.
   */
  start(number: number, register: (span: Span | null) => Promise<void>): void {
    if (this.#failure !== undefined) throw this.refusal()
    // Nothing in the next log may survive what is missing in this one.
    this.#writeHeld(this.#writable)
    const next = this.#createAsJob(number, register)
    this.#olderBytes += this.size
    this.#older.push(this.#writable)
    this.#current = next
  }

  /** Resolves when the first log, which is empty, is durable; those of an earlier session need not be. */
  async firstDurable(): Promise<void> {
    await this.#syncOne(this.#writable)
  }

  /** Resolves when the header of a log that was started, or of one of an earlier session, is durable, or the log is released. */
  async headerDurable(number: number): Promise<void> {
    if (this.#undurable.has(number)) await this.#makeDurable(number)
    else await this.#live.find(log => log.number === number)?.header
  }

  /**
   * Resolves when a log that is no longer written is durable, with nothing behind its last record. Returns the length of the file; `undefined`
   * if there is no such log.
   */
  async durable(number: number): Promise<number | undefined> {
    if (this.#undurable.has(number)) await this.#makeDurable(number)
    const log = this.#older.find(each => each.number === number)
    if (log === undefined) return this.#recovered.get(number)
    if (log.writer.syncedBytes < log.writer.size) await this.#syncOne(log)
    log.writer.cutBlank()
    return log.writer.fileBytes
  }

  /** The manifest lists the log, whose header and name are durable: no sync has to register it. */
  registered(number: number): void {
    const log = this.#live.find(each => each.number === number)
    if (log !== undefined) log.register = undefined
  }

  /**
   * Appends a batch. When this returns the batch survives the death of the process; with `willSync` not before the `sync` that the caller goes on
   * with has resolved. Returns where byte 0 of the batch is in the log, or would be: from byte 12 on each is at its place behind this.
   */
  append(bytes: Uint8Array, end: number, willSync = false): number {
    if (this.#failure !== undefined) throw this.refusal()
    const log = this.#writable
    const { writer } = log
    try {
      const offset = writer.append(bytes, 0, end, willSync)
      if (this.#io !== null) this.#emitAppend(this.#io, log, bytes, end, offset)
    } catch (error) {
      if (writer.poisoned) this.poison(error)
      throw error
    }
    this.#book(log)
    return writer.payloadBase
  }

  /** Makes the bytes of a log before `end` readable in its file: `append` may hold the last ones in memory. */
  makeReadable(number: number, end: number): void {
    const log = this.#current
    if (log?.number !== number || end <= log.writer.readableBytes) return
    this.#writeHeld(log)
    if (end > log.writer.readableBytes) throw this.refusal()
  }

  /** `append` of a long batch. Until the promise settles nothing else is appended, and no log is started. */
  async appendInSlices(bytes: Uint8Array, end: number, nextSlice: NextSlice): Promise<number> {
    if (this.#failure !== undefined) throw this.refusal()
    const log = this.#writable
    try {
      const offset = await log.writer.appendInSlices(bytes, 0, end, nextSlice)
      const io = this.#io
      if (io !== null) await nextSlice(() => this.#emitAppend(io, log, bytes, end, offset))
    } catch (error) {
      if (log.writer.poisoned) this.poison(error)
      throw error
    }
    this.#book(log)
    return log.writer.payloadBase
  }

  /** Resolves when everything appended so far survives power loss. */
  sync(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.refusal())
    const current = this.#current
    if (current === undefined) return Promise.resolve()
    if (this.#older.length === 0 && this.#undurable.size === 0 && current.register === undefined) return this.#syncOne(current)
    // Behind a sync of several logs another one starts over: it may have begun before the caller's append.
    const span = this.#trace?.currentSpan
    current.writer.announceSync()
    this.#syncing = (this.#syncing ?? Promise.resolve()).catch(() => undefined).then(() => this.#syncAll(span))
    return this.#syncing
  }

  /** Stops all writing because of `error`; the first one is remembered. */
  poison(error: unknown): void {
    this.#failure ??= error
  }

  refusal(): PoisonedError {
    const cause = this.#failure
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new PoisonedError(
      `The store takes no more writes until it is closed and opened again, because of an earlier failure: ${reason}`,
      { cause },
    )
  }

  /** Removes logs with numbers below `firstLog`, whose memtables are in tables, or retains them. */
  async release(firstLog: number): Promise<void> {
    const span = this.#trace?.currentSpan
    const obsolete = this.#older.filter(log => log.number < firstLog)
    if (this.isRetaining) for (const { writer } of obsolete) writer.cutBlank()
    // In one step: a reader of the history finds each log here or there.
    const retained = new Set(obsolete.filter(log => this.#retire(log.number, log.writer.fileBytes, isDurable(log.writer))))
    this.#older = this.#older.filter(log => log.number >= firstLog)
    for (const log of obsolete) {
      const { number, writer } = log
      await withSpan(span, () => writer.close({ marker: false }))
      this.#releasedSyncs += writer.syncs
      this.#olderBytes -= writer.size
      if (!retained.has(log)) await this.#remove(number, writer.fileBytes, span)
    }
    for (const [number, size] of this.#recovered) {
      if (number >= firstLog) continue
      await this.#undurable.get(number)?.catch(() => undefined)
      const isRetained = this.#retire(number, size, !this.#undurable.has(number))
      this.#recovered.delete(number)
      this.#undurable.delete(number)
      this.#madeDurable.delete(number)
      this.#olderBytes -= size
      if (!isRetained) await this.#remove(number, size, span)
    }
    await withSpan(span, () => this.#retained.trim())
  }

  /** Ends every log with the marker of a clean close. After a failure, or where writing has not started, the logs stay as a kill leaves them. */
  async close({ isStarted = true }: { readonly isStarted?: boolean } = {}): Promise<void> {
    const marker = isStarted && this.#failure === undefined
    const span = this.#trace?.currentSpan
    try {
      // A sync under way may be about to make a log known: what that changes must not outlive the close.
      if (marker) await this.sync()
      else await this.#syncing?.catch(() => undefined)
    } finally {
      for (const log of this.#live) {
        const closed = withSpan(span, () => log.writer.close({ marker: marker && this.#failure === undefined }))
        await closed.catch((error: unknown) => this.poison(error))
      }
      if (!this.#keepsRetained) await this.#retained.end()
    }
  }

  get #writable(): LiveLog {
    if (this.#current === undefined) throw new KvariumError('LEVEL_INTERNAL', 'There is no log to write to')
    return this.#current
  }

  async #syncAll(span: Span | null | undefined): Promise<void> {
    for (const number of [...this.#undurable.keys()]) {
      if (this.#failure !== undefined) throw this.refusal()
      // It may have been released meanwhile.
      if (!this.#undurable.has(number)) continue
      await this.#makeDurable(number)
      await this.#poisoning(
        runJob(this.#trace, 'rotate', register => this.#undurableLogs!.register(number, register), { reason: 'a log is made known' }),
      )
    }
    for (const log of this.#live) {
      if (this.#failure !== undefined) throw this.refusal()
      // A log that was released meanwhile needs no sync any more.
      if (log !== this.#current && !this.#older.includes(log)) continue
      const { register } = log
      if (register !== undefined) {
        if (log.writer.syncedBytes < log.writer.size) await withSpan(span, () => this.#syncOne(log))
        try {
          await register()
        } catch (error) {
          this.poison(error)
          throw error
        }
        log.register = undefined
        if (log !== this.#current && !this.#older.includes(log)) continue
      }
      if (log.writer.syncedBytes < log.writer.size) await withSpan(span, () => this.#syncOne(log))
    }
  }

  #writeHeld(log: LiveLog): void {
    try {
      log.writer.writeHeld()
    } catch (error) {
      this.poison(error)
      throw error
    }
  }

  #syncOne(log: LiveLog): Promise<void> {
    const sync = log.writer.sync()
    if (sync !== this.#joined.sync) this.#joined = { sync, poisoning: this.#poisoning(sync) }
    return this.#joined.poisoning
  }

  #poisoning(work: Promise<void>): Promise<void> {
    return work.catch((error: unknown) => {
      this.poison(error)
      throw error
    })
  }

  /** Makes a log of an earlier session durable. */
  #makeDurable(number: number): Promise<void> {
    const reason = 'a log of an earlier session is made durable'
    const work =
      this.#undurable.get(number) ?? this.#poisoning(runJob(this.#trace, 'rotate', span => this.#rewrite(number, span), { reason }))
    this.#undurable.set(number, work)
    return work
  }

  async #rewrite(number: number, span: Span | null): Promise<void> {
    const { fileSystem, directory, ledger, scheduler } = this.#options
    const { replayed } = this.#undurableLogs!
    const meter = new MeteredFileSystem(bindFileSystem(fileSystem, span))
    ledger.written.log += await makeLogDurable(meter, directory, number, replayed, () => scheduler.turn())
    ledger.read.open += meter.counts().total.bytesRead
    ledger.syncs++
    this.#madeDurable.set(number, replayed.keptBytes.get(number) ?? 0)
    this.#undurable.delete(number)
  }

  #create(number: number, register: LiveLog['register']): LiveLog {
    const { fileSystem, directory, hash32, scheduler, compact = false } = this.#options
    const turn = (): Promise<void> => scheduler.turn()
    const path = joinPath(directory, logName(number))
    const onOwnWrite = (): void => this.#book(log)
    const writer = LogWriter.create({ fileSystem, path, logNumber: number, hash32, compact, turn, onOwnWrite, trace: this.#options.trace })
    const log: LiveLog = { number, writer, register, header: undefined, bookedWritten: 0, bookedFile: 0 }
    this.#book(log)
    return log
  }

  /** Making a log is one job, the sync of its header another, listing it in the manifest a third, which a flush may make unnecessary. */
  #createAsJob(number: number, register: (span: Span | null) => Promise<void>): LiveLog {
    const span = this.#trace?.startSpan('job', 'rotate')
    const registerAsJob = (): Promise<void> => runJob(this.#trace, 'rotate', register, { reason: 'a log is made known' })
    try {
      const log = withSpan(span, () => this.#create(number, registerAsJob))
      log.header = withSpan(span, () => this.#syncOne(log))
      // The set is poisoned then, and `headerDurable` rejects.
      log.header.catch(() => undefined)
      span?.emit({ type: 'log.rotate', from: this.#writable.number, to: number })
      span?.end('ok')
      return log
    } catch (error) {
      span?.end('failed', error)
      throw error
    }
  }

  #emitAppend(trace: Trace, { number, writer }: LiveLog, bytes: Uint8Array, end: number, offset: number): void {
    const reader = new BatchReader().reset(bytes, 0, end)
    const { firstSequence, count } = reader
    let userBytes = 0
    while (reader.next()) userBytes += reader.key.length + reader.value.length
    trace.emit({ type: 'log.append', log: number, firstSequence, entries: count, offset, length: writer.size - offset, userBytes })
  }

  /** Brings the ledger up to date with what the log has written since. */
  #book(log: LiveLog): void {
    const { ledger } = this.#options
    const { writtenBytes, fileBytes } = log.writer
    ledger.written.log += writtenBytes - log.bookedWritten
    if (fileBytes !== log.bookedFile) ledger.resize(fileBytes - log.bookedFile)
    log.bookedWritten = writtenBytes
    log.bookedFile = fileBytes
  }

  /** Whether the log is retained. One without records is not. */
  #retire(number: number, bytes: number, isDurable: boolean): boolean {
    return bytes > EMPTY_LOG_BYTES && this.#retained.add({ number, bytes }, isDurable)
  }

  async #remove(number: number, size: number, span: Span | null | undefined): Promise<void> {
    const { fileSystem, directory, ledger } = this.#options
    try {
      await withSpan(span, () => removeInBackground(fileSystem, joinPath(directory, logName(number))))
      ledger.resize(-size)
      withSpan(span, () => this.#trace?.emit({ type: 'log.release', log: number, bytes: size }))
    } catch {
      // Obsolete by the manifest; the next open removes it.
    }
  }
}

function isDurable({ syncedBytes, size }: LogWriter): boolean {
  return syncedBytes === size
}
