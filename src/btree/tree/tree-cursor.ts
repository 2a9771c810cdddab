/**
 * A cursor over one version of the tree.
 *
 * Invariants:
 * 1. The cursor pins the leaf it stands on: the leaf's memory is not used again before the cursor leaves it, even if the leaf leaves the
 *    cache.
 * 2. Bounds are looked up once per leaf: within a leaf, entries `[#from, #to)` are in the range.
 * 3. Nothing is allocated per entry. A key behind a prefix is put together in the cursor's own memory.
 */
import { ByteView } from '../../codec/entry.js'
import { readExpiry } from '../../codec/expiry.js'
import { Cell } from '../../codec/sorted-block.js'
import type { MutableBlock } from '../../codec/mutable-block.js'
import type { Cursor } from '../../engine/contract.js'
import { isBelow, isBeyond, isEmptyRange, type HalfOpenRange } from '../../engine/range.js'
import { MisuseError } from '../../errors.js'
import type { ReadCounts } from '../../trace/ledger.js'
import type { LiveVersion, LiveVersions } from '../pages/live-versions.js'
import type { Page } from '../pages/page.js'
import type { PageStore } from '../pages/page-store.js'

export class TreeCursor implements Cursor {
  valid = false
  readonly key = new ByteView()
  readonly value = new ByteView()
  readonly #store: PageStore
  readonly #versions: LiveVersions
  readonly #version: LiveVersion
  readonly #range: HalfOpenRange
  readonly #counts: ReadCounts
  readonly #time: number
  readonly #cell = new Cell()
  readonly #path: Page[] = []
  readonly #slots: number[] = []
  #leaf: Page | undefined
  #block: MutableBlock | undefined
  #index = 0
  #from = 0
  #to = 0
  #keyBytes = new Uint8Array(64)
  #closed = false

  /** @param time entries that have expired by then are not seen, in milliseconds since the Unix epoch */
  constructor(store: PageStore, versions: LiveVersions, version: LiveVersion, range: HalfOpenRange, counts: ReadCounts, time: number) {
    this.#store = store
    this.#versions = versions
    this.#version = version
    this.#range = range
    this.#counts = counts
    this.#time = time
  }

  first(): boolean {
    return this.#start(this.#range.lower)
  }

