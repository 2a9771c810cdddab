/**
 * The candidate that someone who wrote `name` most likely meant, or `undefined` if none is close: the same letters in
 * another case, one name inside the other, or at most a third of the letters mistyped.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase()
  let nearest: string | undefined
  let least = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const candidate of candidates) {
    const known = candidate.toLowerCase()
    const contained = wanted.length >= 4 && known.length >= 4 && (known.includes(wanted) || wanted.includes(known))
    const distance = wanted === known ? 0 : contained ? 1 : editDistance(wanted, known)
    if (distance < least) {
      least = distance
      nearest = candidate
    }
  }
  return nearest
}

/** Levenshtein's distance: the fewest insertions, deletions and replacements that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = above[column - 1] + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, above[column] + 1, current[column - 1] + 1))
    }
    above = current
  }
  return above[b.length]
}
