/** Makes pages more: what a page has no room for goes into new ones beside it, and above a root that was split comes another one. */
import type { Page } from '../pages/page.js'
import type { AddedEntry, PageBuilder, Split } from './page-builder.js'
import type { Tree } from './tree.js'

export class Growth {
  readonly #tree: Tree
  readonly #builder: PageBuilder

  constructor(tree: Tree, builder: PageBuilder) {
    this.#tree = tree
    this.#builder = builder
  }

  /**
   * Rewrites a dirty page with a new entry (or with another value of one) that it has no room for, in as many pages as it takes. `rightmost`:
   * the entry is the last one of the tree.
   */
  overflow(page: Page, added: AddedEntry, rightmost: boolean): void {
    const tree = this.#tree
    const { generation } = tree.held
    const before = page.units
    const wasRoot = page === tree.root
    const next = rightmost && before === 1 ? this.#builder.follow(page, added, generation) : undefined
    const split = next ?? this.#builder.rewrite(page, added, rightmost, generation)
    const { pages } = split
    tree.levels.resize(page.level, page.units - before)
    if (pages.length > 0 && wasRoot) this.#addRoot(page)
    // From the last to the first, so that until a page has its place its entries are counted in the one next to that place.
    for (let i = pages.length - 1; i >= 0; i--) {
      const { separator, page: right } = pages[i]
      page.entries -= right.entries
      page.liveBytes -= right.liveBytes
      tree.enter(right)
      tree.insertChild(page.level + 1, separator, right)
    }
    this.#tell(page, split)
  }

  #addRoot(child: Page): void {
    const tree = this.#tree
    const root = tree.store.create(child.level + 1, tree.held.generation, 0)
    root.entries = child.entries
    root.liveBytes = child.liveBytes
    this.#builder.addFirstChild(root, child)
    tree.enter(root)
    tree.replaceRoot(root)
  }

  #tell(page: Page, { pages, rule }: Split): void {
    const { trace } = this.#tree.store
    if (trace === null) return
    const all = [page, ...pages.map(split => split.page)]
    const separators = pages.map(({ separator }) => separator)
    if (pages.length > 0) trace.split(all, separators, rule)
    for (const each of all) trace.changed(each)
  }
}
