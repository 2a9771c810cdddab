/**
 * Subtrees that left the tree as a whole. Their extents are known only from their branches: the next checkpoint reads these, in slices, so
 * that clearing a range does not wait for a walk over it.
 */
import { Cell } from '../../codec/sorted-block.js'
import { MutableBlock } from '../../codec/mutable-block.js'
import { withSpan, type Span } from '../../trace/span.js'
import type { Scheduler } from '../../vfs/environment.js'
import type { FreeSpace } from './free-space.js'
import type { LevelCounts } from './level-counts.js'
import type { LeftPage } from './former-page.js'
import type { Page } from './page.js'
import type { PageFile } from './page-file.js'
import type { PageStore } from './page-store.js'
import { Reference } from './reference.js'

const ENTRIES_A_TURN = 4096

interface Branch {
  readonly level: number
  readonly place: Pick<Page, 'offset' | 'units' | 'check'>
}

export class DroppedSubtrees {
  readonly #file: PageFile
  readonly #free: FreeSpace
  readonly #scheduler: Scheduler
  readonly #cell = new Cell()
  readonly #reference = new Reference()
  /** Tops of subtrees that no version reaches and that have not been walked. */
  readonly #waiting: Page[] = []
  #store: PageStore | undefined
  #levels: LevelCounts | undefined
  /** Branches that could not be read: the space of the pages below is lost. */
  lostBranches = 0

  constructor(file: PageFile, free: FreeSpace, scheduler: Scheduler) {
    this.#file = file
    this.#free = free
    this.#scheduler = scheduler
  }

  /** The counts to take walked pages from. */
  attach(store: PageStore, levels: LevelCounts): void {
    this.#store = store
    this.#levels = levels
  }

  /** Whether the counts are behind: subtrees wait to be walked, among these pending pages or otherwise, or could not be read. */
  isBehind(pending: readonly LeftPage[]): boolean {
    return this.lostBranches > 0 || this.#waiting.length > 0 || pending.some(page => page.whole && page.extents === undefined)
  }

  /** No version reaches the page any more: its extents become free, once they are known. */
  release(page: LeftPage): void {
    this.#store!.discard(page)
    if (page.whole && page.extents === undefined) this.#waiting.push(page)
    else this.#freeExtents(page)
  }

  #freeExtents(page: LeftPage): void {
    if (page.offset > 0) this.#free.free(page.offset, page.units)
    const { extents } = page
    for (let i = 0; i < (extents?.length ?? 0); i += 2) this.#free.free(extents![i], extents![i + 1])
  }

  /** Walks the subtrees among the pending pages, and those that wait to be freed. Takes their pages from `levels`, too. */
  async walk(pending: readonly LeftPage[], levels: LevelCounts, span: Span | null): Promise<void> {
    let sinceTurn = 0
    for (const page of pending) {
      if (++sinceTurn % ENTRIES_A_TURN === 0) await this.#scheduler.turn()
      if (page.whole && page.extents === undefined) await this.#walk(page, levels, span)
    }
    for (let page = this.#waiting.pop(); page !== undefined; page = this.#waiting.pop()) {
      if (page.extents === undefined) await this.#walk(page, levels, span)
      withSpan(span, () => this.#freeExtents(page))
    }
  }

  async #walk(top: Page, levels: LevelCounts, span: Span | null): Promise<void> {
    const extents: number[] = []
    const branches: Branch[] = [{ level: top.level, place: top }]
    withSpan(span, () => this.#count(top.level, top, levels))
    let sinceTurn = 0
    for (let branch = branches.pop(); branch !== undefined; branch = branches.pop()) {
      sinceTurn += withSpan(span, () => this.#enter(branch, branches, extents, levels))
      if (sinceTurn < ENTRIES_A_TURN) continue
      sinceTurn = 0
      await this.#scheduler.turn()
    }
    top.extents = extents
  }

  /** Adds the pages below a branch to `extents`, and the branches among them to `branches`. Returns how many pages there are. */
  #enter({ level, place }: Branch, branches: Branch[], extents: number[], levels: LevelCounts): number {
    const block = this.#read(place)
    if (block === undefined) return 0
    for (let slot = 0; slot < block.count; slot++) {
      block.readCell(slot, this.#cell)
      const { offset, units, check } = this.#reference.read(block.bytes, this.#cell.payloadStart)
      extents.push(offset, units)
      this.#count(level - 1, { offset, units }, levels)
      if (level > 1) branches.push({ level: level - 1, place: { offset, units, check } })
    }
    return block.count
  }

  /** Takes a page of a subtree from the counts. */
  #count(level: number, { offset, units }: Pick<Page, 'offset' | 'units'>, levels: LevelCounts): void {
    for (const each of [levels, this.#levels!]) each.remove({ level, units })
    const { trace } = this.#store!
    if (trace !== null) trace.droppedAt(offset, level, this.#file.contentUnits(units))
  }

  #read(place: Branch['place']): MutableBlock | undefined {
    const bytes = new Uint8Array(place.units * this.#file.unitBytes)
    try {
      this.#file.read(place, bytes)
      return new MutableBlock(bytes, bytes.length, this.#file.path, place.offset * this.#file.unitBytes)
    } catch {
      this.lostBranches++
      return undefined
    }
  }
}
