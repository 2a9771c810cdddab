import type { MutableBlock } from '../../codec/mutable-block.js'
import { cellBytes } from '../../codec/mutable-block.js'
import type { ByteView } from '../../codec/entry.js'
import { EXPIRY_BYTES } from '../../codec/expiry.js'
import { Cell, SLOT_BYTES } from '../../codec/sorted-block.js'
import type { Page } from '../pages/page.js'

/** An entry that is not yet in a page. */
export interface NewEntry {
  readonly key: Uint8Array
  readonly start: number
  readonly end: number
  readonly value: Uint8Array
  readonly valueStart: number
  readonly valueEnd: number
  /** The value begins with an expiry. */
  readonly expires: boolean
  /** Points to the value's place in the page: the caller fills it in, piece by piece. Without it the value is copied at once. */
  readonly blank: ByteView | undefined
  /** The child that the entry of a branch leads to. */
  readonly child: Page | undefined
}

const cell = new Cell()

/** Entries of one or two pages, and new ones, in the order of their keys: the input of a rewrite. */
export class EntryList {
  readonly branch: boolean
  count = 0
  readonly children: (Page | undefined)[] = []
  readonly #blocks: (MutableBlock | undefined)[] = []
  readonly #indexes: number[] = []
  readonly #keyLengths: number[] = []
  readonly #payloadLengths: number[] = []
  /** Bytes of the payload in front of the value. */
  readonly #expiryLengths: number[] = []
  /** The new entries, by their place in the list. */
  readonly #new: NewEntry[] = []

  constructor(branch: boolean) {
    this.branch = branch
  }

  addRun(page: Page, from: number, to: number): void {
    const block = page.block!
    for (let index = from; index < to; index++) {
      block.readCell(index, cell)
      this.#add(
        block,
        index,
        block.prefixLength + cell.payloadStart - cell.suffixStart,
        cell.payloadEnd - cell.payloadStart,
        cell.valueStart - cell.payloadStart,
        page.children?.[index],
      )
    }
  }

  addNew(entry: NewEntry): void {
    this.#new[this.count] = entry
    this.#add(undefined, -1, entry.end - entry.start, entry.valueEnd - entry.valueStart, entry.expires ? EXPIRY_BYTES : 0, entry.child)
  }

  key(index: number): Uint8Array {
    const block = this.#blocks[index]
    if (block !== undefined) return block.keyAt(this.#indexes[index])
    const { key, start, end } = this.#new[index]
    return key.slice(start, end)
  }

  /** Bytes of key and value. */
  dataBytes(index: number): number {
    return this.#keyLengths[index] + this.#payloadLengths[index] - this.#expiryLengths[index]
  }

  /** Bytes that an entry takes, with its slot, behind a prefix of such a length. */
  size(index: number, prefixLength: number): number {
    return SLOT_BYTES + cellBytes(Math.max(0, this.#keyLengths[index] - prefixLength), this.#payloadLengths[index])
  }

  /** The prefix that the keys of `[from, to)` share; the first entry of a branch does not count. */
  prefix(from: number, to: number): Uint8Array {
    const first = this.branch ? from + 1 : from
    if (first >= to) return new Uint8Array(0)
    const key = this.key(first)
    // Not `subarray`: a small array would get memory outside of V8's heap for it.
    return first === to - 1 ? key : key.slice(0, sharedBytes(key, this.key(to - 1)))
  }

  /** The key from which on entries belong to a page that begins with entry `index`: as short as it can be. */
  separator(index: number): Uint8Array {
    const key = this.key(index)
    return this.branch ? key : key.slice(0, sharedBytes(this.key(index - 1), key) + 1)
  }

  /** Appends `[from, to)` to an empty block, which has room for them and their prefix. */
  fill(block: MutableBlock, from: number, to: number): void {
    const prefix = this.prefix(from, to)
    block.reset(prefix, 0, prefix.length)
    for (let index = from; index < to;) {
      const source = this.#blocks[index]
      const bare = this.branch && index === from
      let next = index + 1
      if (source === undefined) {
        const { key, start, end, value, valueStart, valueEnd, expires, blank } = this.#new[index]
        if (bare) block.insert(block.count, prefix, 0, prefix.length, value, valueStart, valueEnd)
        else if (blank === undefined) block.insert(block.count, key, start, end, value, valueStart, valueEnd, expires)
        else insertBlank(block, this.#new[index], blank)
      } else {
        const first = this.#indexes[index]
        while (next < to && this.#blocks[next] === source && this.#indexes[next] === first + next - index) next++
        block.append(source, first, first + next - index, bare)
      }
      index = next
    }
  }

  /** Reference bytes of a branch entry that is not new. */
  readPayload(index: number, use: (bytes: Uint8Array, at: number) => void): void {
    const block = this.#blocks[index]
    if (block === undefined) {
      const { value, valueStart } = this.#new[index]
      use(value, valueStart)
      return
    }
    block.readCell(this.#indexes[index], cell)
    use(block.bytes, cell.payloadStart)
  }

  #add(
    block: MutableBlock | undefined,
    index: number,
    keyLength: number,
    payloadLength: number,
    expiryLength: number,
    child: Page | undefined,
  ): void {
    this.#blocks.push(block)
    this.#indexes.push(index)
    this.#keyLengths.push(keyLength)
    this.#payloadLengths.push(payloadLength)
    this.#expiryLengths.push(expiryLength)
    this.children.push(child)
    this.count++
  }
}

function insertBlank(block: MutableBlock, { key, start, end, valueStart, valueEnd, expires }: NewEntry, blank: ByteView): void {
  const length = valueEnd - valueStart
  const at = block.insertBlank(block.count, key, start, end, length, expires)
  blank.set(block.bytes, at, at + length)
}

/** How many bytes two keys have in common from the first one on. */
export function sharedBytes(a: Uint8Array, b: Uint8Array): number {
  const limit = Math.min(a.length, b.length)
  let length = 0
  while (length < limit && a[length] === b[length]) length++
  return length
}
