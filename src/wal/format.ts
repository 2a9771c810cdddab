/**
 * The bytes of a write-ahead log. Integers are unsigned, 32-bit, little-endian. A worked example is in
 * docs/formats/wal.md. The payload is opaque here.
 *
 * File header, 16 bytes, at offset 0:
 *
 *   0    1    2    3    4    5    6    7    8    9    10   11   12   13   14   15
 * +----+----+----+----+----+----+----+----+----+----+----+----+----+----+----+----+
 * | K    V    A    R    W    A    L  | 01 |    log number     |    header check   |
 * +----+----+----+----+----+----+----+----+----+----+----+----+----+----+----+----+
 *
 * Then frames, back to back, each a 16-byte header and its payload:
 *
 *   0    1    2    3    4    5    6    7    8    9    10   11   12   13   14   15   16
 * +----+----+----+----+----+----+----+----+----+----+----+----+----+----+----+----+---- - -
 * |  payload length   |      synced       |  payload checksum |    header check   | payload
 * +----+----+----+----+----+----+----+----+----+----+----+----+----+----+----+----+---- - -
 *
 * - `synced`, the watermark: how many bytes of this file were known durable when the frame was made. It distinguishes
 *   a torn tail from damage: power loss may take any unsynced sector, never a synced one.
 * - payload checksum = hash32(payload, placeSeed(log number, frame offset)).
 * - header check = a mix of the log number, the frame's offset and the three words before it. Every step of the mix is
 *   a bijection, so a change within one word is always noticed, and a frame copied to another place or left over in a
 *   recycled file never fits. It is cheap enough to be tried at every byte of a damaged file.
 * - A frame of payload length 0 whose `synced` is its own offset is the clean-close marker. The file ends after it.
 *
 * Version 2 has compact frames, too, which leave out what follows from the frame before. Its first word is 2 × payload length + 1 in a whole
 * frame. A compact frame begins with a varint of 2 × body length, then 4 bytes of check = hash32(body, placeSeed(log number, frame offset)),
 * then the body: a varint count and the payload from byte 12 on. The first 12 bytes of its payload are the number (u64) that its predecessor
 * announces, and the count (u32). A payload announces the sum of the u64 at byte 0 and the u32 at byte 8.
 */
import { mix32, type Hash32 } from '../codec/checksum.js'
import { varintLength, writeVarint } from '../codec/varint.js'

export const LOG_FORMAT_VERSION = 1
/** The version of logs with compact frames. */
export const COMPACT_LOG_VERSION = 2
export const LOG_HEADER_BYTES = 16
export const FRAME_HEADER_BYTES = 16
/** What a payload of a compact frame begins with, and the frame leaves out. */
export const IMPLIED_BYTES = 12
export const MOST_COMPACT_BODY_BYTES = 4095
/** A compact frame has one of at most two bytes for its length, and four for its check. */
export const MOST_COMPACT_HEADER_BYTES = 6
/** The first frame that begins in each block of the file is a whole one. */
export const ANCHOR_BYTES = 4096
/** The largest payload of one record: 1 GiB and room for what a batch of one such value adds. */
export const MAX_PAYLOAD_BYTES = 2 ** 30 + 2 ** 24
/** Offsets are 32-bit: the largest log file, close marker included. */
export const MAX_LOG_BYTES = 2 ** 32 - 1

const MAGIC = Uint8Array.of(0x4b, 0x56, 0x41, 0x52, 0x57, 0x41, 0x4c)
const FILE_CHECK_SEED = 0x6b766c66
const FRAME_CHECK_SEED = 0x6b766c72

export function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word
  bytes[at + 1] = word >>> 8
  bytes[at + 2] = word >>> 16
  bytes[at + 3] = word >>> 24
}

function fileCheck(bytes: Uint8Array, at: number): number {
  return mix32(mix32(mix32(FILE_CHECK_SEED, readWord(bytes, at)), readWord(bytes, at + 4)), readWord(bytes, at + 8))
}

export function encodeFileHeader(logNumber: number, version = LOG_FORMAT_VERSION): Uint8Array {
  const bytes = new Uint8Array(LOG_HEADER_BYTES)
  bytes.set(MAGIC, 0)
  bytes[MAGIC.length] = version
  writeWord(bytes, 8, logNumber)
  writeWord(bytes, 12, fileCheck(bytes, 0))
  return bytes
}

