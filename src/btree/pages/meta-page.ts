/**
 * The meta pages: where the tree begins. There are two, at bytes 0 and 4096 of the data file; each change is written to the older one.
 *
 *     offset  size
 *       0      8    magic "kvbtree\n"
 *       8      4    format version: 1, or 2 once an entry of the tree has had an expiry; 3 for a file with compression
 *      12      4    unit in bytes
 *      16      4    identity of the data file, a random number
 *      20      4    levels of the tree; 0 if it is empty
 *      24      8    number of this meta page: each is one higher than the one before
 *      32      8    sequence number of the last operation in the tree
 *      40      4    first log: operations behind that sequence number begin in it
 *      44      4    last log that was there when this was written; it and all from the first must exist
 *      48      8    length of the file in units, as far as this tree needs it; 0 if it needs none
 *      56     24    reference to the root
 *      80     24    reference to the free list: its `entries` are the runs, its `live bytes` the length; units 0 if nothing is free
 *     104    300    for each level from the leaves up: pages u48, units u48
 *     404     96    for each log from the first on: where it ends, u64, if it is known to be complete, or 0
 *     500      4    version 3: bytes of a leaf in memory
 *     504      4    version 3: 1 once an entry of the tree has had an expiry, or 0
 *     508      4    xxHash32 of bytes 0 to 507, seeded with where the meta page is
 *
 * Numbers are little-endian. Magic, version and check have their place in every format version.
 */
import type { Hash32 } from '../../codec/checksum.js'
import { placeSeed } from '../../codec/checksum.js'
import { encodeUtf8, readUtf8 } from '../../codec/text.js'
import { CorruptionError, FormatError } from '../../errors.js'
import type { FileHandle } from '../../vfs/file-system.js'
import { readNumber, writeNumber } from './numbers.js'
import { Reference, REFERENCE_BYTES } from './reference.js'

export const META_BYTES = 512
const META_STRIDE = 4096
/** Bytes before the first page. */
export const META_AREA_BYTES = 2 * META_STRIDE
export const BTREE_FORMAT_VERSION = 1
/** The version of a tree that has, or had, an entry that expires. */
export const EXPIRING_BTREE_FORMAT_VERSION = 2
/** The version of a file whose leaves may be compressed, with or without entries that expire. */
export const COMPRESSED_BTREE_FORMAT_VERSION = 3
export const MAX_LEVELS = 25

const MAGIC = 'kvbtree\n'
const SEED = 0x6b766274
const CHECK_AT = 508
const LEVELS_AT = 104
const LEVEL_BYTES = 12
const ENDS_AT = LEVELS_AT + MAX_LEVELS * LEVEL_BYTES
const MAX_ENDS = 12
const PAGE_AT = ENDS_AT + MAX_ENDS * 8
const EXPIRIES_AT = PAGE_AT + 4
const VERSIONS: readonly number[] = [BTREE_FORMAT_VERSION, EXPIRING_BTREE_FORMAT_VERSION, COMPRESSED_BTREE_FORMAT_VERSION]

export interface Meta {
  readonly unitBytes: number
  /** Bytes of a leaf in memory: a unit, or more where leaves may be compressed. */
  readonly pageBytes: number
  readonly identity: number
  readonly height: number
  readonly number: number
  readonly sequence: number
  readonly firstLog: number
  readonly lastLog: number
  /** In units. */
  readonly length: number
  readonly root: Reference
  readonly freeList: Reference
  /** Pages and units of each level, from the leaves up. */
  readonly pages: readonly number[]
  readonly units: readonly number[]
  /** Logs that are complete, and where they end. */
  readonly ends: ReadonlyMap<number, number>
  /** The tree may have entries that expire, or has had some. */
  readonly hasExpiries: boolean
}

/** For messages. */
export const KNOWN_VERSIONS = `versions ${VERSIONS[0]} to ${VERSIONS.at(-1)!}`

export function isKnownVersion(version: number): boolean {
  return VERSIONS.includes(version)
}

/** Where the meta page with this number is. */
export function metaOffset(number: number): number {
  return (number % 2) * META_STRIDE
}

