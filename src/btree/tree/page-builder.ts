/**
 * Builds pages from entries: when a page overflows, when two are merged, when neighbours are packed. A page that is built has no garbage,
 * and the longest prefix that its keys allow.
 */
import { copyBytes, EMPTY } from '../../codec/entry.js'
import { EXPIRY_BYTES } from '../../codec/expiry.js'
import { cellBytes } from '../../codec/mutable-block.js'
import { BLOCK_HEADER_BYTES, Cell, SLOT_BYTES } from '../../codec/sorted-block.js'
import { EntryList, sharedBytes, type AddedEntry, type NewEntry } from './entry-list.js'
import type { Page } from '../pages/page.js'
import type { PageStore } from '../pages/page-store.js'
import { Reference, REFERENCE_BYTES } from '../pages/reference.js'
import { partition, ruleOf, type LeafSplit, type SplitRule } from './split.js'

/** A page that was split off, and the key from which on entries belong to it. */
export interface SplitPage {
  readonly separator: Uint8Array
  readonly page: Page
}

/** What a page was split into besides itself: nothing, if it has only become larger. */
export interface Split {
  readonly pages: readonly SplitPage[]
  readonly rule: SplitRule
}

/** Packing moves nothing for less than this share of a page. */
const LEAST_MOVE = 1 / 16

export class PageBuilder {
  /** Stands in an entry until its child is written. */
  readonly emptyReference = new Uint8Array(REFERENCE_BYTES)
  readonly #store: PageStore
  readonly #leafSplit: LeafSplit | undefined
  readonly #cell = new Cell()
  readonly #reference = new Reference()

  /** A `leafSplit` decides where leaves are cut. */
  constructor(store: PageStore, leafSplit?: LeafSplit) {
    this.#store = store
    this.#leafSplit = leafSplit
  }

