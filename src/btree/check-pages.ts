/**
 * Walks the pages of trees and reports every broken invariant, with the path to it from the root down. Damage is reported, not
 * thrown, so that one bad page does not hide the rest.
 */
import { compareKeys } from '../codec/entry.js'
import { MutableBlock } from '../codec/mutable-block.js'
import { Cell, headOf, SLOT_BYTES } from '../codec/sorted-block.js'
import type { Violation } from '../engine/contract.js'
import type { Page } from './pages/page.js'
import type { PageFile } from './pages/page-file.js'
import { Reference, REFERENCE_BYTES } from './pages/reference.js'
import type { PageStore } from './pages/page-store.js'

interface Fences {
  /** Included; `undefined` leaves the side open. */
  readonly low: Uint8Array | undefined
  /** Not included. */
  readonly high: Uint8Array | undefined
}

export class PageCheck {
  readonly violations: Violation[] = []
  /** Path to the page that claims a unit, by unit. */
  readonly claimed = new Map<number, string>()
  /** Pages of each level, and their units, in the tree that was walked last. */
  pages: number[] = []
  units: number[] = []
  /** A page could not be read: what is under it is not counted, and its units are claimed by nothing. */
  isIncomplete = false
  readonly #store: PageStore
  readonly #file: PageFile
  readonly #turn: () => Promise<void>
  readonly #cell = new Cell()
  /** Extents that were walked, by offset: trees share pages. */
  readonly #walked = new Map<number, number>()
  #sinceTurn = 0

  constructor(store: PageStore, file: PageFile, turn: () => Promise<void>) {
    this.#store = store
    this.#file = file
    this.#turn = turn
  }

  async walk(root: Page, name: string): Promise<void> {
    this.pages = []
    this.units = []
    await this.#page(root, name, { low: undefined, high: undefined })
  }

  report(path: string, message: string): void {
    this.violations.push({ path, message })
  }

