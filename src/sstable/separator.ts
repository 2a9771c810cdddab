/**
 * Writes into `target` a short key that is at least `last[0, lastLength)` and less than `next[start, end)`, for two keys
 * that ascend; if they are equal, the key itself. Returns its length. `target` must have room for the longer key.
 */
export function writeSeparator(
  target: Uint8Array,
  last: Uint8Array,
  lastLength: number,
  next: Uint8Array,
  start: number,
  end: number,
): number {
  const nextLength = end - start
  const limit = lastLength < nextLength ? lastLength : nextLength
  let shared = 0
  while (shared < limit && last[shared] === next[start + shared]) shared++
  if (shared < limit) {
    const above = last[shared] + 1
    if (above < next[start + shared]) {
      // One byte between the two: nothing shorter than shared + 1 bytes can separate them.
      target.set(last.subarray(0, shared))
      target[shared] = above
      return shared + 1
    }
    if (shared + 1 < nextLength) {
      // The next key up to the differing byte is a proper prefix of it, so it sorts before it.
      target.set(next.subarray(start, start + shared + 1))
      return shared + 1
    }
  }
  target.set(last.subarray(0, lastLength))
  return lastLength
}
