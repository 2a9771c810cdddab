/**
 * LZ4's block format, which any LZ4 library reads and writes. A block is a row of sequences:
 *
 *   token u8 | more literal length, u8 each | literals | offset u16 | more match length, u8 each
 *
 * The high four bits of the token are the number of literals, the low four bits the length of the match less 4. The value 15 means that
 * bytes follow which are added to it, up to and including the first one that is not 255. A match repeats the output `offset` bytes
 * back, and may overlap itself. The last sequence ends with its literals: the last 5 bytes are literals, and the last match starts 12
 * bytes before the end or earlier.
 *
 * Invariants:
 * 1. Decompression reads within `source` and writes within `target`, whatever the bytes are; bytes that are no block of exactly the
 *    target's size are a `CorruptionError`.
 * 2. Compression writes within `target`, and depends on `source` alone.
 */
import { CorruptionError } from '../errors.js'

const MIN_MATCH_BYTES = 4
const LAST_LITERAL_BYTES = 5
const LAST_MATCH_BYTES = 12
/** A token's length of this value goes on in the bytes that follow. */
const LONG_LENGTH = 15
/** Reach of an offset, and of the hash table, which starts anew behind it. */
const WINDOW_BYTES = 64 * 1024
const HASH_BITS = 12
const HASH_FACTOR = -1640531535
/** The search takes larger steps the longer it finds nothing: one byte more after each 64 attempts. */
const STEP_SHIFT = 6

/** Constants, so that the compiler knows where they are. The bytes are a copy of the window of the source. */
const windowBytes = new Uint8Array(WINDOW_BYTES)
const windowView = new DataView(windowBytes.buffer)
/** The newest position in the window of a hash. */
const table = new Uint16Array(1 << HASH_BITS)
/** Where the match that `findMatch` found last starts. */
let matchStart = 0

/** Compresses into `target`. Returns the number of bytes, or -1 if they do not fit. */
export function compressLz4(source: Uint8Array, target: Uint8Array): number {
  const to = new DataView(target.buffer, target.byteOffset, target.length)
  let out = 0
  /** Where the literals of the next sequence start. */
  let literals = 0
  for (let start = 0; start < source.length; start += WINDOW_BYTES) {
    const window = source.subarray(start, start + WINDOW_BYTES)
    windowBytes.set(window)
    table.fill(0)
    const lastMatch = window.length - LAST_MATCH_BYTES
    const matchEnd = window.length - LAST_LITERAL_BYTES
    // An empty place of the table reads as position 0, which thus needs no entry.
    for (let at = findMatch(1, lastMatch); at <= lastMatch; at = findMatch(at, lastMatch)) {
      const first = literals - start
      let from = matchStart
      while (at > first && from > 0 && windowBytes[at - 1] === windowBytes[from - 1]) {
        at--
        from--
      }
      const end = endOfMatch(at + MIN_MATCH_BYTES, from + MIN_MATCH_BYTES, matchEnd)
      const literalCount = at - first
      const matchCount = end - at - MIN_MATCH_BYTES
      // Up to three bytes more than the literals are written, and overwritten by what follows.
      if (out + 8 + literalCount + literalCount / 255 + matchCount / 255 > target.length) return -1
      target[out] = (Math.min(literalCount, LONG_LENGTH) << 4) | Math.min(matchCount, LONG_LENGTH)
      out = writeLength(target, out + 1, literalCount)
      if (first < 0) target.set(source.subarray(literals, start + at), out)
      else for (let i = 0; i < literalCount; i += 4) to.setInt32(out + i, windowView.getInt32(first + i, true), true)
      out += literalCount
      target[out] = at - from
      target[out + 1] = (at - from) >>> 8
      out = writeLength(target, out + 2, matchCount)
      at = end
      literals = start + end
      // The end of a match is a likely start of the next one.
      if (at <= lastMatch) table[hashOf(windowView.getInt32(at - 2, true))] = at - 2
    }
  }
  const literalCount = source.length - literals
  if (out + 2 + literalCount + literalCount / 255 > target.length) return -1
  target[out] = Math.min(literalCount, LONG_LENGTH) << 4
  out = writeLength(target, out + 1, literalCount)
  target.set(source.subarray(literals), out)
  return out + literalCount
}