  #reportError(path: string, error: unknown): void {
    if (!(error instanceof Error)) throw error
    const { message, file, offset } = error as Error & { readonly file?: string; readonly offset?: number }
    this.violations.push({ path, message, ...(file !== undefined && { file }), ...(offset !== undefined && { offset }) })
  }

  /** Whether a page at this place was walked. */
  hasWalked(offset: number): boolean {
    return this.#walked.has(offset)
  }

  /** Claims an extent; false if it was claimed before. */
  claim(offset: number, units: number, path: string): boolean {
    for (let unit = offset; unit < offset + units; unit++) {
      const other = this.claimed.get(unit)
      if (other !== undefined) {
        this.report(path, `unit ${unit} of the data file belongs to ${other}, too`)
        return false
      }
      this.claimed.set(unit, path)
    }
    return true
  }

  async #page(page: Page, path: string, fences: Fences): Promise<void> {
    if (++this.#sinceTurn % 64 === 0) await this.#turn()
    this.pages[page.level] = (this.pages[page.level] ?? 0) + 1
    this.units[page.level] = (this.units[page.level] ?? 0) + this.#store.contentUnits(page)
    const before = page.offset > 0 ? this.#walked.get(page.offset) : undefined
    if (before !== undefined && before !== page.units) this.report(path, `its extent has ${page.units} units, elsewhere ${before}`)
    const known = before !== undefined
    if (!known && page.offset > 0) {
      this.#walked.set(page.offset, page.units)
      this.claim(page.offset, page.units, path)
    }
    const block = this.#contents(page, path)
    if (block === undefined) return
    try {
      if (!known && !this.#structure(block, page, path)) return
      if (!known) this.#keys(block, page, path, fences)
      if (page.level === 0) this.#leaf(block, page, path)
      else await this.#branch(block, page, path, fences)
    } catch (error) {
      this.#reportError(path, error)
    }
  }

  /** The contents in memory or else on disk; what is on disk is verified in either case. */
  #contents(page: Page, path: string): MutableBlock | undefined {
    if (page.block === undefined || (!page.dirty && page.offset > 0)) {
      try {
        const bytes = this.#file.contentsOf(page)
        return page.block ?? new MutableBlock(bytes, bytes.length, this.#file.path, page.offset * this.#store.unitBytes)
      } catch (error) {
        this.isIncomplete = true
        this.#reportError(path, error)
        return undefined
      }
    }
    return page.block
  }

  /** Header, slots and cells lie within the page and do not overlap. */
  #structure(block: MutableBlock, page: Page, path: string): boolean {
    const units = this.#store.contentUnits(page)
    if (block.capacity !== units * this.#store.unitBytes) this.report(path, `it has ${block.capacity} bytes in ${units} units`)
    const stored = new MutableBlock(block.bytes, block.base + block.capacity, this.#file.path, page.offset, block.base)
    if (stored.count !== block.count || stored.prefixLength !== block.prefixLength) this.report(path, 'its header is not up to date')
    const cells: [number, number][] = []
    for (let index = 0; index < block.count; index++) {
      block.readCell(index, this.#cell)
      cells.push([this.#cell.suffixStart, this.#cell.payloadEnd])
      const slot = block.prefixStart + block.prefixLength + index * SLOT_BYTES
      const head = new DataView(block.bytes.buffer, block.bytes.byteOffset + slot, 4).getUint32(0)
      if (head !== headOf(block.bytes, this.#cell.suffixStart, this.#cell.payloadStart))
        this.report(`${path} / entry ${index}`, 'its head is not that of its key')
    }
    cells.sort((a, b) => a[0] - b[0])
    const overlap = cells.findIndex(([start], i) => start < (i === 0 ? block.gapStart : cells[i - 1][1]))
    if (overlap >= 0) this.report(path, 'cells overlap')
    if (block.gapEnd < block.gapStart) this.report(path, 'slots and cells overlap')
    if (stored.usedBytes !== block.usedBytes) this.report(path, `${block.usedBytes} bytes are counted as used, ${stored.usedBytes} are`)
    return overlap < 0
  }

  #keys(block: MutableBlock, page: Page, path: string, { low, high }: Fences): void {
    // The first key of a branch bounds nothing.
    const first = page.level > 0 ? 1 : 0
    let before: Uint8Array | undefined
    for (let index = first; index < block.count; index++) {
      const key = block.keyAt(index)
      const at = `${path} / entry ${index}`
      if (before !== undefined && compareKeys(before, key) >= 0) this.report(at, 'the key is not greater than the one before it')
      if (low !== undefined && compareKeys(key, low) < 0) this.report(at, 'the key is below what leads to its page')
      if (high !== undefined && compareKeys(key, high) >= 0) this.report(at, 'the key is beyond what leads to its page')
      before = key
    }
  }

  #leaf(block: MutableBlock, page: Page, path: string): void {
    let liveBytes = 0
    for (let index = 0; index < block.count; index++) {
      block.readCell(index, this.#cell)
      liveBytes += block.prefixLength + this.#cell.dataBytes
    }
    if (page.entries !== block.count) this.report(path, `${page.entries} entries are counted, ${block.count} are there`)
    if (page.liveBytes !== liveBytes) this.report(path, `${page.liveBytes} live bytes are counted, ${liveBytes} are there`)
  }

  async #branch(block: MutableBlock, page: Page, path: string, { low, high }: Fences): Promise<void> {
    if (block.count === 0) this.report(path, 'a branch leads to nothing')
    if (page.children !== undefined && page.children.length !== block.count) {
      this.report(path, `${page.children.length} children are known for ${block.count} entries`)
    }
    let entries = 0
    let liveBytes = 0
    for (let index = 0; index < block.count; index++) {
      const at = `${path} / ${index}`
      block.readCell(index, this.#cell)
      const { payloadStart, payloadEnd } = this.#cell
      if (payloadEnd - payloadStart !== REFERENCE_BYTES) {
        this.report(at, `a reference has ${payloadEnd - payloadStart} bytes`)
        continue
      }
      const reference = new Reference().read(block.bytes, payloadStart)
      const child = page.children?.[index] ?? this.#store.attach(page.level - 1, reference)
      if (child.level !== page.level - 1) this.report(at, `a page of level ${child.level} is under one of level ${page.level}`)
      if (!page.dirty) this.#reference(reference, child, at)
      if (child.dirty && !page.dirty) this.report(at, 'a dirty page is under a clean one')
      if (!child.dirty && child.offset === 0) this.report(at, 'a clean page is not on disk')
      entries += child.entries
      liveBytes += child.liveBytes
      const next = index + 1 < block.count ? block.keyAt(index + 1) : high
      await this.#page(child, at, { low: index === 0 ? low : block.keyAt(index), high: next })
    }
    if (page.entries !== entries) this.report(path, `${page.entries} entries are counted, its children have ${entries}`)
    if (page.liveBytes !== liveBytes) this.report(path, `${page.liveBytes} live bytes are counted, its children have ${liveBytes}`)
  }

  /** On a page that is on disk, a reference says what the child object says. */
  #reference(reference: Reference, child: Page, path: string): void {
    for (const field of ['offset', 'units', 'check', 'entries', 'liveBytes'] as const) {
      if (reference[field] !== child[field]) this.report(path, `the reference says ${field} ${reference[field]}, the page ${child[field]}`)
    }
  }
}