  last(): boolean {
    const { upper } = this.#range
    this.#requireOpen()
    if (isEmptyRange(this.#range)) return this.#leave()
    this.#descend(upper, true)
    this.#index = this.#to - 1
    return this.#index >= this.#from ? this.#show(-1) : this.#retreat()
  }

  seek(target: Uint8Array): boolean {
    if (isBelow(this.#range.lower, target, 0, target.length)) return this.first()
    return this.#start(target)
  }

  seekReverse(target: Uint8Array): boolean {
    if (isBeyond(this.#range.upper, target, 0, target.length)) return this.last()
    this.#requireOpen()
    if (isEmptyRange(this.#range)) return this.#leave()
    this.#descend(target, false)
    this.#index = Math.min(this.#block!.floor(target, 0, target.length), this.#to - 1)
    return this.#index >= this.#from ? this.#show(-1) : this.#retreat()
  }

  next(): boolean {
    if (!this.valid) throw notOnAnEntry('next')
    return ++this.#index < this.#to ? this.#show(1) : this.#advance()
  }

  prev(): boolean {
    if (!this.valid) throw notOnAnEntry('prev')
    return --this.#index >= this.#from ? this.#show(-1) : this.#retreat()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#leave()
    this.#path.length = 0
    this.#versions.release(this.#version, true)
  }

  #start(target: Uint8Array | undefined): boolean {
    this.#requireOpen()
    if (isEmptyRange(this.#range)) return this.#leave()
    this.#descend(target, false)
    this.#index = target === undefined ? this.#from : Math.max(this.#from, this.#block!.lowerBound(target, 0, target.length))
    return this.#index < this.#to ? this.#show(1) : this.#advance()
  }

  #advance(): boolean {
    return this.#toNextLeaf() ? this.#show(1) : this.#leave()
  }

  #retreat(): boolean {
    return this.#toLeafBefore() ? this.#show(-1) : this.#leave()
  }

  /** Moves to the first entry of the next leaf that is in the range; false if there is none. */
  #toNextLeaf(): boolean {
    // A bound within this leaf, or at its end: nothing behind it is in the range.
    while (this.#to === this.#block!.count && this.#step(1)) {
      this.#index = this.#from
      if (this.#index < this.#to) return true
    }
    return false
  }

  #toLeafBefore(): boolean {
    while (this.#from === 0 && this.#step(-1)) {
      this.#index = this.#to - 1
      if (this.#index >= this.#from) return true
    }
    return false
  }

  /** Moves to the neighbouring leaf on the right or left; false if there is none. */
  #step(by: 1 | -1): boolean {
    const leafDepth = this.#path.length - 1
    for (let depth = leafDepth - 1; depth >= 0; depth--) {
      const slot = this.#slots[depth] + by
      const branch = this.#loaded(this.#path[depth])
      this.#path[depth] = branch
      if (slot < 0 || slot >= branch.block!.count) continue
      this.#slots[depth] = slot
      this.#leave()
      if (branch.level === 1) this.#store.readAhead(branch, slot, by, this.#counts)
      this.#follow(depth, undefined, by < 0)
      return true
    }
    return false
  }

  /** Descends to the leaf where the target belongs; without a target, to the first or the last leaf. */
  #descend(target: Uint8Array | undefined, toEnd: boolean): void {
    this.#leave()
    const root = this.#loaded(this.#version.root)
    this.#path.length = root.level + 1
    this.#path[0] = root
    if (root.level > 0) this.#slots[0] = this.#slotOf(root, 0, target, toEnd)
    this.#follow(0, target, toEnd)
  }

  /** Loads the pages below `depth`, whose slot is set. */
  #follow(depth: number, target: Uint8Array | undefined, toEnd: boolean): void {
    let page = this.#path[depth]
    const store = this.#store
    const { counts } = store
    store.counts = this.#counts
    try {
      for (let at = depth; page.level > 0; at++) {
        page = store.child(page, this.#slots[at])
        this.#path[at + 1] = page
        if (page.level > 0) this.#slots[at + 1] = this.#slotOf(page, at + 1, target, toEnd)
      }
    } finally {
      // The cursor counts only its own reads.
      store.counts = counts
    }
    this.#enter(page)
  }

  /** Which child of a branch leads on. */
  #slotOf(branch: Page, depth: number, target: Uint8Array | undefined, toEnd: boolean): number {
    const { count } = branch.block!
    const slot = target === undefined ? (toEnd ? count - 1 : 0) : Math.max(0, branch.block!.floor(target, 0, target.length))
    const { trace } = this.#store
    if (trace !== null) trace.visited(branch, depth, slot)
    return slot
  }

  #enter(leaf: Page): void {
    leaf.pins++
    this.#leaf = leaf
    const block = leaf.block!
    const { lower, upper } = this.#range
    this.#block = block
    this.#from = lower === undefined ? 0 : block.lowerBound(lower, 0, lower.length)
    this.#to = upper === undefined ? block.count : block.lowerBound(upper, 0, upper.length)
    const { trace } = this.#store
    if (trace !== null) trace.visited(leaf, this.#path.length - 1, this.#from)
    const { prefixLength } = block
    if (this.#keyBytes.length < prefixLength + 64) this.#keyBytes = new Uint8Array(2 * prefixLength + 64)
    this.#keyBytes.set(block.bytes.subarray(block.prefixStart, block.prefixStart + prefixLength))
  }

  /** The cursor is on no entry and pins no leaf. */
  #leave(): false {
    if (this.#leaf !== undefined) this.#leaf.pins--
    this.#leaf = this.#block = undefined
    return (this.valid = false)
  }

  /** Shows the entry at the index, or if it has expired the next one in a direction that has not. */
  #show(by: 1 | -1): boolean {
    this.#block!.readCell(this.#index, this.#cell)
    return this.#cell.expires && this.#hasExpired() && !this.#passExpired(by) ? this.#leave() : this.#showCell()
  }

  /** Moves to the next entry in a direction that has not expired; false if there is none. */
  #passExpired(by: 1 | -1): boolean {
    for (;;) {
      this.#index += by
      const isWithin = this.#index < this.#to && this.#index >= this.#from
      if (!isWithin && !(by > 0 ? this.#toNextLeaf() : this.#toLeafBefore())) return false
      this.#block!.readCell(this.#index, this.#cell)
      if (!this.#cell.expires || !this.#hasExpired()) return true
    }
  }

  #hasExpired(): boolean {
    return readExpiry(this.#block!.bytes, this.#cell.payloadStart) <= this.#time
  }

  #showCell(): true {
    const block = this.#block!
    const cell = this.#cell
    const { suffixStart, payloadStart } = cell
    const { bytes, prefixLength } = block
    if (prefixLength === 0) {
      this.key.set(bytes, suffixStart, payloadStart)
    } else {
      const length = prefixLength + payloadStart - suffixStart
      if (length > this.#keyBytes.length) this.#growKey(length, prefixLength)
      const key = this.#keyBytes
      for (let from = suffixStart, to = prefixLength; from < payloadStart; from++, to++) key[to] = bytes[from]
      this.key.set(key, 0, length)
    }
    this.value.set(bytes, cell.valueStart, cell.payloadEnd)
    this.#counts.operations++
    return (this.valid = true)
  }

  #growKey(length: number, prefixLength: number): void {
    const grown = new Uint8Array(length * 2)
    grown.set(this.#keyBytes.subarray(0, prefixLength))
    this.#keyBytes = grown
  }

  #loaded(page: Page): Page {
    if (page.block !== undefined) return page
    const store = this.#store
    const { counts } = store
    store.counts = this.#counts
    try {
      return store.loaded(page)
    } finally {
      store.counts = counts
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw new MisuseError('LEVEL_CURSOR_CLOSED', 'The cursor is closed; open another one')
  }
}

function notOnAnEntry(method: string): MisuseError {
  return new MisuseError('LEVEL_CURSOR_NOT_VALID', `${method}() needs a cursor that is on an entry; call first, last or seek before`)
}
