/**
 * The hash directory: where the newest version of each key is. A record is eight words in a chunk of records. Keys are in an arena of their
 * own. A table of slots, cut into segments that grow one by one, leads from the hash of a key to its record, and has the place of its
 * newest version, so that a get of a value in memory needs no record.
 *
 * Invariants:
 * 1. A record stands for one key as long as it is used, also while its newest version is a deletion. Its number is reused only after `free`.
 * 2. The older versions that a held moment may see hang on `older`, the newest first.
 * 3. Every version of a value counts in its file: the newest as live, older ones as pins.
 *
 * Slot: hash of the key, record, the word of a `SlotPlace`, offset of the value.
 *
 * Record: hash of the key, place of the key, file and kind, offset and length of the value, checksum, sequence number (two words).
 */
import { ByteView, compareBytes, KIND_DELETE, KIND_PUT, KIND_PUT_EXPIRING, type EntryKind } from '../codec/entry.js'
import { KeyArena } from './key-arena.js'

const CHUNK_BITS = 12
export const CHUNK_RECORDS = 1 << CHUNK_BITS
const WORDS = 8
export const RECORD_BYTES = WORDS * 4
export const SEGMENTS = 256
export const FIRST_SLOTS = 16
export const SLOT_WORDS = 4
export const SLOT_BYTES = SLOT_WORDS * 4
const HIGH = 0x1_0000_0000

/** A place of a value: the number of an open file among all, and bytes in it. */
export interface Place {
  readonly file: number
  readonly offset: number
  readonly length: number
  readonly checksum: number
}

export interface Version extends Place {
  readonly kind: EntryKind
  readonly sequence: number
}

/** Bits of the word in a slot: the kind, the bytes that the length of the value takes as a varint, the length of the key, the file. */
export const SlotPlace = {
  kindMask: 3,
  lengthShift: 2,
  lengthMask: 7,
  keyShift: 5,
  mostKeyBytes: 0xff,
  fileShift: 13,
  mostFiles: 2 ** 19 - 1,
} as const

const NO_SLOTS = new Uint32Array(4)

/** The puts of a hint file: bytes, and where in them each column begins. */
export interface HintColumns {
  readonly count: number
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly hashes: number
  readonly offsets: number
  readonly lengths: number
  readonly checks: number
  readonly kinds: number
  readonly keys: number
}

export class Directory {
  readonly keys = new KeyArena()
  readonly older = new Map<number, Version[]>()
  readonly #chunks: Uint32Array[] = []
  readonly #segments: (Uint32Array | undefined)[] = new Array<Uint32Array | undefined>(SEGMENTS)
  readonly #used = new Uint32Array(SEGMENTS)
  #slots = 0
  /** Records ever numbered; numbers begin with 1. */
  #records = 0
  readonly #free: number[] = []
  #count = 0

  /** Records in use, those of deleted keys included. */
  get count(): number {
    return this.#count
  }

  /** The highest number that a record has had. */
  get last(): number {
    return this.#records
  }

  get memoryBytes(): number {
    return this.#chunks.length * CHUNK_RECORDS * WORDS * 4 + this.#slots * SLOT_BYTES + this.keys.memoryBytes
  }

