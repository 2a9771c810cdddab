/**
 * Packs ascending entries into leaves that are as full as they can be. The leaf before the open one is held back, so that a last one with few
 * entries can get some of its.
 */
import { EXPIRY_BYTES } from '../../codec/expiry.js'
import { cellBytes, type MutableBlock } from '../../codec/mutable-block.js'
import { BLOCK_HEADER_BYTES, SLOT_BYTES } from '../../codec/sorted-block.js'
import { varintLength } from '../../codec/varint.js'
import type { ReferenceFields } from '../pages/reference.js'
import type { PageOutput } from './page-output.js'

export interface PlacedChild {
  /** Greater than every key before the child, and not greater than any in it. */
  readonly separator: Uint8Array
  readonly reference: ReferenceFields
}

/** Longest key for which an entry with it has a length of one byte. */
const SHORT = 0x7f

export class PackedLeaves {
  readonly #output: PageOutput
  readonly #capacity: number
  readonly #place: (leaf: PlacedChild) => void
  /** The keys and values of the staged entries, each key before its value. */
  #staged = new Uint8Array(1 << 16)
  /** For each staged entry, where its key and its value end. */
  #ends = new Int32Array(2048)
  /** For each staged entry, the bytes of the expiry that its value begins with. */
  #expiryLengths: Uint8Array = new Uint8Array(1024)
  #count = 0
  /** Entries of the leaf that is held back; the others are those of the open one. */
  #cut = 0
  #heldSeparator: Uint8Array | undefined
  #openSeparator: Uint8Array | undefined
  /** Numbers of the open leaf. */
  #prefix = 0
  #keyBytes = 0
  #cellsBytes = 0
  #longestKey = 0

  /** `place` gets the leaves in the order of their keys. */
  constructor(output: PageOutput, place: (leaf: PlacedChild) => void) {
    this.#output = output
    this.#capacity = output.pageBytes
    this.#place = place
  }

  /** Whether a page may follow without leaving a leaf with few entries before it. */
  get isRipe(): boolean {
    return this.#count === 0 || this.#cut > 0 || this.#size(this.#count, this.#prefix) * 2 >= this.#capacity
  }

  /** Whether an entry needs a leaf of its own, larger than others. */
  isLarge(keyLength: number, valueLength: number): boolean {
    return singleLeafBytes(keyLength, valueLength) > this.#capacity
  }

  /** Adds an entry that is not large. The value of one that `expires` begins with the expiry. */
  add(key: Uint8Array, start: number, end: number, value: Uint8Array, valueStart: number, valueEnd: number, expires: boolean): void {
    const keyLength = end - start
    const valueLength = valueEnd - valueStart
    const payload = valueLength + (valueLength <= SHORT ? 1 : varintLength(valueLength))
    const open = this.#count - this.#cut
    if (open > 0) {
      const prefix = this.#sharedWithOpen(key, start, keyLength)
      this.#keyBytes += keyLength
      this.#cellsBytes += payload
      const longest = this.#longestKey
      if (keyLength > longest) this.#longestKey = keyLength
      if (this.#size(open + 1, prefix) <= this.#capacity) {
        this.#prefix = prefix
        this.#stage(key, start, end, value, valueStart, valueEnd, expires)
        return
      }
      const last = this.#keyStart(this.#count - 1)
      const lastEnd = this.#ends[this.#count * 2 - 2]
      this.#hold(separatorOf(this.#staged, last, lastEnd, key, start, end))
    }
    this.#prefix = keyLength
    this.#keyBytes = this.#longestKey = keyLength
    this.#cellsBytes = payload
    this.#openSeparator ??= key.slice(start, end)
    this.#stage(key, start, end, value, valueStart, valueEnd, expires)
  }