export interface FileHeader {
  readonly version: number
  readonly logNumber: number
}

/** The header at `bytes[at]`, or `undefined` if its magic or its check is wrong. Any version is returned. */
export function decodeFileHeader(bytes: Uint8Array, at: number): FileHeader | undefined {
  for (let i = 0; i < MAGIC.length; i++) if (bytes[at + i] !== MAGIC[i]) return undefined
  if (readWord(bytes, at + 12) !== fileCheck(bytes, at)) return undefined
  return { version: bytes[at + MAGIC.length], logNumber: readWord(bytes, at + 8) }
}

/** The part of every header check that depends on the log alone. */
export function frameCheckSeed(logNumber: number): number {
  return mix32(FRAME_CHECK_SEED, logNumber)
}

/** What the last word of a frame header has to be. `seed` is `frameCheckSeed` of the log. */
export function frameCheck(seed: number, offset: number, length: number, synced: number, checksum: number): number {
  return mix32(mix32(mix32(mix32(seed, offset), length), synced), checksum)
}

/** The first word of a whole frame. */
export function lengthWord(length: number, version: number): number {
  return version === COMPACT_LOG_VERSION ? length * 2 + 1 : length
}

/** What a payload announces as the number at the beginning of the next one; -1 if it is too short, or the number too large. */
export function announcedBy(payload: Uint8Array, start: number, end: number): number {
  if (end - start < IMPLIED_BYTES) return -1
  const next = readWord(payload, start) + readWord(payload, start + 4) * 0x1_0000_0000 + readWord(payload, start + 8)
  return Number.isSafeInteger(next) ? next : -1
}

/** Writes the header of the frame at file offset `offset` to `bytes[at, at + 16)`. `word` is that of `lengthWord`. */
export function encodeFrameHeader(
  bytes: Uint8Array,
  seed: number,
  offset: number,
  word: number,
  synced: number,
  checksum: number,
  at = 0,
): void {
  writeWord(bytes, at, word)
  writeWord(bytes, at + 4, synced)
  writeWord(bytes, at + 8, checksum)
  writeWord(bytes, at + 12, frameCheck(seed, offset, word, synced, checksum))
}

/**
 * Writes the compact frame of a payload to `bytes` from `at` on; it takes less than the payload does. Returns where the payload goes on from
 * `IMPLIED_BYTES` in it; the frame ends with that. `seed` is that of the body's check.
 */
export function encodeCompactFrame(bytes: Uint8Array, at: number, payload: Uint8Array, hash32: Hash32, seed: number): number {
  const count = readWord(payload, 8)
  const length = varintLength(count) + payload.length - IMPLIED_BYTES
  const checkAt = writeVarint(bytes, at, length * 2)
  const start = checkAt + 4
  const bodyStart = writeVarint(bytes, start, count)
  for (let i = IMPLIED_BYTES; i < payload.length; i++) bytes[bodyStart + i - IMPLIED_BYTES] = payload[i]
  writeWord(bytes, checkAt, hash32(bytes.subarray(start, start + length), seed))
  return bodyStart
}

/** A frame header, refilled in place so that reading a log does not allocate one per record. */
export class FrameHeader {
  length = 0
  synced = 0
  checksum = 0

  get isCloseMarker(): boolean {
    return this.length === 0
  }

  /**
   * Takes the header at `bytes[at]` for the frame at file offset `offset`. Returns false, changing nothing, unless its check
   * holds and its words can be true. The payload is not looked at.
   */
  decode(bytes: Uint8Array, at: number, seed: number, offset: number, version = LOG_FORMAT_VERSION): boolean {
    const word = readWord(bytes, at)
    if (version === COMPACT_LOG_VERSION && (word & 1) === 0) return false
    const length = version === COMPACT_LOG_VERSION ? word >>> 1 : word
    const synced = readWord(bytes, at + 4)
    if (length === 0 ? synced !== offset : synced > offset || length > MAX_PAYLOAD_BYTES) return false
    const checksum = readWord(bytes, at + 8)
    if (readWord(bytes, at + 12) !== frameCheck(seed, offset, word, synced, checksum)) return false
    this.length = length
    this.synced = synced
    this.checksum = checksum
    return true
  }
}
