/**
 * A write batch: the operations of one atomic write, encoded as they go into the log.
 *
 *     byte 0        8       12
 *          +--------+-------+-----------+-----------+----
 *          | first  | count | operation | operation | ...
 *          | seq u64| u32   |           |           |
 *          +--------+-------+-----------+-----------+----
 *     operation: kind u8, varint key length, key [, varint value length, [expiry u48,] value]
 *
 * Numbers are little-endian. Operation i has sequence number first + i. A delete has no value; a range delete's key and
 * value are the first and the last key of the range, both included. The value of a put that expires begins with its expiry, which its length
 * includes.
 */
import { ByteView, EMPTY, KIND_DELETE, KIND_DELETE_RANGE, KIND_PUT, KIND_PUT_EXPIRING, type EntryKind } from '../codec/entry.js'
import { EXPIRY_BYTES, writeExpiry } from '../codec/expiry.js'
import { MAX_KEY_BYTES } from '../codec/limits.js'
import { utf8Length, writeUtf8 } from '../codec/text.js'
import { CorruptionError, MisuseError } from '../errors.js'

export const BATCH_HEADER_BYTES = 12
/** Longest value, and largest batch, in bytes. */
export const MAX_BATCH_BYTES = 1 << 30

const INITIAL_BYTES = 256
/** A batch with more than this is written in several turns of the event loop. */
const LONG_OPERATIONS = 2048
const LONG_BYTES = 4 << 20
/** Characters of a long text that are encoded in a slice. */
const TEXT_PIECE = 256 * 1024
/** Longest varint of a length that fits a batch. */
const LENGTH_BYTES = 5

/** A text that has its place in a batch, but is not encoded yet. */
interface PendingText {
  readonly text: string
  readonly at: number
}

export class WriteBatch {
  #bytes = new Uint8Array(INITIAL_BYTES)
  #end = BATCH_HEADER_BYTES
  #count = 0
  #userBytes = 0
  #deletes = 0
  #hasRanges = false
  #hasExpiries = false
  #texts: PendingText[] = []

  /** @param expiresAt when the entry expires, in milliseconds since the Unix epoch; without it never */
  put(key: Uint8Array | string, value: Uint8Array | string, expiresAt?: number): void {
    const keyLength = lengthOf(key)
    const valueLength = lengthOf(value)
    const expiryLength = expiresAt === undefined ? 0 : EXPIRY_BYTES
    let at = this.#begin(expiresAt === undefined ? KIND_PUT : KIND_PUT_EXPIRING, keyLength, expiryLength + valueLength)
    const bytes = this.#bytes
    at = writeLength(bytes, at, keyLength)
    at = write(bytes, at, key, keyLength)
    at = writeLength(bytes, at, expiryLength + valueLength)
    if (expiresAt !== undefined) {
      writeExpiry(bytes, at, expiresAt)
      at += EXPIRY_BYTES
      this.#hasExpiries = true
    }
    // A string cannot change, so encoding it can wait for the slices of the write.
    if (typeof value === 'string' && value.length > LONG_BYTES) this.#texts.push({ text: value, at })
    else write(bytes, at, value, valueLength)
    this.#commit(at + valueLength, keyLength + expiryLength + valueLength)
  }

