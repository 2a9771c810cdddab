/**
 * The stored value of a `KIND_BLOB`: where the value lies, in place of the value.
 *
 *     expiry u48 | kind u8 | varint file number | varint offset | varint length | check u32
 *
 * Integers are little-endian. The kind is that of the put, with an expiry or without; without, the expiry is `MAX_EXPIRY`. So what decides
 * whether an entry has expired stands where it stands in every other put that expires. Offset and length are those of the value alone. The
 * check is that of the value under the hash of its key, so it holds wherever the value is moved to, and never for the value of another key.
 */
import { CHUNK_BYTES, type Hash32 } from './checksum.js'
import { KIND_PUT, KIND_PUT_EXPIRING, type ByteView } from './entry.js'
import { EXPIRY_BYTES, MAX_EXPIRY, readExpiry, writeExpiry } from './expiry.js'
import { MAX_VARINT_BYTES, VarintReader, writeVarint } from './varint.js'
import { CorruptionError } from '../errors.js'

const CHECK_BYTES = 4
/** The shortest and the longest stored value of a `KIND_BLOB`. */
export const LEAST_BLOB_BYTES = EXPIRY_BYTES + 1 + 3 + CHECK_BYTES
export const MOST_BLOB_BYTES = EXPIRY_BYTES + 1 + 3 * MAX_VARINT_BYTES + CHECK_BYTES

/** Where a value lies, refilled in place. */
export class BlobPointer {
  /** When the entry expires, in milliseconds since the Unix epoch; `undefined` if it does not. */
  expiry: number | undefined
  /** Number of the blob file. */
  file = 0
  offset = 0
  length = 0
  check = 0

  /** Writes the stored value at `at`, and returns where it ends. */
  write(bytes: Uint8Array, at: number): number {
    writeExpiry(bytes, at, this.expiry ?? MAX_EXPIRY)
    at += EXPIRY_BYTES
    bytes[at++] = this.expiry === undefined ? KIND_PUT : KIND_PUT_EXPIRING
    at = writeVarint(bytes, at, this.file)
    at = writeVarint(bytes, at, this.offset)
    at = writeVarint(bytes, at, this.length)
    const { check } = this
    bytes[at++] = check
    bytes[at++] = check >>> 8
    bytes[at++] = check >>> 16
    bytes[at++] = check >>> 24
    return at
  }

  /** Reads a stored value. Throws a `CorruptionError`, without a place, if the bytes are none. */
  read({ bytes, start, end }: ByteView): void {
    if (end - start < LEAST_BLOB_BYTES) throw new CorruptionError('A pointer to a value is too short')
    const kind = bytes[start + EXPIRY_BYTES]
    if (kind !== KIND_PUT && kind !== KIND_PUT_EXPIRING) throw new CorruptionError(`A pointer to a value has the unknown kind ${kind}`)
    const expiry = readExpiry(bytes, start)
    if (kind === KIND_PUT && expiry !== MAX_EXPIRY) throw new CorruptionError('A pointer to a value that does not expire has an expiry')
    this.expiry = kind === KIND_PUT ? undefined : expiry
    const reader = new VarintReader(bytes)
    reader.at = start + EXPIRY_BYTES + 1
    this.file = reader.read()
    this.offset = reader.read()
    this.length = reader.read()
    const { at } = reader
    if (at + CHECK_BYTES !== end) throw new CorruptionError('A pointer to a value has the wrong length')
    this.check = (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
  }
}

/** The check of a value under a key with that hash. */
export function valueCheck(hash32: Hash32, keyHash: number, bytes: Uint8Array, start: number, end: number): number {
  return hash32(bytes.subarray(start, end), keyHash) >>> 0
}

/** `valueCheck`, which yields after each MiB. */
export function* valueCheckInSlices(
  hash32: Hash32,
  keyHash: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Generator<void, number> {
  let check = keyHash
  for (let at = start; at < end; at += CHUNK_BYTES) {
    check = hash32(bytes.subarray(at, Math.min(end, at + CHUNK_BYTES)), check)
    yield
  }
  return check >>> 0
}
