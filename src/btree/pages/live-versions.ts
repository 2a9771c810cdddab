/**
 * The live versions of the tree, and the pages that left the tree and are still pending: a page is free once no live version reaches it.
 *
 * A version is a root that is held: by snapshots and cursors, by the checkpoint under way, by the meta page on disk. Holding a root ends a
 * generation. A page made in generation b that left the tree in generation d is reached by the versions of generations [b, d) and by no
 * other.
 *
 * Invariants:
 * 1. `live` ascends by generation, and the generation under way is higher than all of them.
 * 2. A page that was born after the newest live version is shared with none: it may be changed in place. When it leaves the tree, it is
 *    free.
 * 3. Any other page that leaves the tree goes to `pendingFree` of the newest live version. When that version is released, the page moves to
 *    the version before, unless it was born later: then it is free. So `pendingFree` of a version holds what left the tree after that
 *    version and before the next one.
 */
import type { NextSlice } from '../../engine/slices.js'
import type { LeftPage } from './former-page.js'
import type { Page } from './page.js'
import type { PageTrace } from './page-trace.js'

const PAGES_A_SLICE = 1024

export class LiveVersion {
  readonly generation: number
  readonly root: Page
  readonly pendingFree: LeftPage[] = []
  holders = 0
  /** Holders that read pages: snapshots and cursors. The others need only what is on disk, or still dirty. */
  readers = 0

  constructor(generation: number, root: Page) {
    this.generation = generation
    this.root = root
  }
}

export class LiveVersions {
  /** The generation under way: new pages are born in it. */
  generation = 1
  /** A live version reaches pages born up to here: they are copied on write. */
  sharedUpTo = 0
  /** A version with readers may reach pages born up to here; -1 while there are no readers. */
  readUpTo = -1
  /** Called when the last reader has gone. */
  onUnread: (() => void) | undefined
  readonly #live: LiveVersion[] = []
  readonly #onFree: (page: LeftPage) => void
  readonly #trace: PageTrace | null

  constructor(onFree: (page: LeftPage) => void, trace: PageTrace | null = null) {
    this.#onFree = onFree
    this.#trace = trace
  }

  get live(): readonly LiveVersion[] {
    return this.#live
  }

  /** Holds the tree under this root as it is now. O(1). */
  hold(root: Page, reader: boolean): LiveVersion {
    let version = this.#live.at(-1)
    if (version?.root !== root) {
      version = new LiveVersion(this.generation++, root)
      this.#live.push(version)
      this.sharedUpTo = version.generation
      if (this.#trace !== null) this.#trace.held(root, version.generation, this.#live.length)
    }
    this.retain(version, reader)
    return version
  }

  /** Adds a holder to a live version. */
  retain(version: LiveVersion, reader: boolean): void {
    version.holders++
    if (!reader) return
    version.readers++
    if (version.generation > this.readUpTo) this.readUpTo = version.generation
  }

  release(version: LiveVersion, reader: boolean): void {
    version.holders--
    if (reader) this.#stopReading(version)
    if (version.holders === 0) this.#end(version)
    if (reader && this.readUpTo === -1) this.onUnread?.()
  }

  #end(version: LiveVersion): void {
    const index = this.#live.indexOf(version)
    const before = this.#live[index - 1]
    this.#live.splice(index, 1)
    this.sharedUpTo = this.#live.at(-1)?.generation ?? 0
    if (this.#trace !== null) this.#trace.released(version.root, version.generation, this.#live.length)
    for (const page of version.pendingFree) this.#passOn(page, before)
  }

  /** `release` for a holder that reads nothing, in slices run by `slice`: thousands of pages may be pending. */
  async releaseInTurns(version: LiveVersion, turn: () => Promise<void>, slice: (work: () => void) => void): Promise<void> {
    while (version.holders === 1 && version !== this.#live.at(-1) && version.pendingFree.length > 0) {
      slice(() => this.#passOnSlice(version))
      await turn()
    }
    slice(() => this.release(version, false))
  }

  /** `release` for a reader, in slices. No other holder may join the version before this resolves. */
  async releaseInSlices(version: LiveVersion, nextSlice: NextSlice): Promise<void> {
    this.#stopReading(version)
    while (version.holders === 1 && version.pendingFree.length > 0) await nextSlice(() => this.#passOnSlice(version))
    await nextSlice(() => this.release(version, false))
  }

  #stopReading(version: LiveVersion): void {
    if (--version.readers > 0 || version.generation !== this.readUpTo) return
    this.readUpTo = this.#live.findLast(other => other.readers > 0)?.generation ?? -1
  }

  #passOnSlice(version: LiveVersion): void {
    const before = this.#live[this.#live.indexOf(version) - 1]
    for (let i = 0; i < PAGES_A_SLICE && version.pendingFree.length > 0; i++) this.#passOn(version.pendingFree.pop()!, before)
  }

  #passOn(page: LeftPage, before: LiveVersion | undefined): void {
    if (before !== undefined && isReachedFrom(before.generation, page)) before.pendingFree.push(page)
    else this.#onFree(page)
  }

  /** A page has left the tree: it is free once no live version reaches it. */
  retire(page: Page): void {
    page.retired = true
    this.retireFormer(page)
  }

  /** `retire` for what is left of a page. */
  retireFormer(page: LeftPage): void {
    const newest = this.#live.at(-1)
    if (newest !== undefined && isReachedFrom(newest.generation, page)) newest.pendingFree.push(page)
    else this.#onFree(page)
  }
}

/** Whether a version of that generation may reach the page, or something under it: a subtree has pages that are older than its top. */
function isReachedFrom(generation: number, page: LeftPage): boolean {
  return page.whole || page.born <= generation
}