  del(key: Uint8Array | string): void {
    const keyLength = lengthOf(key)
    // Growing replaces the bytes, so they are read after #begin.
    const begin = this.#begin(KIND_DELETE, keyLength, 0)
    const at = writeLength(this.#bytes, begin, keyLength)
    this.#commit(write(this.#bytes, at, key, keyLength), keyLength)
    this.#deletes++
  }

  /** Deletes the keys from `first` to `last`, both included. Engines make these; users call `clear`. */
  deleteRange(first: Uint8Array, last: Uint8Array): void {
    let at = this.#begin(KIND_DELETE_RANGE, first.length, last.length)
    const bytes = this.#bytes
    at = writeLength(bytes, at, first.length)
    at = write(bytes, at, first, first.length)
    at = writeLength(bytes, at, last.length)
    this.#commit(write(bytes, at, last, last.length), first.length + last.length)
    this.#hasRanges = true
  }

  /** Empties the batch for reuse; keeps its memory unless that grew large. */
  clear(): void {
    if (this.#bytes.length > 1 << 20) this.#bytes = new Uint8Array(INITIAL_BYTES)
    this.#end = BATCH_HEADER_BYTES
    this.#count = 0
    this.#userBytes = 0
    this.#deletes = 0
    this.#hasRanges = false
    this.#hasExpiries = false
    if (this.#texts.length > 0) this.#texts = []
  }

  /** Number of operations. */
  get count(): number {
    return this.#count
  }

  /** Whether writing it at once would keep the event loop from turning for too long. */
  get isLong(): boolean {
    return this.#count > LONG_OPERATIONS || this.#end > LONG_BYTES
  }

  /** Whether no long text waits for `encodeInSlices`. */
  get isEncoded(): boolean {
    return this.#texts.length === 0
  }

  /** Deletes of single keys among the operations. */
  get deletes(): number {
    return this.#deletes
  }

  /** Whether it deletes a range. */
  get hasRanges(): boolean {
    return this.#hasRanges
  }

  /** Whether an entry of it expires. */
  get hasExpiries(): boolean {
    return this.#hasExpiries
  }

  /** Key and value bytes that the user gave, and the bytes of expiries. */
  get userBytes(): number {
    return this.#userBytes
  }

  /** The encoded batch is `bytes[0, byteLength)`. Long texts that are not encoded yet are encoded now. */
  get bytes(): Uint8Array {
    if (this.#texts.length > 0) for (const slices = this.encodeInSlices(); slices.next().done !== true;);
    return this.#bytes
  }

  get byteLength(): number {
    return this.#end
  }

  /** Stamps the header. The engine calls this once it knows the sequence number of the first operation. */
  seal(firstSequence: number): void {
    const bytes = this.#bytes
    writeUint32(bytes, 0, firstSequence >>> 0)
    writeUint32(bytes, 4, Math.floor(firstSequence / 0x1_0000_0000))
    writeUint32(bytes, 8, this.#count)
  }

  /** Reads the operations back, without copying them. */
  reader(): BatchReader {
    return new BatchReader().reset(this.bytes, 0, this.#end)
  }

  /** Encodes the long texts that are not encoded yet, and yields after each piece. No operation is added before the end. */
  *encodeInSlices(): Generator<void, void> {
    for (const { text, at } of this.#texts) {
      let end = at
      for (let from = 0; from < text.length;) {
        const to = pieceEnd(text, from)
        end += writeUtf8(this.#bytes, text.slice(from, to), end)
        from = to
        yield
      }
    }
    this.#texts = []
  }

  #begin(kind: EntryKind, keyLength: number, valueLength: number): number {
    if (keyLength > MAX_KEY_BYTES) {
      throw new MisuseError('LEVEL_INVALID_KEY', `The key has ${keyLength} bytes; the longest key allowed has ${MAX_KEY_BYTES}`)
    }
    const need = this.#end + 1 + 2 * LENGTH_BYTES + keyLength + valueLength
    if (need > MAX_BATCH_BYTES) {
      throw new MisuseError(
        'LEVEL_BATCH_TOO_LARGE',
        `The write would have ${need} bytes; one value or batch may have at most ${MAX_BATCH_BYTES}. Split it into several`,
      )
    }
    if (need > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(need, Math.min(MAX_BATCH_BYTES, this.#bytes.length * 2)))
      grown.set(this.#bytes.subarray(0, this.#end))
      this.#bytes = grown
    }
    this.#bytes[this.#end] = kind
    return this.#end + 1
  }

  #commit(end: number, userBytes: number): void {
    this.#end = end
    this.#count++
    this.#userBytes += userBytes
  }
}

/** Walks the operations of an encoded batch. Throws a CorruptionError when the bytes are not a batch. */
export class BatchReader {
  kind: EntryKind = KIND_PUT
  readonly key = new ByteView()
  readonly value = new ByteView()
  #bytes: Uint8Array = EMPTY
  #start = 0
  #at = 0
  #end = 0
  #left = 0
  #firstSequence = 0
  #count = 0

  reset(bytes: Uint8Array, start: number, end: number): this {
    if (end - start < BATCH_HEADER_BYTES) throw new CorruptionError('A write batch is shorter than its header')
    this.#bytes = bytes
    this.#start = start
    this.#firstSequence = readUint32(bytes, start) + readUint32(bytes, start + 4) * 0x1_0000_0000
    this.#count = this.#left = readUint32(bytes, start + 8)
    this.#at = start + BATCH_HEADER_BYTES
    this.#end = end
    if (!Number.isSafeInteger(this.#firstSequence + this.#count))
      throw new CorruptionError('A write batch has an impossible sequence number')
    return this
  }

  /** The encoded batch. */
  copy(): Uint8Array {
    return this.#bytes.slice(this.#start, this.#end)
  }

  /** Back before the first operation. */
  rewind(): void {
    this.#at = this.#start + BATCH_HEADER_BYTES
    this.#left = this.#count
  }

  get firstSequence(): number {
    return this.#firstSequence
  }

  get count(): number {
    return this.#count
  }

  /** Sequence number of the batch's last operation. */
  get lastSequence(): number {
    return this.#firstSequence + this.#count - 1
  }

  /** Sequence number of the operation that `next` moved to. */
  get sequence(): number {
    return this.#firstSequence + this.#count - this.#left - 1
  }

  /** Moves to the next operation; false after the last. */
  next(): boolean {
    if (this.#left === 0) {
      if (this.#at !== this.#end) throw new CorruptionError('A write batch has bytes after its last operation')
      return false
    }
    this.#left--
    const kind = this.#at < this.#end ? this.#bytes[this.#at++] : -1
    if (kind !== KIND_PUT && kind !== KIND_DELETE && kind !== KIND_DELETE_RANGE && kind !== KIND_PUT_EXPIRING) {
      throw new CorruptionError('A write batch has an operation of an unknown kind, or fewer operations than it says')
    }
    this.kind = kind
    this.#slice(this.key)
    if (kind === KIND_DELETE) this.value.set(EMPTY, 0, 0)
    else this.#slice(this.value)
    if (kind === KIND_PUT_EXPIRING && this.value.length < EXPIRY_BYTES) {
      throw new CorruptionError('A write batch has an operation that is too short for its expiry')
    }
    return true
  }

  #slice(view: ByteView): void {
    let length = 0
    let scale = 1
    let byte = 0x80
    while (byte >= 0x80) {
      if (this.#at >= this.#end || scale > 0x1000_0000) throw new CorruptionError('A write batch has a malformed length')
      byte = this.#bytes[this.#at++]!
      length += (byte & 0x7f) * scale
      scale *= 128
    }
    if (length > this.#end - this.#at) throw new CorruptionError('A write batch has a length that reaches beyond its end')
    view.set(this.#bytes, this.#at, this.#at + length)
    this.#at += length
  }
}

/** The end of a piece of the text, not within a surrogate pair. */
function pieceEnd(text: string, from: number): number {
  const to = from + TEXT_PIECE
  if (to >= text.length) return text.length
  const last = text.charCodeAt(to - 1)
  return last >= 0xd800 && last < 0xdc00 ? to - 1 : to
}

function lengthOf(data: Uint8Array | string): number {
  return typeof data === 'string' ? utf8Length(data) : data.length
}

function write(bytes: Uint8Array, at: number, data: Uint8Array | string, length: number): number {
  if (typeof data === 'string') writeUtf8(bytes, data, at)
  else bytes.set(data, at)
  return at + length
}

function writeLength(bytes: Uint8Array, at: number, length: number): number {
  while (length >= 0x80) {
    bytes[at++] = (length & 0x7f) | 0x80
    length >>>= 7
  }
  bytes[at] = length
  return at + 1
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
}
