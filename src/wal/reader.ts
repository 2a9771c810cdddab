/**
 * Reads a log back, in chunks.
 *
 * Invariants:
 * 1. Records are delivered in the order they were appended, each with both of its checks verified, and form a prefix
 *    of the log: nothing is delivered after the first bad byte.
 * 2. That prefix ends silently only at bytes that no surviving frame proves to have been durable (see tail.ts). If one
 *    does, a `CorruptionError` names the file and the offset of the first bad record.
 * 3. A length is believed only if it fits into the file, and the header's check holds or it is short, so damage cannot make the
 *    reader allocate more than the file holds.
 */
import type { Hash32 } from '../codec/checksum.js'
import { CorruptionError, FormatError } from '../errors.js'
import type { FileHandle, FileSystem } from '../vfs/file-system.js'
import { FileWindow } from './file-window.js'
import type { FileHeader } from './format.js'
import { COMPACT_LOG_VERSION, decodeFileHeader, LOG_FORMAT_VERSION, LOG_HEADER_BYTES } from './format.js'
import { FrameReader } from './frame-reader.js'
import { findDurabilityProof, isBlank } from './tail.js'

/** A log to read: an open file, which stays open, or a path, which is opened and closed by the reader. */
export type LogSource = ({ readonly file: FileHandle } | { readonly fileSystem: FileSystem; readonly path: string }) & {
  /** The number the log was written under. Frames of any other number are not valid. */
  readonly logNumber: number
  readonly hash32: Hash32
}

/** What a reader found in a log. */
export interface LogReplay {
  readonly records: number
  /** Length of the valid prefix in bytes: file header, frames and close marker. */
  readonly validBytes: number
  /** Bytes of the torn tail that were ignored; leftovers of a recycled file count too. */
  readonly droppedBytes: number
  /** Zeros behind the valid prefix, up to the end of the file: written ahead, never a torn record. */
  readonly blankBytes: number
  /** Whether the log ends in a close marker: nothing was lost. */
  readonly cleanlyClosed: boolean
  /** The highest watermark seen: at least this many bytes of the file were once durable. */
  readonly lastSynced: number
}

/** One record of the file, for inspection. */
export interface LogRecord {
  /** Where the frame begins, and where it ends. */
  readonly offset: number
  readonly end: number
  /** Bytes of payload. */
  readonly length: number
  /** Bytes of the file that were known durable when the record was framed; 0 in a compact frame. */
  readonly synced: number
  readonly checksum: number
  /** A copy that the caller owns. */
  readonly payload: Uint8Array
}

export class LogReader {
  readonly #source: LogSource

  constructor(source: LogSource) {
    this.#source = source
  }

  /**
   * Calls `onRecord` for every valid record, oldest first. The payload is a view that is valid only during the call;
   * `offset` is where its frame begins. From byte 12 on byte i of the payload is at byte `base` + i of the file, and the frame ends with the payload.
   *
   * Throws a `CorruptionError` if durable bytes are damaged, after it has delivered the records before them; a
   * `FormatError` if a newer version wrote the log; and whatever the file system or `onRecord` throws.
   */
  replay(onRecord: (payload: Uint8Array, offset: number, base: number) => void): LogReplay {
    return this.#withFile(file => {
      const scan = new LogScan(file, this.#source.logNumber, this.#source.hash32)
      while (scan.next()) onRecord(scan.payload, scan.offset, scan.frames.base)
      return scan.outcome()
    })
  }

  /**
   * `replay` with pauses: `onRecord` may return a promise, which is waited for, and after every `sliceBytes` of the log comes a `turn` of the
   * event loop. The payload is valid until the call, or its promise, has ended.
   */
  async replayInSlices(
    onRecord: (payload: Uint8Array, offset: number, base: number) => Promise<void> | void,
    sliceBytes: number,
    turn: () => Promise<void>,
  ): Promise<LogReplay> {
    const { file, owned } = this.#open()
    try {
      const scan = new LogScan(file, this.#source.logNumber, this.#source.hash32)
      let sliceEnd = sliceBytes
      while (scan.next()) {
        const pending = onRecord(scan.payload, scan.offset, scan.frames.base)
        if (pending !== undefined) await pending
        if (scan.offset < sliceEnd) continue
        await turn()
        sliceEnd = scan.offset + sliceBytes
      }
      return scan.outcome()
    } finally {
      if (owned) file.close()
    }
  }

  /** Every valid record with its place and header, one at a time; returns what `replay` returns and throws what it throws. */
  *records(): Generator<LogRecord, LogReplay, void> {
    const { file, owned } = this.#open()
    try {
      const scan = new LogScan(file, this.#source.logNumber, this.#source.hash32)
      while (scan.next()) {
        const { end, synced, checksum } = scan.frames
        const payload = scan.payload.slice()
        yield { offset: scan.offset, end, length: payload.length, synced, checksum, payload }
      }
      return scan.outcome()
    } finally {
      if (owned) file.close()
    }
  }

  #withFile<T>(read: (file: FileHandle) => T): T {
    const { file, owned } = this.#open()
    try {
      return read(file)
    } finally {
      if (owned) file.close()
    }
  }

  #open(): { file: FileHandle; owned: boolean } {
    const source = this.#source
    return 'file' in source ? { file: source.file, owned: false } : { file: source.fileSystem.openRead(source.path), owned: true }
  }
}

