/**
 * Ranges of keys in one form. Users bound a range with any of `gt`, `gte`, `lt` and `lte`; engines want a first key that
 * is in and a first key that is out. Both exist for every bound, because the smallest key above `k` is `k` followed by
 * a zero byte. So every engine works on [lower, upper) and compares once per bound.
 */
import { compareBytes, compareKeys, copyBytes } from '../codec/entry.js'
import { MisuseError } from '../errors.js'
import type { KeyRange } from './contract.js'

/** The keys from `lower` (included) to `upper` (excluded); `undefined` leaves that side open. */
export interface HalfOpenRange {
  readonly lower: Uint8Array | undefined
  readonly upper: Uint8Array | undefined
}

/** The smallest key greater than `key`. */
export function keyAfter(key: Uint8Array): Uint8Array {
  const after = new Uint8Array(key.length + 1)
  after.set(key)
  return after
}

/**
 * The range in its one form, over copies of the bounds, so that the caller may reuse its arrays. Throws a MisuseError
 * with code `LEVEL_INVALID_RANGE` when one side has two bounds.
 */
export function halfOpen(range: KeyRange): HalfOpenRange {
  const { gt, gte, lt, lte } = range
  if (gt !== undefined && gte !== undefined) throw twoBounds('gt', 'gte')
  if (lt !== undefined && lte !== undefined) throw twoBounds('lt', 'lte')
  return {
    lower: gt === undefined ? gte && copyBytes(gte) : keyAfter(gt),
    upper: lte === undefined ? lt && copyBytes(lt) : keyAfter(lte),
  }
}

/** True when no key can be in the range, whatever is stored. */
export function isEmptyRange(range: HalfOpenRange): boolean {
  const { lower, upper } = range
  if (upper === undefined) return false
  return upper.length === 0 || (lower !== undefined && compareKeys(lower, upper) >= 0)
}

/** True when every key is in the range. */
export function isEverything(range: HalfOpenRange): boolean {
  return range.upper === undefined && (range.lower === undefined || range.lower.length === 0)
}

/** Bytes of the user that clearing the range counts as: those of its bounds. */
export function boundBytes({ lower, upper }: HalfOpenRange): number {
  return (lower?.length ?? 0) + (upper?.length ?? 0)
}

export function rangeContains(range: HalfOpenRange, key: Uint8Array): boolean {
  return !isBelow(range.lower, key, 0, key.length) && !isBeyond(range.upper, key, 0, key.length)
}

/** True when the key is before the range: less than `lower`. */
export function isBelow(lower: Uint8Array | undefined, bytes: Uint8Array, start: number, end: number): boolean {
  return lower !== undefined && compareBytes(bytes, start, end, lower, 0, lower.length) < 0
}

/** True when the key is past the range: `upper` or more. */
export function isBeyond(upper: Uint8Array | undefined, bytes: Uint8Array, start: number, end: number): boolean {
  return upper !== undefined && compareBytes(bytes, start, end, upper, 0, upper.length) >= 0
}

function twoBounds(one: string, other: string): MisuseError {
  return new MisuseError('LEVEL_INVALID_RANGE', `A range has both "${one}" and "${other}"; give one of them`)
}
