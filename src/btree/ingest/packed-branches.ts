/**
 * Packs references to pages of one level into branches that are as full as they can be. The branch before the open one is held back, so that a
 * last one with few children can get some of its.
 */
import { EMPTY } from '../../codec/entry.js'
import { cellBytes, type MutableBlock } from '../../codec/mutable-block.js'
import { BLOCK_HEADER_BYTES, SLOT_BYTES } from '../../codec/sorted-block.js'
import { varintLength } from '../../codec/varint.js'
import { BRANCH_PAGES } from '../pages/page-store.js'
import { REFERENCE_BYTES, writeReference } from '../pages/reference.js'
import { sharedBytes } from '../tree/entry-list.js'
import type { PlacedChild } from './packed-leaves.js'
import type { PageOutput } from './page-output.js'

/** A branch with long separators is larger than usual rather than have fewer children than this. */
const LEAST_CHILDREN = 4

export class PackedBranches {
  readonly #level: number
  readonly #output: PageOutput
  readonly #capacity: number
  readonly #place: (branch: PlacedChild) => void
  #children: PlacedChild[] = []
  /** Children of the branch that is held back; the others are those of the open one. */
  #cut = 0
  /** Numbers of the open branch. The first separator is not in the page. */
  #prefix = 0
  /** With their lengths. */
  #separatorBytes = 0

  /** `place` gets the branches in the order of their keys. */
  constructor(level: number, output: PageOutput, place: (branch: PlacedChild) => void) {
    this.#level = level
    this.#output = output
    this.#capacity = BRANCH_PAGES * output.pageBytes
    this.#place = place
  }

  /** The only child that was given so far; `undefined` if there are more, or none. */
  get only(): PlacedChild | undefined {
    return this.#children.length === 1 ? this.#children[0] : undefined
  }

  get isEmpty(): boolean {
    return this.#children.length === 0
  }

  /** Whether a page of this level may follow without leaving a branch with few children before it. */
  get isRipe(): boolean {
    const count = this.#children.length
    return count === 0 || this.#cut > 0 || this.#size(count, this.#prefix) * 2 >= this.#capacity
  }

  add(child: PlacedChild): void {
    const { separator } = child
    const open = this.#children.length - this.#cut
    if (open > 0) {
      const prefix = open === 1 ? separator.length : Math.min(this.#prefix, sharedBytes(this.#children[this.#cut + 1].separator, separator))
      this.#separatorBytes += varintLength(separator.length) + separator.length
      if (open < LEAST_CHILDREN || this.#size(open + 1, prefix) <= this.#capacity) {
        this.#prefix = prefix
        this.#children.push(child)
        return
      }
      this.#hold()
    }
    this.#prefix = this.#separatorBytes = 0
    this.#children.push(child)
  }

  /** Writes what is there. The next child begins a branch. */
  seal(): void {
    const count = this.#children.length
    if (this.#cut > 0 && this.#size(count - this.#cut, this.#prefix) * 2 < this.#capacity) this.#cut = count >>> 1
    if (this.#cut > 0) this.#write(0, this.#cut)
    if (count > this.#cut) this.#write(this.#cut, count)
    this.#children = []
    this.#cut = 0
  }

  #hold(): void {
    if (this.#cut > 0) {
      this.#write(0, this.#cut)
      this.#children = this.#children.slice(this.#cut)
    }
    this.#cut = this.#children.length
  }

  #write(from: number, to: number): void {
    const children = this.#children
    const first = children[Math.min(from + 1, to - 1)].separator
    const prefix = to - from < 2 ? EMPTY : first.slice(0, sharedBytes(first, children[to - 1].separator))
    let bytes = BLOCK_HEADER_BYTES + prefix.length + SLOT_BYTES + cellBytes(0, REFERENCE_BYTES)
    let entries = 0
    let liveBytes = 0
    for (let i = from; i < to; i++) {
      const { separator, reference } = children[i]
      if (i > from) bytes += SLOT_BYTES + cellBytes(separator.length - prefix.length, REFERENCE_BYTES)
      entries += reference.entries
      liveBytes += reference.liveBytes
    }
    const units = Math.ceil(Math.max(this.#capacity, bytes) / this.#output.unitBytes)
    const fill = (block: MutableBlock): void => {
      const payload = new Uint8Array(REFERENCE_BYTES)
      block.reset(prefix, 0, prefix.length)
      for (let i = from; i < to; i++) {
        const { separator, reference } = children[i]
        // The first separator bounds nothing.
        const key = i === from ? prefix : separator
        writeReference(payload, 0, reference)
        block.insert(i - from, key, 0, key.length, payload, 0, REFERENCE_BYTES)
      }
    }
    const reference = this.#output.write(this.#level, units, entries, liveBytes, fill)
    this.#place({ separator: children[from].separator, reference })
  }

  /** Bytes that the open branch would take with this number of children and this prefix, or a few more. */
  #size(count: number, prefix: number): number {
    const cells = 1 + count * (SLOT_BYTES + 1 + REFERENCE_BYTES)
    return BLOCK_HEADER_BYTES + prefix + cells + this.#separatorBytes - Math.max(0, count - 1) * prefix
  }
}