/** One pass over a log: `next` moves to the next valid record until there is none. */
class LogScan {
  frames: FrameReader
  offset = 0
  readonly #path: string
  readonly #window: FileWindow
  readonly #logNumber: number
  readonly #hash32: Hash32
  /** `undefined` where the header is damaged. */
  #version: number | undefined
  #position = 0
  #records = 0
  #lastSynced = 0
  #blankBytes = 0
  #cleanlyClosed = false
  #ended = false

  constructor(file: FileHandle, logNumber: number, hash32: Hash32) {
    this.#path = file.path
    this.#window = new FileWindow(file)
    this.#logNumber = logNumber
    this.#hash32 = hash32
    this.#readFileHeader()
    this.frames = new FrameReader(this.#version ?? LOG_FORMAT_VERSION, logNumber, hash32)
  }

  get payload(): Uint8Array {
    return this.frames.payload
  }

  next(): boolean {
    if (this.#ended) return false
    const window = this.#window
    const { frames } = this
    const offset = this.#position
    if (offset === window.size) return this.#end()
    const state = frames.read(window, offset, window.size)
    if (state === 'no header') return this.#endAtBad(offset, offset + 1, 'a record header is damaged')
    const { end } = frames
    if (state === 'bad payload') return this.#endAtBad(offset, end, 'a record is damaged')
    if (frames.synced > this.#lastSynced) this.#lastSynced = frames.synced
    this.#position = end
    if (frames.isCloseMarker) return this.#endAtCloseMarker(end)
    this.offset = offset
    this.#records++
    return true
  }

  outcome(): LogReplay {
    return {
      records: this.#records,
      validBytes: this.#position,
      droppedBytes: this.#window.size - this.#position - this.#blankBytes,
      blankBytes: this.#blankBytes,
      cleanlyClosed: this.#cleanlyClosed,
      lastSynced: this.#lastSynced,
    }
  }

  #readFileHeader(): void {
    const found = this.#decodeFileHeader()
    if (found === undefined) {
      this.#endAtBad(0, LOG_HEADER_BYTES, 'the log header is damaged')
    } else if (found.version !== LOG_FORMAT_VERSION && found.version !== COMPACT_LOG_VERSION) {
      const known = `this version of kvarium reads versions ${LOG_FORMAT_VERSION} and ${COMPACT_LOG_VERSION}`
      throw new FormatError(`the log ${this.#path} has format version ${found.version}; ${known}`, { file: this.#path, offset: 7 })
    } else if (found.logNumber !== this.#logNumber) {
      const numbers = `it is log ${found.logNumber}, log ${this.#logNumber} belongs here`
      throw new CorruptionError(`a log file is in the wrong place: ${numbers}`, { file: this.#path, offset: 8 })
    } else {
      this.#position = LOG_HEADER_BYTES
      this.#version = found.version
    }
  }

  #decodeFileHeader(): FileHeader | undefined {
    if (this.#window.size < LOG_HEADER_BYTES) return undefined
    const at = this.#window.locate(0, LOG_HEADER_BYTES)
    return decodeFileHeader(this.#window.bytes, at)
  }

  #end(): false {
    this.#ended = true
    return false
  }

  #endAtCloseMarker(end: number): false {
    if (end < this.#window.size) {
      throw new CorruptionError('there are bytes after the marker of a clean close', { file: this.#path, offset: end })
    }
    this.#cleanlyClosed = true
    return this.#end()
  }

  /** The tail rule: everything from `bad` on is a torn tail, unless a frame at or after `from` proves that it was durable. */
  #endAtBad(bad: number, from: number, what: string): false {
    if (isBlank(this.#window, bad)) {
      this.#blankBytes = this.#window.size - bad
      return this.#end()
    }
    const proof = findDurabilityProof(this.#window, this.#logNumber, this.#hash32, bad, from, this.#version)
    if (proof !== undefined) {
      const why = `the record at byte ${proof} shows that these bytes had been made durable`
      throw new CorruptionError(`${what}, and ${why}`, { file: this.#path, offset: bad })
    }
    return this.#end()
  }
}
