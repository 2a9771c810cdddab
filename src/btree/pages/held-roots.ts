/**
 * Which versions of the tree somebody still needs, and when a page that left the tree is needed by nobody.
 *
 * Every root that is held (by snapshots and cursors, by the checkpoint under way, by the meta page on disk) ends a generation. A page made
 * in generation b that left the tree in generation d is reached by the held roots of generations [b, d) and by no other.
 *
 * Invariants:
 * 1. `held` ascends by generation, and the generation under way is higher than all of them.
 * 2. A page that was born after the newest held root is reached by none: it may be changed in place. When it leaves the tree, it is free.
 * 3. Any other page that leaves the tree waits in `dead` of the newest held root. When that root is let go, the page moves to the root
 *    before, unless it was born later: then nobody needs it any more. So `dead` of a root holds what left the tree after it, and before
 *    the next held root.
 */
import type { NextSlice } from '../../engine/durable/slices.js'
import type { Page } from './page.js'
import type { PageTrace } from './page-trace.js'

const PAGES_A_SLICE = 1024

export class HeldRoot {
  readonly generation: number
  readonly root: Page
  readonly dead: Page[] = []
  holders = 0
  /** Holders that read pages: snapshots and cursors. The others need only what is on disk, or still dirty. */
  readers = 0

  constructor(generation: number, root: Page) {
    this.generation = generation
    this.root = root
  }
}

export class HeldRoots {
  /** The one under way: new pages are born in it. */
  generation = 1
  /** Pages born up to here are reached by a held root. */
  frozen = 0
  /** Pages born up to here may be reached by a reader's root; -1 while there are no readers. */
  readerFrozen = -1
  readonly #held: HeldRoot[] = []
  readonly #onFree: (page: Page) => void
  readonly #trace: PageTrace | null

  constructor(onFree: (page: Page) => void, trace: PageTrace | null = null) {
    this.#onFree = onFree
    this.#trace = trace
  }

  get held(): readonly HeldRoot[] {
    return this.#held
  }

  /** Keeps the tree as it is now under this root. O(1). */
  hold(root: Page, reader: boolean): HeldRoot {
    let held = this.#held.at(-1)
    if (held?.root !== root) {
      held = new HeldRoot(this.generation++, root)
      this.#held.push(held)
      this.frozen = held.generation
      if (this.#trace !== null) this.#trace.held(root, held.generation, this.#held.length)
    }
    this.holdAgain(held, reader)
    return held
  }

  holdAgain(held: HeldRoot, reader: boolean): void {
    held.holders++
    if (!reader) return
    held.readers++
    if (held.generation > this.readerFrozen) this.readerFrozen = held.generation
  }

  release(held: HeldRoot, reader: boolean): void {
    held.holders--
    if (reader) this.#stopReading(held)
    if (held.holders > 0) return
    const index = this.#held.indexOf(held)
    const before = this.#held[index - 1]
    this.#held.splice(index, 1)
    this.frozen = this.#held.at(-1)?.generation ?? 0
    if (this.#trace !== null) this.#trace.released(held.root, held.generation, this.#held.length)
    for (const page of held.dead) this.#passOn(page, before)
  }

  /** `release` for a holder that reads nothing, in slices run by `slice`: what left the tree in its time may be thousands of pages. */
  async releaseSlowly(held: HeldRoot, turn: () => Promise<void>, slice: (work: () => void) => void): Promise<void> {
    while (held.holders === 1 && held !== this.#held.at(-1) && held.dead.length > 0) {
      const before = this.#held[this.#held.indexOf(held) - 1]
      slice(() => {
        for (let i = 0; i < PAGES_A_SLICE && held.dead.length > 0; i++) this.#passOn(held.dead.pop()!, before)
      })
      await turn()
    }
    slice(() => this.release(held, false))
  }

  /** `release` for a reader, in slices. Until it is done nobody else may come to hold this root. */
  async releaseInSlices(held: HeldRoot, nextSlice: NextSlice): Promise<void> {
    this.#stopReading(held)
    while (held.holders === 1 && held.dead.length > 0) {
      const before = this.#held[this.#held.indexOf(held) - 1]
      await nextSlice(() => {
        for (let i = 0; i < PAGES_A_SLICE && held.dead.length > 0; i++) this.#passOn(held.dead.pop()!, before)
      })
    }
    await nextSlice(() => this.release(held, false))
  }

  #stopReading(held: HeldRoot): void {
    if (--held.readers > 0 || held.generation !== this.readerFrozen) return
    this.readerFrozen = this.#held.findLast(other => other.readers > 0)?.generation ?? -1
  }

  #passOn(page: Page, before: HeldRoot | undefined): void {
    if (before !== undefined && isReachedFrom(before.generation, page)) before.dead.push(page)
    else this.#onFree(page)
  }

  /** A page has left the tree. */
  kill(page: Page): void {
    page.dead = true
    const newest = this.#held.at(-1)
    if (newest !== undefined && isReachedFrom(newest.generation, page)) newest.dead.push(page)
    else this.#onFree(page)
  }
}

/** Whether a root of that generation may reach the page, or something under it: a subtree has pages that are older than its top. */
function isReachedFrom(generation: number, page: Page): boolean {
  return page.whole || page.born <= generation
}
