/**
 * The cursor that users see, over the versions that an engine stores: for each key in the range it shows the newest
 * version that the moment of the cursor can see, and nothing where that version is a deletion or has expired.
 *
 * Invariants:
 * 1. Going forward, the entries stand on the version that is shown; `key` and `value` are their views.
 * 2. Going backward, the entries stand before every version of the key that is shown (or are not valid, when nothing is
 *    before it): only there is it known which version was the newest. `key` and `value` are copies, because a cursor
 *    may reuse their memory once it moves (a table's block goes back to the cache).
 * 3. Nothing is allocated per entry. Memory is allocated by `first`, `last` and seeks, by a turn of direction, and for keys
 *    with many versions.
 */
import { ByteView, EMPTY, KIND_BLOB, KIND_PUT, KIND_PUT_EXPIRING, compareKeys, type EntryCursor, type EntryKind } from '../codec/entry.js'
import { BEFORE_EVERY_EXPIRY, EXPIRY_BYTES, readExpiry } from '../codec/expiry.js'
import { MisuseError } from '../errors.js'
import type { ReadCounts } from '../trace/ledger.js'
import type { Cursor } from './contract.js'
import { isBelow, isBeyond, keyAfter, type HalfOpenRange } from './range.js'

/** Which entries range deletions hide. Asked only about versions that the cursor's moment sees. */
export interface RangeTombstoneView {
  /** True when a range tombstone that this moment sees deletes the version `sequence` of the key. */
  covers(key: ByteView, sequence: number): boolean
  /** The range tombstone that covered the version asked about last, and keys that it covers: from `start` up to `end`. */
  readonly sequence: number
  readonly start: Uint8Array
  /** `undefined` if there is no end. */
  readonly end: Uint8Array | undefined
}

/** Called for a long stretch without a live key: at the cursor's moment there is none from `start` up to `end`; `undefined` is the end of all keys. */
export type DeadRangeListener = (start: Uint8Array, end: Uint8Array | undefined) => void

/** Up to this number, versions of one key are stepped over one by one; beyond it a search is cheaper. */
const STEPS_BEFORE_SEEK = 8
/** Covered entries in a row that are stepped over one by one before the cursor skips what covers them. */
const STEPS_BEFORE_SKIP = 4
/** A stretch of this many dead keys or skips is worth noting; where it starts is known that many keys after its beginning. */
const DEAD_RANGE_KEYS = 64
const DEAD_RANGE_START = 8
/** `set` beats a loop above about this many bytes. */
const LOOP_BYTES = 32

export class VersionCursor implements Cursor {
  valid = false
  key: ByteView
  value: ByteView
  /** Kind of the entry that is shown. The value of a `KIND_BLOB` is shown as what is stored, the expiry included. */
  kind: EntryKind = KIND_PUT
  readonly #entries: EntryCursor
  readonly #sequence: number
  readonly #time: number
  readonly #lower: Uint8Array | undefined
  readonly #upper: Uint8Array | undefined
  readonly #tombstones: RangeTombstoneView | undefined
  readonly #counts: ReadCounts | undefined
  readonly #onDeadRange: DeadRangeListener | undefined
  /** The key that is being left (forward) or shown (backward). */
  readonly #savedKey = new ByteView()
  readonly #savedValue = new ByteView()
  /** The value of an entry with an expiry, without that. */
  readonly #bareValue = new ByteView()
  #forward = true
  #closed = false

  /**
   * @param entries owned by this cursor from now on; closed with it
   * @param sequence versions above it are not seen
   * @param counts `operations` grows by one for each entry that is shown
   * @param time entries that have expired by then are not seen, in milliseconds since the Unix epoch
   */
  constructor(
    entries: EntryCursor,
    sequence: number,
    range: HalfOpenRange,
    tombstones?: RangeTombstoneView,
    counts?: ReadCounts,
    onDeadRange?: DeadRangeListener,
    time = BEFORE_EVERY_EXPIRY,
  ) {
    this.#entries = entries
    this.#sequence = sequence
    this.#time = time
    this.#lower = range.lower
    this.#upper = range.upper
    this.#tombstones = tombstones
    this.#counts = counts
    this.#onDeadRange = onDeadRange
    this.#savedKey.bytes = new Uint8Array(LOOP_BYTES)
    this.#savedValue.bytes = new Uint8Array(LOOP_BYTES)
    this.key = this.#savedKey
    this.value = this.#savedValue
  }

