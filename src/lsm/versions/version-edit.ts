/**
 * A version edit: one record of the manifest, what changed from one version to the next.
 *
 *     edit   = tag byte, fields, tag byte, fields, ... up to the end of the record
 *     tag 1  next file number   varint
 *     tag 2  last sequence      varint        of what is in tables
 *     tag 3  first live log     varint        logs with smaller numbers are obsolete
 *     tag 4  log                varint        a log that exists from here on, so that its absence is noticed
 *     tag 5  deleted table      varint number
 *     tag 6  added table        varints number, level, run, file bytes, entries, tombstones, range tombstones, raw bytes,
 *                               smallest sequence, largest sequence; two keys, each varint length and bytes
 *     tag 8  half expired       varint        when half of the entries of the table before will have expired; only where that many expire
 *     tag 9  blob file      varints number, file bytes, value bytes: a file with values apart. It is gone once no table refers to it
 *     tag 10 references     varint count, then for each varints number of a blob file, bytes of the values in it: those of the table before
 *     tag 7  whole log          varints number, bytes: the log has that many bytes, all durable, and gets no more: fewer are damage
 *
 * Unknown tags are an error: an older kvarium must not guess at what a newer one recorded.
 */
import { VarintReader, varintLength, writeVarint } from '../../codec/varint.js'
import { CorruptionError } from '../../errors.js'
import type { BlobMeta, BlobReferences } from './blob-file.js'
import type { TableMeta } from './table-file.js'

export interface VersionEdit {
  readonly nextFile?: number
  readonly lastSequence?: number
  readonly firstLog?: number
  readonly logs?: readonly number[]
  readonly deleted?: readonly number[]
  readonly added?: readonly TableMeta[]
  readonly wholeLogs?: readonly WholeLog[]
  /** Blob files that are new. */
  readonly blobs?: readonly BlobMeta[]
}

/** A log that is complete: `bytes` is where its last frame ends. */
export interface WholeLog {
  readonly number: number
  readonly bytes: number
}

const TAG_NEXT_FILE = 1
const TAG_LAST_SEQUENCE = 2
const TAG_FIRST_LOG = 3
const TAG_LOG = 4
const TAG_DELETED = 5
const TAG_ADDED = 6
const TAG_WHOLE_LOG = 7
const TAG_HALF_EXPIRED = 8
const TAG_BLOB = 9
const TAG_REFERENCES = 10

/** The numbers of a table's meta in their order on disk. */
const META_NUMBERS = [
  'number',
  'level',
  'run',
  'fileBytes',
  'entries',
  'tombstones',
  'rangeTombstones',
  'rawBytes',
  'minSequence',
  'maxSequence',
] as const

export function encodeVersionEdit(edit: VersionEdit): Uint8Array {
  const writer = new EditWriter()
  if (edit.nextFile !== undefined) writer.numbers(TAG_NEXT_FILE, edit.nextFile)
  if (edit.lastSequence !== undefined) writer.numbers(TAG_LAST_SEQUENCE, edit.lastSequence)
  if (edit.firstLog !== undefined) writer.numbers(TAG_FIRST_LOG, edit.firstLog)
  for (const log of edit.logs ?? []) writer.numbers(TAG_LOG, log)
  for (const number of edit.deleted ?? []) writer.numbers(TAG_DELETED, number)
  for (const meta of edit.added ?? []) {
    writer.numbers(TAG_ADDED, ...META_NUMBERS.map(field => meta[field]))
    writer.key(meta.smallest)
    writer.key(meta.largest)
    if (meta.halfExpiredAt !== undefined) writer.numbers(TAG_HALF_EXPIRED, meta.halfExpiredAt)
    if (meta.blobs !== undefined) writer.numbers(TAG_REFERENCES, meta.blobs.length, ...meta.blobs.flat())
  }
  for (const { number, fileBytes, valueBytes } of edit.blobs ?? []) writer.numbers(TAG_BLOB, number, fileBytes, valueBytes)
  for (const log of edit.wholeLogs ?? []) writer.numbers(TAG_WHOLE_LOG, log.number, log.bytes)
  return writer.take()
}

/** Throws a `CorruptionError`, without a place, if the bytes are not an edit. */
export function decodeVersionEdit(bytes: Uint8Array): VersionEdit {
  const reader = new VarintReader(bytes)
  const logs: number[] = []
  const deleted: number[] = []
  const added: TableMeta[] = []
  const wholeLogs: WholeLog[] = []
  const blobs: BlobMeta[] = []
  const single: { nextFile?: number; lastSequence?: number; firstLog?: number } = {}
  while (reader.at < reader.end) {
    const tag = reader.read()
    if (tag === TAG_NEXT_FILE) single.nextFile = reader.read()
    else if (tag === TAG_LAST_SEQUENCE) single.lastSequence = reader.read()
    else if (tag === TAG_FIRST_LOG) single.firstLog = reader.read()
    else if (tag === TAG_LOG) logs.push(reader.read())
    else if (tag === TAG_DELETED) deleted.push(reader.read())
    else if (tag === TAG_ADDED) added.push(readMeta(reader))
    else if (tag === TAG_HALF_EXPIRED) added.push({ ...lastOf(added), halfExpiredAt: reader.read() })
    else if (tag === TAG_BLOB) blobs.push({ number: reader.read(), fileBytes: reader.read(), valueBytes: reader.read() })
    else if (tag === TAG_REFERENCES) added.push({ ...lastOf(added), blobs: readReferences(reader) })
    else if (tag === TAG_WHOLE_LOG) wholeLogs.push({ number: reader.read(), bytes: reader.read() })
    else throw new CorruptionError(`A version edit has a field of unknown kind ${tag}`)
  }
  return { ...single, logs, deleted, added, wholeLogs, blobs }
}

function readMeta(reader: VarintReader): TableMeta {
  const numbers = {} as Record<(typeof META_NUMBERS)[number], number>
  for (const field of META_NUMBERS) numbers[field] = reader.read()
  const smallest = readKey(reader)
  const largest = readKey(reader)
  if (numbers.level > MAX_LEVEL) throw new CorruptionError(`A version edit puts a table into level ${numbers.level}`)
  return { ...numbers, smallest, largest }
}

function readReferences(reader: VarintReader): BlobReferences {
  const count = reader.read()
  // Each takes two bytes at least.
  if (2 * count > reader.end - reader.at) throw new CorruptionError('A version edit has more references than it has room for')
  return Array.from({ length: count }, () => [reader.read(), reader.read()] as const)
}

/** Takes the table off the list that the field belongs to. */
function lastOf(added: TableMeta[]): TableMeta {
  const last = added.pop()
  if (last === undefined) throw new CorruptionError('A version edit has an addition to a table without a table before it')
  return last
}

/** No tree gets nearly so deep; more is damage, and must not size an array. */
const MAX_LEVEL = 64

function readKey(reader: VarintReader): Uint8Array {
  const length = reader.read()
  if (length > reader.end - reader.at) throw new CorruptionError('A version edit has a key that reaches beyond its end')
  const key = reader.bytes.slice(reader.at, reader.at + length)
  reader.at += length
  return key
}

class EditWriter {
  #bytes = new Uint8Array(256)
  #end = 0

  numbers(...values: readonly number[]): void {
    for (const value of values) {
      this.#reserve(varintLength(value))
      this.#end = writeVarint(this.#bytes, this.#end, value)
    }
  }

  key(key: Uint8Array): void {
    this.numbers(key.length)
    this.#reserve(key.length)
    this.#bytes.set(key, this.#end)
    this.#end += key.length
  }

  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#end)
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#end + bytes))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}
