/**
 * The names of a `SlotFileSystem`, on two files. Each is a log in the format of the write-ahead log, numbered upwards: its first record is
 * all names, each later one a change. See docs/formats/opfs.md.
 *
 * Invariants:
 * 1. The names are those of the log with the highest number whose first record is whole.
 * 2. A new log goes into the file that does not have the latest durable log. So what a power loss leaves has, at the least, every change that a
 *    `sync` has acknowledged, and a first part of the changes after them.
 * 3. After a failed write or sync the next change, or the next sync, begins a new log with all names: what the failure has left behind is unknown.
 * 4. The files are longer than their logs, so that on a full disk names can still be changed, and files removed.
 */
import type { Hash32 } from '../codec/checksum.js'
import { encodeUtf8, readUtf8 } from '../codec/text.js'
import { CorruptionError, FormatError } from '../errors.js'
import { FileSystemError } from '../vfs/vfs-error.js'
import { decodeFileHeader, LOG_HEADER_BYTES } from '../wal/format.js'
import { LogReader } from '../wal/reader.js'
import { LogWriter } from '../wal/writer.js'
import { Names, type NameChange, type NamesImage } from './names.js'
import { SlotFileHandle } from './slot-file-handle.js'
import type { SlotFile } from './slot-files.js'

export const NAMES_FORMAT_VERSION = 1

/** A log of names of this length is followed by a new one, if it has grown to four times its first record. */
const LONG_BYTES = 48 << 10
const FILE_BYTES = 64 << 10

interface FirstRecord extends NamesImage {
  readonly names: number
}

/** A record that changes nothing. Once it is there, damage of the first record is no torn write. */
const DURABLE = ['durable'] as const

/** What was found on the two files. */
export interface FoundNames {
  readonly log: NamesLog
  /** No log was there: nothing has been kept yet. */
  readonly isNew: boolean
}

export class NamesLog {
  readonly names: Names
  readonly #files: readonly SlotFileHandle[]
  readonly #hash32: Hash32
  #number: number
  /** The file of the latest log whose first record is durable. */
  #durable: number
  /** The file of the writer. */
  #current: number
  #writer: LogWriter
  #longBytes = 0

  /** Reads the names, and begins a new log with them. */
  static async open(files: readonly [SlotFile, SlotFile], paths: readonly [string, string], hash32: Hash32): Promise<FoundNames> {
    const handles = files.map((file, index) => new SlotFileHandle(paths[index], file, { isWritable: true }))
    const numbers = handles.map(logNumberOf)
    const byAge = [0, 1].filter(index => numbers[index] !== undefined).sort((a, b) => numbers[b]! - numbers[a]!)
    let names: Names | undefined
    let found = 1
    for (const index of byAge) {
      names = readNames(handles[index], numbers[index]!, hash32)
      if (names === undefined) continue
      found = index
      // Only the death of the process is certain to have kept it: the other file is about to be overwritten.
      await handles[index].sync()
      break
    }
    handles.forEach(prepare)
    const last = Math.max(0, ...numbers.map(number => number ?? 0))
    const log = new NamesLog(handles, names ?? new Names(), last, found, hash32)
    await log.sync()
    return { log, isNew: names === undefined }
  }

  private constructor(files: readonly SlotFileHandle[], names: Names, number: number, durable: number, hash32: Hash32) {
    this.#files = files
    this.names = names
    this.#number = number
    this.#durable = durable
    this.#hash32 = hash32
    this.#current = durable
    this.#writer = this.#begin()
  }

  /** Writes a change ahead of its being applied. If it throws, the change may be there after a crash. */
  append(change: NameChange): void {
    const isLong = this.#writer.size > this.#longBytes && this.#current === this.#durable
    if (isLong || this.#writer.poisoned) this.#writer = this.#begin()
    this.#writer.append(encode(change))
  }

  /** Resolves when every change appended before the call is durable. */
  async sync(): Promise<void> {
    if (this.#writer.poisoned) this.#writer = this.#begin()
    const writer = this.#writer
    const current = this.#current
    const isFirst = this.#durable !== current
    await writer.sync()
    if (!isFirst) return
    // A log that has failed meanwhile was begun again, in the same file.
    if (this.#writer !== writer) return this.sync()
    if (this.#durable === current) return
    this.#durable = current
    writer.append(encode(DURABLE))
  }

  #begin(): LogWriter {
    this.#current = 1 - this.#durable
    const writer = new LogWriter(this.#files[this.#current], { logNumber: ++this.#number, hash32: this.#hash32, growBytes: 0 })
    writer.append(encode({ names: NAMES_FORMAT_VERSION, ...this.names.image() }))
    this.#longBytes = Math.max(LONG_BYTES, 4 * writer.size)
    return writer
  }
}

function encode(record: FirstRecord | NameChange | typeof DURABLE): Uint8Array {
  return encodeUtf8(JSON.stringify(record))
}

function logNumberOf(file: SlotFileHandle): number | undefined {
  const bytes = new Uint8Array(LOG_HEADER_BYTES)
  return file.read(bytes, 0) === LOG_HEADER_BYTES ? decodeFileHeader(bytes, 0)?.logNumber : undefined
}

/** The names in a log; `undefined` if its first record is not whole. */
function readNames(file: SlotFileHandle, logNumber: number, hash32: Hash32): Names | undefined {
  let names: Names | undefined
  new LogReader({ file, logNumber, hash32 }).replay((payload, offset) => {
    try {
      const record = JSON.parse(readUtf8(payload, 0, payload.length)) as FirstRecord | NameChange | typeof DURABLE
      if (names === undefined) names = firstNames(record as FirstRecord, file.path)
      else if (record !== null && (record as NameChange | typeof DURABLE)[0] !== DURABLE[0]) names.apply(record as NameChange)
    } catch (cause) {
      if (cause instanceof FormatError) throw cause
      throw new CorruptionError(cause instanceof CorruptionError ? cause.message : 'A record of the log of names cannot be read', {
        file: file.path,
        offset,
        cause,
      })
    }
  })
  return names
}

function firstNames(record: FirstRecord, path: string): Names {
  const { names: version } = record
  if (version !== NAMES_FORMAT_VERSION) {
    const known = `this version of kvarium reads version ${NAMES_FORMAT_VERSION}`
    throw new FormatError(`the log of names ${path} has format version ${String(version)}; ${known}`, { file: path })
  }
  return Names.of(record)
}

/** Makes the file as long as logs get. On a full disk it stays short. */
function prepare(file: SlotFileHandle): void {
  const size = file.size()
  if (size >= FILE_BYTES) return
  try {
    file.write(new Uint8Array(FILE_BYTES - size), size)
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error
  }
}
