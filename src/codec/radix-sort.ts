/** Bits of a digit, and its values, in a sort by words: three digits make a word, and the counts of one fit into the nearest cache. */
const DIGIT_BITS = 11
const DIGITS = 1 << DIGIT_BITS

/**
 * Writes the entries in the order of one digit of their words, otherwise in the order they have. Returns false, without, if all have the
 * same digit.
 */
function sortByDigit(from: Int32Array, to: Int32Array, words: Uint32Array, shift: number): boolean {
  const count = from.length
  const places = new Int32Array(DIGITS)
  for (let entry = 0; entry < count; entry++) places[(words[entry] >>> shift) & (DIGITS - 1)]++
  if (places[(words[0] >>> shift) & (DIGITS - 1)] === count) return false
  let place = 0
  for (let digit = 0; digit < DIGITS; digit++) {
    const entries = places[digit]
    places[digit] = place
    place += entries
  }
  for (let i = 0; i < count; i++) {
    const entry = from[i]
    to[places[(words[entry] >>> shift) & (DIGITS - 1)]++] = entry
  }
  return true
}

/** The entries, which are indexes of words, in the order of their two words; of equal ones the order stays. May reorder `entries` itself. */
export function sortByWords(entries: Int32Array<ArrayBuffer>, high: Uint32Array, low: Uint32Array): Int32Array<ArrayBuffer> {
  if (entries.length === 0) return entries
  // Digit by digit from the least one, each pass a stable counting sort.
  let from = entries
  let to = new Int32Array(entries.length)
  for (const words of [low, high]) {
    for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
      if (!sortByDigit(from, to, words, shift)) continue
      const sorted = to
      to = from
      from = sorted
    }
  }
  return from
}
