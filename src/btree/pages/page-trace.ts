/**
 * Emits the events of pages and of the units they occupy. The tree, the page store and the page writer hold one, or null without a
 * listener.
 *
 * Invariants:
 * 1. A page (a copy is another page) gets a number with its first event and keeps it until its place in the file is free, or until it is
 *    discarded if it has none. Numbers start at 1 with every open.
 * 2. An event is emitted after it has happened; its numbers are as of the event.
 */
import type { Tracer } from '../../trace/span.js'
import type { LevelCounts } from './level-counts.js'
import type { LeftPage } from './former-page.js'
import type { Page } from './page.js'
import type { SplitRule } from '../tree/split.js'

export class PageTrace {
  readonly #io: Tracer
  readonly #step: Tracer | null
  #last = 0
  /** Numbers of pages on disk, by offset: their objects come and go with their parents. */
  readonly #numbers = new Map<number, number>()

  private constructor(io: Tracer) {
    this.#io = io
    this.#step = io.at('step')
  }

  /** Null if the trace records no pages. */
  static of(trace: Tracer | undefined): PageTrace | null {
    const io = trace?.trace.at('io') ?? null
    return io === null ? null : new PageTrace(io)
  }

  numberOf(page: Pick<Page, 'number' | 'offset'>): number {
    if (page.number === 0) page.number = page.offset > 0 ? this.#numberAt(page.offset) : ++this.#last
    return page.number
  }

  /** A search stands on a page. `slot` leads on, or is where the key is or would be. */
  visited(page: Page, depth: number, slot: number): void {
    if (this.#step === null) return
    this.#step.emit({ type: 'page.visit', page: this.numberOf(page), depth, slot, entries: page.block!.count })
  }

  hit(page: Page): void {
    this.#io.emit({ type: 'cache.hit', ...this.#cached(page) })
  }

  missed(page: Page): void {
    this.#io.emit({ type: 'cache.miss', ...this.#cached(page) })
  }

  kept(page: Page): void {
    this.#io.emit({ type: 'cache.add', ...this.#cached(page) })
  }

  leftCache(page: Page): void {
    this.#io.emit({ type: 'cache.remove', ...this.#cached(page) })
  }

  created(page: Page, dirtyBytes: number, copyOf?: LeftPage): void {
    const { level, units, entries, liveBytes } = page
    const original = copyOf === undefined ? {} : { copyOf: this.numberOf(copyOf) }
    this.#io.emit({ type: 'page.new', page: this.numberOf(page), level, units, entries, liveBytes, dirtyBytes, ...original })
  }

  /** Entries were added, removed or changed. */
  changed(page: Page): void {
    const { level, block } = page
    this.#io.emit({ type: 'page.change', page: this.numberOf(page), level, entries: block!.count, usedBytes: block!.usedBytes })
  }

  resized(page: Page, from: number, dirtyBytes: number): void {
    const { level, units } = page
    this.#io.emit({ type: 'page.resize', page: this.numberOf(page), level, from, to: units, dirtyBytes })
  }

  /** `into` begins with the page that was split. */
  split(into: readonly Page[], separators: readonly Uint8Array[], rule: SplitRule): void {
    if (this.#step === null) return
    this.#step.emit({
      type: 'page.split',
      page: this.numberOf(into[0]),
      into: into.map(page => this.numberOf(page)),
      separators,
      entries: into.map(page => (page.level === 0 ? page.entries : page.block!.count)),
      rule,
    })
  }

  /** Two neighbours have become one, or the left one was filled up from the right one. */
  merged(left: Page, right: Page, rule: 'merge' | 'pack'): void {
    if (this.#step === null) return
    const pages = [this.numberOf(left), this.numberOf(right)]
    this.#step.emit({ type: 'page.merge', pages, into: rule === 'merge' ? pages.slice(0, 1) : pages, rule })
  }

  /** Leaves share their entries anew. `into` begins with all of them. */
  spread(pages: readonly Page[], into: readonly Page[], separators: readonly Uint8Array[]): void {
    if (this.#step === null) return
    const numbers = (list: readonly Page[]): number[] => list.map(page => this.numberOf(page))
    this.#step.emit({
      type: 'page.spread',
      pages: numbers(pages),
      into: numbers(into),
      separators,
      entries: into.map(({ entries }) => entries),
    })
  }

  wrote(page: Page): void {
    const { level, offset, units } = page
    this.#numbers.set(offset, this.numberOf(page))
    this.#io.emit({ type: 'page.write', page: page.number, level, offset, units })
  }

  /** A page was written that has no object. */
  wroteAt(offset: number, level: number, units: number): void {
    this.#io.emit({ type: 'page.write', page: this.#numberAt(offset), level, offset, units })
  }

  cleaned(page: Page, dirtyBytes: number): void {
    this.#io.emit({ type: 'page.clean', page: this.numberOf(page), dirtyBytes })
  }

  /** The contents of the page take `units`. */
  dropped(page: Page, units: number): void {
    const { level } = page
    this.#io.emit({ type: 'page.drop', page: this.numberOf(page), level, units })
  }

  /** A page of a subtree that left as a whole was met on the walk through it. */
  droppedAt(offset: number, level: number, units: number): void {
    this.#io.emit({ type: 'page.drop', page: this.#numberAt(offset), level, units })
  }

  droppedSubtree(page: Page): void {
    const { level, entries } = page
    this.#io.emit({ type: 'subtree.drop', page: this.numberOf(page), level, entries })
  }

  freed(page: LeftPage, dirtyBytes: number): void {
    this.#io.emit({ type: 'page.free', page: this.numberOf(page), dirtyBytes })
  }

  spaceTaken(offset: number, units: number, from: 'free' | 'end', freeUnits: number): void {
    this.#io.emit({ type: 'space.alloc', offset, units, from, freeUnits })
  }

  spaceFreed(offset: number, units: number, freeUnits: number): void {
    this.#numbers.delete(offset)
    this.#io.emit({ type: 'space.free', offset, units, freeUnits })
  }

  rootChanged(root: Page): void {
    this.#io.emit({ type: 'root.change', page: this.numberOf(root), height: root.level + 1, entries: root.entries })
  }

  held(root: Page, generation: number, held: number): void {
    this.#io.emit({ type: 'root.hold', page: this.numberOf(root), generation, held })
  }

  released(root: Page, generation: number, held: number): void {
    this.#io.emit({ type: 'root.release', page: this.numberOf(root), generation, held })
  }

  /** An ingest is in the tree, whose pages are counted anew. */
  ingested(root: Page, entrySequence: number, { pages, units }: LevelCounts): void {
    this.#io.emit({ type: 'tree.ingest', pages: [...pages], units: [...units] })
    this.rootChanged(root)
    this.treeChanged(root, entrySequence)
  }

  /** A batch is in the tree. */
  treeChanged({ entries, liveBytes }: Page, entrySequence: number): void {
    this.#io.emit({ type: 'tree.change', entries, liveBytes, entrySequence })
  }

  #numberAt(offset: number): number {
    let number = this.#numbers.get(offset)
    if (number === undefined) this.#numbers.set(offset, (number = ++this.#last))
    return number
  }

  /** There is one data file, which has no number. */
  #cached(page: Page): { readonly file: number; readonly id: number; readonly bytes: number } {
    return { file: page.tracedFile, id: this.numberOf(page), bytes: page.bytes }
  }
}
