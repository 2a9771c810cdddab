/**
 * A sorted block (codec/sorted-block.ts) without its slots, which is how LZ4 gets it: heads and offsets follow from the cells where these lie in
 * their order and without gaps, and eight bytes an entry that hardly compress are a tenth of what a compressed block of small values takes.
 *
 *   | count u32 | prefixLength u32 | prefix | cells |
 *
 * Invariant: what `restoreSlots` makes of the bytes is the block that `withoutSlots` took, or a `CorruptionError`; it writes within `target`,
 * whatever the bytes are.
 */
import { BLOCK_HEADER_BYTES, headOf, SLOT_BYTES } from '../codec/sorted-block.js'
import { VarintReader } from '../codec/varint.js'
import { CorruptionError } from '../errors.js'

const reader = new VarintReader(new Uint8Array(0))

/** Writes the block without its slots. Returns the number of bytes, or -1 where the slots do not follow from the cells. */
export function withoutSlots(block: Uint8Array, target: Uint8Array): number {
  if (block.length < BLOCK_HEADER_BYTES) return -1
  const count = readUint32(block, 0)
  const slots = BLOCK_HEADER_BYTES + readUint32(block, 4)
  const cells = slots + count * SLOT_BYTES
  if (cells > block.length) return -1
  reader.reset(block, cells, block.length)
  for (let slot = slots; slot < cells; slot += SLOT_BYTES) {
    if (readUint32(block, slot + 4) !== reader.at) return -1
    const suffixEnd = nextCell()
    if (suffixEnd < 0 || bigEndian(block, slot) !== headOf(block, suffixStart, suffixEnd)) return -1
  }
  if (reader.at !== block.length) return -1
  target.set(block.subarray(0, slots))
  target.set(block.subarray(cells), slots)
  return block.length - count * SLOT_BYTES
}

/** Makes the block out of `target`, which ends with the bytes of one without slots from `start` on. */
export function restoreSlots(target: Uint8Array, start: number): void {
  const left = target.length - start
  const count = left < BLOCK_HEADER_BYTES ? NaN : readUint32(target, start)
  const slots = left < BLOCK_HEADER_BYTES ? NaN : BLOCK_HEADER_BYTES + readUint32(target, start + 4)
  // Negated, because of the numbers that are none.
  if (!(count * SLOT_BYTES === start && slots <= left))
    throw new CorruptionError('a block without slots has another size than its header says')
  target.copyWithin(0, start, start + slots)
  const cells = slots + start
  reader.reset(target, cells, target.length)
  for (let slot = slots; slot < cells; slot += SLOT_BYTES) {
    const { at } = reader
    const suffixEnd = nextCell()
    if (suffixEnd < 0) throw new CorruptionError('a block without slots has a cell that runs past its end')
    const head = headOf(target, suffixStart, suffixEnd)
    target[slot] = head >>> 24
    target[slot + 1] = head >>> 16
    target[slot + 2] = head >>> 8
    target[slot + 3] = head
    target[slot + 4] = at
    target[slot + 5] = at >>> 8
    target[slot + 6] = at >>> 16
    target[slot + 7] = at >>> 24
  }
  if (reader.at !== target.length) throw new CorruptionError('a block without slots has bytes behind its last cell')
}

/** Bytes of the slots that a block without them had. */
export function slotBytesOf(stripped: Uint8Array): number {
  return stripped.length < BLOCK_HEADER_BYTES ? 0 : readUint32(stripped, 0) * SLOT_BYTES
}

/** Where the suffix of the cell begins that `nextCell` read. */
let suffixStart = 0

/** Moves the reader past a cell. Returns where its suffix ends, or -1 where the cell runs past the end. */
function nextCell(): number {
  const { bytes, end } = reader
  let suffixLength: number
  let payloadLength: number
  const { at } = reader
  if (at + 1 < end && bytes[at] < 0x80 && bytes[at + 1] < 0x80) {
    suffixLength = bytes[at]
    payloadLength = bytes[at + 1]
    reader.at = at + 2
  } else {
    try {
      suffixLength = reader.read()
      payloadLength = reader.read()
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error
      return -1
    }
  }
  if (suffixLength + payloadLength > end - reader.at) return -1
  suffixStart = reader.at
  reader.at += suffixLength + payloadLength
  return suffixStart + suffixLength
}

function bigEndian(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
}
