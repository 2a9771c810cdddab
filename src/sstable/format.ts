import { placeSeed, type Hash32 } from '../codec/checksum.js'
import type { VarintReader } from '../codec/varint.js'
import { varintLength, writeVarint } from '../codec/varint.js'
import { CorruptionError, FormatError } from '../errors.js'

/**
 * The fixed parts of a table file; docs/formats/sstable.md describes the rest.
 *
 *   file:     data blocks | range-tombstone block? | filter block? | index block | properties block | footer
 *   block:    contents | codec u8 | checksum u32
 *   footer:   4 handles: ranges, filter, index, properties (offset u64, size u32 each; size 0: absent)
 *             file number u64 | format version u32 | checksum u32 | magic, 8 bytes                          = 72 bytes
 *
 * Integers are little-endian. Checksums are xxHash32 over everything before them in the block or footer, seeded with the place
 * (file number, offset): a block that is right but stands in the wrong file or place fails like a damaged one.
 */

export const FORMAT_VERSION = 1
/** That of a table with entries that expire: readers of version 1 do not know their kind. */
export const EXPIRING_FORMAT_VERSION = 2
/** That of a table with values in blob files. */
export const BLOB_FORMAT_VERSION = 3
/** Codec byte and checksum behind each block. */
export const TRAILER_BYTES = 5
/** The footer keeps this size, and the meaning of its last 24 bytes, in all format versions. */
export const FOOTER_BYTES = 72

/** The codec of a block that is stored as it is; the others are in block-compression.ts. */
export const CODEC_NONE = 0

/** "kvsstab\n" */
const MAGIC = Uint8Array.of(0x6b, 0x76, 0x73, 0x73, 0x74, 0x61, 0x62, 0x0a)

/** No writer has compressed larger blocks. A handle that claims more is damaged, and is not worth an allocation. */
export const MAX_COMPRESSED_RAW_BYTES = 64 * 1024 * 1024

/** Where a block is and how large: `bytes` as stored without its trailer, `rawBytes` once decompressed. */
export interface BlockHandle {
  offset: number
  bytes: number
  rawBytes: number
}

/** An index payload: varint offset, varint bytes, and varint raw bytes only if the block is compressed. */
export function writeHandle(target: Uint8Array, at: number, handle: BlockHandle): number {
  at = writeVarint(target, at, handle.offset)
  at = writeVarint(target, at, handle.bytes)
  return handle.rawBytes === handle.bytes ? at : writeVarint(target, at, handle.rawBytes)
}

export const MAX_HANDLE_BYTES = varintLength(Number.MAX_SAFE_INTEGER) * 3

/** Reads what `writeHandle` wrote; `dataEnd` is where data blocks end, which a handle must not pass. */
export function readHandle(reader: VarintReader, dataEnd: number, into: BlockHandle): void {
  into.offset = reader.read()
  into.bytes = reader.read()
  into.rawBytes = reader.at < reader.end ? reader.read() : into.bytes
  const isTooLarge = into.rawBytes !== into.bytes && into.rawBytes > MAX_COMPRESSED_RAW_BYTES
  if (reader.at !== reader.end || into.offset + into.bytes + TRAILER_BYTES > dataEnd || isTooLarge) {
    throw new CorruptionError('an index entry points nowhere')
  }
}

export function writeTrailer(block: Uint8Array, end: number, codec: number, hash32: Hash32, fileNumber: number, offset: number): void {
  block[end] = codec
  writeUint32(block, end + 1, hash32(block.subarray(0, end + 1), placeSeed(fileNumber, offset)))
}

/** Verifies the trailer behind `block[0, end)` and returns the codec byte. `offset` is the block's place in the file. */
export function verifyTrailer(block: Uint8Array, end: number, hash32: Hash32, fileNumber: number, file: string, offset: number): number {
  const expected = readUint32(block, end + 1)
  if (hash32(block.subarray(0, end + 1), placeSeed(fileNumber, offset)) !== expected) {
    throw new CorruptionError('a block fails its checksum', { file, offset })
  }
  return block[end]
}

/** Small blocks that describe the others; stored without compression. */
export interface Footer {
  ranges: BlockHandle
  filter: BlockHandle
  index: BlockHandle
  properties: BlockHandle
}

export function noHandle(): BlockHandle {
  return { offset: 0, bytes: 0, rawBytes: 0 }
}

export function encodeFooter(footer: Footer, hash32: Hash32, fileNumber: number, offset: number, version = FORMAT_VERSION): Uint8Array {
  const bytes = new Uint8Array(FOOTER_BYTES)
  let at = 0
  for (const handle of [footer.ranges, footer.filter, footer.index, footer.properties]) {
    writeUint64(bytes, at, handle.offset)
    writeUint32(bytes, at + 8, handle.bytes)
    at += 12
  }
  writeUint64(bytes, 48, fileNumber)
  writeUint32(bytes, 56, version)
  writeUint32(bytes, 60, hash32(bytes.subarray(0, 60), placeSeed(fileNumber, offset)))
  bytes.set(MAGIC, 64)
  return bytes
}

/** Reads and checks the last `FOOTER_BYTES` of a file, which stand at `offset`. */
export function decodeFooter(bytes: Uint8Array, hash32: Hash32, fileNumber: number, file: string, offset: number): Footer {
  const place = { file, offset }
  if (!MAGIC.every((byte, i) => bytes[64 + i] === byte)) throw new CorruptionError('not a table, or its end is missing', place)
  const storedNumber = readUint64(bytes, 48)
  if (storedNumber !== fileNumber) throw new CorruptionError(`the file says it is table ${storedNumber}, not ${fileNumber}`, place)
  if (hash32(bytes.subarray(0, 60), placeSeed(fileNumber, offset)) !== readUint32(bytes, 60)) {
    throw new CorruptionError('the footer fails its checksum', place)
  }
  const version = readUint32(bytes, 56)
  if (version < FORMAT_VERSION || version > BLOB_FORMAT_VERSION) {
    const known = `${FORMAT_VERSION} to ${BLOB_FORMAT_VERSION}`
    throw new FormatError(`${file} has table format ${version}; this kvarium reads ${known}: use a newer one`, place)
  }
  const handles = [0, 12, 24, 36].map(at => {
    const size = readUint32(bytes, at + 8)
    const handle = { offset: readUint64(bytes, at), bytes: size, rawBytes: size }
    if (size > 0 && handle.offset + size + TRAILER_BYTES > offset) throw new CorruptionError('the footer points past the blocks', place)
    return handle
  })
  return { ranges: handles[0], filter: handles[1], index: handles[2], properties: handles[3] }
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
}

function writeUint64(bytes: Uint8Array, at: number, value: number): void {
  writeUint32(bytes, at, value)
  writeUint32(bytes, at + 4, Math.floor(value / 0x1_0000_0000))
}

function readUint64(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) + readUint32(bytes, at + 4) * 0x1_0000_0000
}
