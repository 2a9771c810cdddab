/**
 * Appends records to a log and makes them durable, many callers sharing one sync (group commit).
 *
 * Invariants:
 * 1. Bytes are only ever written at the tail. The tail moves when a write has succeeded, or when a frame is held that the next sync, or an
 *    earlier write, writes in front of what it does itself. Frames are held only while a sync waits to begin, and not where events are listened to.
 * 2. A caller of `sync` is acknowledged by a data sync that started after everything appended before the call. While
 *    one runs, callers wait for the next, which begins when the running one ends.
 * 3. The watermark is the size of the log at the start of the last sync that succeeded. Every frame carries the
 *    watermark of its moment, so no frame claims more than what was durable when it was made.
 * 4. After a failed write or sync nothing is written or synced again: what the failure left behind is unknown (a torn
 *    frame; pages the system now takes for clean), and a retry could acknowledge what is not there.
 * 5. Where commits are small, the file is extended ahead of them with zeros, which no reader takes for a frame: a data sync that
 *    need not record a new file length costs about two thirds. Zeros are only written behind the tail.
 * 6. A payload that is appended in slices lies behind the tail until its last byte is written. Its header comes last, and no zeros
 *    are written meanwhile.
 * 7. A close marker is written only when all bytes before it are durable and none lie behind it.
 */
import type { Hash32 } from '../codec/checksum.js'
import { CHUNK_BYTES, placeSeed } from '../codec/checksum.js'
import { IoError, MisuseError, PoisonedError } from '../errors.js'
import { withSpan, type Span, type Trace, type Tracer } from '../trace/span.js'
import { removeLeftover, type FileHandle, type FileSystem } from '../vfs/file-system.js'
import { CommitTracer } from './commit-tracer.js'
import { CompactFrames } from './compact-frames.js'
import {
  COMPACT_LOG_VERSION,
  encodeCompactFrame,
  encodeFileHeader,
  encodeFrameHeader,
  FRAME_HEADER_BYTES,
  frameCheckSeed,
  IMPLIED_BYTES,
  lengthWord,
  LOG_FORMAT_VERSION,
  LOG_HEADER_BYTES,
  MAX_LOG_BYTES,
  MAX_PAYLOAD_BYTES,
} from './format.js'

export interface LogWriterOptions {
  /**
   * Part of every check, so that frames of another log are never taken for this log's: 0 to 2^32 - 1, never
   * reused for other contents.
   */
  readonly logNumber: number
  readonly hash32: Hash32
  /** Whether frames may be compact, which is format version 2. Default false: version 1. */
  readonly compact?: boolean
  /** Zeros to write ahead of small commits, in bytes; 0 for none. Default 256 KiB. */
  readonly growBytes?: number
  /**
   * Awaited before a sync while several callers share syncs, so that the callers of the last one can append again
   * and share this one. Without it the first of them starts a sync of its own, and groups are half as large.
   */
  readonly turn?: () => Promise<void>
  /** Called when the writer has changed the file without an append: held frames, zeros ahead, leftovers cut off, close marker. */
  readonly onOwnWrite?: () => void
  /** Gets the events of syncs. */
  readonly trace?: Tracer | undefined
}

const DEFAULT_GROW_BYTES = 256 * 1024
/** A sync of at most this many bytes is a small commit. */
const SMALL_COMMIT_BYTES = 16 * 1024
/** After this many small commits in a row the file is extended ahead: once or twice is not worth the space. */
const COMMITS_BEFORE_GROWING = 4

/** Longer payloads are written from where they are, in a second write; copying them would cost more than the call. */
const COPIED_PAYLOAD_BYTES = 256 * 1024
const INITIAL_SCRATCH_BYTES = 4 * 1024
const MOST_SCRATCH_BYTES = FRAME_HEADER_BYTES + COPIED_PAYLOAD_BYTES
const EMPTY = new Uint8Array(0)

