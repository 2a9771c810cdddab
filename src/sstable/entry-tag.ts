import { KIND_PUT, KIND_PUT_EXPIRING, MAX_SEQUENCE, type EntryKind } from '../codec/entry.js'
import { EXPIRY_BYTES } from '../codec/expiry.js'
import type { Cell, SortedBlock } from '../codec/sorted-block.js'
import { writeVarint } from '../codec/varint.js'
import type { CorruptionError } from '../errors.js'

/**
 * The tag in front of each value: the LEB128 encoding of sequence × 4 + kind, read and written piecewise, because that
 * product passes the 53 bits of an exact JS number.
 *
 *   first byte:   c sssss kk     kind, the 5 lowest bits of the sequence number, "more follows"
 *   then:         c sssssss      7 more bits each, up to eight bytes
 */

export const MAX_TAG_BYTES = 8

export class EntryTag {
  sequence = 0
  kind: EntryKind = KIND_PUT
  /** Offset behind the tag. */
  end = 0
}

/** Writes a tag at `at` and returns the offset after it. */
export function writeTag(bytes: Uint8Array, at: number, sequence: number, kind: EntryKind): number {
  const low = kind | ((sequence & 31) << 2)
  if (sequence < 32) {
    bytes[at++] = low
    return at
  }
  bytes[at++] = low | 0x80
  return writeVarint(bytes, at, sequence < 0x8000_0000 ? sequence >>> 5 : Math.floor(sequence / 32))
}

/** Reads the tag that starts the payload of a cell of `block`. */
export function readTag(block: SortedBlock, cell: Cell, tag: EntryTag): void {
  const bytes = block.bytes
  let at = cell.payloadStart
  let byte = bytes[at++]
  const kind = byte & 3
  let sequence = (byte >>> 2) & 31
  for (let shift = 5; byte >= 0x80 && shift < 26; shift += 7) {
    byte = bytes[at++]!
    sequence |= (byte & 0x7f) << shift
  }
  tag.sequence = sequence
  tag.kind = kind as EntryKind
  tag.end = at
  if (byte >= 0x80) readLongTag(block, cell, tag)
  else if (at > cell.payloadEnd || (kind === KIND_PUT_EXPIRING && at + EXPIRY_BYTES > cell.payloadEnd)) throw damaged(block)
}

/** The bytes behind the first four, whose sequence bits no longer fit a 32-bit integer. */
function readLongTag(block: SortedBlock, cell: Cell, tag: EntryTag): void {
  let byte = 0x80
  for (let scale = 2 ** 26; byte >= 0x80; scale *= 128) {
    if (tag.end >= cell.payloadEnd || scale > 2 ** 47) throw damaged(block)
    byte = block.bytes[tag.end++]!
    tag.sequence += (byte & 0x7f) * scale
  }
  const isShort = tag.kind === KIND_PUT_EXPIRING && tag.end + EXPIRY_BYTES > cell.payloadEnd
  if (tag.sequence > MAX_SEQUENCE || isShort) throw damaged(block)
}

function damaged(block: SortedBlock): CorruptionError {
  return block.corruption('an entry has a damaged tag')
}
