/**
 * The pages of the present B+tree by level, in the order of their keys: how full each is and where it lies, the path of the last operation,
 * and the last split, spread or merge.
 *
 * Invariant: the counts of each level are those of `BtreeShapeFold`; pages that no event has named yet are part of the counts only.
 */
import { BRANCH_PAGES, BtreeShapeFold, type FoldedBtreeShape } from 'kvarium/btree'
import { PageOrder, type PageState } from 'kvarium/observe'
import type { EventOf, TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'
import { keyText } from './key-text.js'

export interface PagePicture {
  readonly page: number
  readonly state: PageState
  /** In the leaf or branch itself; absent until an event says it. */
  readonly entries?: number
  /** Used bytes ÷ bytes of the page. */
  readonly fill?: number
  /** The page whose place it took. */
  readonly copyOf?: number
  /** Where the path of the last operation led on, or where its key is or would be. */
  readonly slot?: number
  /** The present event is about it. */
  readonly isTouched?: true
}

export interface PageLevelPicture {
  /** 0 is the root. */
  readonly depth: number
  /** All pages of the level, and their bytes. */
  readonly pages: number
  readonly bytes: number
  /** Pages that come before and after those that are drawn. */
  readonly before: number
  readonly drawn: readonly PagePicture[]
  readonly after: number
  /** Pages that no event since the opening has named. */
  readonly unnamed: number
}

export interface VisitPicture {
  readonly page: number
  readonly depth: number
  readonly slot: number
  readonly entries: number
}

/** Pages that shared their entries anew. */
export interface SharingPicture {
  readonly kind: 'split' | 'spread' | 'merge'
  readonly rule?: string
  /** Number of the operation in the trace; 0 for the background. */
  readonly operation: number
  readonly isLeaf: boolean
  /** `entries` is absent where no event has said it. */
  readonly before: readonly { readonly page: number; readonly entries?: number }[]
  readonly after: readonly { readonly page: number; readonly entries?: number }[]
  /** Between the pages after. */
  readonly separators: readonly string[]
}

export interface RootPicture {
  readonly page: number
  readonly height: number
  /** The height before it changed last. */
  readonly heightBefore?: number
  readonly operation: number
}

export interface PagesPicture {
  readonly shape: FoldedBtreeShape
  /** From the root down. */
  readonly levels: readonly PageLevelPicture[]
  /** The way of the last operation, from the root down. */
  readonly path: readonly VisitPicture[]
  readonly sharing?: SharingPicture
  readonly root?: RootPicture
  /** Pages that are in the tree no more and that a snapshot, a cursor or the meta page on disk still holds; the newest first. */
  readonly shadowed: { readonly count: number; readonly pages: readonly { readonly page: number; readonly by?: number }[] }
}

/** Pages of a level that are drawn at most. */
const MOST_DRAWN = 200
const MOST_SHADOWED = 8

export class PagesFold implements Fold<PagesPicture> {
  #shape = new BtreeShapeFold()
  #unitBytes = 0
  #order = new PageOrder()
  #operation = 0
  /** By level: the last visit of the present operation. */
  #path: (VisitPicture | undefined)[] = []
  #sharing: SharingPicture | undefined
  #root: RootPicture | undefined
  #touched: readonly number[] = []

  apply(event: TraceEvent): void {
    const heightBefore = this.#order.height
    this.#shape.apply(event)
    this.#order.apply(event)
    if (this.#touched.length > 0) this.#touched = []
    switch (event.type) {
      case 'job.begin':
        if (event.kind === 'open') this.#reset()
        break
      case 'meta.read':
        this.#unitBytes = event.unitBytes
        break
      case 'operation.begin':
        this.#operation = event.operation
        this.#path = []
        break
      case 'page.new':
        this.#create(event)
        break
      case 'page.change':
        this.#change(event)
        break
      case 'page.resize':
      case 'page.write':
      case 'page.clean':
      case 'page.drop':
      case 'page.free':
        this.#touched = [event.page]
        break
      case 'page.visit':
        this.#visit(event)
        break
      case 'page.split':
        this.#split(event)
        break
      case 'page.spread':
        this.#spread(event)
        break
      case 'page.merge':
        this.#merge(event)
        break
      case 'tree.ingest':
        this.#path = []
        break
      case 'root.change':
        this.#changeRoot(event, heightBefore)
        break
      default:
        break
    }
  }

  clone(): PagesFold {
    const clone = new PagesFold()
    clone.#shape = this.#shape.clone()
    clone.#unitBytes = this.#unitBytes
    clone.#order = this.#order.clone()
    clone.#operation = this.#operation
    clone.#path = [...this.#path]
    clone.#sharing = this.#sharing
    clone.#root = this.#root
    clone.#touched = this.#touched
    return clone
  }

  picture(): PagesPicture {
    const shape = this.#shape.shape()
    const { shadowed } = this.#order
    const newest = [...shadowed].slice(-MOST_SHADOWED).reverse()
    return {
      shape,
      levels: shape.tree.map(({ depth, pages, bytes }) => this.#level(depth, pages, bytes)),
      path: this.#path.filter(visit => visit !== undefined).reverse(),
      ...(this.#sharing !== undefined && { sharing: this.#sharing }),
      ...(this.#root !== undefined && { root: this.#root }),
      shadowed: { count: shadowed.size, pages: newest.map(([page, by]) => ({ page, ...(by !== undefined && { by }) })) },
    }
  }

  #level(depth: number, pages: number, bytes: number): PageLevelPicture {
    const order = this.#order
    const level = order.height - 1 - depth
    const nodes = order.level(level)
    const visited = this.#path[level]?.page
    const focus = visited ?? this.#touched.find(page => order.page(page)?.level === level)
    const at = focus === undefined ? 0 : nodes.indexOf(order.page(focus)?.node ?? -1)
    const from = Math.max(0, Math.min(at - MOST_DRAWN / 2, nodes.length - MOST_DRAWN))
    const drawn = nodes.slice(from, from + MOST_DRAWN).map(node => this.#page(order.node(node)!.page))
    return {
      depth,
      pages,
      bytes,
      before: from,
      drawn,
      after: nodes.length - from - drawn.length,
      unnamed: Math.max(0, pages - nodes.length),
    }
  }

  #page(number: number): PagePicture {
    const { state, level, units = level === 0 ? 1 : BRANCH_PAGES, entries, usedBytes, created } = this.#order.page(number)!
    const copyOf = created?.copyOf
    const visit = this.#path[level]
    return {
      page: number,
      state,
      ...(entries !== undefined && { entries }),
      ...(usedBytes !== undefined && { fill: usedBytes / (units * this.#unitBytes) }),
      ...(copyOf !== undefined && { copyOf }),
      ...(visit?.page === number && { slot: visit.slot }),
      ...(this.#touched.includes(number) && { isTouched: true }),
    }
  }

  #reset(): void {
    this.#path = []
    this.#sharing = this.#root = undefined
    this.#operation = 0
  }

  #create({ page, level, copyOf }: EventOf<'page.new'>): void {
    this.#touched = [page]
    const visit = this.#path[level]
    if (copyOf !== undefined && visit?.page === copyOf) this.#path[level] = { ...visit, page }
  }

  #change({ page, entries, operation }: EventOf<'page.change'>): void {
    this.#touched = [page]
    const sharing = this.#sharing
    if (sharing?.kind !== 'merge' || sharing.operation !== operation) return
    this.#sharing = {
      ...sharing,
      after: sharing.after.map(each => (each.page === page && !('entries' in each) ? { page, entries } : each)),
    }
  }

  #visit({ page, depth, slot, entries, operation }: EventOf<'page.visit'>): void {
    if (operation > 0 && operation === this.#operation) this.#path[this.#order.visitedLevel] = { page, depth, slot, entries }
    this.#touched = [page]
  }

  #split({ page, into, separators, entries, rule, operation }: EventOf<'page.split'>): void {
    const before = [this.#counted(page)]
    this.#share({
      kind: 'split',
      rule,
      operation,
      isLeaf: this.#order.page(page)?.level === 0,
      before,
      after: pair(into, entries),
      separators: texts(separators),
    })
  }

  #spread({ pages, into, separators, entries, operation }: EventOf<'page.spread'>): void {
    const before = pages.map(page => this.#counted(page))
    this.#share({ kind: 'spread', operation, isLeaf: true, before, after: pair(into, entries), separators: texts(separators) })
  }

  #merge({ pages, into, rule, operation }: EventOf<'page.merge'>): void {
    const before = pages.map(page => this.#counted(page))
    const isLeaf = this.#order.page(pages[0])?.level === 0
    this.#share({ kind: 'merge', rule, operation, isLeaf, before, after: into.map(page => ({ page })), separators: [] })
  }

  #share(sharing: SharingPicture): void {
    this.#sharing = sharing
    this.#touched = [...sharing.before, ...sharing.after].map(({ page }) => page)
  }

  #counted(page: number): { readonly page: number; readonly entries?: number } {
    const entries = this.#order.page(page)?.entries
    return { page, ...(entries !== undefined && { entries }) }
  }

  #changeRoot({ page, height, operation }: EventOf<'root.change'>, before: number): void {
    const heightBefore = before === height ? this.#root?.heightBefore : before || undefined
    const since = before === height ? (this.#root?.operation ?? operation) : operation
    this.#root = { page, height, operation: since, ...(heightBefore !== undefined && { heightBefore }) }
    this.#touched = [page]
  }
}

function pair(pages: readonly number[], entries: readonly number[]): { readonly page: number; readonly entries?: number }[] {
  return pages.map((page, index) => ({ page, ...(entries[index] !== undefined && { entries: entries[index] }) }))
}

function texts(keys: readonly Uint8Array[]): string[] {
  return keys.map(keyText)
}
