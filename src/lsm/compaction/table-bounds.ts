/**
 * Bounds of tables with long keys. The manifest, every version and every open table hold the bounds of each table, so long keys are
 * shortened: a smallest key to a prefix of it, a largest key to a prefix with its last byte raised. Bounds of up to `WHOLE_BYTES` stay the
 * keys themselves.
 *
 * Invariant: tables of a run stay disjoint. A bound does not reach the neighbour in the same job, nor leave the bounds of the input tables
 * that hold its key: what else is in the output run does not overlap those.
 */
import { compareKeys } from '../../codec/entry.js'
import type { KeyBounds } from '../versions/table-file.js'

const WHOLE_BYTES = 1024

/** The tables next to the one under way in the same job. */
export interface Neighbours {
  /** Largest bound of the table before. */
  readonly before: Uint8Array | undefined
  /** First key of the table behind. */
  readonly behind: Uint8Array | undefined
}

/** Bounds that hold the keys of `exact`. `inputs` are the bounds of the tables that are merged. */
export function shortBounds(exact: KeyBounds, { before, behind }: Neighbours, inputs: readonly KeyBounds[]): KeyBounds {
  let smallest = lowered(exact.smallest, before)
  let largest = raised(exact.largest, behind)
  if (smallest !== exact.smallest) {
    for (const input of inputs) if (holds(input, exact.smallest) && compareKeys(input.smallest, smallest) > 0) smallest = input.smallest
  }
  if (largest !== exact.largest) {
    for (const input of inputs) if (holds(input, exact.largest) && compareKeys(input.largest, largest) < 0) largest = input.largest
  }
  return { smallest, largest }
}

function holds({ smallest, largest }: KeyBounds, key: Uint8Array): boolean {
  return compareKeys(smallest, key) <= 0 && compareKeys(key, largest) <= 0
}

/** A prefix of the key that is greater than `before`. */
function lowered(key: Uint8Array, before: Uint8Array | undefined): Uint8Array {
  const length = Math.max(WHOLE_BYTES, before === undefined ? 0 : sharedBytes(before, key) + 1)
  return length < key.length ? key.slice(0, length) : key
}

/** A key that is greater than this one and less than `behind`, if a shorter one can be had by raising a byte. */
function raised(key: Uint8Array, behind: Uint8Array | undefined): Uint8Array {
  let at = Math.max(WHOLE_BYTES - 1, behind === undefined ? 0 : sharedBytes(key, behind) + 1)
  while (at < key.length && key[at] === 0xff) at++
  if (at + 1 >= key.length) return key
  const bound = key.slice(0, at + 1)
  bound[at]++
  return bound
}

function sharedBytes(a: Uint8Array, b: Uint8Array): number {
  const limit = Math.min(a.length, b.length)
  let length = 0
  while (length < limit && a[length] === b[length]) length++
  return length
}