  /**
   * Rewrites a page with a new entry, which its counts include. What does not fit is in the pages that are returned; their entries are
   * still counted as the page's own, too.
   */
  rewrite(page: Page, added: AddedEntry, rightmost: boolean, born: number): Split {
    const { index, replaces } = added
    const { count } = page.block!
    const list = new EntryList(page.level > 0)
    list.addRun(page, 0, index)
    list.addNew(added)
    list.addRun(page, replaces ? index + 1 : index, count)
    const prefixLength = list.prefix(0, list.count).length
    const sizes = this.#sizes(list, prefixLength)
    const capacity = this.#usual(page.level) - BLOCK_HEADER_BYTES - prefixLength
    const ascending = !replaces && (rightmost || page.lastInsert === index - 1)
    const overflow = { sizes, capacity, index, ascending, branch: list.branch }
    const starts = partition(overflow, this.#leafSplit)
    const pages: SplitPage[] = []
    for (let i = 1; i < starts.length; i++) {
      const [from, to] = [starts[i], starts[i + 1] ?? list.count]
      const right = this.#build(page.level, list, from, to, born)
      if (index >= from && index < to) right.lastInsert = index - from
      pages.push({ separator: list.separator(from), page: right })
    }
    const unchanged = pages.length === 1 && !replaces && starts[1] === count && index === count
    if (!unchanged) this.#store.exchange(page, this.#build(page.level, list, 0, starts[1] ?? list.count, born))
    page.lastInsert = index < (starts[1] ?? list.count) ? index : -2
    return { pages, rule: ruleOf(overflow, starts, this.#leafSplit !== undefined) }
  }

  /** Whether an entry that comes in no order, and for which a leaf of the usual size has no room, needs more than another prefix or less garbage. */
  mustSplit(leaf: Page, { index, replaces, key, start, end, valueStart, valueEnd }: AddedEntry, rightmost: boolean): boolean {
    const block = leaf.block!
    if (this.#leafSplit !== undefined || leaf.isLarge || (!replaces && (rightmost || leaf.lastInsert === index - 1))) return false
    if (block.comparePrefix(key, start, end) !== 0) return false
    let bytes = SLOT_BYTES + cellBytes(end - start - block.prefixLength, valueEnd - valueStart)
    if (replaces) {
      block.readCell(index, this.#cell)
      const { suffixStart, payloadStart, payloadEnd } = this.#cell
      bytes -= SLOT_BYTES + cellBytes(payloadStart - suffixStart, payloadEnd - payloadStart)
    }
    return block.usedBytes + bytes > this.#usual(0)
  }

  /** A leaf for one entry. */
  single(entry: NewEntry, born: number): Page {
    const list = new EntryList(false)
    list.addNew(entry)
    const leaf = this.#build(0, list, 0, 1, born)
    leaf.lastInsert = 0
    return leaf
  }

  /**
   * Adds an entry behind the last one of the last leaf, which has no room for it: rebuilds the leaf with another prefix if the entry fits
   * then, or begins the page behind it. `undefined` if neither fits, or if a custom `leafSplit` decides. The prefix is what the entry
   * shares with the leaf's first key, since the next entries are expected to share as much: with a shorter prefix a page would hold fewer
   * of them, with a longer one it would soon be rebuilt.
   */
  follow(leaf: Page, entry: NewEntry, born: number): Split | undefined {
    const { count, prefixLength, usedBytes } = leaf.block!
    if (this.#leafSplit !== undefined || count === 0) return undefined
    const { key, start, end, valueStart, valueEnd } = entry
    const shared = sharedBytes(leaf.block!.keyAt(0), copyBytes(key, start, end))
    const bytes = SLOT_BYTES + cellBytes(end - start - shared, valueEnd - valueStart)
    const capacity = this.#usual(0)
    if (BLOCK_HEADER_BYTES + shared + bytes > capacity) return undefined
    const anew = usedBytes - (shared - prefixLength) * (count - 1) + bytes
    // Longer suffixes may need longer numbers for their lengths.
    if (shared < prefixLength && anew <= capacity && anew + 2 * count > capacity) return undefined
    const page = this.#store.create(0, born, 0)
    page.block!.reset(key, start, start + shared)
    if (anew > capacity) return this.#begin(page, leaf, entry)
    page.block!.append(leaf.block!, 0, count, false)
    this.#insertLast(page, entry)
    this.#store.exchange(leaf, page)
    leaf.lastInsert = count
    return { pages: [], rule: 'ascending' }
  }

  #begin(page: Page, leaf: Page, entry: NewEntry): Split {
    const { key, start, end, valueStart, valueEnd, expires } = entry
    this.#insertLast(page, entry)
    page.entries = 1
    page.liveBytes = end - start + valueEnd - valueStart - (expires ? EXPIRY_BYTES : 0)
    page.lastInsert = 0
    leaf.lastInsert = -2
    const own = copyBytes(key, start, end)
    const last = leaf.block!.keyAt(leaf.block!.count - 1)
    return { pages: [{ separator: own.slice(0, sharedBytes(last, own) + 1), page }], rule: 'ascending' }
  }

  #insertLast({ block }: Page, { key, start, end, value, valueStart, valueEnd, expires }: NewEntry): void {
    block!.insert(block!.count, key, start, end, value, valueStart, valueEnd, expires)
  }

  /** Makes a page the only child of an empty branch. */
  addFirstChild(branch: Page, child: Page): void {
    branch.block!.insert(0, EMPTY, 0, 0, this.emptyReference, 0, REFERENCE_BYTES)
    branch.children!.push(child)
  }

  /** Enters a child into a dirty branch, or returns false and changes nothing if there is no room. */
  insertChild(branch: Page, index: number, separator: Uint8Array, child: Page): boolean {
    const block = branch.block!
    if (block.count === 1 && BLOCK_HEADER_BYTES + separator.length + 3 * (REFERENCE_BYTES + 16) <= block.capacity) {
      // The first key that counts: until others shorten it, all of it is prefix.
      block.readCell(0, this.#cell)
      const reference = block.bytes.slice(this.#cell.payloadStart, this.#cell.payloadEnd)
      block.reset(separator, 0, separator.length)
      block.insert(0, separator, 0, separator.length, reference, 0, REFERENCE_BYTES)
    }
    if (!block.insert(index, separator, 0, separator.length, this.emptyReference, 0, REFERENCE_BYTES)) return false
    branch.children!.splice(index, 0, child)
    branch.lastInsert = index
    return true
  }

  /** Gives a page the size that its entries need. */
  shrink(page: Page, born: number): void {
    const list = new EntryList(page.level > 0)
    list.addRun(page, 0, page.block!.count)
    this.#store.exchange(page, this.#build(page.level, list, 0, list.count, born))
  }

  /** Whether two neighbours fit into `capacity` bytes. `between` is the separator of the right one. */
  fitTogether(left: Page, right: Page, between: Uint8Array, capacity: number): boolean {
    const usual = this.#store.unitsAt(left.level)
    if (left.units > usual || right.units > usual || left.block!.usedBytes + right.block!.usedBytes > 2 * capacity) return false
    const list = this.#join(left, right, between)
    return this.#fitting(list, capacity) === list.count
  }

  /** Moves all entries of the right page into the left one, which is dirty. */
  merge(left: Page, right: Page, between: Uint8Array, born: number): void {
    const list = this.#join(left, right, between)
    this.#rebuild(left, list, 0, list.count, born)
  }

  /**
   * Moves entries from the right page to the left one, both dirty, until that is full. Returns the new separator of the right page, which
   * may be empty then; `undefined` if too few would move.
   */
  pack(left: Page, right: Page, between: Uint8Array, born: number): Uint8Array | undefined {
    const usual = this.#store.unitsAt(left.level)
    if (left.units > usual || right.units > usual) return undefined
    const capacity = this.#usual(left.level)
    const before = left.block!.count
    const list = this.#join(left, right, between)
    const fitting = this.#fitting(list, capacity)
    let moved = 0
    for (let i = before; i < fitting; i++) moved += list.size(i, 0)
    if (fitting <= before || (fitting < list.count && moved < capacity * LEAST_MOVE)) return undefined
    const separator = fitting < list.count ? list.separator(fitting) : between
    const rest = fitting < list.count ? this.#build(right.level, list, fitting, list.count, born) : undefined
    this.#rebuild(left, list, 0, fitting, born)
    if (rest === undefined) {
      right.block!.remove(0, right.block!.count)
      if (right.children !== undefined) right.children = []
      right.entries = right.liveBytes = 0
    } else {
      this.#take(right, rest)
    }
    return separator
  }

  #usual(level: number): number {
    return this.#store.unitsAt(level) * this.#store.unitBytes
  }

  #sizes(list: EntryList, prefixLength: number): number[] {
    const sizes: number[] = []
    for (let index = 0; index < list.count; index++) sizes.push(list.size(index, prefixLength))
    return sizes
  }

  #join(left: Page, right: Page, between: Uint8Array): EntryList {
    const list = new EntryList(left.level > 0)
    list.addRun(left, 0, left.block!.count)
    const block = right.block!
    if (list.branch && block.count > 0) {
      block.readCell(0, this.#cell)
      const { payloadStart, payloadEnd } = this.#cell
      const child = right.children![0]
      list.addNew({
        key: between,
        start: 0,
        end: between.length,
        value: block.bytes,
        valueStart: payloadStart,
        valueEnd: payloadEnd,
        expires: false,
        blank: undefined,
        child,
      })
      list.addRun(right, 1, block.count)
    } else {
      list.addRun(right, 0, block.count)
    }
    return list
  }

  /** How many entries of the list fit into a page of `capacity` bytes. */
  #fitting(list: EntryList, capacity: number): number {
    const prefixLength = list.prefix(0, list.count).length
    let bytes = BLOCK_HEADER_BYTES + prefixLength
    let count = 0
    while (count < list.count && (bytes += list.size(count, prefixLength)) <= capacity) count++
    return count
  }

  #rebuild(page: Page, list: EntryList, from: number, to: number, born: number): void {
    this.#take(page, this.#build(page.level, list, from, to, born))
  }

  #take(page: Page, fresh: Page): void {
    page.entries = fresh.entries
    page.liveBytes = fresh.liveBytes
    page.lastInsert = -2
    this.#store.exchange(page, fresh)
  }

  #build(level: number, list: EntryList, from: number, to: number, born: number): Page {
    const prefixLength = list.prefix(from, to).length
    let bytes = BLOCK_HEADER_BYTES + prefixLength
    for (let index = from; index < to; index++) bytes += list.size(index, prefixLength)
    const page = this.#store.create(level, born, bytes)
    list.fill(page.block!, from, to)
    if (level > 0) page.children = Array.from({ length: to - from }, (_, i) => list.child(from + i))
    this.#count(page, list, from, to)
    return page
  }

  #count(page: Page, list: EntryList, from: number, to: number): void {
    if (page.level === 0) {
      page.entries = to - from
      for (let index = from; index < to; index++) page.liveBytes += list.dataBytes(index)
      return
    }
    const reference = this.#reference
    for (let index = from; index < to; index++) {
      const child = page.children![index - from]
      if (child === undefined) list.readPayload(index, (bytes, at) => reference.read(bytes, at))
      const { entries, liveBytes } = child ?? reference
      page.entries += entries
      page.liveBytes += liveBytes
    }
  }
}
