/**
 * A reference to a page, as it stands in the payload of a branch entry and in the meta page. 24 bytes, little-endian:
 *
 *     0            4              5         8        12            18            24
 *     +------------+--------------+---------+--------+-------------+-------------+
 *     | offset low | offset high  | units   | check  | entries     | live bytes  |
 *     | u32        | u8           | u24     | u32    | u48         | u48         |
 *     +------------+--------------+---------+--------+-------------+-------------+
 *
 * Offset and length of the page's extent are in units. The check is the xxHash32 of the extent, seeded with the file's identity and
 * the extent's place: so a page that is damaged, stale or misplaced does not match what refers to it. Entries and live bytes (keys and
 * values) are those of the whole subtree.
 */
import { readNumber, writeNumber } from './numbers.js'
import type { Page } from './page.js'

export const REFERENCE_BYTES = 24

/** What a reference says of a page. */
export type ReferenceFields = Pick<Reference, 'offset' | 'units' | 'check' | 'entries' | 'liveBytes'>

/** Fields of a reference, refilled in place. */
export class Reference {
  offset = 0
  units = 0
  check = 0
  entries = 0
  liveBytes = 0

  read(bytes: Uint8Array, at: number): this {
    this.offset = readNumber(bytes, at, 5)
    this.units = readNumber(bytes, at + 5, 3)
    this.check = readNumber(bytes, at + 8, 4)
    this.entries = readNumber(bytes, at + 12, 6)
    this.liveBytes = readNumber(bytes, at + 18, 6)
    return this
  }

  write(bytes: Uint8Array, at: number): void {
    writeReference(bytes, at, this)
  }
}

export function writeReference(
  bytes: Uint8Array,
  at: number,
  page: Pick<Page, 'offset' | 'units' | 'check' | 'entries' | 'liveBytes'>,
): void {
  writeNumber(bytes, at, 5, page.offset)
  writeNumber(bytes, at + 5, 3, page.units)
  writeNumber(bytes, at + 8, 4, page.check)
  writeNumber(bytes, at + 12, 6, page.entries)
  writeNumber(bytes, at + 18, 6, page.liveBytes)
}
