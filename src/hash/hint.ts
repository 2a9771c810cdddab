/**
 * A hint file: what the directory needs of a data file, without the values. Integers are little-endian. A worked example is in
 * docs/formats/hash.md.
 *
 *     byte 0    8        12       16     24     32     40     48     56       64     68       72   76   80
 *          +----+--------+--------+------+------+------+------+------+--------+------+--------+----+----+----
 *          | KV | number | puts   | data | first| last | all  | all  | first  | key  | tomb-  |from| to | columns
 *          | HINT, 1     | left   | bytes| seq  | seq  | puts | bytes| expiry | bytes| stones |log |log | ...
 *          +----+--------+--------+------+------+------+------+------+--------+------+--------+----+----+----
 *
 * Columns, an item for each put that is the newest version of its key in the file: hash, offset of the value, its length, its check (u32 each),
 * kind (u8), then the keys, each a varint length and its bytes. Then the tombstones, as a write batch. Last a u32: hash32 of all before.
 */
import type { Hash32 } from '../codec/checksum.js'
import { ByteView, KIND_DELETE_RANGE, type EntryKind } from '../codec/entry.js'
import { BatchReader } from '../engine/batch.js'
import { CorruptionError, FormatError } from '../errors.js'
import type { DataFile } from './data-file.js'
import type { Directory, HintColumns } from './directory.js'

export const HINT_VERSION = 1
export const HINT_HEADER_BYTES = 80
/** Bytes of a put in the columns, without its key. */
export const HINT_PUT_BYTES = 17
const MAGIC = Uint8Array.of(0x4b, 0x56, 0x48, 0x49, 0x4e, 0x54, 0, HINT_VERSION)
const HIGH = 0x1_0000_0000

export interface HintHeader {
  readonly number: number
  /** The logs that the data file has, as in its name. */
  readonly from: number
  readonly to: number
  /** Puts in the columns. */
  readonly count: number
  readonly dataBytes: number
  readonly firstSequence: number
  readonly lastSequence: number
  /** All puts of the data file, and the bytes of their keys and values. */
  readonly puts: number
  readonly putBytes: number
  /** When the first entry of the data file expires; 0 if none does. */
  readonly firstExpiry: number
  readonly keyBytes: number
  readonly tombstoneBytes: number
}

/**
 * The hint file of a data file, given the records whose newest versions are in it. Its puts are in the order of the first byte of their hashes,
 * which is that of the directory: so a start fills one part of that after another.
 */
export function encodeHint(file: DataFile, unsorted: readonly number[], directory: Directory, hash32: Hash32): Uint8Array {
  const records = byFirstByte(unsorted, directory)
  const key = new ByteView()
  let keyBytes = 0
  for (const record of records) {
    const length = directory.keyLengthAt(record)
    keyBytes += varintBytes(length) + length
  }
  const count = records.length
  const { tombstones } = file
  tombstones.seal(file.firstSequence)
  const tombstoneBytes = tombstones.count === 0 ? 0 : tombstones.byteLength
  const bytes = new Uint8Array(HINT_HEADER_BYTES + count * HINT_PUT_BYTES + keyBytes + tombstoneBytes + 4)
  const view = new DataView(bytes.buffer)
  bytes.set(MAGIC)
  view.setUint32(8, file.number, true)
  view.setUint32(12, count, true)
  const words = [file.bytes, file.firstSequence, file.lastSequence, file.puts, file.putBytes, file.firstExpiry]
  words.forEach((word, i) => {
    view.setUint32(16 + 8 * i, word, true)
    view.setUint32(20 + 8 * i, Math.floor(word / HIGH), true)
  })
  view.setUint32(64, keyBytes, true)
  view.setUint32(68, tombstoneBytes, true)
  view.setUint32(72, file.from, true)
  view.setUint32(76, file.to, true)
  const column = (index: number): number => HINT_HEADER_BYTES + 4 * count * index
  let at = column(4) + count
  for (let i = 0; i < count; i++) {
    const record = records[i]
    view.setUint32(column(0) + 4 * i, directory.hashAt(record), true)
    view.setUint32(column(1) + 4 * i, directory.offsetAt(record), true)
    view.setUint32(column(2) + 4 * i, directory.lengthAt(record), true)
    view.setUint32(column(3) + 4 * i, directory.checksumAt(record), true)
    bytes[column(4) + i] = directory.kindAt(record)
    directory.setKey(record, key)
    for (let rest = key.length; ; rest >>>= 7) {
      bytes[at++] = rest < 0x80 ? rest : (rest & 0x7f) | 0x80
      if (rest < 0x80) break
    }
    bytes.set(key.bytes.subarray(key.start, key.end), at)
    at += key.length
  }
  bytes.set(tombstones.bytes.subarray(0, tombstoneBytes), at)
  at += tombstoneBytes
  view.setUint32(at, hash32(bytes.subarray(0, at), file.number), true)
  return bytes
}