/** Decompresses a block of exactly `target.length` bytes. */
export function decompressLz4(source: Uint8Array, target: Uint8Array): void {
  const sourceEnd = source.length
  const targetEnd = target.length
  const from = new DataView(source.buffer, source.byteOffset, sourceEnd)
  const to = new DataView(target.buffer, target.byteOffset, targetEnd)
  let at = 0
  let out = 0
  for (;;) {
    if (at >= sourceEnd) throw endsEarly()
    const token = source[at++]
    let literalCount = token >>> 4
    if (literalCount === LONG_LENGTH) {
      let more: number
      do {
        if (at >= sourceEnd) throw endsEarly()
        more = source[at++]
        literalCount += more
      } while (more === 255)
    }
    if (literalCount > sourceEnd - at) throw endsEarly()
    if (literalCount > targetEnd - out) throw tooLong(targetEnd)
    if (at + literalCount + 4 <= sourceEnd && out + literalCount + 4 <= targetEnd) {
      for (let i = 0; i < literalCount; i += 4) to.setInt32(out + i, from.getInt32(at + i, true), true)
    } else {
      for (let i = 0; i < literalCount; i++) target[out + i] = source[at + i]
    }
    at += literalCount
    out += literalCount
    if (at === sourceEnd) break

    if (at + 2 > sourceEnd) throw endsEarly()
    const offset = source[at] | (source[at + 1] << 8)
    at += 2
    let matchCount = (token & LONG_LENGTH) + MIN_MATCH_BYTES
    if (matchCount === LONG_LENGTH + MIN_MATCH_BYTES) {
      let more: number
      do {
        if (at >= sourceEnd) throw endsEarly()
        more = source[at++]
        matchCount += more
      } while (more === 255)
    }
    if (offset === 0 || offset > out) throw new CorruptionError('an LZ4 block refers to bytes before its start')
    if (matchCount > targetEnd - out) throw tooLong(targetEnd)
    let start = out - offset
    const end = out + matchCount
    if (offset >= 4 && end + 4 <= targetEnd) {
      do {
        to.setInt32(out, to.getInt32(start, true), true)
        out += 4
        start += 4
      } while (out < end)
      out = end
    } else {
      while (out < end) target[out++] = target[start++]
    }
  }
  if (out !== targetEnd) throw new CorruptionError(`an LZ4 block has ${out} bytes where ${targetEnd} are expected`)
}

/** How many bytes a block decompresses to, by its lengths alone. */
export function lz4Size(source: Uint8Array): number {
  let at = 0
  let size = 0
  const length = (nibble: number): number => {
    let sum = nibble
    for (let more = nibble === LONG_LENGTH ? 255 : 0; more === 255; sum += more) {
      if (at >= source.length) throw endsEarly()
      more = source[at++]
    }
    return sum
  }
  for (;;) {
    if (at >= source.length) throw endsEarly()
    const token = source[at++]
    const literalCount = length(token >>> 4)
    at += literalCount
    size += literalCount
    if (at === source.length) return size
    at += 2
    if (at > source.length) throw endsEarly()
    size += length(token & LONG_LENGTH) + MIN_MATCH_BYTES
  }
}

/** The first position from `at` to `last` whose four bytes were there before; `matchStart` is where. One behind `last` if there is none. */
function findMatch(at: number, last: number): number {
  let attempts = 1 << STEP_SHIFT
  while (at <= last) {
    const word = windowView.getInt32(at, true)
    const hash = hashOf(word)
    const candidate = table[hash]
    table[hash] = at
    if (windowView.getInt32(candidate, true) === word && candidate < at) {
      matchStart = candidate
      return at
    }
    at += attempts++ >> STEP_SHIFT
  }
  return last + 1
}

function hashOf(word: number): number {
  return Math.imul(word, HASH_FACTOR) >>> (32 - HASH_BITS)
}

/** Where the bytes from `at` stop to be those from `from`, `limit` at the latest. */
function endOfMatch(at: number, from: number, limit: number): number {
  for (; at + 4 <= limit; at += 4, from += 4) {
    const difference = windowView.getInt32(at, true) ^ windowView.getInt32(from, true)
    if (difference !== 0) return at + ((31 - Math.clz32(difference & -difference)) >> 3)
  }
  while (at < limit && windowBytes[at] === windowBytes[from]) {
    at++
    from++
  }
  return at
}

/** The bytes behind a token for a length of `count`. */
function writeLength(target: Uint8Array, at: number, count: number): number {
  if (count < LONG_LENGTH) return at
  let left = count - LONG_LENGTH
  for (; left >= 255; left -= 255) target[at++] = 255
  target[at++] = left
  return at
}

function endsEarly(): CorruptionError {
  return new CorruptionError('an LZ4 block ends early')
}

function tooLong(size: number): CorruptionError {
  return new CorruptionError(`an LZ4 block has more than the ${size} bytes that are expected`)
}
