import { KIND_DELETE_RANGE } from '../codec/entry.js'
import { Cell, type SortedBlock } from '../codec/sorted-block.js'
import { EntryTag, readTag } from './entry-tag.js'

/** Deletes every entry with a smaller sequence number and a key from `first` to `last`, both included. */
export interface RangeTombstone {
  readonly first: Uint8Array
  readonly last: Uint8Array
  readonly sequence: number
}

/** The tombstones of a range block: key = first, payload = tag + last; by first key ascending, newest first. */
export function decodeRangeTombstones(block: SortedBlock): RangeTombstone[] {
  const tombstones: RangeTombstone[] = []
  const cell = new Cell()
  const tag = new EntryTag()
  for (let i = 0; i < block.count; i++) {
    block.readCell(i, cell)
    readTag(block, cell, tag)
    if (tag.kind !== KIND_DELETE_RANGE) throw block.corruption('the range block holds something else than range tombstones')
    tombstones.push({ first: block.keyAt(i), last: block.bytes.slice(tag.end, cell.payloadEnd), sequence: tag.sequence })
  }
  return tombstones
}
