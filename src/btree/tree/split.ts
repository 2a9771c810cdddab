/** Where overflowing pages are cut. Pure: sizes in, cuts out. */
import { MisuseError } from '../../errors.js'

/** Fewest entries of a branch: it grows beyond its usual size if its keys are too long for that. */
const MIN_BRANCH_ENTRIES = 4

/** A leaf whose entries need more than one page. */
export interface LeafOverflow {
  /** Bytes of each entry with its slot, in the order of the keys, the new one among them. */
  readonly sizes: readonly number[]
  /** Bytes that entries may take in a page of the usual size. */
  readonly capacity: number
  /** Index of the new entry. */
  readonly index: number
  /** The entry before it was the last that was inserted: others are likely to follow it. */
  readonly ascending: boolean
}

/**
 * Where a full leaf is cut in two: the index of the first entry of the right page. It is asked only where some cut leaves two pages that
 * hold what they are given, and must name such a cut. Pure: the same overflow, the same cut.
 */
export type LeafSplit = (overflow: LeafOverflow) => number

export interface Overflow extends LeafOverflow {
  readonly branch: boolean
}

/**
 * The index of the first entry of each page. Entries of one page fit its usual size, but for an entry that is larger: that has a page
 * of its own. Ascending inserts leave the page behind them as full as it was; otherwise the two halves are about equal. A `leafSplit`
 * decides instead where a leaf is cut in two; a cut that does not fit is a `MisuseError`.
 */
export function partition(overflow: Overflow, leafSplit?: LeafSplit): number[] {
  const { sizes, capacity, branch } = overflow
  const before = sumsBefore(sizes)
  if (before[sizes.length] <= capacity) return [0]
  const cut = cutInTwo(overflow, before)
  if (cut === 0) return greedy(sizes, capacity, branch ? MIN_BRANCH_ENTRIES : 1)
  return [0, leafSplit === undefined || branch ? cut : askedCut(leafSplit, overflow, before)]
}

/** By which rule a page was cut: see `page.split` among the events of traces. */
export type SplitRule = 'middle' | 'ascending' | 'large' | 'asked'

/** The rule that `partition` followed when it cut at `starts`. */
export function ruleOf(overflow: Overflow, starts: readonly number[], isAsked: boolean): SplitRule {
  const { sizes, capacity, branch } = overflow
  const before = sumsBefore(sizes)
  if (starts.length !== 2 || !fits(starts[1], before, capacity)) return 'large'
  if (isAsked && !branch) return 'asked'
  return starts[1] === ascendingCut(overflow) ? 'ascending' : 'middle'
}

/** The index of the first entry of each of `count` pages that are about equally full; `undefined` if one would have more than `capacity` bytes. */
export function cutEvenly(sizes: readonly number[], count: number, capacity: number): number[] | undefined {
  const before = sumsBefore(sizes)
  const total = before[sizes.length]
  const starts = [0]
  for (let index = 1; index < sizes.length && starts.length < count; index++) {
    const ideal = (total * starts.length) / count
    // The entry goes to the side where most of it belongs.
    if (before[index] + sizes[index] / 2 > ideal) starts.push(index)
  }
  if (starts.length < count) return undefined
  return starts.every((start, i) => before[starts[i + 1] ?? sizes.length] - before[start] <= capacity) ? starts : undefined
}

/** Bytes of all entries before each, and at the end of all. */
function sumsBefore(sizes: readonly number[]): number[] {
  const before = new Array<number>(sizes.length + 1)
  before[0] = 0
  for (let i = 0; i < sizes.length; i++) before[i + 1] = before[i] + sizes[i]
  return before
}

/** The first entry of the second of two pages; 0 if two do not hold the entries. */
function cutInTwo(overflow: Overflow, before: readonly number[]): number {
  const { capacity } = overflow
  const count = before.length - 1
  const behind = ascendingCut(overflow)
  if (fits(behind, before, capacity)) return behind
  let best = 0
  let difference = Infinity
  for (let cut = 1; cut < count; cut++) {
    const uneven = Math.abs(before[count] - 2 * before[cut])
    if (uneven >= difference || !fits(cut, before, capacity)) continue
    best = cut
    difference = uneven
  }
  return best
}

/** Leaves what is before the new entry as full as it was; 0 if nothing says that others will follow it. */
function ascendingCut({ sizes, index, ascending, branch }: Overflow): number {
  if (!ascending) return 0
  return branch && index === sizes.length - 1 ? index - 1 : index
}

function fits(cut: number, before: readonly number[], capacity: number): boolean {
  const count = before.length - 1
  return cut > 0 && cut < count && before[cut] <= capacity && before[count] - before[cut] <= capacity
}

function askedCut(leafSplit: LeafSplit, { sizes, capacity, index, ascending }: Overflow, before: readonly number[]): number {
  const cut = leafSplit({ sizes, capacity, index, ascending })
  if (Number.isInteger(cut) && fits(cut, before, capacity)) return cut
  const count = sizes.length
  const problem =
    Number.isInteger(cut) && cut > 0 && cut < count
      ? `gives pages of ${before[cut]} and ${before[count] - before[cut]} bytes, where ${capacity} fit`
      : `leaves a page without entries: it must be an integer from 1 to ${count - 1}`
  throw new MisuseError('LEVEL_INVALID_SPLIT', `leafSplit cut ${count} entries at ${cut}, which ${problem}`)
}

function greedy(sizes: readonly number[], capacity: number, fewest: number): number[] {
  const starts = [0]
  let entries = 0
  let bytes = 0
  for (const [index, size] of sizes.entries()) {
    if (entries >= fewest && bytes + size > capacity && sizes.length - index >= Math.min(fewest, 2)) {
      starts.push(index)
      entries = bytes = 0
    }
    entries++
    bytes += size
  }
  return starts
}
