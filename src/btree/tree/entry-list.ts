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

/** An entry for which the page at its place has no room. */
export interface AddedEntry extends NewEntry {
  readonly index: number
  /** The entry replaces the one at `index`. */
  readonly replaces: boolean
}

const cell = new Cell()

/** Entries of a page, or neighbours of them, that stand in the list one after the other; or a new entry. */
interface Run {
  /** Index of its first entry in the list. */
  readonly start: number
  readonly block: MutableBlock | undefined
  /** Index of its first entry in the block. */
  readonly from: number
  readonly to: number
  readonly children: readonly (Page | undefined)[] | undefined
  readonly entry: NewEntry | undefined
}

/** Entries of neighbouring pages, and new ones, in the order of their keys: the input of a rewrite. */
export class EntryList {
  readonly branch: boolean
  count = 0
  readonly #runs: Run[] = []

  constructor(branch: boolean) {
    this.branch = branch
  }

  addRun({ block, children }: Pick<Page, 'block' | 'children'>, from: number, to: number): void {
    if (to > from) this.#runs.push({ start: this.count, block: block!, from, to, children, entry: undefined })
    this.count += to - from
  }

  addNew(entry: NewEntry): void {
    this.#runs.push({ start: this.count++, block: undefined, from: 0, to: 1, children: undefined, entry })
  }

  key(index: number): Uint8Array {
    const run = this.#runOf(index)
    if (run.block !== undefined) return run.block.keyAt(run.from + index - run.start)
    const { key, start, end } = run.entry!
    return key.slice(start, end)
  }

  /** The child that the entry of a branch leads to, if there is an object for it. */
  child(index: number): Page | undefined {
    const run = this.#runOf(index)
    return run.entry === undefined ? run.children![run.from + index - run.start] : run.entry.child
  }

  /** Bytes of key and value. */
  dataBytes(index: number): number {
    const { start, block, from, entry } = this.#runOf(index)
    if (block === undefined) {
      return entry!.end - entry!.start + entry!.valueEnd - entry!.valueStart - (entry!.expires ? EXPIRY_BYTES : 0)
    }
    block.readCell(from + index - start, cell)
    return block.prefixLength + cell.dataBytes
  }

  /** Bytes that an entry takes, with its slot, behind a prefix of such a length. */
  size(index: number, prefixLength: number): number {
    const { start, block, from, entry } = this.#runOf(index)
    let keyLength: number
    let payloadLength: number
    if (block === undefined) {
      keyLength = entry!.end - entry!.start
      payloadLength = entry!.valueEnd - entry!.valueStart
    } else {
      block.readCell(from + index - start, cell)
      keyLength = block.prefixLength + cell.payloadStart - cell.suffixStart
      payloadLength = cell.payloadEnd - cell.payloadStart
    }
    return SLOT_BYTES + cellBytes(Math.max(0, keyLength - prefixLength), payloadLength)
  }

  /** Writes what each entry takes behind a prefix of such a length to `sizes`, and bytes of key and value to `dataBytes`. Not for branches. */
  measure(prefixLength: number, sizes: number[], dataBytes: number[]): void {
    sizes.length = dataBytes.length = this.count
    for (const { start, block, from, to } of this.#runs) {
      if (block === undefined) {
        sizes[start] = this.size(start, prefixLength)
        dataBytes[start] = this.dataBytes(start)
        continue
      }
      for (let index = from, place = start; index < to; index++, place++) {
        block.readCell(index, cell)
        const keyBytes = block.prefixLength + cell.payloadStart - cell.suffixStart
        sizes[place] = SLOT_BYTES + cellBytes(Math.max(0, keyBytes - prefixLength), cell.payloadEnd - cell.payloadStart)
        dataBytes[place] = keyBytes + cell.payloadEnd - cell.valueStart
      }
    }
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
  fill(block: MutableBlock, from: number, to: number, prefix = this.prefix(from, to)): void {
    block.reset(prefix, 0, prefix.length)
    for (const { start, block: source, from: first, to: last, entry } of this.#runs) {
      const [low, high] = [Math.max(from, start), Math.min(to, start + last - first)]
      if (low >= high) continue
      const bare = this.branch && low === from
      if (source !== undefined) {
        block.append(source, first + low - start, first + high - start, bare)
        continue
      }
      const { key, start: keyStart, end, value, valueStart, valueEnd, expires, blank } = entry!
      if (bare) block.insert(block.count, prefix, 0, prefix.length, value, valueStart, valueEnd)
      else if (blank === undefined) block.insert(block.count, key, keyStart, end, value, valueStart, valueEnd, expires)
      else insertBlank(block, entry!, blank)
    }
  }

  /** Reference bytes of a branch entry that is not new. */
  readPayload(index: number, use: (bytes: Uint8Array, at: number) => void): void {
    const { start, block, from, entry } = this.#runOf(index)
    if (block === undefined) {
      use(entry!.value, entry!.valueStart)
      return
    }
    block.readCell(from + index - start, cell)
    use(block.bytes, cell.payloadStart)
  }

  #runOf(index: number): Run {
    const runs = this.#runs
    let at = runs.length - 1
    while (runs[at].start > index) at--
    return runs[at]
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
