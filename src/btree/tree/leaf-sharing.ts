/**
 * Shares the entries of neighbouring leaves, and a new one, among as many leaves or one more: see spread.ts.
 *
 * Invariants:
 * 1. The leaves are the writer's own and of the usual size. They keep their objects and their memory: blocks are built from copies in memory
 *    that is used again, and copied to their places. So a leaf that is shared again and again leaves nothing to the garbage collector.
 * 2. Nothing has changed if the entries do not fit.
 */
import { MutableBlock } from '../../codec/mutable-block.js'
import { BLOCK_HEADER_BYTES } from '../../codec/sorted-block.js'
import type { Page } from '../pages/page.js'
import type { PageStore } from '../pages/page-store.js'
import { EntryList, sharedBytes, type AddedEntry } from './entry-list.js'
import { cutEvenly } from './split.js'

/** Leaves that share their entries anew, and the separators between them. */
export interface Spread {
  /** The leaves that were there, and perhaps a new one behind them. */
  readonly pages: readonly Page[]
  /** One fewer than leaves. */
  readonly separators: readonly Uint8Array[]
}

const NO_BYTES = new Uint8Array(0)

export class LeafSharing {
  readonly #store: PageStore
  #memory = NO_BYTES
  readonly #sizes: number[] = []
  readonly #dataBytes: number[] = []

  constructor(store: PageStore) {
    this.#store = store
  }

  /**
   * Rewrites neighbouring leaves with a new entry that belongs into the leaf at `at`, as `count` leaves that are about equally full: the
   * given ones, and perhaps one behind them. `undefined` if that many do not hold the entries.
   */
  spread(leaves: readonly Page[], at: number, added: AddedEntry, count: number, born: number): Spread | undefined {
    const { pageBytes } = this.#store
    const blocks = this.#copies(leaves, count)
    const list = new EntryList(false)
    let place = 0
    for (const [i, block] of blocks.entries()) {
      const run = { block, children: undefined }
      if (i !== at) {
        list.addRun(run, 0, block.count)
        continue
      }
      list.addRun(run, 0, added.index)
      place = list.count
      list.addNew(added)
      list.addRun(run, added.replaces ? added.index + 1 : added.index, block.count)
    }
    const [lowest, highest] = [list.key(0), list.key(list.count - 1)]
    const prefixLength = sharedBytes(lowest, highest)
    list.measure(prefixLength, this.#sizes, this.#dataBytes)
    const starts = cutEvenly(this.#sizes, count, pageBytes - BLOCK_HEADER_BYTES - prefixLength)
    if (starts === undefined) return undefined
    const pages = leaves.slice()
    const separators: Uint8Array[] = []
    let first = lowest
    for (const [i, from] of starts.entries()) {
      const to = starts[i + 1] ?? list.count
      const last = i + 1 < count ? list.key(to - 1) : highest
      const fresh = this.#empty(leaves.length + i)
      list.fill(fresh, from, to, first.slice(0, sharedBytes(first, last)))
      const page = (pages[i] ??= this.#store.create(0, born, 0))
      this.#take(page, fresh, from, to)
      if (i < leaves.length && place >= from && place < to) page.lastInsert = place - from
      if (i + 1 === count) break
      first = list.key(to)
      separators.push(first.slice(0, sharedBytes(last, first) + 1))
    }
    return { pages, separators }
  }

  /** Copies of the leaves' blocks, with memory behind them for `count` more. */
  #copies(leaves: readonly Page[], count: number): MutableBlock[] {
    const { pageBytes } = this.#store
    const bytes = (leaves.length + count) * pageBytes
    if (this.#memory.length < bytes) this.#memory = new Uint8Array(bytes)
    return leaves.map(({ block }, i) => {
      const base = i * pageBytes
      this.#memory.set(block!.bytes.subarray(block!.base, block!.base + pageBytes), base)
      return MutableBlock.copy(block!, this.#memory, base)
    })
  }

  #empty(place: number): MutableBlock {
    const { pageBytes } = this.#store
    return MutableBlock.empty(this.#memory, (place + 1) * pageBytes, place * pageBytes)
  }

  /** Gives a leaf the entries `[from, to)` of the list, which the block has. */
  #take(leaf: Page, block: MutableBlock, from: number, to: number): void {
    leaf.block!.assign(block)
    leaf.lastInsert = -2
    leaf.entries = to - from
    leaf.liveBytes = 0
    for (let index = from; index < to; index++) leaf.liveBytes += this.#dataBytes[index]
  }
}