  first(): boolean {
    this.#requireOpen()
    if (this.#lower === undefined) this.#entries.first()
    else this.#entries.seek(this.#lower, this.#sequence)
    return this.#showForward()
  }

  last(): boolean {
    this.#requireOpen()
    if (this.#upper === undefined) this.#entries.last()
    else this.#entries.seekBefore(this.#upper)
    return this.#showBackward()
  }

  seek(target: Uint8Array): boolean {
    if (isBelow(this.#lower, target, 0, target.length)) return this.first()
    this.#requireOpen()
    this.#entries.seek(target, this.#sequence)
    return this.#showForward()
  }

  seekReverse(target: Uint8Array): boolean {
    const after = keyAfter(target)
    if (this.#upper !== undefined && compareKeys(after, this.#upper) >= 0) return this.last()
    this.#requireOpen()
    this.#entries.seekBefore(after)
    return this.#showBackward()
  }

  next(): boolean {
    if (!this.valid) throw notOnAnEntry('next')
    const entries = this.#entries
    if (this.#forward) {
      copyInto(this.#savedKey, entries.key)
      entries.next()
    } else {
      entries.seek(this.#savedKeyBytes(), 0)
    }
    this.#skipSavedKey()
    return this.#showForward()
  }

  prev(): boolean {
    if (!this.valid) throw notOnAnEntry('prev')
    if (this.#forward) {
      copyInto(this.#savedKey, this.#entries.key)
      this.#entries.seekBefore(this.#savedKeyBytes())
    }
    return this.#showBackward()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.valid = false
    this.#entries.close()
  }

  /** The entries stand on the newest candidate: shows the first one from there on that is visible and not deleted. */
  #showForward(): boolean {
    const entries = this.#entries
    const sequence = this.#sequence
    const upper = this.#upper
    const tombstones = this.#tombstones
    let tooNew = 0
    let dead = 0
    let covered = 0
    let deadFrom: Uint8Array | undefined
    this.#forward = true
    while (entries.valid) {
      const key = entries.key
      if (upper !== undefined && isBeyond(upper, key.bytes, key.start, key.end)) break
      if (entries.sequence > sequence) {
        if (++tooNew > STEPS_BEFORE_SEEK) {
          entries.seek(key.copy(), sequence)
          tooNew = 0
        } else {
          entries.next()
        }
        continue
      }
      tooNew = 0
      const isCovered = tombstones !== undefined && tombstones.covers(key, entries.sequence)
      if (entries.kind === KIND_PUT && !isCovered) {
        if (dead >= DEAD_RANGE_KEYS && deadFrom !== undefined) this.#onDeadRange!(deadFrom, key.copy())
        this.key = key
        this.value = entries.value
        this.kind = KIND_PUT
        return this.#shown()
      }
      if ((entries.kind === KIND_PUT_EXPIRING || entries.kind === KIND_BLOB) && !isCovered) {
        const { bytes, start, end } = entries.value
        if (readExpiry(bytes, start) > this.#time) {
          if (dead >= DEAD_RANGE_KEYS && deadFrom !== undefined) this.#onDeadRange!(deadFrom, key.copy())
          this.kind = entries.kind
          this.#bareValue.set(bytes, this.kind === KIND_BLOB ? start : start + EXPIRY_BYTES, end)
          this.key = key
          this.value = this.#bareValue
          return this.#shown()
        }
        // A snapshot of the same sequence number, but of an earlier time, may see it: the stretch without live keys ends here.
        if (dead >= DEAD_RANGE_KEYS && deadFrom !== undefined) this.#onDeadRange!(deadFrom, key.copy())
        dead = -1
        deadFrom = undefined
      }
      if (++dead === DEAD_RANGE_START && this.#onDeadRange !== undefined) deadFrom = key.copy()
      covered = isCovered ? covered + 1 : 0
      if (covered > STEPS_BEFORE_SKIP && entries.skipCovered !== undefined) {
        entries.skipCovered(tombstones!.sequence, tombstones!.end)
        continue
      }
      copyInto(this.#savedKey, key)
      entries.next()
      this.#skipSavedKey()
    }
    if (dead >= DEAD_RANGE_KEYS && deadFrom !== undefined) this.#onDeadRange!(deadFrom, upper)
    return (this.valid = false)
  }

  /** The entries stand on the oldest version of a candidate: shows the first key from there down that is not deleted. */
  #showBackward(): boolean {
    const entries = this.#entries
    const sequence = this.#sequence
    const lower = this.#lower
    const saved = this.#savedKey
    const value = this.#savedValue
    const tombstones = this.#tombstones
    let dead = 0
    let covered = 0
    let deadTo: Uint8Array | undefined
    this.#forward = false
    while (entries.valid) {
      const key = entries.key
      if (lower !== undefined && isBelow(lower, key.bytes, key.start, key.end)) break
      copyInto(saved, key)
      let isPut = false
      let hasExpiry = false
      let kind: EntryKind = KIND_PUT
      let newest = 0
      let steps = 0
      do {
        const tooMany = ++steps > STEPS_BEFORE_SEEK
        if (entries.sequence <= sequence) {
          if (tooMany) entries.seek(this.#savedKeyBytes(), sequence)
          newest = entries.sequence
          kind = entries.kind
          hasExpiry = kind === KIND_PUT_EXPIRING || kind === KIND_BLOB
          isPut = hasExpiry || kind === KIND_PUT
          if (isPut) copyInto(value, entries.value)
        }
        if (tooMany) {
          entries.seekBefore(this.#savedKeyBytes())
          break
        }
      } while (entries.prev() && sameKey(entries.key, saved))
      const isCovered = newest > 0 && tombstones !== undefined && tombstones.covers(saved, newest)
      if (isPut && !isCovered) {
        if (dead >= DEAD_RANGE_KEYS && deadTo !== undefined) this.#onDeadRange!(keyAfter(this.#savedKeyBytes()), deadTo)
        this.key = saved
        this.value = hasExpiry ? this.#bareValue : value
        if (hasExpiry) this.#bareValue.set(value.bytes, kind === KIND_BLOB ? 0 : EXPIRY_BYTES, value.end)
        this.kind = kind
        if (!hasExpiry || readExpiry(value.bytes, 0) > this.#time) return this.#shown()
        dead = -1
        deadTo = undefined
      }
      if (++dead === DEAD_RANGE_START && this.#onDeadRange !== undefined) deadTo = keyAfter(this.#savedKeyBytes())
      covered = isCovered ? covered + 1 : 0
      if (covered > STEPS_BEFORE_SKIP && entries.valid && entries.skipCoveredBack !== undefined) {
        entries.skipCoveredBack(tombstones!.sequence, tombstones!.start)
      }
    }
    if (dead >= DEAD_RANGE_KEYS && deadTo !== undefined) this.#onDeadRange!(lower ?? EMPTY, deadTo)
    return (this.valid = false)
  }

  /** Moves the entries forward past every version of the saved key. */
  #skipSavedKey(): void {
    const entries = this.#entries
    let steps = 0
    while (entries.valid && sameKey(entries.key, this.#savedKey)) {
      if (++steps === STEPS_BEFORE_SEEK) entries.seek(this.#savedKeyBytes(), 0)
      else entries.next()
    }
  }

  #shown(): boolean {
    if (this.#counts !== undefined) this.#counts.operations++
    return (this.valid = true)
  }

  #savedKeyBytes(): Uint8Array {
    return this.#savedKey.bytes.subarray(0, this.#savedKey.end)
  }

  #requireOpen(): void {
    if (this.#closed) throw new MisuseError('LEVEL_CURSOR_CLOSED', 'The cursor is closed; open another one')
  }
}

/** Copies into the memory of `saved`, which always starts at 0 and grows as needed. */
function copyInto(saved: ByteView, { bytes, start, end }: ByteView): void {
  const length = end - start
  if (length > saved.bytes.length) saved.bytes = new Uint8Array(length * 2)
  const target = saved.bytes
  if (length > LOOP_BYTES) target.set(bytes.subarray(start, end))
  else for (let i = 0; i < length; i++) target[i] = bytes[start + i]!
  saved.end = length
}

/** From the end, because the ends of neighbouring keys differ more often than their beginnings. */
function sameKey(a: ByteView, b: ByteView): boolean {
  const length = a.end - a.start
  if (length !== b.end - b.start) return false
  for (let i = a.end - 1, j = b.end - 1; i >= a.start; i--, j--) {
    if (a.bytes[i] !== b.bytes[j]) return false
  }
  return true
}

function notOnAnEntry(method: string): MisuseError {
  return new MisuseError('LEVEL_CURSOR_NOT_VALID', `${method}() needs a cursor that is on an entry; call first, last or seek before`)
}
