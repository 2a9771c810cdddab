/** Where a page is cut that holds too much. Pure: sizes in, cuts out. */

/** Fewest entries of a branch, if its keys are so long that its usual size does not hold as many. */
const MIN_BRANCH_ENTRIES = 4

export interface Overflow {
  /** Bytes of each entry with its slot, the new one among them. */
  readonly sizes: readonly number[]
  /** Bytes that entries may take in a page of the usual size. */
  readonly capacity: number
  /** The new entry. */
  readonly index: number
  /** The entry before it was the last that was inserted: others are likely to follow it. */
  readonly ascending: boolean
  readonly branch: boolean
}

/**
 * The index of the first entry of each page. Entries of one page fit its usual size, but for an entry that is larger: that has a page
 * of its own. Ascending inserts leave the page behind them as full as it was; otherwise the two halves are about equal.
 */
export function partition({ sizes, capacity, index, ascending, branch }: Overflow): number[] {
  const count = sizes.length
  const before = new Array<number>(count + 1)
  before[0] = 0
  for (let i = 0; i < count; i++) before[i + 1] = before[i] + sizes[i]
  const total = before[count]
  if (total <= capacity) return [0]
  const fits = (cut: number): boolean => cut > 0 && cut < count && before[cut] <= capacity && total - before[cut] <= capacity
  if (ascending) {
    const cut = branch && index === count - 1 ? index - 1 : index
    if (fits(cut)) return [0, cut]
  }
  let best = 0
  let difference = Infinity
  for (let cut = 1; cut < count; cut++) {
    const uneven = Math.abs(total - 2 * before[cut])
    if (uneven >= difference || !fits(cut)) continue
    best = cut
    difference = uneven
  }
  return best > 0 ? [0, best] : greedy(sizes, capacity, branch ? MIN_BRANCH_ENTRIES : 1)
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
