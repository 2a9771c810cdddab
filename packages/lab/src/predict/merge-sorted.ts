/** Merges sorted sets of key numbers, newer ones hiding older ones, like a compaction without tombstones and snapshots. */

/** Sorts the first `count` numbers and returns the different ones. */
export function sortedDistinct(numbers: Uint32Array, count: number): Uint32Array {
  const sorted = numbers.slice(0, count).sort()
  let kept = 0
  for (let i = 0; i < count; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[kept++] = sorted[i]
  return sorted.subarray(0, kept)
}

/** The union of sorted sets. The smallest are merged first, so that no key is moved often. */
export function unionOf(sets: readonly Uint32Array[]): Uint32Array {
  const left = [...sets].sort((a, b) => b.length - a.length)
  while (left.length > 1) {
    const merged = union(left.pop()!, left.pop()!)
    let at = left.length
    while (at > 0 && left[at - 1].length < merged.length) at--
    left.splice(at, 0, merged)
  }
  return left[0] ?? new Uint32Array(0)
}

function union(a: Uint32Array, b: Uint32Array): Uint32Array {
  const merged = new Uint32Array(a.length + b.length)
  let [i, j, kept] = [0, 0, 0]
  while (i < a.length && j < b.length) {
    const x = a[i]
    const y = b[j]
    merged[kept++] = x < y ? x : y
    if (x <= y) i++
    if (y <= x) j++
  }
  if (i < a.length) merged.set(a.subarray(i), kept)
  else merged.set(b.subarray(j), kept)
  kept += a.length - i + (b.length - j)
  return merged.subarray(0, kept)
}

/** Consecutive sets as one. */
export function concatenated(sets: readonly Uint32Array[]): Uint32Array {
  if (sets.length === 1) return sets[0]
  const all = new Uint32Array(sets.reduce((sum, set) => sum + set.length, 0))
  let at = 0
  for (const set of sets) {
    all.set(set, at)
    at += set.length
  }
  return all
}