export class LogWriter {
  readonly #file: FileHandle
  readonly #logNumber: number
  readonly #hash32: Hash32
  readonly #seed: number
  #scratch = new Uint8Array(INITIAL_SCRATCH_BYTES)
  /** Bytes of the frames that are held: the first ones of the scratch, and the last ones before the tail. */
  #heldBytes = 0
  #size = 0
  /** Length of the file, zeros behind the tail included; what a recycled file had before is not known here. */
  #fileBytes = 0
  /** Zeros written. */
  #blankBytes = 0
  #growBytes: number
  readonly #version: number
  readonly #frames = new CompactFrames()
  readonly #turn: (() => Promise<void>) | undefined
  readonly #onOwnWrite: (() => void) | undefined
  #smallCommits = 0
  #syncedBytes = 0
  #syncs = 0
  /** Set by the first failure or by close; every append then takes the slow path. */
  #stopped = false
  #failure: IoError | undefined
  #closing: Promise<void> | undefined
  /** A payload is being appended in slices. */
  #isSlicing = false
  /** The sync under way and the size of the log it covers. */
  #running: Promise<void> | undefined
  #runningBytes = 0
  /** The sync that waits to begin. */
  #next: Promise<void> | undefined
  /** Callers since the last sync began, and those that shared it. */
  #callers = 0
  #lastCallers = 0
  readonly #trace: Trace | null
  readonly #commits: CommitTracer | null

  /**
   * Creates a log file and writes its header. Nothing is durable yet, nor is the file's name: that takes `sync` and
   * `FileSystem.syncDirectory`. Throws an `IoError` if the header cannot be written, having removed the file, and what `create` throws.
   */
  static create(options: LogWriterOptions & { readonly fileSystem: FileSystem; readonly path: string }): LogWriter {
    checkLogNumber(options.logNumber)
    const file = options.fileSystem.create(options.path)
    try {
      return new LogWriter(file, options)
    } catch (error) {
      file.close()
      removeLeftover(options.fileSystem, options.path)
      throw error
    }
  }

