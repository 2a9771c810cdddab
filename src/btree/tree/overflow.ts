/**
 * Splits pages: a page that has no room for an entry is rewritten in as many pages as it takes; a leaf first asks a neighbour, see spread.ts.
 * The new pages enter the branch above, which may overflow in turn; a root that was split gets another root above it.
 */
import type { Page } from '../pages/page.js'
import type { AddedEntry } from './entry-list.js'
import type { Split } from './page-builder.js'
import { spread, type Loose } from './spread.js'
import type { WritablePath } from './writable-path.js'

/** The page at the end of the path has no room for an entry, or for another value of one. */
export function overflow(path: WritablePath, added: AddedEntry): void {
  const page = path.end
  const { generation } = path.versions
  const before = page.units
  const wasRoot = page === path.root
  const rightmost = page.level === 0 && !added.replaces && added.index === page.block!.count && path.isRightmost
  const next = rightmost ? path.builder.follow(page, added, generation) : undefined
  if (next === undefined && page.level === 0 && path.builder.mustSplit(page, added, rightmost)) {
    const loose = spread(path, added)
    if (loose !== undefined) {
      enterAll(path, 1, loose)
      return
    }
  }
  const split = next ?? path.builder.rewrite(page, added, rightmost, generation)
  const { pages } = split
  path.levels.resize(page.level, page.units - before)
  if (pages.length > 0 && wasRoot) addRoot(path, page)
  const loose = pages.map(({ page: right, separator }) => ({ page: right, separator, left: page }))
  for (let i = loose.length - 1; i >= 0; i--) path.enter(loose[i].page)
  enterAll(path, page.level + 1, loose)
  emitSplit(path, page, split)
}

/** Enters pages into branches of `level`. */
function enterAll(path: WritablePath, level: number, loose: readonly Loose[]): void {
  // From the last to the first: the branch may be split meanwhile, and what a page counts for another one must be under the same branch.
  for (let i = loose.length - 1; i >= 0; i--) {
    const { page, separator, left } = loose[i]
    left.entries -= page.entries
    left.liveBytes -= page.liveBytes
    insertChild(path, level, separator, page)
  }
}

const AN_ENTRY_OF_A_BRANCH = { expires: false, blank: undefined }

/** Enters a page into the branch of `level` where its separator belongs. */
export function insertChild(path: WritablePath, level: number, separator: Uint8Array, child: Page): void {
  const { builder, trace } = path
  const branch = path.descend(separator, 0, separator.length, level)
  const index = Math.max(0, branch.block!.floor(separator, 0, separator.length)) + 1
  if (builder.insertChild(branch, index, separator, child)) {
    if (trace !== null) trace.changed(branch)
    return
  }
  const { emptyReference: value } = builder
  const [end, valueEnd] = [separator.length, value.length]
  overflow(path, { index, replaces: false, key: separator, start: 0, end, value, valueStart: 0, valueEnd, ...AN_ENTRY_OF_A_BRANCH, child })
}

/** Puts a branch above the root. */
export function addRoot(path: WritablePath, child: Page): void {
  const root = path.store.create(child.level + 1, path.versions.generation, 0)
  root.entries = child.entries
  root.liveBytes = child.liveBytes
  path.builder.addFirstChild(root, child)
  path.enter(root)
  path.replaceRoot(root)
}

/** Emits a split: `page` and those that were split off are in the tree. */
export function emitSplit({ trace }: WritablePath, page: Page, { pages, rule }: Split): void {
  if (trace === null) return
  const all = [page, ...pages.map(split => split.page)]
  const separators = pages.map(({ separator }) => separator)
  if (pages.length > 0) trace.split(all, separators, rule)
  for (const each of all) if (each.block !== undefined) trace.changed(each)
}