export function encodeMeta(meta: Meta, hash32: Hash32): Uint8Array {
  const bytes = new Uint8Array(META_BYTES)
  bytes.set(encodeUtf8(MAGIC))
  const isCompressed = meta.pageBytes > meta.unitBytes
  const uncompressed = meta.hasExpiries ? EXPIRING_BTREE_FORMAT_VERSION : BTREE_FORMAT_VERSION
  writeNumber(bytes, 8, 4, isCompressed ? COMPRESSED_BTREE_FORMAT_VERSION : uncompressed)
  writeNumber(bytes, 12, 4, meta.unitBytes)
  writeNumber(bytes, 16, 4, meta.identity)
  writeNumber(bytes, 20, 4, meta.height)
  writeNumber(bytes, 24, 8, meta.number)
  writeNumber(bytes, 32, 8, meta.sequence)
  writeNumber(bytes, 40, 4, meta.firstLog)
  writeNumber(bytes, 44, 4, meta.lastLog)
  writeNumber(bytes, 48, 8, meta.length)
  meta.root.write(bytes, 56)
  meta.freeList.write(bytes, 56 + REFERENCE_BYTES)
  for (let level = 0; level < meta.height; level++) {
    writeNumber(bytes, LEVELS_AT + level * LEVEL_BYTES, 6, meta.pages[level])
    writeNumber(bytes, LEVELS_AT + level * LEVEL_BYTES + 6, 6, meta.units[level])
  }
  for (let i = 0; i < MAX_ENDS; i++) writeNumber(bytes, ENDS_AT + i * 8, 8, meta.ends.get(meta.firstLog + i) ?? 0)
  if (isCompressed) {
    writeNumber(bytes, PAGE_AT, 4, meta.pageBytes)
    writeNumber(bytes, EXPIRIES_AT, 4, meta.hasExpiries ? 1 : 0)
  }
  writeNumber(bytes, CHECK_AT, 4, checkOf(bytes, meta.number % 2, hash32))
  return bytes
}

/** The meta page in force: the newer of the valid ones. Throws a CorruptionError if none is, a FormatError for a newer format. */
export function readMeta(file: FileHandle, hash32: Hash32): Meta {
  const newest = readMetas(file, hash32)[0]
  if (newest === undefined) throw new CorruptionError('both meta pages of the tree are damaged', { file: file.path, offset: 0 })
  return newest
}

/** The valid meta pages, the newest first. */
export function readMetas(file: FileHandle, hash32: Hash32): readonly Meta[] {
  return [0, 1].flatMap(slot => readSlot(file, slot, hash32) ?? []).sort((a, b) => b.number - a.number)
}

function readSlot(file: FileHandle, slot: number, hash32: Hash32): Meta | undefined {
  const bytes = new Uint8Array(META_BYTES)
  const offset = metaOffset(slot)
  if (file.read(bytes, offset) !== META_BYTES || readUtf8(bytes, 0, MAGIC.length) !== MAGIC) return undefined
  if (readNumber(bytes, CHECK_AT, 4) !== checkOf(bytes, slot, hash32)) return undefined
  const version = readNumber(bytes, 8, 4)
  if (!isKnownVersion(version)) {
    const known = `this kvarium reads ${KNOWN_VERSIONS}`
    throw new FormatError(`The tree in ${file.path} has format version ${version}; ${known}. Update kvarium`, {
      file: file.path,
      offset: offset + 8,
    })
  }
  const isCompressed = version === COMPRESSED_BTREE_FORMAT_VERSION
  const unitBytes = readNumber(bytes, 12, 4)
  const height = readNumber(bytes, 20, 4)
  const levels = Array.from({ length: Math.min(height, MAX_LEVELS) }, (_, level) => LEVELS_AT + level * LEVEL_BYTES)
  return {
    unitBytes,
    pageBytes: isCompressed ? readNumber(bytes, PAGE_AT, 4) : unitBytes,
    identity: readNumber(bytes, 16, 4),
    height,
    number: readNumber(bytes, 24, 8),
    sequence: readNumber(bytes, 32, 8),
    firstLog: readNumber(bytes, 40, 4),
    lastLog: readNumber(bytes, 44, 4),
    length: readNumber(bytes, 48, 8),
    root: new Reference().read(bytes, 56),
    freeList: new Reference().read(bytes, 56 + REFERENCE_BYTES),
    pages: levels.map(at => readNumber(bytes, at, 6)),
    units: levels.map(at => readNumber(bytes, at + 6, 6)),
    ends: readEnds(bytes),
    hasExpiries: isCompressed ? readNumber(bytes, EXPIRIES_AT, 4) === 1 : version === EXPIRING_BTREE_FORMAT_VERSION,
  }
}

function readEnds(bytes: Uint8Array): ReadonlyMap<number, number> {
  const firstLog = readNumber(bytes, 40, 4)
  const ends = Array.from({ length: MAX_ENDS }, (_, i) => [firstLog + i, readNumber(bytes, ENDS_AT + i * 8, 8)] as const)
  return new Map(ends.filter(([, end]) => end > 0))
}

function checkOf(bytes: Uint8Array, slot: number, hash32: Hash32): number {
  return hash32(bytes.subarray(0, CHECK_AT), placeSeed(SEED, metaOffset(slot))) >>> 0
}