  /**
   * Starts a log in an open file, which from then on is the writer's to close. The file is empty, or an old one to be
   * recycled, whose bytes are overwritten as the log grows. A recycled file must be given its new header and be synced
   * before it is given its new name: a reader refuses a log with another number in a sound header.
   */
  constructor(file: FileHandle, options: LogWriterOptions) {
    checkLogNumber(options.logNumber)
    this.#file = file
    this.#logNumber = options.logNumber
    this.#hash32 = options.hash32
    this.#seed = frameCheckSeed(options.logNumber)
    this.#version = options.compact === true ? COMPACT_LOG_VERSION : LOG_FORMAT_VERSION
    this.#growBytes = options.growBytes ?? DEFAULT_GROW_BYTES
    this.#turn = options.turn
    this.#onOwnWrite = options.onOwnWrite
    this.#trace = options.trace?.trace ?? null
    this.#commits = this.#trace && new CommitTracer(this.#trace, options.logNumber)
    try {
      file.write(encodeFileHeader(options.logNumber, this.#version), 0)
    } catch (cause) {
      throw ioError('writing the header of', file, 0, cause)
    }
    this.#size = LOG_HEADER_BYTES
  }

  get path(): string {
    return this.#file.path
  }

  get logNumber(): number {
    return this.#logNumber
  }

  /** Length of the log in bytes. */
  get size(): number {
    return this.#size
  }

  /** Length of what is in the file: the log without the frames that are held. */
  get readableBytes(): number {
    return this.#size - this.#heldBytes
  }

  /** Where byte 0 of the payload that was appended last is in the file, or would be: from byte 12 on each is at its place behind this. */
  get payloadBase(): number {
    return this.#frames.payloadBase
  }

  /** The watermark: this many bytes from the start of the log are known to be durable. */
  get syncedBytes(): number {
    return this.#syncedBytes
  }

  /** Physical bytes this writer has written: file header, frames, close marker, zeros. Failed writes and held frames do not count. */
  get writtenBytes(): number {
    return this.#size - this.#heldBytes + this.#blankBytes
  }

  /** Length of the file in bytes: that of the log, and zeros written ahead. */
  get fileBytes(): number {
    return Math.max(this.#size - this.#heldBytes, this.#fileBytes)
  }

  /** Data syncs started. */
  get syncs(): number {
    return this.#syncs
  }

  /** Whether a write or sync has failed, so that this log takes no more. */
  get poisoned(): boolean {
    return this.#failure !== undefined
  }

  /**
   * Appends `payload[start, end)` as one record and returns the offset of its frame. When it returns, the record
   * survives the death of the process; power loss it survives once a later `sync` has resolved.
   *
   * With `willSync` the caller acknowledges the record only behind a `sync` of its own. Then it may be held in memory and written with others.
   *
   * Throws an `IoError` if the write fails, which poisons the writer; a `PoisonedError` ever after; a `MisuseError`,
   * without effect, if the payload is empty or longer than `MAX_PAYLOAD_BYTES`, if the log would outgrow
   * `MAX_LOG_BYTES`, or after `close`.
   */
  append(payload: Uint8Array, start = 0, end = payload.length, willSync = false): number {
    if (this.#stopped) throw this.#refusal()
    this.#checkPayload(payload, start, end)
    const offset = this.#size
    this.#write(offset, end - start === payload.length ? payload : payload.subarray(start, end), willSync)
    return offset
  }

  /**
   * `append` of a long payload: each MiB of it is hashed and written in a slice of its own, run by `nextSlice`. Until the promise settles
   * the caller changes neither the payload nor the log; syncs go on, and cover what was appended before.
   */
  async appendInSlices(payload: Uint8Array, start: number, end: number, nextSlice: <T>(work: () => T) => Promise<T>): Promise<number> {
    if (this.#stopped) throw this.#refusal()
    this.#checkPayload(payload, start, end)
    this.writeHeld()
    const offset = this.#size
    let checksum = placeSeed(this.#logNumber, offset)
    this.#isSlicing = true
    try {
      for (let from = start; from < end; from += CHUNK_BYTES) {
        const to = Math.min(end, from + CHUNK_BYTES)
        checksum = await nextSlice(() => this.#writePiece(payload, from, to, offset + FRAME_HEADER_BYTES + from - start, checksum))
      }
      await nextSlice(() => this.#writeHeader(offset, payload, start, end, checksum))
    } finally {
      this.#isSlicing = false
    }
    return offset
  }

  /**
   * Resolves when everything appended so far is durable; at once, without a system call, if it already is.
   * Rejects with an `IoError` if the data sync fails, which poisons the writer; with a `PoisonedError` ever after.
   */
  sync(): Promise<void> {
    return this.#stopped ? Promise.reject(this.#refusal()) : this.#syncAll()
  }

  /** Adds the current operation to those that the next sync serves in traces, whichever caller starts that sync. */
  announceSync(): void {
    if (this.#commits === null || this.#syncedBytes === this.#size) return
    const isCovered = this.#running !== undefined && this.#next === undefined && this.#runningBytes === this.#size
    if (isCovered) this.#commits.joinRunning()
    else this.#commits.joinNext()
  }

  /**
   * Ends the log, waiting for syncs under way, and closes the file. With `marker` it makes everything durable and ends
   * the log with the marker of a clean close, by which a reader knows that the log is complete; a poisoned log gets none.
   * Rejects with an `IoError` if that fails; the file is closed all the same. Further calls return the same promise.
   */
  close(options: { readonly marker: boolean }): Promise<void> {
    this.#stopped = true
    this.#closing ??= this.#close(options.marker)
    return this.#closing
  }

  /** Cuts off the zeros behind the tail of a log that takes no more records. Where that fails they stay. */
  cutBlank(): void {
    if (this.#fileBytes <= this.#size) return
    try {
      this.#file.truncate(this.#size)
    } catch {
      return
    }
    this.#fileBytes = this.#size
    this.#onOwnWrite?.()
  }

  /** Writes the frames that are held. Throws an `IoError` if that fails, which poisons the writer. */
  writeHeld(): void {
    if (this.#heldBytes === 0 || this.#failure !== undefined) return
    this.#writeAt(this.#size - this.#heldBytes, this.#scratch, 0, this.#heldBytes)
    this.#heldBytes = 0
    this.#onOwnWrite?.()
  }

  #write(offset: number, payload: Uint8Array, willSync: boolean): void {
    const length = payload.length
    const synced = this.#syncedBytes
    if (this.#version === COMPACT_LOG_VERSION && this.#frames.fits(offset, payload, synced)) {
      this.#writeCompact(offset, payload, willSync)
      return
    }
    const checksum = this.#hash32(payload, placeSeed(this.#logNumber, offset))
    const isCopied = length <= COPIED_PAYLOAD_BYTES
    const frameBytes = FRAME_HEADER_BYTES + (isCopied ? length : 0)
    const held = this.#reserve(frameBytes)
    encodeFrameHeader(this.#scratch, this.#seed, offset, lengthWord(length, this.#version), synced, checksum, held)
    if (isCopied) this.#scratch.set(payload, held + FRAME_HEADER_BYTES)
    this.#putScratch(offset - held, held + frameBytes, willSync && isCopied)
    if (!isCopied) this.#writeAt(offset + FRAME_HEADER_BYTES, payload, 0, length)
    this.#size = offset + FRAME_HEADER_BYTES + length
    this.#frames.noteWhole(offset, payload, 0, length, synced)
  }

  #writeCompact(offset: number, payload: Uint8Array, willSync: boolean): void {
    // The implied bytes leave room for the header.
    const held = this.#reserve(payload.length)
    const bodyStart = encodeCompactFrame(this.#scratch, held, payload, this.#hash32, placeSeed(this.#logNumber, offset))
    const end = bodyStart + payload.length - IMPLIED_BYTES
    this.#putScratch(offset - held, end, willSync)
    this.#size = offset + end - held
    this.#frames.noteCompact(payload, offset + bodyStart - held)
  }

  /** Makes room in the scratch for a frame behind those that are held. Returns where it begins. */
  #reserve(bytes: number): number {
    if (this.#heldBytes + bytes > MOST_SCRATCH_BYTES) this.writeHeld()
    const needed = this.#heldBytes + bytes
    if (needed > this.#scratch.length) this.#growScratch(needed)
    return this.#heldBytes
  }

  /** Writes the scratch up to `end` to `position`, or holds it while a sync is to come and nothing traces it. */
  #putScratch(position: number, end: number, mayHold: boolean): void {
    if (mayHold && this.#next !== undefined && this.#trace === null) {
      this.#heldBytes = end
      return
    }
    this.#writeAt(position, this.#scratch, 0, end)
    this.#heldBytes = 0
  }

  /** Returns the checksum of the payload up to the end of the piece. */
  #writePiece(payload: Uint8Array, start: number, end: number, position: number, checksum: number): number {
    if (this.#stopped) throw this.#refusal()
    this.#writeAt(position, payload, start, end)
    return this.#hash32(payload.subarray(start, end), checksum)
  }

  /** The header of a payload that is in the file already. */
  #writeHeader(offset: number, payload: Uint8Array, start: number, end: number, checksum: number): void {
    if (this.#stopped) throw this.#refusal()
    const length = end - start
    const synced = this.#syncedBytes
    encodeFrameHeader(this.#scratch, this.#seed, offset, lengthWord(length, this.#version), synced, checksum)
    this.#writeAt(offset, this.#scratch, 0, FRAME_HEADER_BYTES)
    this.#size = offset + FRAME_HEADER_BYTES + length
    this.#frames.noteWhole(offset, payload, start, end, synced)
  }

  #writeAt(position: number, bytes: Uint8Array, start: number, end: number): void {
    try {
      this.#file.write(bytes, position, start, end)
    } catch (cause) {
      throw this.#poison('appending to', cause)
    }
  }

  #checkPayload(payload: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (!(length > 0 && length <= MAX_PAYLOAD_BYTES && start >= 0 && end <= payload.length)) throw badPayload(payload, start, end)
    if (this.#size + FRAME_HEADER_BYTES + length + FRAME_HEADER_BYTES > MAX_LOG_BYTES) throw this.#full(length)
  }

  #growScratch(needed: number): void {
    const scratch = new Uint8Array(Math.min(Math.max(needed, this.#scratch.length * 2), MOST_SCRATCH_BYTES))
    scratch.set(this.#scratch.subarray(0, this.#heldBytes))
    this.#scratch = scratch
  }

  #syncAll(): Promise<void> {
    this.#callers++
    if (this.#next !== undefined) {
      this.#commits?.joinNext()
      return this.#next
    }
    const running = this.#running
    if (running === undefined) {
      if (this.#syncedBytes === this.#size) return Promise.resolve()
      this.#commits?.joinNext()
      if (this.#turn === undefined || this.#lastCallers < 2) return this.#startSync()
      this.#next = this.#turn().then(this.#startNext)
    } else {
      if (this.#runningBytes === this.#size) {
        this.#commits?.joinRunning()
        return running
      }
      this.#commits?.joinNext()
      const ended = this.#turn === undefined ? running : running.then(this.#turn, this.#turn)
      this.#next = ended.then(this.#startNext, this.#startNext)
    }
    return this.#next
  }

  readonly #startNext = (): Promise<void> => {
    this.#next = undefined
    if (this.#failure !== undefined) throw this.#refusal()
    this.writeHeld()
    return this.#startSync()
  }

  #startSync(): Promise<void> {
    const commit = this.#commits?.begin()
    return withSpan(commit, () => this.#runSync(commit))
  }

  #runSync(commit: Span | undefined): Promise<void> {
    this.#lastCallers = this.#callers
    this.#callers = 0
    this.#smallCommits = this.#size - this.#syncedBytes <= SMALL_COMMIT_BYTES ? this.#smallCommits + 1 : 0
    if (this.#smallCommits >= COMMITS_BEFORE_GROWING && this.fileBytes - this.#size < SMALL_COMMIT_BYTES) this.#growAhead()
    this.#runningBytes = this.#size
    this.#syncs++
    this.#running = this.#syncTo(this.#size, commit)
    return this.#running
  }

  /** A failure to extend the file (a full disk) does no harm yet: the log goes on without. */
  #growAhead(): void {
    const from = this.fileBytes
    const to = Math.min(this.#size + this.#growBytes, MAX_LOG_BYTES)
    if (to <= from || this.#stopped || this.#isSlicing) return
    try {
      this.#file.write(new Uint8Array(to - from), from)
    } catch {
      this.#growBytes = 0
      return
    }
    this.#fileBytes = to
    this.#blankBytes += to - from
    this.#onOwnWrite?.()
  }

  async #syncTo(bytes: number, commit: Span | undefined): Promise<void> {
    try {
      await this.#file.sync()
    } catch (cause) {
      const error = this.#poison('syncing', cause)
      commit?.end('failed', error)
      throw error
    }
    this.#syncedBytes = bytes
    this.#running = undefined
    if (commit !== undefined) this.#commits?.end(commit, bytes)
  }

  async #close(marker: boolean): Promise<void> {
    const span = this.#trace?.currentSpan
    try {
      const running = this.#next ?? this.#running
      // Its callers get the error of a failure; here it only means that no marker is written.
      if (running !== undefined) await running.catch(() => undefined)
      if (marker && this.#failure === undefined) await this.#appendCloseMarker(span)
    } finally {
      withSpan(span, () => this.#file.close())
    }
  }

  async #appendCloseMarker(span: Span | null | undefined): Promise<void> {
    await this.#syncAll()
    if (withSpan(span, () => this.#cutLeftovers())) {
      // The cut must be durable first: a marker with bytes after it is damage.
      await this.#startSync()
    }
    const offset = this.#size
    const checksum = this.#hash32(EMPTY, placeSeed(this.#logNumber, offset))
    encodeFrameHeader(this.#scratch, this.#seed, offset, lengthWord(0, this.#version), offset, checksum)
    try {
      withSpan(span, () => this.#file.write(this.#scratch, offset, 0, FRAME_HEADER_BYTES))
    } catch (cause) {
      throw this.#poison('appending to', cause)
    }
    this.#size = offset + FRAME_HEADER_BYTES
    this.#onOwnWrite?.()
    await this.#startSync()
  }

  /** Removes what a recycled or pre-written file still holds behind the tail. */
  #cutLeftovers(): boolean {
    try {
      if (this.#file.size() <= this.#size) return false
      this.#file.truncate(this.#size)
      this.#fileBytes = this.#size
      this.#onOwnWrite?.()
      return true
    } catch (cause) {
      throw this.#poison('truncating', cause)
    }
  }

  #poison(doing: string, cause: unknown): IoError {
    const error = ioError(doing, this.#file, this.#size, cause)
    this.#failure ??= error
    this.#stopped = true
    return error
  }

  #refusal(): Error {
    if (this.#failure === undefined) return new MisuseError('LEVEL_LOG_CLOSED', `the log ${this.path} has been closed`)
    const message = `the log ${this.path} takes no more writes until the store is reopened, because ${this.#failure.message}`
    return new PoisonedError(message, { file: this.path, cause: this.#failure })
  }

  #full(length: number): MisuseError {
    const message = `the log ${this.path} holds ${this.#size} bytes and cannot take a record of ${length} more`
    return new MisuseError('LEVEL_LOG_FULL', `${message}: a log ends at ${MAX_LOG_BYTES} bytes, start a new one`)
  }
}

function checkLogNumber(logNumber: number): void {
  if (Number.isInteger(logNumber) && logNumber >= 0 && logNumber <= 0xffff_ffff) return
  throw new MisuseError('LEVEL_INVALID_LOG_NUMBER', `a log number must be an integer from 0 to 4294967295, not ${String(logNumber)}`)
}

function badPayload(payload: Uint8Array, start: number, end: number): MisuseError {
  const range = `bytes ${start} to ${end} of ${payload.length}`
  return new MisuseError('LEVEL_INVALID_RECORD', `a log record must have from 1 to ${MAX_PAYLOAD_BYTES} bytes of payload, not ${range}`)
}

function ioError(doing: string, file: FileHandle, offset: number, cause: unknown): IoError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new IoError(`${doing} the log ${file.path} failed at byte ${offset}: ${reason}`, { file: file.path, offset, cause })
}
