/**
 * Finds the blocks of a table whose index is lost, by their checksums alone: blocks follow each other without gaps, and each ends in
 * a trailer that is valid for exactly one end.
 *
 * Invariants:
 * 1. A block is reported only if its checksum holds at its place. The chance that a wrong end passes is 2^-32 for each end that is tried.
 * 2. From a known start every end is tried, in one pass: the hash of a longer range continues that of a shorter one. This finds
 *    compressed blocks too.
 * 3. Behind bytes that are no block, the next block's start is unknown. It is found if the block is a sorted block that is not compressed,
 *    since such a block says where its last cell ends.
 */
import { CHUNK_BYTES, type Hash32, placeSeed } from '../codec/checksum.js'
import { BLOCK_HEADER_BYTES, Cell, SLOT_BYTES, SortedBlock } from '../codec/sorted-block.js'
import { finishXxHash32, PRIME_1, PRIME_2, PRIME_5, rotate, round, STRIPE_BYTES } from '../codec/xxhash32.js'
import { CorruptionError } from '../errors.js'
import { compressionName } from './block-compression.js'
import { CODEC_NONE, readUint32, TRAILER_BYTES } from './format.js'

export interface FoundBlock {
  /** Place and size of the contents, without the trailer. */
  readonly offset: number
  readonly bytes: number
  readonly codec: number
}

/** The blocks in `file`, which are the bytes of a table or of its beginning, in their order. */
export function* walkBlocks(file: Uint8Array, fileNumber: number, hash32: Hash32): Generator<FoundBlock> {
  for (let offset = 0; offset + TRAILER_BYTES < file.length;) {
    const found = blockAt(file, offset, fileNumber) ?? nextSortedBlock(file, offset + 1, fileNumber, hash32)
    if (found === undefined) return
    yield found
    offset = found.offset + found.bytes + TRAILER_BYTES
  }
}

/** The block that starts at `offset`, whatever its contents. */
function blockAt(file: Uint8Array, offset: number, fileNumber: number): FoundBlock | undefined {
  const hash = new GrowingHash(file, offset, placeSeed(fileNumber, offset))
  for (let end = offset; end + TRAILER_BYTES <= file.length; end++) {
    const codec = file[end]
    if (compressionName(codec) === undefined) continue
    if (hash.upTo(end + 1) === readUint32(file, end + 1)) return { offset, bytes: end - offset, codec }
  }
  return undefined
}

function nextSortedBlock(file: Uint8Array, from: number, fileNumber: number, hash32: Hash32): FoundBlock | undefined {
  for (let offset = from; offset + BLOCK_HEADER_BYTES + TRAILER_BYTES <= file.length; offset++) {
    const end = endOfSortedBlock(file, offset)
    if (end === undefined || end + TRAILER_BYTES > file.length || file[end] !== CODEC_NONE) continue
    if (hash32(file.subarray(offset, end + 1), placeSeed(fileNumber, offset)) >>> 0 !== readUint32(file, end + 1)) continue
    return { offset, bytes: end - offset, codec: CODEC_NONE }
  }
  return undefined
}

/** The end of the last cell, if the bytes from `offset` on look like a sorted block. */
function endOfSortedBlock(file: Uint8Array, offset: number): number | undefined {
  const count = readUint32(file, offset)
  const slots = offset + BLOCK_HEADER_BYTES + readUint32(file, offset + 4)
  const cells = slots + count * SLOT_BYTES
  if (count === 0 || cells > file.length) return undefined
  // A builder lays cells behind each other in the order of the keys, the first one right behind the slots.
  if (offset + readUint32(file, slots + 4) !== cells) return undefined
  try {
    const cell = new Cell()
    new SortedBlock(file, file.length, '', offset, offset).readCell(count - 1, cell)
    return cell.payloadEnd
  } catch (error) {
    if (error instanceof CorruptionError) return undefined
    throw error
  }
}

/** The checksum of `bytes[start, end)` for ends that only grow, at the cost of the bytes between two of them. */
class GrowingHash {
  readonly #bytes: Uint8Array
  #seed: number
  /** Start of the piece that is hashed now: long inputs are hashed in pieces, each seeded with the hash of the one before. */
  #start: number
  /** Whole stripes up to here are in the lanes. */
  #at: number
  #lane1 = 0
  #lane2 = 0
  #lane3 = 0
  #lane4 = 0

  constructor(bytes: Uint8Array, start: number, seed: number) {
    this.#bytes = bytes
    this.#seed = seed
    this.#start = this.#at = start
    this.#reset()
  }

  /** @param end not smaller than at the call before */
  upTo(end: number): number {
    while (end - this.#start > CHUNK_BYTES) {
      this.#seed = this.#digest(this.#start + CHUNK_BYTES)
      this.#start = this.#at = this.#start + CHUNK_BYTES
      this.#reset()
    }
    return this.#digest(end)
  }

  #reset(): void {
    this.#lane1 = (this.#seed + PRIME_1 + PRIME_2) | 0
    this.#lane2 = (this.#seed + PRIME_2) | 0
    this.#lane3 = this.#seed | 0
    this.#lane4 = (this.#seed - PRIME_1) | 0
  }

  #digest(end: number): number {
    const bytes = this.#bytes
    for (; this.#at + STRIPE_BYTES <= end; this.#at += STRIPE_BYTES) {
      this.#lane1 = round(this.#lane1, readUint32(bytes, this.#at))
      this.#lane2 = round(this.#lane2, readUint32(bytes, this.#at + 4))
      this.#lane3 = round(this.#lane3, readUint32(bytes, this.#at + 8))
      this.#lane4 = round(this.#lane4, readUint32(bytes, this.#at + 12))
    }
    const isShort = this.#at === this.#start
    let hash = isShort
      ? this.#seed + PRIME_5
      : rotate(this.#lane1, 1) + rotate(this.#lane2, 7) + rotate(this.#lane3, 12) + rotate(this.#lane4, 18)
    hash = (hash + end - this.#start) | 0
    return finishXxHash32(hash, bytes, this.#at, end)
  }
}