  /** The record of a key, 0 if there is none. */
  find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const slots = this.#segments[hash >>> 24]
    if (slots === undefined) return 0
    const mask = slots.length - SLOT_WORDS
    for (let at = (hash << 2) & mask; ; at = (at + SLOT_WORDS) & mask) {
      const record = slots[at + 1]
      if (record === 0) return 0
      if (slots[at] === hash && this.keys.equals(this.#keyAt(record), bytes, start, end)) return record
    }
  }

  /** Makes the record of a key that has none: a deletion, before any version. */
  add(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const place = this.keys.add(bytes, start, end)
    const record = this.#newRecord()
    const chunk = this.#chunks[record >> CHUNK_BITS]
    const at = (record & (CHUNK_RECORDS - 1)) * WORDS
    chunk.fill(0, at, at + WORDS)
    chunk[at] = hash
    chunk[at + 1] = place
    this.#link(hash, record)
    this.#count++
    return record
  }

  /**
   * Adds the puts of a hint file under new records, and passes those of known keys to `replace` with their records. Returns how many were added,
   * and the bytes of their keys and values.
   */
  load(hint: HintColumns, file: number, sequence: number, replace: (record: number, put: number) => void): { puts: number; bytes: number } {
    const { count, view, bytes } = hint
    let key = hint.keys
    let puts = 0
    let putBytes = 0
    for (let put = 0; put < count; put++) {
      const hash = view.getUint32(hint.hashes + 4 * put, true)
      const start = key
      let keyLength = 0
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[key++]
        keyLength |= (byte & 0x7f) << shift
        if (byte < 0x80) break
      }
      const keyStart = key
      key += keyLength
      const segment = hash >>> 24
      let slots = this.#segments[segment]
      if (slots === undefined || (this.#used[segment] + 1) * SLOT_WORDS * 4 > slots.length * 3) slots = this.#grow(segment)
      const mask = slots.length - SLOT_WORDS
      let at = (hash << 2) & mask
      let known = slots[at + 1]
      while (known !== 0) {
        if (slots[at] === hash && this.keys.equals(this.#keyAt(known), bytes, keyStart, key)) break
        at = (at + SLOT_WORDS) & mask
        known = slots[at + 1]
      }
      if (known !== 0) {
        replace(known, put)
        continue
      }
      const offset = view.getUint32(hint.offsets + 4 * put, true)
      const length = view.getUint32(hint.lengths + 4 * put, true)
      const kind = bytes[hint.kinds + put]
      const record = this.#newRecord()
      const chunk = this.#chunks[record >> CHUNK_BITS]
      const to = (record & (CHUNK_RECORDS - 1)) * WORDS
      chunk[to] = hash
      chunk[to + 1] = this.keys.addEncoded(bytes, start, key)
      chunk[to + 2] = (file << 8) | kind
      chunk[to + 3] = offset
      chunk[to + 4] = length
      chunk[to + 5] = view.getUint32(hint.checks + 4 * put, true)
      chunk[to + 6] = sequence
      chunk[to + 7] = Math.floor(sequence / HIGH)
      slots[at] = hash
      slots[at + 1] = record
      slots[at + 2] = slotPlace(file, kind, keyLength, length)
      slots[at + 3] = offset
      this.#used[segment]++
      this.#count++
      puts++
      putBytes += keyLength + length
    }
    return { puts, bytes: putBytes }
  }

  /** Forgets a key. Its record may be that of another key from now on. */
  free(record: number): void {
    const hash = this.hashAt(record)
    this.#unlink(hash, record)
    this.keys.drop(this.#keyAt(record))
    this.#chunk(record)[(record & (CHUNK_RECORDS - 1)) * WORDS + 1] = 0
    this.#free.push(record)
    this.#count--
    if (this.keys.isWasteful) this.#rewriteKeys()
  }

  isUsed(record: number): boolean {
    return this.#keyAt(record) !== 0
  }

  set(record: number, version: Version): void {
    const chunk = this.#chunk(record)
    const at = (record & (CHUNK_RECORDS - 1)) * WORDS
    chunk[at + 2] = (version.file << 8) | version.kind
    chunk[at + 3] = version.offset
    chunk[at + 4] = version.length
    chunk[at + 5] = version.checksum
    chunk[at + 6] = version.sequence
    chunk[at + 7] = Math.floor(version.sequence / HIGH)
    this.#setSlot(record, chunk, at)
  }

  /** The same version at another place. */
  move(record: number, file: number, offset: number): void {
    const chunk = this.#chunk(record)
    const at = (record & (CHUNK_RECORDS - 1)) * WORDS
    chunk[at + 2] = (file << 8) | (chunk[at + 2] & 0xff)
    chunk[at + 3] = offset
    this.#setSlot(record, chunk, at)
  }

  hashAt(record: number): number {
    return this.#word(record, 0)
  }

  fileAt(record: number): number {
    return this.#word(record, 2) >>> 8
  }

  kindAt(record: number): EntryKind {
    return (this.#word(record, 2) & 0xff) as EntryKind
  }

  isPut(record: number): boolean {
    const kind = this.kindAt(record)
    return kind === KIND_PUT || kind === KIND_PUT_EXPIRING
  }

  offsetAt(record: number): number {
    return this.#word(record, 3)
  }

  lengthAt(record: number): number {
    return this.#word(record, 4)
  }

  checksumAt(record: number): number {
    return this.#word(record, 5)
  }

  sequenceAt(record: number): number {
    const chunk = this.#chunk(record)
    const at = (record & (CHUNK_RECORDS - 1)) * WORDS
    return chunk[at + 6] + chunk[at + 7] * HIGH
  }

  versionAt(record: number): Version {
    return {
      file: this.fileAt(record),
      kind: this.kindAt(record),
      offset: this.offsetAt(record),
      length: this.lengthAt(record),
      checksum: this.checksumAt(record),
      sequence: this.sequenceAt(record),
    }
  }

  /** Points `out` at the key. It stays as it is. */
  setKey(record: number, out: ByteView): void {
    this.keys.set(this.#keyAt(record), out)
  }

  keyLengthAt(record: number): number {
    return this.keys.lengthAt(this.#keyAt(record))
  }

  compare(record: number, other: number): number {
    return this.keys.compare(this.#keyAt(record), this.#keyAt(other))
  }

  /** Compares the key of a record with other bytes. */
  compareWith(record: number, bytes: Uint8Array): number {
    const view = COMPARED
    this.setKey(record, view)
    return compareBytes(view.bytes, view.start, view.end, bytes, 0, bytes.length)
  }

  /** The newest version of a deleted key: nothing is at any place. */
  setDeleted(record: number, sequence: number): void {
    this.set(record, { file: 0, kind: KIND_DELETE, offset: 0, length: 0, checksum: 0, sequence })
  }

  #newRecord(): number {
    const record = this.#free.pop() ?? ++this.#records
    if (record >> CHUNK_BITS >= this.#chunks.length) this.#chunks.push(new Uint32Array(CHUNK_RECORDS * WORDS))
    return record
  }

  #keyAt(record: number): number {
    return this.#word(record, 1)
  }

  #chunk(record: number): Uint32Array {
    return this.#chunks[record >> CHUNK_BITS]
  }

  #word(record: number, word: number): number {
    return this.#chunks[record >> CHUNK_BITS][(record & (CHUNK_RECORDS - 1)) * WORDS + word]
  }

  /** The slots of a hash, empty where there are none. It begins at slot `hash` modulo their number, and ends before an empty one. */
  slotsOf(hash: number): Uint32Array {
    return this.#segments[hash >>> 24] ?? NO_SLOTS
  }

  /** Puts the place that a record has into its slot. */
  #setSlot(record: number, chunk: Uint32Array, at: number): void {
    const hash = chunk[at]
    const slots = this.#segments[hash >>> 24]!
    const mask = slots.length - SLOT_WORDS
    let slot = (hash << 2) & mask
    while (slots[slot + 1] !== record) slot = (slot + SLOT_WORDS) & mask
    slots[slot + 2] = slotPlace(chunk[at + 2] >>> 8, chunk[at + 2] & 0xff, this.keys.lengthAt(chunk[at + 1]), chunk[at + 4])
    slots[slot + 3] = chunk[at + 3]
  }

  #link(hash: number, record: number): void {
    const segment = hash >>> 24
    let slots = this.#segments[segment]
    if (slots === undefined || (this.#used[segment] + 1) * SLOT_WORDS * 4 > slots.length * 3) slots = this.#grow(segment)
    putSlot(slots, hash, record, 0, 0)
    this.#used[segment]++
  }

  #grow(segment: number): Uint32Array {
    const before = this.#segments[segment]
    const slots = new Uint32Array(before === undefined ? FIRST_SLOTS * SLOT_WORDS : before.length * 2)
    if (before !== undefined)
      for (let at = 0; at < before.length; at += SLOT_WORDS)
        if (before[at + 1] !== 0) putSlot(slots, before[at], before[at + 1], before[at + 2], before[at + 3])
    this.#slots += (slots.length - (before?.length ?? 0)) / SLOT_WORDS
    this.#segments[segment] = slots
    return slots
  }

  /** Takes a record out of its slot, and moves those behind it that would not be found any more. */
  #unlink(hash: number, record: number): void {
    const slots = this.#segments[hash >>> 24]!
    const mask = slots.length - SLOT_WORDS
    let hole = (hash << 2) & mask
    while (slots[hole + 1] !== record) hole = (hole + SLOT_WORDS) & mask
    for (let at = (hole + SLOT_WORDS) & mask; slots[at + 1] !== 0; at = (at + SLOT_WORDS) & mask) {
      const home = (slots[at] << 2) & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      for (let word = 0; word < SLOT_WORDS; word++) slots[hole + word] = slots[at + word]
      hole = at
    }
    slots.fill(0, hole, hole + SLOT_WORDS)
    this.#used[hash >>> 24]--
  }

  #rewriteKeys(): void {
    this.keys.rewrite(move => {
      for (let record = 1; record <= this.#records; record++) {
        const chunk = this.#chunk(record)
        const at = (record & (CHUNK_RECORDS - 1)) * WORDS + 1
        if (chunk[at] !== 0) chunk[at] = move(chunk[at])
      }
    })
  }
}

const COMPARED = new ByteView()

/** The word of a slot that says how to read a put: 0 where it does not fit, or there is none. */
function slotPlace(file: number, kind: number, keyLength: number, length: number): number {
  if ((kind & KIND_PUT) === 0 || keyLength > SlotPlace.mostKeyBytes || file > SlotPlace.mostFiles) return 0
  const lengthBytes = length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4
  return (file << SlotPlace.fileShift) | (keyLength << SlotPlace.keyShift) | (lengthBytes << SlotPlace.lengthShift) | kind
}

function putSlot(slots: Uint32Array, hash: number, record: number, place: number, offset: number): void {
  const mask = slots.length - SLOT_WORDS
  let at = (hash << 2) & mask
  while (slots[at + 1] !== 0) at = (at + SLOT_WORDS) & mask
  slots[at] = hash
  slots[at + 1] = record
  slots[at + 2] = place
  slots[at + 3] = offset
}