  /** Writes what is staged. The next entry begins a leaf. */
  seal(): void {
    if (this.#cut > 0 && this.#size(this.#count - this.#cut, this.#prefix) * 2 < this.#capacity) this.#share()
    if (this.#cut > 0) this.#write(0, this.#cut, this.#heldSeparator!)
    if (this.#count > this.#cut) this.#write(this.#cut, this.#count, this.#openSeparator!)
    this.#count = this.#cut = 0
    this.#heldSeparator = this.#openSeparator = undefined
  }

  /** The open leaf is full: it is held back, and the one that was before is written. */
  #hold(separator: Uint8Array): void {
    if (this.#cut > 0) {
      this.#write(0, this.#cut, this.#heldSeparator!)
      this.#drop(this.#cut)
    }
    this.#cut = this.#count
    this.#heldSeparator = this.#openSeparator
    this.#openSeparator = separator
  }

  /** Cuts the two staged leaves anew, about in the middle. */
  #share(): void {
    const total = this.#ends[this.#count * 2 - 1]
    let cut = 1
    while (cut < this.#count - 1 && this.#ends[cut * 2 - 1] * 2 < total) cut++
    if (Math.max(this.#bytes(0, cut), this.#bytes(cut, this.#count)) > this.#capacity) return
    const [last, first] = [this.#keyStart(cut - 1), this.#keyStart(cut)]
    const staged = this.#staged
    this.#openSeparator = separatorOf(staged, last, this.#ends[cut * 2 - 2], staged, first, this.#ends[cut * 2])
    this.#cut = cut
  }

  #write(from: number, to: number, separator: Uint8Array): void {
    const start = this.#keyStart(from)
    const prefix = this.#sharedBy(from, to)
    let liveBytes = this.#ends[to * 2 - 1] - start
    for (let i = from; i < to; i++) liveBytes -= this.#expiryLengths[i]
    const reference = this.#output.writeLeaf(to - from, liveBytes, block => {
      block.reset(this.#staged, start, start + prefix)
      let at = start
      for (let i = from; i < to; i++) {
        const keyEnd = this.#ends[i * 2]
        const valueEnd = this.#ends[i * 2 + 1]
        block.insert(i - from, this.#staged, at, keyEnd, this.#staged, keyEnd, valueEnd, this.#expiryLengths[i] > 0)
        at = valueEnd
      }
    })
    this.#place({ separator, reference })
  }

  #stage(key: Uint8Array, start: number, end: number, value: Uint8Array, valueStart: number, valueEnd: number, expires: boolean): void {
    const at = this.#count === 0 ? 0 : this.#ends[this.#count * 2 - 1]
    const keyEnd = at + end - start
    const needed = keyEnd + valueEnd - valueStart
    if (needed > this.#staged.length) this.#staged = grown(this.#staged, new Uint8Array(Math.max(needed, 2 * this.#staged.length)))
    if (this.#count * 2 + 2 > this.#ends.length) {
      this.#ends = grown(this.#ends, new Int32Array(2 * this.#ends.length))
      this.#expiryLengths = grown(this.#expiryLengths, new Uint8Array(2 * this.#expiryLengths.length))
    }
    copy(key, start, end, this.#staged, at)
    copy(value, valueStart, valueEnd, this.#staged, keyEnd)
    this.#ends[this.#count * 2] = keyEnd
    this.#ends[this.#count * 2 + 1] = needed
    this.#expiryLengths[this.#count] = expires ? EXPIRY_BYTES : 0
    this.#count++
  }

  /** Removes the first entries. */
  #drop(count: number): void {
    const bytes = this.#ends[count * 2 - 1]
    const end = this.#ends[this.#count * 2 - 1]
    this.#staged.copyWithin(0, bytes, end)
    for (let i = count * 2; i < this.#count * 2; i++) this.#ends[i - count * 2] = this.#ends[i] - bytes
    this.#expiryLengths.copyWithin(0, count, this.#count)
    this.#count -= count
  }

  #keyStart(index: number): number {
    return index === 0 ? 0 : this.#ends[index * 2 - 1]
  }

  /** Bytes that the open leaf would take with this number of entries and this prefix, or a few more. */
  #size(count: number, prefix: number): number {
    const longest = this.#longestKey - prefix
    const lengthBytes = longest <= SHORT ? 1 : varintLength(longest)
    return BLOCK_HEADER_BYTES + prefix + count * (SLOT_BYTES + lengthBytes - prefix) + this.#keyBytes + this.#cellsBytes
  }

  /** Bytes of a leaf with the entries `[from, to)`. */
  #bytes(from: number, to: number): number {
    const prefix = this.#sharedBy(from, to)
    let bytes = BLOCK_HEADER_BYTES + prefix
    for (let i = from; i < to; i++) {
      const keyEnd = this.#ends[i * 2]
      bytes += SLOT_BYTES + cellBytes(keyEnd - this.#keyStart(i) - prefix, this.#ends[i * 2 + 1] - keyEnd)
    }
    return bytes
  }

  /** Bytes that the keys of `[from, to)` share from the first one on. */
  #sharedBy(from: number, to: number): number {
    const staged = this.#staged
    const first = this.#keyStart(from)
    const last = this.#keyStart(to - 1)
    const limit = Math.min(this.#ends[from * 2] - first, this.#ends[to * 2 - 2] - last)
    let shared = 0
    while (shared < limit && staged[first + shared] === staged[last + shared]) shared++
    return shared
  }

  /** What a key shares with the first one of the open leaf, as far as all others of it do. */
  #sharedWithOpen(key: Uint8Array, start: number, keyLength: number): number {
    const staged = this.#staged
    const first = this.#keyStart(this.#cut)
    const limit = Math.min(keyLength, this.#prefix)
    let shared = 0
    while (shared < limit && staged[first + shared] === key[start + shared]) shared++
    return shared
  }
}

/** Bytes of a leaf with one entry, whose key is its prefix. */
export function singleLeafBytes(keyLength: number, valueLength: number): number {
  return BLOCK_HEADER_BYTES + keyLength + SLOT_BYTES + cellBytes(0, valueLength)
}

/** Fills a leaf that has one entry. */
export function fillSingle(
  block: MutableBlock,
  key: Uint8Array,
  start: number,
  end: number,
  value: Uint8Array,
  valueStart: number,
  valueEnd: number,
): void {
  block.reset(key, start, end)
  block.insert(0, key, start, end, value, valueStart, valueEnd)
}

/** The shortest key that is greater than the first one and not greater than the second. */
export function separatorOf(last: Uint8Array, lastStart: number, lastEnd: number, key: Uint8Array, start: number, end: number): Uint8Array {
  const limit = Math.min(lastEnd - lastStart, end - start)
  let shared = 0
  while (shared < limit && last[lastStart + shared] === key[start + shared]) shared++
  return key.slice(start, start + shared + 1)
}

/** A byte loop beats `set` + `subarray` up to about 32 bytes. */
function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > 32) to.set(from.subarray(start, end), at)
  else for (let i = start; i < end; i++) to[at + i - start] = from[i]
}

function grown<T extends Uint8Array | Int32Array>(from: T, to: T): T {
  to.set(from)
  return to
}
