import type { EntryCursor } from '../codec/entry.js'
import { isBeyond, type HalfOpenRange } from './range.js'

/** Key and value bytes of a list's entries in the range, all versions counted. Takes a step for each entry in the range. */
export function entryBytesIn(list: { cursor(): EntryCursor }, { lower, upper }: HalfOpenRange): number {
  const cursor = list.cursor()
  let bytes = 0
  for (let valid = lower === undefined ? cursor.first() : cursor.seek(lower); valid; valid = cursor.next()) {
    const { key, value } = cursor
    if (isBeyond(upper, key.bytes, key.start, key.end)) break
    bytes += key.length + value.length
  }
  cursor.close()
  return bytes
}