export interface HintedPlace {
  readonly kind: EntryKind
  readonly offset: number
  readonly length: number
  readonly checksum: number
}

export class HintReader {
  readonly header: HintHeader
  readonly #bytes: Uint8Array
  readonly #view: DataView

  /** Throws a CorruptionError unless the bytes are the whole hint file of data file `number`, and a FormatError for a newer version. */
  constructor(bytes: Uint8Array, number: number, hash32: Hash32, file: string) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (bytes.length < HINT_HEADER_BYTES + 4 || !MAGIC.every((byte, i) => i === 7 || bytes[i] === byte)) {
      throw new CorruptionError('The header of a hint file is damaged', { file, offset: 0 })
    }
    if (bytes[7] !== HINT_VERSION) {
      throw new FormatError(`The hint file has format version ${bytes[7]}; this version of kvarium reads version ${HINT_VERSION}`, {
        file,
        offset: 7,
      })
    }
    const end = bytes.length - 4
    if (view.getUint32(8, true) !== number || view.getUint32(end, true) !== hash32(bytes.subarray(0, end), number)) {
      throw new CorruptionError('A hint file is damaged', { file, offset: end })
    }
    const long = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * HIGH
    this.header = {
      number,
      count: view.getUint32(12, true),
      dataBytes: long(16),
      firstSequence: long(24),
      lastSequence: long(32),
      puts: long(40),
      putBytes: long(48),
      firstExpiry: long(56),
      keyBytes: view.getUint32(64, true),
      tombstoneBytes: view.getUint32(68, true),
      from: view.getUint32(72, true),
      to: view.getUint32(76, true),
    }
    this.#bytes = bytes
    this.#view = view
  }

  /** Deletions that older files need, `undefined` if there are none. */
  get tombstones(): BatchReader | undefined {
    const { count, keyBytes, tombstoneBytes } = this.header
    if (tombstoneBytes === 0) return undefined
    const start = HINT_HEADER_BYTES + count * HINT_PUT_BYTES + keyBytes
    return new BatchReader().reset(this.#bytes, start, start + tombstoneBytes)
  }

  get columns(): HintColumns {
    const { count } = this.header
    const column = (index: number): number => HINT_HEADER_BYTES + 4 * count * index
    return {
      count,
      bytes: this.#bytes,
      view: this.#view,
      hashes: column(0),
      offsets: column(1),
      lengths: column(2),
      checks: column(3),
      kinds: column(4),
      keys: column(4) + count,
    }
  }

  /** The place of a put. */
  put(index: number): HintedPlace {
    const { offsets, lengths, checks, kinds } = this.columns
    return {
      kind: this.#bytes[kinds + index] as EntryKind,
      offset: this.#view.getUint32(offsets + 4 * index, true),
      length: this.#view.getUint32(lengths + 4 * index, true),
      checksum: this.#view.getUint32(checks + 4 * index, true),
    }
  }
}

/** The records by the first byte of their hashes, in their order where it is the same. */
function byFirstByte(records: readonly number[], directory: Directory): Uint32Array {
  const ends = new Uint32Array(257)
  for (const record of records) ends[(directory.hashAt(record) >>> 24) + 1]++
  for (let byte = 0; byte < 256; byte++) ends[byte + 1] += ends[byte]
  const sorted = new Uint32Array(records.length)
  for (const record of records) sorted[ends[directory.hashAt(record) >>> 24]++] = record
  return sorted
}

function varintBytes(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4
}

/** Copies the tombstones of a batch to those of a file. */
export function copyTombstones(reader: BatchReader, file: DataFile): void {
  while (reader.next()) {
    if (reader.kind === KIND_DELETE_RANGE) file.tombstones.deleteRange(reader.key.copy(), reader.value.copy())
    else file.tombstones.del(reader.key.copy())
  }
}
