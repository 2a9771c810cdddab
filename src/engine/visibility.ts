/**
 * The rule which versions of a key, and which range tombstones, are worth keeping: those that a reader can still see. The present sees the
 * newest one; a snapshot sees the newest one that is not newer than the snapshot.
 */

/**
 * Whether a snapshot sees the version `older` although `newer` was written later.
 *
 * @param snapshots sequence numbers, ascending
 */
export function isSeenBetween(snapshots: readonly number[], older: number, newer: number): boolean {
  let low = 0
  let high = snapshots.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (snapshots[middle] < older) low = middle + 1
    else high = middle
  }
  return low < snapshots.length && snapshots[low] < newer
}
